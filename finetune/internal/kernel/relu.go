package kernel

// Relu sets y[i] = max(x[i], 0). y may be x.
func Relu(y, x []float32) {
	need("Relu", "y", len(y), len(x))
	c := newChunks(len(x), reluChunk)
	c.a, c.b = y, x
	c.finish()
}

func reluChunk(c *chunks, lo, hi int) float64 {
	y, x := c.a[lo:hi], c.b[lo:hi]
	for i := reluVec(y, x); i < len(x); i++ {
		y[i] = max(x[i], 0)
	}
	return 0
}

// ReluGrad sets dx[i] = dy[i] where x[i] > 0 and 0 elsewhere. x may be the input or the
// output of Relu; dx may be dy or x.
func ReluGrad(dx, dy, x []float32) {
	need("ReluGrad", "dx", len(dx), len(x))
	need("ReluGrad", "dy", len(dy), len(x))
	c := newChunks(len(x), reluGradChunk)
	c.a, c.b, c.c = dx, dy, x
	c.finish()
}

func reluGradChunk(c *chunks, lo, hi int) float64 {
	dx, dy, x := c.a[lo:hi], c.b[lo:hi], c.c[lo:hi]
	for i := reluGradVec(dx, dy, x); i < len(x); i++ {
		if x[i] > 0 {
			dx[i] = dy[i]
		} else {
			dx[i] = 0
		}
	}
	return 0
}
