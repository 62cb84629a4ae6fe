package finetune

import (
	"qconv/onnx"
	"qconv/quant"
)

// patches are what the outputs of a layer read, seen as a matrix product: at every position of the output, each group of channels multiplies a row of
// inputs by its weights. A transposed convolution reads its input spread out, with the kernel turned round.
type patches struct {
	groups, perIn, perOut int    // channels of a group
	in, out               [3]int // [C][H][W] of one sample
	kernel                [2]int
	stride, dilation, pad [2]int
	up                    [2]int // how far the input is spread out
	turned                bool
}

// patchesOf says how a layer reads; false for one that has no such form.
func patchesOf(l quant.Layer) (patches, bool) {
	n := l.Node
	x, y := n.Inputs[0].Shape, n.Outputs[0].Shape
	if len(x) < 2 || x[0] != onnx.Batch || len(y) != len(x) {
		return patches{}, false
	}
	p := patches{groups: 1, kernel: [2]int{1, 1}, stride: [2]int{1, 1}, dilation: [2]int{1, 1}, up: [2]int{1, 1}}
	spatial := func(kernel, dilations, around []int, groups int) {
		xs, ys := plane(x.WithBatch(1)), plane(y.WithBatch(1))
		copy(p.in[:], xs[1:])
		copy(p.out[:], ys[1:])
		p.groups, p.kernel, p.dilation = groups, pair(kernel, 1), pair(dilations, 1)
		begin := pads(around)
		p.pad = [2]int{begin[0], begin[1]}
	}
	switch op := n.Op.(type) {
	case *onnx.Conv:
		spatial(op.Kernel, op.Dilations, op.Pads, op.Groups)
		p.stride = pair(op.Strides, 1)
	case *onnx.ConvTranspose:
		spatial(op.Kernel, op.Dilations, op.Pads, op.Groups)
		p.up, p.turned = pair(op.Strides, 1), true
		for d := range p.pad {
			p.pad[d] = (p.kernel[d]-1)*p.dilation[d] - p.pad[d]
		}
	case *onnx.Gemm:
		if op.TransA || !op.TransB || op.Alpha != 1 || len(x) != 2 {
			return p, false
		}
		p.in, p.out = [3]int{x[1], 1, 1}, [3]int{y[1], 1, 1}
	default:
		return p, false
	}
	p.perIn, p.perOut = p.in[0]/p.groups, p.out[0]/p.groups
	return p, true
}

// inputs is the length of a row.
func (p patches) inputs() int { return p.perIn * p.kernel[0] * p.kernel[1] }

// area is the number of positions of one sample.
func (p patches) area() int { return p.out[1] * p.out[2] }

// gather writes the row that a group reads at a position of a sample's output; x is the sample.
func (p patches) gather(row, x []float32, group, position int) {
	oy, ox := position/p.out[2], position%p.out[2]
	at := 0
	plane := p.in[1] * p.in[2]
	for c := range p.perIn {
		picture := x[(group*p.perIn+c)*plane:][:plane]
		for ky := range p.kernel[0] {
			y, inside := p.tap(oy, ky, 0)
			for kx := range p.kernel[1] {
				row[at] = 0
				if inside {
					if x, ok := p.tap(ox, kx, 1); ok {
						row[at] = picture[y*p.in[2]+x]
					}
				}
				at++
			}
		}
	}
}

// tap is the input row (d = 0) or column (d = 1) that kernel element k meets at output position o, and whether there is one.
func (p patches) tap(o, k, d int) (int, bool) {
	v := o*p.stride[d] - p.pad[d] + k*p.dilation[d]
	if v < 0 || v%p.up[d] != 0 || v/p.up[d] >= p.in[1+d] {
		return 0, false
	}
	return v / p.up[d], true
}

// element is the position of a weight in its tensor: that of input i of output o of a group.
func (p patches) element(group, o, i int) int {
	if !p.turned {
		return (group*p.perOut+o)*p.inputs() + i
	}
	area := p.kernel[0] * p.kernel[1]
	return ((group*p.perIn+i/area)*p.perOut+o)*area + area - 1 - i%area
}

// matrix copies the weights of a group, [perOut][inputs].
func (p patches) matrix(weights []float32, group int) []float32 {
	n := p.inputs()
	out := make([]float32, p.perOut*n)
	for o := range p.perOut {
		for i := range n {
			out[o*n+i] = weights[p.element(group, o, i)]
		}
	}
	return out
}
