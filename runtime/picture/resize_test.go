package picture

import (
	"bytes"
	"fmt"
	"math"
	"math/rand"
	"testing"
)

// TestResize compares Resize with its equation in floating point, for all sizes up to 9 and some large ones.
func TestResize(t *testing.T) {
	r := rand.New(rand.NewSource(80))
	axis := func(in []float64, m int) []float64 {
		n := len(in)
		out := make([]float64, m)
		for i := range out {
			sum, total := 0.0, 0.0
			for k, v := range in {
				w := max(0, 2*float64(max(n, m))-math.Abs(float64((2*k+1)*m-(2*i+1)*n)))
				sum, total = sum+w*v, total+w
			}
			out[i] = math.Floor(sum/total + 0.5)
		}
		return out
	}
	sizes := [][4]int{{1, 1, 40, 3}, {480, 3, 7, 96}, {33, 640, 1, 96}, {100, 100, 99, 101}}
	for range 300 {
		sizes = append(sizes, [4]int{1 + r.Intn(9), 1 + r.Intn(9), 1 + r.Intn(9), 1 + r.Intn(9)})
	}
	for _, s := range sizes {
		from, to := [2]int{s[0], s[1]}, [2]int{s[2], s[3]}
		channels := 1 + r.Intn(3)
		src := make([]byte, channels*from[0]*from[1])
		r.Read(src)
		got := make([]byte, channels*to[0]*to[1])
		if err := Resize(got, src, channels, from, to); err != nil {
			t.Fatal(err)
		}
		want := make([]byte, len(got))
		for c := range channels {
			between := make([][]float64, from[0])
			for y := range between {
				line := make([]float64, from[1])
				for x := range line {
					line[x] = float64(src[(c*from[0]+y)*from[1]+x])
				}
				between[y] = axis(line, to[1])
			}
			for x := range to[1] {
				column := make([]float64, from[0])
				for y := range column {
					column[y] = between[y][x]
				}
				for y, v := range axis(column, to[0]) {
					want[(c*to[0]+y)*to[1]+x] = byte(v)
				}
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d channels of %v to %v: %v becomes %v, want %v", channels, from, to, src, got, want)
		}
	}
}

// TestResizeKeeps wants a plain picture to stay plain, and one of the same size to stay as it is.
func TestResizeKeeps(t *testing.T) {
	src := bytes.Repeat([]byte{255}, 640*480)
	dst := make([]byte, 96*96)
	if err := Resize(dst, src, 1, [2]int{480, 640}, [2]int{96, 96}); err != nil || !bytes.Equal(dst, src[:len(dst)]) {
		t.Errorf("white becomes %v (%v)", dst[:20], err)
	}
	rand.New(rand.NewSource(81)).Read(src[:96*96])
	if err := Resize(dst, src[:96*96], 1, [2]int{96, 96}, [2]int{96, 96}); err != nil || !bytes.Equal(dst, src[:96*96]) {
		t.Errorf("a picture of the same size changes (%v)", err)
	}
}

func TestResizeRefuses(t *testing.T) {
	for _, s := range [][2][2]int{{{0, 4}, {2, 2}}, {{2, 2}, {0, 4}}, {{2, 2}, {2, 3}}, {{1, MaxSide + 1}, {2, 2}}} {
		if err := Resize(make([]byte, 4), make([]byte, 4), 1, s[0], s[1]); err == nil {
			t.Errorf("%v: no error", s)
		}
	}
}

func BenchmarkResize(b *testing.B) {
	for _, to := range [][2]int{{96, 96}, {224, 224}} {
		b.Run(fmt.Sprint(to), func(b *testing.B) {
			src, dst := make([]byte, 3*480*640), make([]byte, 3*to[0]*to[1])
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if err := Resize(dst, src, 3, [2]int{480, 640}, to); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
