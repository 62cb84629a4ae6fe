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
	forward := func(dst, src []float32) {
		for i, k := range g.from {
			if k >= 0 {
				dst[i] = src[k]
			} else {
				dst[i] = g.fill
			}
		}
	}
	sample := func(dst, src []float32) {
		for i, k := range g.from {
			if k >= 0 {
				dst[k] += src[i]
			}
		}
	}
	if r := g.stretches(); r != nil {
		g.from = nil // the stretches say the same
		forward, sample = r.copy, r.add
	}
	back := func(out []float32, in [][]float32) {
		clear(out)
		if g.inSize > 0 {
			kernel.Parallel(g.samples, func(s int) { sample(out[s*g.inSize:], in[0][s*outSize:][:outSize]) })
			return
		}
		for s := range g.samples {
			sample(out, in[0][s*outSize:][:outSize])
		}
	}
	return b.apply(name, g.samples*outSize, func(out []float32, in [][]float32) {
		kernel.Parallel(g.samples, func(s int) { forward(out[s*outSize:][:outSize], in[0][s*g.inSize:]) })
	}, []adjoint{func(_ []*G.Node, _, dy *G.Node) *G.Node {
		return b.apply(name+".dx", inTotal, back, nil, dy)
	}}, x)
}

// stretch is n elements that stay side by side or, with repeat, n copies of one element.
// from is negative for the fill value.
type stretch struct {
	to, from, n int32
	repeat      bool
}

// extend makes the element k part of the stretch if it continues it.
func (p *stretch) extend(k int32) bool {
	repeats := k == p.from || k < 0 && p.from < 0
	if p.n == 1 {
		p.repeat = repeats
	}
	if repeats != p.repeat || !repeats && (p.from < 0 || k != p.from+p.n) {
		return false
	}
	p.n++
	return true
}

// stretches is a move of whole stretches.
type stretches struct {
	list []stretch
	fill float32
}

// stretchLength is the average length from which stretches are moved faster than elements.
const stretchLength = 6

// stretches are those of a gather, or nil where they are too short to be worth it.
func (g *gather) stretches() *stretches {
	r := &stretches{fill: g.fill}
	for i, k := range g.from {
		if last := len(r.list) - 1; last >= 0 && r.list[last].extend(k) {
			continue
		}
		if (len(r.list)+1)*stretchLength > len(g.from) {
			return nil
		}
		r.list = append(r.list, stretch{to: int32(i), from: k, n: 1})
	}
	return r
}

func (r *stretches) copy(dst, src []float32) {
	for _, p := range r.list {
		d := dst[p.to:][:p.n]
		if p.from >= 0 && !p.repeat {
			copy(d, src[p.from:])
			continue
		}
		v := r.fill
		if p.from >= 0 {
			v = src[p.from]
		}
		for i := range d {
			d[i] = v
		}
	}
}

// add adds every element of src to the one of dst that it was copied from.
func (r *stretches) add(dst, src []float32) {
	for _, p := range r.list {
		switch s := src[p.to:][:p.n]; {
		case p.from < 0:
		case p.repeat:
			sum := 0.0
			for _, v := range s {
				sum += float64(v)
			}
			dst[p.from] += float32(sum)
		default:
			kernel.Add(dst[p.from:][:p.n], s)
		}
	}
}

// strides are the distances between neighbours along every dimension of a tensor.
func strides(shape []int) []int {
	out := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		out[i] = step
		step *= shape[i]
	}
	return out
}

// axes lays a move that treats every dimension by itself: along dimension d, position i of
// the result is position at[d][i] of x, or the fill value where that is negative. A nil
// entry keeps the dimension.
func (b *builder) axes(name string, shape []int, at [][]int, fill float32, x *G.Node) *G.Node {
	g := gather{samples: 1, fill: fill}
	if len(shape) > 0 && at[0] == nil {
		g.samples, shape, at = shape[0], shape[1:], at[1:]
	}
	g.inSize = size(shape)
	g.from = []int32{0}
	for d, step := range strides(shape) {
		positions := at[d]
		if positions == nil {
			positions = counting(shape[d])
		}
		from := make([]int32, 0, len(g.from)*len(positions))
		for _, start := range g.from {
			for _, p := range positions {
				if start < 0 || p < 0 {
					from = append(from, -1)
				} else {
					from = append(from, start+int32(p*step))
				}
			}
		}
		g.from = from
	}
	return b.gather(name, g, x)
}

// counting is 0, 1, ..., n-1.
func counting(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
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
	perm, step := make([]int, len(in)), strides(in)
	for i, p := range op.Perm {
		perm[i] = step[p]
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
	at := make([][]int, len(in))
	for d := range in {
		begin := op.Pads[d]
		if begin == 0 && in[d] == out[d] {
			continue
		}
		for i := range out[d] {
			k, err := padSource(op.Mode, i-begin, in[d])
			if err != nil {
				return nil, err
			}
			at[d] = append(at[d], k)
		}
	}
	return b.axes("Pad", in, at, float32(op.Value), x), nil
}

// padSource is the position of the input element that stands at position k of a dimension
// of n elements, or -1 for the fill value.
func padSource(mode string, k, n int) (int, error) {
	if k >= 0 && k < n {
		return k, nil
	}
	switch mode {
	case "constant":
		return -1, nil
	case "edge":
		return min(max(k, 0), n-1), nil
	case "reflect":
		if period := 2 * (n - 1); period > 0 {
			k = (k%period + period) % period
			return min(k, period-k), nil
		}
		return 0, nil
	case "wrap":
		return (k%n + n) % n, nil
	}
	return 0, fmt.Errorf("mode %q is not known, want constant, edge, reflect or wrap", mode)
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
		kernel.Parallel(rows, func(r int) {
			at := r * width
			for i, w := range widths {
				at += copy(out[at:], in[i][r*w:][:w])
			}
		})
	}, adjoints, in...), nil
}
