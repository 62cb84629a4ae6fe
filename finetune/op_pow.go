package finetune

import (
	"math"

	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildPow lays x to the power y. The gradient of y is that of x > 0.
func buildPow(b *builder, n *onnx.Node) (*G.Node, error) {
	power := func(x, y float32) float32 { return float32(math.Pow(float64(x), float64(y))) }
	f := power
	if n.Outputs[0].Type == onnx.Int {
		f = func(x, y float32) float32 { return truncate(power(x, y)) }
	}
	return b.binary(n, f,
		func(x, y float32) float32 {
			if y == 0 {
				return 0
			}
			return y * power(x, y-1)
		},
		func(x, y float32) float32 {
			if x <= 0 {
				return 0
			}
			return power(x, y) * float32(math.Log(float64(x)))
		})
}

// buildPRelu lays x, or slope*x where x is negative.
func buildPRelu(b *builder, n *onnx.Node) (*G.Node, error) {
	return b.binary(n,
		func(x, slope float32) float32 {
			if x < 0 {
				return slope * x
			}
			return x
		},
		func(x, slope float32) float32 {
			if x < 0 {
				return slope
			}
			return 1
		},
		func(x, _ float32) float32 { return min(x, 0) })
}

// truncate rounds towards zero, as the division of integers does.
func truncate(x float32) float32 { return float32(math.Trunc(float64(x))) }
