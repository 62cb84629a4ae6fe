package kernel

import "math"

// AdamStep updates the weights w and the moments m and v from the gradient g:
//
//	m = b1*m + (1-b1)*g
//	v = b2*v + (1-b2)*g*g
//	w = w - lr * (m/corr1) / (sqrt(v/corr2) + eps)
//
// corr1 = 1-b1^t and corr2 = 1-b2^t in step t = 1, 2, ...
func AdamStep(w, g, m, v []float32, lr, b1, b2, eps, corr1, corr2 float32) {
	need("AdamStep", "g", len(g), len(w))
	need("AdamStep", "m", len(m), len(w))
	need("AdamStep", "v", len(v), len(w))
	c := newChunks(len(w), adamChunk)
	c.a, c.b, c.c, c.d = w, g, m, v
	c.p = [8]float32{b1, 1 - b1, b2, 1 - b2, 1 / corr2, eps, lr / corr1}
	c.finish()
}

func adamChunk(c *chunks, lo, hi int) float64 {
	w, g, m, v := c.a[lo:hi], c.b[lo:hi], c.c[lo:hi], c.d[lo:hi]
	p := &c.p
	for i := adamVec(w, g, m, v, p); i < len(w); i++ {
		m[i] = p[0]*m[i] + p[1]*g[i]
		v[i] = p[2]*v[i] + p[3]*(g[i]*g[i])
		w[i] -= p[6] * m[i] / (float32(math.Sqrt(float64(v[i]*p[4]))) + p[5])
	}
	return 0
}
