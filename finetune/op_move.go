package finetune

import (
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

// buildMoves lays an operator that only moves elements, one move for each output.
func buildMoves(b *builder, n *onnx.Node) ([]*G.Node, error) {
	x, err := b.in(n, 0)
	if err != nil {
		return nil, err
	}
	var parts []*G.Node
	for _, m := range onnx.MovesOf(n, b.batch) {
		parts = append(parts, b.gather(n.Op.Type(), newGather(m), x))
	}
	return parts, nil
}

// newGather lists the elements of a move. Where its outermost dimension goes through the input in even
// steps, its positions are samples.
func newGather(m onnx.Move) gather {
	g := gather{samples: 1, fill: float32(m.FillValue)}
	if samples, step := evenSteps(m.Axes); samples > 1 {
		g.samples, g.inSize = samples, step
		m.Axes = m.Axes[1:]
	}
	g.from = positions(m)
	return g
}

// positions lists where the elements of a move come from.
func positions(m onnx.Move) []int32 {
	size := 1
	for _, axis := range m.Axes {
		size *= len(axis)
	}
	list := make([]int32, 0, size)
	m.Each(func(from int) { list = append(list, int32(from)) })
	return list
}

// evenSteps says how many positions the first axis has and how far apart they are; 0 unless they
// start at 0 and all steps are equal.
func evenSteps(axes [][]int) (n, step int) {
	if len(axes) == 0 || len(axes[0]) < 2 {
		return 0, 0
	}
	if step = axes[0][1]; step == onnx.Fill {
		return 0, 0
	}
	for i, at := range axes[0] {
		if at != i*step {
			return 0, 0
		}
	}
	return len(axes[0]), step
}

// expand lays the broadcast of x from one shape to another, or x itself where they agree.
func (b *builder) expand(x *G.Node, from, to []int) *G.Node {
	if size(from) == size(to) {
		return x
	}
	return b.gather("Expand", newGather(broadcastMove(from, to)), x)
}

// broadcastMove is the move of a tensor that broadcasts from one shape to another.
func broadcastMove(from, to []int) onnx.Move {
	return (&onnx.Expand{}).Moves(from, []onnx.Shape{to})[0]
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
