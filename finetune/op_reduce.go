package finetune

import (
	"math"
	"slices"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// slopes replace the elements x of a reduction by its derivatives; y is their result.
var slopes = map[onnx.ReduceKind]func(x []float64, y float64){
	onnx.ReduceSum:       slope(func(_, _ float64) float64 { return 1 }),
	onnx.ReduceMean:      meanSlopes,
	onnx.ReduceMax:       firstSlope,
	onnx.ReduceMin:       firstSlope,
	onnx.ReduceProd:      productSlopes,
	onnx.ReduceSumSquare: slope(func(x, _ float64) float64 { return 2 * x }),
	onnx.ReduceL1: slope(func(x, _ float64) float64 {
		if x == 0 {
			return 0
		}
		return math.Copysign(1, x)
	}),
	onnx.ReduceL2: slope(func(x, y float64) float64 {
		if y == 0 {
			return 0
		}
		return x / y
	}),
	onnx.ReduceLogSum:    slope(func(_, y float64) float64 { return math.Exp(-y) }),
	onnx.ReduceLogSumExp: slope(func(x, y float64) float64 { return math.Exp(x - y) }),
}

// slope makes the slopes of a reduction whose slope at x depends on x and the result.
func slope(f func(x, y float64) float64) func(x []float64, y float64) {
	return func(x []float64, y float64) {
		for i, v := range x {
			x[i] = f(v, y)
		}
	}
}

func meanSlopes(x []float64, _ float64) {
	for i := range x {
		x[i] = 1 / float64(len(x))
	}
}

// firstSlope is 1 for the first element that is the result.
func firstSlope(x []float64, y float64) {
	first := max(0, slices.Index(x, y))
	clear(x)
	x[first] = 1
}

// productSlopes are the products of all other elements.
func productSlopes(x []float64, _ float64) {
	before := make([]float64, len(x))
	p := 1.0
	for i, v := range x {
		before[i] = p
		p *= v
	}
	p = 1
	for i, v := range slices.Backward(x) {
		x[i] = before[i] * p
		p *= v
	}
}

// reduceTask is how many elements one task of a reduction reads.
const reduceTask = 8192

// buildReduce lays y[i] = f(x[base[i]+offset[0]], x[base[i]+offset[1]], ...).
func buildReduce(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Reduce)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	var kept, keptStep, gone, goneStep []int
	for d, step := range strides(b.shape(n.Inputs[0])) {
		if length := b.shape(n.Inputs[0])[d]; slices.Contains(op.Axes, d) {
			gone, goneStep = append(gone, length), append(goneStep, step)
		} else {
			kept, keptStep = append(kept, length), append(keptStep, step)
		}
	}
	base, offset := walk(kept, 0, keptStep), walk(gone, 0, goneStep)
	rows := max(1, reduceTask/len(offset))
	// lines calls do for every result with a copy of the elements it is made of.
	lines := func(x []float32, do func(i int, line []float64)) {
		kernel.Parallel((len(base)+rows-1)/rows, func(task int) {
			line := make([]float64, len(offset))
			for i := task * rows; i < min((task+1)*rows, len(base)); i++ {
				for k, o := range offset {
					line[k] = float64(x[base[i]+o])
				}
				do(i, line)
			}
		})
	}
	return b.apply(op.Type(), len(base), func(out []float32, in [][]float32) {
		lines(in[0], func(i int, line []float64) { out[i] = float32(op.Apply(line)) })
	}, []adjoint{func(in []*G.Node, y, dy *G.Node) *G.Node {
		return b.apply(op.Type()+".dx", x.Shape()[0], func(out []float32, in [][]float32) {
			lines(in[1], func(i int, line []float64) {
				slopes[op.Kind](line, op.Apply(line))
				for k, o := range offset {
					out[base[i]+o] = in[0][i] * float32(line[k])
				}
			})
		}, nil, dy, in[0])
	}}, x), nil
}
