package kernel

import (
	"math/rand"
	"slices"
	"testing"
)

// TestMatMul compares products with multiplications, for all kinds of step functions, with guard elements behind the results.
func TestMatMul(t *testing.T) {
	r := rand.New(rand.NewSource(47))
	for n := range 400 {
		l := MatMulLayer{Channels: 1 + r.Intn(3), Rows: 1 + r.Intn(5), Inner: 1 + r.Intn(9), Columns: 1 + r.Intn(40), Small: r.Intn(2) == 0}
		levelsA, levelsB := []int{2, 3, 32, 256}[n%4], []int{2, 17, 256}[n%3]
		l.ZeroA, l.ZeroB = r.Intn(levelsA), r.Intn(levelsB)
		for _, x := range []int{-l.ZeroA, levelsA - 1 - l.ZeroA} {
			for _, y := range []int{-l.ZeroB, levelsB - 1 - l.ZeroB} {
				l.Low, l.High = min(l.Low, int32(x*y*l.Inner)), max(l.High, int32(x*y*l.Inner))
			}
		}
		for range []int{0, 1, l.Channels}[r.Intn(3)] {
			s := Step{Values: []uint8{uint8(r.Intn(256))}}
			for at, count := l.Low+1, r.Intn(256); at <= l.High && len(s.Breaks) < count; at += 1 + int32(r.Intn(int(l.High-l.Low)/count+1)) {
				s.Breaks, s.Values = append(s.Breaks, at), append(s.Values, uint8(r.Intn(256)))
			}
			l.Steps = append(l.Steps, s)
		}
		a, b := fillRandom(r, l.Channels*l.Rows*l.Inner, levelsA), fillRandom(r, l.Channels*l.Inner*l.Columns, levelsB)
		sums := make([]int32, l.Channels*l.Rows*l.Columns)
		levels := make([]byte, len(sums))
		for i := range sums {
			row, x := i/l.Columns, i%l.Columns
			c := row / l.Rows
			for k := range l.Inner {
				sums[i] += (int32(a[row*l.Inner+k]) - int32(l.ZeroA)) * (int32(b[(c*l.Inner+k)*l.Columns+x]) - int32(l.ZeroB))
			}
			if len(l.Steps) > 0 {
				s := l.Steps[c%len(l.Steps)]
				levels[i] = s.Values[count(s.Breaks, sums[i])]
			}
		}
		for _, v := range Available() {
			k := NewMatMul(l, v)
			s := NewScratch(k.Need())
			if len(l.Steps) == 0 {
				got := make([]int32, len(sums)+1)
				if k.Run(nil, got[:len(sums)], a, b, s); !slices.Equal(got[:len(sums)], sums) || got[len(sums)] != 0 {
					t.Fatalf("%+v on %v: got %v, want %v", l, v, got, sums)
				}
				continue
			}
			got := make([]byte, len(levels)+1)
			if k.Run(got[:len(levels)], nil, a, b, s); !slices.Equal(got[:len(levels)], levels) || got[len(levels)] != 0 {
				t.Fatalf("%+v on %v: got %v, want %v", l, v, got, levels)
			}
		}
	}
}
