package kernel

import (
	"math"
	"sync"
)

// Assign sets dst[i] to the value and idx[i] to the position of the centre nearest to
// w[i]; halfway cases take the upper centre. centres are ascending and finite, 1 to
// 65,536 of them. dst or idx may be nil; dst may be w. A NaN takes the first centre.
func Assign(dst []float32, idx []uint16, w []float32, centres []float32) {
	if dst != nil {
		need("Assign", "dst", len(dst), len(w))
	}
	if idx != nil {
		need("Assign", "idx", len(idx), len(w))
	}
	if len(centres) < 1 || len(centres) > 1<<16 {
		panic("BUG: kernel: Assign: no centres or more than 65536")
	}
	n := nearestPool.Get().(*nearest)
	n.prepare(centres, len(w))
	c := newChunks(len(w), assignChunk)
	c.a, c.idx, c.b, c.nearest = dst, idx, w, n
	c.finish()
	n.centres = nil
	nearestPool.Put(n)
}

func assignChunk(c *chunks, lo, hi int) float64 {
	n := c.nearest
	var dst []float32
	var idx []uint16
	if c.a != nil {
		dst = c.a[lo:hi]
	}
	if c.idx != nil {
		idx = c.idx[lo:hi]
	}
	w := c.b[lo:hi]
	for i := assignVec(dst, idx, w, n); i < len(w); i++ {
		k := n.find(w[i])
		if dst != nil {
			dst[i] = n.centres[k]
		}
		if idx != nil {
			idx[i] = uint16(k)
		}
	}
	return 0
}

// nearest finds nearest centres. A value w belongs to centre k if k borders are <= w.
// The range of the borders is cut into bins of equal width: start holds the number of
// borders in the bins before, and the few borders in the bin of w are compared with it.
// The bin does not fall as w grows, whatever is rounded, so no border is missed.
type nearest struct {
	centres    []float32
	borders    []float32 // borders[k] is between the centres k and k+1; the last is NaN
	start      []uint16  // one more element than there are bins
	low, scale float32
	last       float32 // the number of bins less one
}

var nearestPool = sync.Pool{New: func() any { return new(nearest) }}

// prepare is for about n searches.
func (n *nearest) prepare(centres []float32, searches int) {
	n.centres = centres
	k := len(centres)
	n.borders = grow(n.borders, k)
	for i := range n.borders[:k-1] {
		n.borders[i] = border(centres[i], centres[i+1])
	}
	n.borders[k-1] = float32(math.NaN()) // no value is beyond it
	bins := 16
	for bins < 16*k && bins < searches/4 && bins < 1<<14 {
		bins *= 2
	}
	n.start = grow(n.start, bins+1)
	n.low, n.last, n.scale = n.borders[0], float32(bins-1), 0
	if k > 2 {
		if s := float64(bins-1) / (float64(n.borders[k-2]) - float64(n.low)); s < math.MaxFloat32 {
			n.scale = float32(s)
		}
	}
	at := 0
	for b := range n.start[:bins] {
		for at < k-1 && n.bin(n.borders[at]) < b {
			at++
		}
		n.start[b] = uint16(at)
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// border is the smallest float32 that is not less than the middle of a and b.
func border(a, b float32) float32 {
	mid := (float64(a) + float64(b)) / 2
	m := float32(mid)
	if float64(m) < mid {
		m = math.Nextafter32(m, float32(math.Inf(1)))
	}
	return m
}

func (n *nearest) bin(w float32) int {
	b := (w - n.low) * n.scale
	if !(b > 0) {
		return 0
	}
	return int(min(b, n.last))
}

func (n *nearest) find(w float32) int {
	k := int(n.start[n.bin(w)])
	for w >= n.borders[k] {
		k++
	}
	return k
}
