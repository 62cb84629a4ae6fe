package finetune

import (
	"math"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// mapped lays y = f(x) elementwise. gradient computes dx from dy and, as withOutput says,
// the result or the input.
func (b *builder) mapped(n *onnx.Node, f func(y, x []float32), gradient func(dx, dy, v []float32), withOutput bool) (*G.Node, error) {
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	count := x.Shape()[0]
	name := n.Op.Type()
	return b.apply(name, count, func(out []float32, in [][]float32) { f(out, in[0]) },
		[]adjoint{func(in []*G.Node, y, dy *G.Node) *G.Node {
			v := in[0]
			if withOutput {
				v = y
			}
			return b.apply(name+".dx", count, func(out []float32, in [][]float32) {
				gradient(out, in[0], in[1])
			}, nil, dy, v)
		}}, x), nil
}

func buildRelu(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.mapped(n, kernel.Relu, kernel.ReluGrad, true)
}

func buildTanh(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.mapped(n, kernel.Tanh, kernel.TanhGrad, true)
}

func buildSigmoid(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.mapped(n, kernel.Sigmoid, kernel.SigmoidGrad, true)
}

// buildSwish lays x * sigmoid(x).
func buildSwish(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.mapped(n, func(y, x []float32) {
		eachChunk(len(x), func(lo, hi int) {
			kernel.Sigmoid(y[lo:hi], x[lo:hi])
			for i := lo; i < hi; i++ {
				y[i] *= x[i]
			}
		})
	}, func(dx, dy, x []float32) {
		eachChunk(len(x), func(lo, hi int) {
			kernel.Sigmoid(dx[lo:hi], x[lo:hi])
			for i := lo; i < hi; i++ {
				s := dx[i]
				dx[i] = dy[i] * (s + x[i]*s*(1-s))
			}
		})
	}, false)
}

// buildHardSwish lays x * max(0, min(1, x/6 + 1/2)).
func buildHardSwish(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.piecewise(n, func(x float32) float32 { return x * max(0, min(1, x/6+0.5)) },
		func(x float32) float32 { return float32(derivative(n.Op.(onnx.Scalar), float64(x))) })
}

// piecewise lays a function that is cheap to evaluate, in parallel chunks.
func (b *builder) piecewise(n *onnx.Node, f func(x float32) float32, slope func(x float32) float32) (*G.Node, error) {
	return b.mapped(n, func(y, x []float32) {
		eachChunk(len(x), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				y[i] = f(x[i])
			}
		})
	}, func(dx, dy, x []float32) {
		eachChunk(len(x), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				dx[i] = dy[i] * slope(x[i])
			}
		})
	}, false)
}

func buildClip(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Clip)
	lo, hi := float32(op.Min), float32(op.Max)
	return b.piecewise(n, func(x float32) float32 { return min(max(x, lo), hi) },
		func(x float32) float32 {
			if x > lo && x < hi {
				return 1
			}
			return 0
		})
}

func buildLeakyRelu(b *builder, n *onnx.Node) (*G.Node, error) {
	alpha := float32(n.Op.(*onnx.LeakyRelu).Alpha)
	return b.piecewise(n, func(x float32) float32 {
		if x < 0 {
			return alpha * x
		}
		return x
	}, func(x float32) float32 {
		if x < 0 {
			return alpha
		}
		return 1
	})
}

// buildScalar lays any scalar function by its definition in double precision.
func buildScalar(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(onnx.Scalar)
	return b.piecewise(n,
		func(x float32) float32 { return float32(op.Apply(float64(x))) },
		func(x float32) float32 { return float32(derivative(op, float64(x))) })
}

// derivative is the slope of a scalar function; where it has a corner, that of one side.
func derivative(op onnx.Scalar, x float64) float64 {
	step := func(on bool) float64 {
		if on {
			return 1
		}
		return 0
	}
	logistic := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	switch op := op.(type) {
	case *onnx.Relu:
		return step(x > 0)
	case *onnx.Clip:
		return step(x > op.Min && x < op.Max)
	case *onnx.Quantize: // straight through within the range of the codes
		q := int(math.RoundToEven(x/op.Scale)) + op.Zero
		return step(q >= op.Lo && q <= op.Hi)
	case *onnx.LeakyRelu:
		if x < 0 {
			return op.Alpha
		}
		return 1
	case *onnx.ThresholdedRelu:
		return step(x > op.Alpha)
	case *onnx.Tanh:
		y := math.Tanh(x)
		return 1 - y*y
	case *onnx.Sigmoid:
		y := logistic(x)
		return y * (1 - y)
	case *onnx.Elu:
		if x < 0 {
			return op.Alpha * math.Exp(x)
		}
		return 1
	case *onnx.Selu:
		if x > 0 {
			return op.Gamma
		}
		return op.Gamma * op.Alpha * math.Exp(x)
	case *onnx.Celu:
		if x < 0 {
			return math.Exp(x / op.Alpha)
		}
		return 1
	case *onnx.HardSigmoid:
		y := op.Alpha*x + op.Beta
		return op.Alpha * step(y > 0 && y < 1)
	case *onnx.HardSwish:
		switch {
		case x <= -3:
			return 0
		case x >= 3:
			return 1
		}
		return x/3 + 0.5
	case *onnx.Softplus:
		return logistic(x)
	case *onnx.Softsign:
		d := 1 + math.Abs(x)
		return 1 / (d * d)
	case *onnx.Erf:
		return 2 / math.Sqrt(math.Pi) * math.Exp(-x*x)
	case *onnx.Gelu:
		if !op.Tanh {
			return (1+math.Erf(x/math.Sqrt2))/2 + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
		}
		k := math.Sqrt(2 / math.Pi)
		t := math.Tanh(k * (x + 0.044715*x*x*x))
		return (1+t)/2 + x*(1-t*t)/2*k*(1+3*0.044715*x*x)
	case *onnx.Mish:
		t := math.Tanh((&onnx.Softplus{}).Apply(x))
		return t + x*(1-t*t)*logistic(x)
	case *onnx.Swish:
		y := logistic(x)
		return y + x*y*(1-y)
	case *onnx.Exp:
		return math.Exp(x)
	case *onnx.Log:
		return 1 / x
	case *onnx.Sqrt:
		return 0.5 / math.Sqrt(x)
	case *onnx.Abs:
		return step(x > 0) - step(x < 0)
	case *onnx.Neg:
		return -1
	case *onnx.Reciprocal:
		return -1 / (x * x)
	case *onnx.Floor, *onnx.Ceil, *onnx.Round, *onnx.Sign:
		return 0
	}
	// A function added without a line here: the symmetric difference.
	h := 1e-6 * math.Max(1, math.Abs(x))
	return (op.Apply(x+h) - op.Apply(x-h)) / (2 * h)
}
