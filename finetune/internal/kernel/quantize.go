package kernel

import "math"

// Quantize sets y[i] to the nearest of the values step*lo, ..., step*hi, halves going up:
//
//	y[i] = step * min(max(floor(x[i]/step + 1/2), lo), hi)
//
// lo and hi are whole numbers, lo <= hi; step is positive. y may be x.
func Quantize(y, x []float32, step, lo, hi float32) {
	need("Quantize", "y", len(y), len(x))
	c := newChunks(len(x), quantizeChunk)
	c.a, c.b, c.p = y, x, [8]float32{step, lo, hi}
	c.finish()
}

func quantizeChunk(c *chunks, lo, hi int) float64 {
	y, x := c.a[lo:hi], c.b[lo:hi]
	for i := quantizeVec(y, x, &c.p); i < len(x); i++ {
		y[i] = c.p[0] * level(x[i]/c.p[0], c.p[1], c.p[2])
	}
	return 0
}

// level is t rounded to the nearest whole number from lo to hi.
func level(t, lo, hi float32) float32 {
	return min(max(float32(math.Floor(float64(t+0.5))), lo), hi)
}

// QuantizeGrad is the straight-through gradient of Quantize. It sets dx[i] = dy[i] where
// (lo-1/2)*step <= x[i] <= (hi+1/2)*step and 0 elsewhere, and returns the gradient with
// respect to step, the sum over i of
//
//	dy[i] * (y[i] - x[i]) / step  inside the range
//	dy[i] * lo or dy[i] * hi      below or above it
//
// dx may be dy or x.
func QuantizeGrad(dx, dy, x []float32, step, lo, hi float32) (dstep float32) {
	need("QuantizeGrad", "dx", len(dx), len(x))
	need("QuantizeGrad", "dy", len(dy), len(x))
	c := newChunks(len(x), quantizeGradChunk)
	c.a, c.b, c.c, c.p = dx, dy, x, [8]float32{step, lo, hi, lo - 0.5, hi + 0.5}
	return float32(c.finish())
}

func quantizeGradChunk(c *chunks, lo, hi int) float64 {
	dx, dy, x := c.a[lo:hi], c.b[lo:hi], c.c[lo:hi]
	var lanes [vecLen]float32
	i := quantizeGradVec(dx, dy, x, &c.p, &lanes)
	total := 0.0
	for _, s := range lanes {
		total += float64(s)
	}
	for ; i < len(x); i++ {
		g, t := dy[i], x[i]/c.p[0]
		q := level(t, c.p[1], c.p[2])
		if t >= c.p[3] && t <= c.p[4] {
			dx[i] = g
			total += float64(g * (q - t))
		} else {
			dx[i] = 0
			total += float64(g * q)
		}
	}
	return total
}
