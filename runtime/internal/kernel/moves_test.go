package kernel

import (
	"bytes"
	"math"
	"math/rand"
	"slices"
	"testing"
)

// fillRandom returns n bytes below levels.
func fillRandom(r *rand.Rand, n, levels int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Intn(levels))
	}
	return b
}

// sameBytes demands that run writes exactly want, and nothing beside it.
func sameBytes(t *testing.T, name string, want []byte, run func(dst []byte)) {
	t.Helper()
	for offset := range 2 {
		dst, intact := guarded(len(want), offset)
		run(dst)
		if !bytes.Equal(dst, want) {
			t.Fatalf("%s: got %v, want %v", name, dst, want)
		}
		if !intact() {
			t.Fatalf("%s: wrote outside its output", name)
		}
	}
}

func TestMaxPool(t *testing.T) {
	r := rand.New(rand.NewSource(8))
	windows := []Window{
		{In: [3]int{3, 28, 28}, Out: [3]int{3, 14, 14}, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}},
		{In: [3]int{2, 9, 9}, Out: [3]int{2, 4, 4}, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}},
		{In: [3]int{2, 9, 9}, Out: [3]int{2, 5, 5}, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}},
		{In: [3]int{2, 9, 9}, Out: [3]int{2, 5, 4}, Kernel: [2]int{3, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1}, Pad: [2]int{1, 0}},
		{In: [3]int{1, 4, 4}, Out: [3]int{1, 1, 1}, Kernel: [2]int{4, 4}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}},
	}
	for _, kernel := range []int{2, 3} { // of many channels in several groups, the last of which is smaller
		for _, side := range []int{2, 4, 7} {
			for stride := 1; stride <= 2; stride++ {
				out := (side-kernel%2)/stride + kernel%2
				windows = append(windows, Window{
					In: [3]int{700, side, side}, Out: [3]int{700, out, out},
					Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1}, Pad: [2]int{kernel % 2, kernel % 2},
				})
			}
		}
	}
	for cols := range 70 {
		windows = append(windows, Window{
			In: [3]int{2, 5, 2*cols + 3}, Out: [3]int{2, 2, cols + 1},
			Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}, Dilation: [2]int{1, 1},
		})
	}
	for i := range 600 {
		side := []int{12, 50, 300}[i%3]
		w := Window{In: [3]int{1 + r.Intn(3), 1 + r.Intn(side), 1 + r.Intn(side)}}
		w.Out = [3]int{w.In[0], 1 + r.Intn(side*2/3), 1 + r.Intn(side*2/3)}
		for a := range 2 {
			w.Kernel[a], w.Stride[a], w.Dilation[a], w.Pad[a] = 1+r.Intn(5), 1+r.Intn(4), 1+r.Intn(3), r.Intn(5)-2
		}
		windows = append(windows, w)
	}
	for _, w := range windows {
		size := w.In[0] * w.In[1] * w.In[2]
		in := fillRandom(r, size+Margin, 256)[:size]
		var want []byte
		for c := range w.Out[0] {
			for y := range w.Out[1] {
				for x := range w.Out[2] {
					top := byte(0)
					for ky := range w.Kernel[0] {
						for kx := range w.Kernel[1] {
							v, u := y*w.Stride[0]-w.Pad[0]+ky*w.Dilation[0], x*w.Stride[1]-w.Pad[1]+kx*w.Dilation[1]
							if v >= 0 && u >= 0 && v < w.In[1] && u < w.In[2] {
								top = max(top, in[(c*w.In[1]+v)*w.In[2]+u])
							}
						}
					}
					want = append(want, top)
				}
			}
		}
		for _, v := range Available() {
			k := NewMaxPool(w, v)
			if n, most := k.Need().Rows, PoolNeed(w.In, v).Rows; n > most {
				t.Fatalf("%+v: a buffer of %d words, want at most %d", w, n, most)
			}
			s := NewScratch(k.Need())
			fill := fillRandom(r, len(s.rowBytes), 256)
			copy(s.rowBytes, fill)
			sameBytes(t, "maxpool "+v.String(), want, func(dst []byte) { k.Run(dst, in, s) })
		}
	}
}

func TestMap(t *testing.T) {
	r := rand.New(rand.NewSource(9))
	const channels, plane = 3, 7
	in := fillRandom(r, channels*plane, 16)
	for _, n := range []int{1, channels} {
		var tables [][]uint8
		for range n {
			tables = append(tables, fillRandom(r, 16, 256))
		}
		k := NewMap(tables, plane)
		planar, interleaved := make([]byte, len(in)), make([]byte, len(in))
		for i := range in {
			planar[i] = tables[i/plane%n][in[i]]
			interleaved[i] = tables[i/plane%n][in[i%plane*channels+i/plane]]
		}
		sameBytes(t, "map", planar, func(dst []byte) { k.Run(dst, in) })
		sameBytes(t, "map, interleaved", interleaved, func(dst []byte) { k.RunInterleaved(dst, in, channels) })
		sameBytes(t, "map in place", planar, func(dst []byte) {
			copy(dst, in)
			k.Run(dst, dst)
		})
	}
}

func TestMap2(t *testing.T) {
	r := rand.New(rand.NewSource(10))
	for _, levels := range [][2]int{{2, 2}, {5, 17}, {32, 16}, {256, 256}} {
		table := fillRandom(r, levels[0]*levels[1], 256)
		a := [3]int{3, 4, 5}
		for mask := range 8 {
			b := a
			for d := range b {
				if mask>>d&1 != 0 {
					b[d] = 1
				}
			}
			x, y := fillRandom(r, 60, levels[0]), fillRandom(r, b[0]*b[1]*b[2], levels[1])
			want := make([]byte, len(x))
			for i := range x {
				at := (i/20%b[0]*b[1]+i/5%4%b[1])*b[2] + i%5%b[2]
				want[i] = table[int(x[i])*levels[1]+int(y[at])]
			}
			k := NewMap2(table, levels[1], a, b)
			sameBytes(t, "map2", want, func(dst []byte) { k.Run(dst, x, y) })
		}
	}
}

func TestCopy(t *testing.T) {
	r := rand.New(rand.NewSource(11))
	for range 300 {
		// A random permutation of a random box, with gaps and directions on both sides.
		var dims, outStride, inStride [6]int
		for d := range dims {
			dims[d] = 1
		}
		for range r.Intn(5) {
			dims[r.Intn(6)] = 1 + r.Intn(4)
		}
		if r.Intn(20) == 0 {
			dims[r.Intn(6)] = 0
		}
		place := func(stride *[6]int) (start, size int) {
			size = 1
			for _, d := range r.Perm(6) {
				stride[d] = size
				if dims[d] > 0 {
					size *= dims[d] + r.Intn(3)/2
				}
				if r.Intn(4) == 0 && dims[d] > 0 {
					start += stride[d] * (dims[d] - 1)
					stride[d] = -stride[d]
				}
			}
			return start, size
		}
		outStart, outSize := place(&outStride)
		inStart, inSize := place(&inStride)
		in := fillRandom(r, inSize, 250)
		want := bytes.Repeat([]byte{255}, outSize)
		var walk func(d, to, from int)
		walk = func(d, to, from int) {
			if d == 6 {
				want[to] = in[from]
				return
			}
			for i := range dims[d] {
				walk(d+1, to+i*outStride[d], from+i*inStride[d])
			}
		}
		walk(0, outStart, inStart)
		k := NewCopy(dims, outStart, inStart, outStride, inStride)
		sameBytes(t, "copy", want, func(dst []byte) {
			Fill(dst, 255)
			k.Run(dst, in)
		})
	}
}

func TestArgMax(t *testing.T) {
	r := rand.New(rand.NewSource(31))
	for n := range 400 {
		outer, length, inner := 1+r.Intn(4), 1+r.Intn(9), 1+r.Intn(5)
		levels := []int{2, 3, 256}[n%3]
		last, least := r.Intn(2) == 0, r.Intn(2) == 0
		in := fillRandom(r, outer*length*inner, levels)
		wide := make([]int32, len(in))
		for i, v := range in { // as close to the ends of an int32 as there are levels
			wide[i] = int32(v) - math.MaxInt32 - 1
			if v >= byte(levels/2) {
				wide[i] = math.MaxInt32 - int32(levels-1) + int32(v)
			}
		}
		want := make([]int32, outer*inner)
		for i := range want {
			at := i/inner*length*inner + i%inner
			for k := range length {
				v, best := in[at+k*inner], in[at+int(want[i])*inner]
				if least && v < best || !least && v > best || last && v == best {
					want[i] = int32(k)
				}
			}
		}
		k := NewArgMax(length, inner, last, least)
		got := make([]int32, len(want)+1)
		for _, run := range []func(dst []int32){
			func(dst []int32) { k.Run(dst, in) },
			func(dst []int32) { k.RunWide(dst, wide) },
		} {
			clear(got)
			if run(got[:len(want)]); !slices.Equal(got[:len(want)], want) || got[len(want)] != 0 {
				t.Fatalf("[%d][%d][%d] of %d levels, last %v, least %v: got %v, want %v", outer, length, inner, levels, last, least, got, want)
			}
		}
	}
}
