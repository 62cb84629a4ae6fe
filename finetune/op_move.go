package finetune

import (
	"fmt"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// buildView lays operators that keep the elements in their order. Vectors on the tape
// are flat, so there is nothing to do.
func buildView(b *builder, n *onnx.Node) (*G.Node, error) { return b.in(n, 0) }

// gather moves elements: out[s][i] = in[s][from[i]], or fill where from[i] is negative, for
// every sample s. Where one input serves all samples, inSize is 0.
type gather struct {
	samples, inSize int
	from            []int32
	fill            float32
}

// gather lays the move; its gradient adds up what each element went to.
func (b *builder) gather(name string, g gather, x *G.Node) *G.Node {
	outSize, inTotal := len(g.from), x.Shape()[0]
	forward := func(out []float32, in [][]float32) {
		kernel.Parallel(g.samples, func(s int) {
			src, dst := in[0][s*g.inSize:], out[s*outSize:][:outSize]
			for i, k := range g.from {
				if k >= 0 {
					dst[i] = src[k]
				} else {
					dst[i] = g.fill
				}
			}
		})
	}
	back := func(out []float32, in [][]float32) {
		clear(out)
		sample := func(s int) {
			dst, src := out[s*g.inSize:], in[0][s*outSize:][:outSize]
			for i, k := range g.from {
				if k >= 0 {
					dst[k] += src[i]
				}
			}
		}
		if g.inSize > 0 {
			kernel.Parallel(g.samples, sample)
			return
		}
		for s := range g.samples {
			sample(s)
		}
	}
	return b.apply(name, g.samples*outSize, forward, []adjoint{func(_ []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply(name+".dx", inTotal, back, nil, dy)
	}}, x)
}

// expand lays the broadcast of x from one shape to another, or x itself where they agree.
func (b *builder) expand(x *G.Node, from, to []int) *G.Node {
	if size(from) == size(to) {
		return x
	}
	g := gather{samples: to[0]}
	rest := from
	if len(from) == len(to) {
		rest = from[1:]
		if from[0] == to[0] {
			g.inSize = size(rest)
		}
	}
	g.from = spread(rest, to[1:])
	return b.gather("Expand", g, x)
}

// spread lists, for every element of a tensor of shape to, the position of the element of a
// tensor of shape from that broadcasts there.
func spread(from, to []int) []int32 {
	stride := make([]int, len(to))
	step := 1
	for i := len(from) - 1; i >= 0; i-- {
		if d := i + len(to) - len(from); from[i] > 1 {
			stride[d] = step
		}
		step *= from[i]
	}
	return walk(to, 0, stride)
}

// walk lists start + sum index[d]*stride[d] for all indices of a shape, in row-major order.
func walk(shape []int, start int, stride []int) []int32 {
	out := make([]int32, 0, size(shape))
	index := make([]int, len(shape))
	at := start
	for range cap(out) {
		out = append(out, int32(at))
		for d := len(shape) - 1; d >= 0; d-- {
			index[d]++
			at += stride[d]
			if index[d] < shape[d] {
				break
			}
			at -= index[d] * stride[d]
			index[d] = 0
		}
	}
	return out
}

// broadcastShape is the shape two shapes stretch to, aligned at the last dimension.
func broadcastShape(a, b []int) []int {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]int(nil), a...)
	for i, d := range b {
		out[len(a)-len(b)+i] = max(out[len(a)-len(b)+i], d)
	}
	return out
}

// perSample splits a shape into samples and the rest: dimension 0 is kept apart when both
// ends agree in it and same says that the move leaves it alone.
func perSample(in, out []int, same bool) (samples int, restIn, restOut []int) {
	if same && len(in) > 0 && len(out) > 0 && in[0] == out[0] {
		return in[0], in[1:], out[1:]
	}
	return 1, in, out
}

func buildTranspose(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Transpose)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	in, out := b.shape(n.Inputs[0]), b.shape(n.Outputs[0])
	strides := make([]int, len(in))
	step := 1
	for i := len(in) - 1; i >= 0; i-- {
		strides[i] = step
		step *= in[i]
	}
	perm := make([]int, len(in))
	for i, p := range op.Perm {
		perm[i] = strides[p]
	}
	samples, restIn, restOut := perSample(in, out, len(op.Perm) > 0 && op.Perm[0] == 0)
	return b.gather("Transpose", gather{
		samples: samples, inSize: size(restIn), from: walk(restOut, 0, perm[len(out)-len(restOut):]),
	}, x), nil
}

func buildPad(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Pad)
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	in, out := b.shape(n.Inputs[0]), b.shape(n.Outputs[0])
	rank := len(in)
	samples, restIn, restOut := perSample(in, out, rank > 0 && op.Pads[0] == 0 && op.Pads[rank] == 0)
	begins := op.Pads[rank-len(restIn) : rank]
	from := make([]int32, size(restOut))
	for i := range from {
		from[i], err = padSource(op.Mode, i, restIn, restOut, begins)
		if err != nil {
			return nil, err
		}
	}
	return b.gather("Pad", gather{samples: samples, inSize: size(restIn), from: from, fill: float32(op.Value)}, x), nil
}

// padSource is the position of the input element that becomes element i of a padded
// tensor, or -1 for the fill value.
func padSource(mode string, i int, in, out, begins []int) (int32, error) {
	at, step := 0, 1
	for d := len(out) - 1; d >= 0; d-- {
		k := i%out[d] - begins[d]
		i /= out[d]
		if k < 0 || k >= in[d] {
			switch mode {
			case "constant":
				return -1, nil
			case "edge":
				k = min(max(k, 0), in[d]-1)
			case "reflect":
				if k < 0 {
					k = -k
				}
				if k >= in[d] {
					k = 2*(in[d]-1) - k
				}
			case "wrap":
				k = (k%in[d] + in[d]) % in[d]
			default:
				return 0, fmt.Errorf("mode %q is not known, want constant, edge, reflect or wrap", mode)
			}
		}
		at += k * step
		step *= in[d]
	}
	return int32(at), nil
}

func buildConcat(b *builder, n *onnx.Node) (*G.Node, error) {
	op := n.Op.(*onnx.Concat)
	out := b.shape(n.Outputs[0])
	rows, width := size(out[:op.Axis]), size(out[op.Axis:])
	var in []*G.Node
	var adjoints []adjoint
	var widths []int
	at := 0
	for i, v := range n.Inputs {
		x, err := b.in(n, i)
		if err != nil {
			return nil, err
		}
		w, start := size(b.shape(v)[op.Axis:]), at
		in, widths, at = append(in, x), append(widths, w), at+w
		adjoints = append(adjoints, func(_ []*G.Node, _, dy *G.Node) *G.Node {
			return b.apply("Concat.dx", rows*w, func(out []float32, in [][]float32) {
				for r := range rows {
					copy(out[r*w:][:w], in[0][r*width+start:])
				}
			}, nil, dy)
		})
	}
	return b.apply("Concat", size(out), func(out []float32, in [][]float32) {
		at := 0
		for r := range rows {
			for i, w := range widths {
				at += copy(out[at:], in[i][r*w:][:w])
			}
		}
	}, adjoints, in...), nil
}
