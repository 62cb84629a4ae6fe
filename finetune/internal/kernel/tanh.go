package kernel

import "math"

// Tanh sets y[i] = tanh(x[i]), to about 1e-7. y may be x.
func Tanh(y, x []float32) {
	need("Tanh", "y", len(y), len(x))
	c := newChunks(len(x), tanhChunk)
	c.a, c.b = y, x
	c.finish()
}

func tanhChunk(c *chunks, lo, hi int) float64 {
	y, x := c.a[lo:hi], c.b[lo:hi]
	for i := tanhVec(y, x); i < len(x); i++ {
		y[i] = tanh1(x[i])
	}
	return 0
}

// tanh1 is tanh(x) = sign(x) * e/(e+2) with e = exp(2|x|)-1.
func tanh1(x float32) float32 {
	e, one := expm1(min(2*float32(math.Abs(float64(x))), tanhMax))
	e += one - 1
	return float32(math.Copysign(float64(e/(e+2)), float64(x)))
}

// tanhMax is twice the argument from which on tanh is 1 in float32.
const tanhMax = 20

// TanhGrad sets dx[i] = dy[i]*(1-y[i]^2), y being the output of Tanh. dx may be dy or y.
func TanhGrad(dx, dy, y []float32) {
	need("TanhGrad", "dx", len(dx), len(y))
	need("TanhGrad", "dy", len(dy), len(y))
	c := newChunks(len(y), tanhGradChunk)
	c.a, c.b, c.c = dx, dy, y
	c.finish()
}

func tanhGradChunk(c *chunks, lo, hi int) float64 {
	dx, dy, y := c.a[lo:hi], c.b[lo:hi], c.c[lo:hi]
	for i := tanhGradVec(dx, dy, y); i < len(y); i++ {
		dx[i] = dy[i] * (1 - y[i]*y[i])
	}
	return 0
}

// Sigmoid sets y[i] = 1/(1+exp(-x[i])), to about 1e-7. y may be x.
func Sigmoid(y, x []float32) {
	need("Sigmoid", "y", len(y), len(x))
	c := newChunks(len(x), sigmoidChunk)
	c.a, c.b = y, x
	c.finish()
}

func sigmoidChunk(c *chunks, lo, hi int) float64 {
	y, x := c.a[lo:hi], c.b[lo:hi]
	for i := sigmoidVec(y, x); i < len(x); i++ {
		e, one := expm1(min(max(-x[i], -sigmoidMax), sigmoidMax))
		y[i] = 1 / (1 + (e + one))
	}
	return 0
}

// sigmoidMax is a size of the argument for which all terms of exp are normal numbers still.
const sigmoidMax = 80

// SigmoidGrad sets dx[i] = dy[i]*y[i]*(1-y[i]), y being the output of Sigmoid. dx may be
// dy or y.
func SigmoidGrad(dx, dy, y []float32) {
	need("SigmoidGrad", "dx", len(dx), len(y))
	need("SigmoidGrad", "dy", len(dy), len(y))
	c := newChunks(len(y), sigmoidGradChunk)
	c.a, c.b, c.c = dx, dy, y
	c.finish()
}

func sigmoidGradChunk(c *chunks, lo, hi int) float64 {
	dx, dy, y := c.a[lo:hi], c.b[lo:hi], c.c[lo:hi]
	for i := sigmoidGradVec(dx, dy, y); i < len(y); i++ {
		dx[i] = dy[i] * (y[i] * (1 - y[i]))
	}
	return 0
}

// expm1 returns a power of two, one, and e such that exp(x) = one + e, for |x| <= 80:
// with n = round(x/ln 2) and r = x - n ln 2, one = 2^n and e = 2^n (exp(r)-1), whose
// Taylor series is cut after r^7. A NaN stays one.
func expm1(x float32) (e, one float32) {
	n := float32(math.Floor(float64(x*math.Log2E + 0.5)))
	r := x - n*ln2Hi - n*ln2Lo
	p := float32(1.0 / 5040)
	p = p*r + 1.0/720
	p = p*r + 1.0/120
	p = p*r + 1.0/24
	p = p*r + 1.0/6
	p = p*r + 1.0/2
	p = p*(r*r) + r
	if x != x {
		n = 0
	}
	one = math.Float32frombits(uint32(int32(n)+127) << 23)
	return p * one, one
}

// ln2Hi has so few digits that its product with a small whole number is exact.
const (
	ln2Hi = 355.0 / 512
	ln2Lo = math.Ln2 - ln2Hi
)
