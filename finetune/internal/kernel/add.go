package kernel

// Add sets y[i] += x[i].
func Add(y, x []float32) { Axpy(y, 1, x) }

// Axpy sets y[i] += a*x[i].
func Axpy(y []float32, a float32, x []float32) {
	need("Axpy", "y", len(y), len(x))
	if len(x) <= chunkLen {
		axpy(y, a, x)
		return
	}
	c := newChunks(len(x), axpyChunk)
	c.a, c.b, c.p[0] = y, x, a
	c.finish()
}

func axpyChunk(c *chunks, lo, hi int) float64 {
	axpy(c.a[lo:hi], c.p[0], c.b[lo:hi])
	return 0
}

func axpy(y []float32, a float32, x []float32) {
	i := axpyVec(y, a, x)
	y = y[:len(x)]
	for ; i < len(x); i++ {
		y[i] += a * x[i]
	}
}

// Scale sets y[i] = a*x[i]. y may be x.
func Scale(y []float32, a float32, x []float32) {
	need("Scale", "y", len(y), len(x))
	if len(x) <= chunkLen {
		scale(y, a, 0, x)
		return
	}
	c := newChunks(len(x), scaleChunk)
	c.a, c.b, c.p[0] = y, x, a
	c.finish()
}

func scaleChunk(c *chunks, lo, hi int) float64 {
	scale(c.a[lo:hi], c.p[0], 0, c.b[lo:hi])
	return 0
}

// scale sets y[i] = a*x[i] + b.
func scale(y []float32, a, b float32, x []float32) {
	i := scaleVec(y, a, b, x)
	y = y[:len(x)]
	for ; i < len(x); i++ {
		y[i] = a*x[i] + b
	}
}

// Sum is the sum of all elements of x.
func Sum(x []float32) float32 {
	if len(x) <= chunkLen {
		return sum(x)
	}
	c := newChunks(len(x), sumChunk)
	c.a = x
	return float32(c.finish())
}

func sumChunk(c *chunks, lo, hi int) float64 { return float64(sum(c.a[lo:hi])) }

func sum(x []float32) float32 {
	var lanes [vecLen]float32
	i := sumVec(&lanes, x)
	for ; i+vecLen <= len(x); i += vecLen {
		v := x[i : i+vecLen]
		for j := range lanes {
			lanes[j] += v[j]
		}
	}
	for j, v := range x[i:] {
		lanes[j] += v
	}
	return (lanes[0] + lanes[4]) + (lanes[1] + lanes[5]) + (lanes[2] + lanes[6]) + (lanes[3] + lanes[7])
}
