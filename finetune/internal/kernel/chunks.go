package kernel

import "sync"

// chunkLen is the number of elements that a task of an elementwise function does, and
// after which sums over many elements are put aside.
const chunkLen = 1 << 15

// chunks is an elementwise function at work: do sees the elements lo to hi of its
// operands a to d and the parameters p. What each chunk sums up is added in order.
type chunks struct {
	do         func(c *chunks, lo, hi int) float64
	n          int
	a, b, c, d []float32
	idx        []uint16
	nearest    *nearest
	p          [8]float32
	sums       []float64
	run        func(i int) // bound method
}

var chunkPool = sync.Pool{New: func() any {
	c := new(chunks)
	c.run = c.chunk
	return c
}}

func newChunks(n int, do func(c *chunks, lo, hi int) float64) *chunks {
	c := chunkPool.Get().(*chunks)
	c.n, c.do = n, do
	return c
}

func (c *chunks) chunk(i int) {
	c.sums[i] = c.do(c, i*chunkLen, min(c.n, (i+1)*chunkLen))
}

// finish runs all chunks, ends the use of c and returns the sum.
func (c *chunks) finish() float64 {
	k := ceilDiv(c.n, chunkLen)
	if k > cap(c.sums) {
		c.sums = make([]float64, k)
	}
	c.sums = c.sums[:k]
	Parallel(k, c.run)
	sum := 0.0
	for _, s := range c.sums {
		sum += s
	}
	c.a, c.b, c.c, c.d, c.idx, c.nearest = nil, nil, nil, nil, nil, nil
	chunkPool.Put(c)
	return sum
}
