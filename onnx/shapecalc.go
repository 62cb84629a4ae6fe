package onnx

import "slices"

// Exporters compute the targets of Reshape and the like from shapes by small chains of
// integer operators: Shape, Gather, Unsqueeze, Concat. They are done here, while a model
// is read, and leave no nodes. The batch size is carried along as an unknown.

// dim is a number of shape arithmetic: n + batch*N, where N is the batch size.
type dim struct{ n, batch int64 }

// ints is a tensor of integers known at import but for the batch size.
type ints struct {
	shape Shape
	v     []dim
}

// maxInts is the largest number of elements that shape arithmetic goes on with.
const maxInts = 1 << 12

// evaluator computes the result of a node from operands known at import. It returns nil
// when they are not; the node is then read as a typed operator.
type evaluator func(d *decoder, r *nodeReader) *known

// known is the result of an evaluator: one of both.
type known struct {
	ints   *ints
	tensor *Tensor
	same   bool // the result is operand 0 itself
}

// evaluators are the operators of shape arithmetic, and those that make constants.
var evaluators = map[string]evaluator{
	"Add":              evalAdd,
	"Cast":             evalCast,
	"Concat":           evalConcat,
	"Constant":         evalConstant,
	"ConstantOfShape":  evalConstantOfShape,
	"DequantizeLinear": evalDequantizeLinear,
	"Div":              evalDiv,
	"Equal":            evalEqual,
	"Expand":           evalExpand,
	"EyeLike":          evalEyeLike,
	"Gather":           evalGather,
	"Identity":         evalIdentity,
	"Mul":              evalMul,
	"NonZero":          evalNonZero,
	"QuantizeLinear":   evalQuantizeLinear,
	"Range":            evalRange,
	"ReduceProd":       evalReduceProd,
	"Reshape":          evalReshape,
	"Shape":            evalShape,
	"Size":             evalSize,
	"Slice":            evalSlice,
	"Squeeze":          evalSqueeze,
	"Sub":              evalSub,
	"Transpose":        evalTranspose,
	"Unsqueeze":        evalUnsqueeze,
	"Where":            evalWhere,
}

// evaluate computes the node if it can, and says whether it is done with.
func (d *decoder) evaluate(p *node, r *nodeReader, out *Value) (bool, error) {
	result := evaluatorOf(p)(d, r)
	if result != nil {
		r.finish()
	}
	switch {
	case r.err != nil:
		return false, r.err
	case result == nil:
		return false, nil
	case r.refusals != nil:
		return false, nil // the typed operator says why, if there is one
	case result.same && !d.outputs[out.Name]:
		d.values[out.Name] = r.in[0]
	case result.tensor != nil:
		out.setConst(result.tensor)
	case result.ints.constant() != nil:
		out.setConst(result.ints.constant())
	default:
		d.exact[out] = result.ints
		out.Shape, out.Type = result.ints.shape, Int
	}
	return true, nil
}

// evaluatorOf is the evaluator of a node, nil if there is none.
func evaluatorOf(p *node) evaluator {
	name := p.GetOpType()
	if !isDefault(p.GetDomain()) && (p.GetDomain() != microsoft || name != "QuantizeLinear" && name != "DequantizeLinear") {
		return nil
	}
	return evaluators[name]
}

// constant is the tensor as an ordinary constant, nil when it depends on the batch size.
func (x *ints) constant() *Tensor {
	t := &Tensor{Type: Int, Shape: x.shape, Ints: make([]int64, len(x.v))}
	for i, e := range x.v {
		if e.batch != 0 {
			return nil
		}
		t.Ints[i] = e.n
	}
	return t
}

// integers are the elements of a value known at import, nil for any other value.
func (d *decoder) integers(v *Value) *ints {
	if x := d.exact[v]; x != nil {
		return x
	}
	if v.Const == nil || v.Const.Type != Int || len(v.Const.Ints) > maxInts {
		return nil
	}
	x := &ints{shape: v.Const.Shape, v: make([]dim, len(v.Const.Ints))}
	for i, n := range v.Const.Ints {
		x.v[i].n = n
	}
	return x
}

// known is operand i if it is known at import.
func (r *nodeReader) known(i int) *ints {
	if !r.given(i) {
		return nil
	}
	return r.exact(r.in[i])
}

// evalShape returns the dimensions from start to end of operand 0.
func evalShape(_ *decoder, r *nodeReader) *known {
	if !r.given(0) {
		return nil
	}
	x := r.shapes[0]
	start, end := sliceBounds(r.int("start", 0), r.int("end", len(x)), len(x), 1)
	out := &ints{shape: Shape{max(end-start, 0)}}
	for i := start; i < end; i++ {
		if x[i] == Batch {
			out.v = append(out.v, dim{batch: int64(r.places.of(r.in[0]).rows.Elems())})
		} else {
			out.v = append(out.v, dim{n: int64(x[i])})
		}
	}
	return out.known()
}

// evalSize returns the number of elements of operand 0.
func evalSize(_ *decoder, r *nodeReader) *known {
	if !r.given(0) {
		return nil
	}
	size := dim{n: int64(r.shapes[0].Elems())}
	if r.shapes[0].batchAt() >= 0 {
		size = dim{batch: size.n * int64(r.places.of(r.in[0]).rows.Elems())}
	}
	return (&ints{shape: Shape{}, v: []dim{size}}).known()
}

// evalGather picks elements along an axis, by a single index or a list of them.
func evalGather(_ *decoder, r *nodeReader) *known {
	x, at := r.known(0), r.known(1)
	if x == nil || at == nil || len(at.shape) > 1 {
		return nil
	}
	axis := r.axis("axis", 0, 0)
	if axis >= len(x.shape) {
		return nil
	}
	index := make([][]int, len(x.shape))
	index[axis] = []int{}
	for _, i := range at.v {
		j, ok := resolveAxis(clampInt(i.n), x.shape[axis])
		if !ok || i.batch != 0 {
			r.failf("index %d is outside dimension %d of %v", i.n, axis, x.shape)
			return nil
		}
		index[axis] = append(index[axis], j)
	}
	out := x.pick(index)
	if out != nil && len(at.shape) == 0 {
		out.shape = slices.Delete(out.shape, axis, axis+1)
	}
	return out.known()
}

// evalSlice cuts a tensor; the bounds are attributes before opset 10, operands since.
func evalSlice(_ *decoder, r *nodeReader) *known {
	x := r.known(0)
	if x == nil {
		return nil
	}
	var start, end, axes, steps []int
	if r.opset < 10 {
		start, end, axes = r.ints("starts"), r.ints("ends"), r.ints("axes")
	} else {
		start, end = r.operandInts(1, "starts"), r.operandInts(2, "ends")
		if r.given(3) {
			axes = r.operandInts(3, "axes")
		}
		if r.given(4) {
			steps = r.operandInts(4, "steps")
		}
	}
	if start == nil || len(end) != len(start) || axes != nil && len(axes) != len(start) || steps != nil && len(steps) != len(start) {
		return nil
	}
	index := make([][]int, len(x.shape))
	for k := range start {
		axis, step := k, 1
		if axes != nil {
			axis = axes[k]
		}
		if steps != nil {
			step = steps[k]
		}
		axis, ok := resolveAxis(axis, len(x.shape))
		if !ok || step == 0 {
			r.failf("slice along axis %d of %v by steps of %d", axis, x.shape, step)
			return nil
		}
		index[axis] = []int{}
		i, stop := sliceBounds(start[k], end[k], x.shape[axis], step)
		for ; step > 0 && i < stop || step < 0 && i > stop; i += step {
			index[axis] = append(index[axis], i)
		}
	}
	return x.pick(index).known()
}

// pick takes the elements at the given positions of each dimension, all of them where the
// list is nil. The result is nil if it is too large.
func (x *ints) pick(index [][]int) *ints {
	out := &ints{shape: x.shape.clone()}
	at := []int{0} // positions of the elements picked so far, one dimension after the other
	for d, n := range x.shape {
		list := index[d]
		if list == nil {
			for i := range n {
				list = append(list, i)
			}
		}
		if len(at)*len(list) > maxInts {
			return nil
		}
		var next []int
		for _, base := range at {
			for _, i := range list {
				next = append(next, base*n+i)
			}
		}
		at = next
		out.shape[d] = len(list)
	}
	for _, i := range at {
		out.v = append(out.v, x.v[i])
	}
	return out
}

func evalTranspose(_ *decoder, r *nodeReader) *known {
	x := r.known(0)
	if x == nil {
		return nil
	}
	op := readTranspose(r).(*Transpose)
	shape, err := op.InferShape([]Shape{x.shape})
	if err != nil {
		r.failf("%w", err)
		return nil
	}
	return (&ints{shape: shape[0], v: transpose(x.v, x.shape, op.Perm)}).known()
}

// known is a list as the result of an evaluator.
func (x *ints) known() *known {
	if x == nil {
		return nil
	}
	return &known{ints: x}
}

// sliceBounds resolves negative bounds of a slice of n elements and clamps them to where
// the first element and the one behind the last can be.
func sliceBounds(start, end, n, step int) (int, int) {
	if start < 0 {
		start += n
	}
	if end < 0 {
		end += n
	}
	if step < 0 {
		return min(max(start, 0), n-1), min(max(end, -1), n-1)
	}
	return min(max(start, 0), n), min(max(end, 0), n)
}

// evalConcat joins lists.
func evalConcat(_ *decoder, r *nodeReader) *known {
	out := &ints{}
	for i := range r.in {
		x := r.known(i)
		if x == nil || len(x.shape) != 1 {
			return nil
		}
		out.v = append(out.v, x.v...)
		if len(out.v) > maxInts {
			return nil
		}
	}
	if len(r.in) == 0 {
		return nil
	}
	r.axis("axis", 0, 0)
	out.shape = Shape{len(out.v)}
	return out.known()
}

func evalIdentity(_ *decoder, r *nodeReader) *known {
	if r.given(0) && r.in[0].Const != nil {
		return &known{tensor: r.in[0].Const}
	}
	if x := r.known(0); x != nil {
		return x.known()
	}
	return nil
}

func evalReshape(_ *decoder, r *nodeReader) *known   { return reshaped(r, readReshape) }
func evalSqueeze(_ *decoder, r *nodeReader) *known   { return reshaped(r, readSqueeze) }
func evalUnsqueeze(_ *decoder, r *nodeReader) *known { return reshaped(r, readUnsqueeze) }

// reshaped gives the elements of operand 0 the shape that the typed operator gives them.
func reshaped(r *nodeReader, read func(*nodeReader) Op) *known {
	x := r.known(0)
	if x == nil {
		return nil
	}
	op := read(r)
	if r.err != nil || r.refusals != nil {
		return nil
	}
	out, err := op.InferShape([]Shape{x.shape})
	if err != nil {
		r.failf("%w", err)
		return nil
	}
	return (&ints{shape: out[0], v: x.v}).known()
}

func evalAdd(_ *decoder, r *nodeReader) *known {
	return elementwise(r, func(a, b dim) (dim, bool) { return dim{a.n + b.n, a.batch + b.batch}, true })
}

func evalSub(_ *decoder, r *nodeReader) *known {
	return elementwise(r, func(a, b dim) (dim, bool) { return dim{a.n - b.n, a.batch - b.batch}, true })
}

func evalMul(_ *decoder, r *nodeReader) *known {
	return elementwise(r, func(a, b dim) (dim, bool) {
		if a.batch != 0 {
			a, b = b, a
		}
		return dim{a.n * b.n, a.n * b.batch}, a.batch == 0
	})
}

// evalDiv rounds towards zero, and divides the batch only where nothing remains.
func evalDiv(_ *decoder, r *nodeReader) *known {
	return elementwise(r, func(a, b dim) (dim, bool) {
		switch {
		case b.batch == 0 && b.n != 0 && a.batch == 0:
			return dim{n: a.n / b.n}, true
		case b.batch == 0 && b.n != 0 && a.batch%b.n == 0 && a.n%b.n == 0:
			return dim{a.n / b.n, a.batch / b.n}, true
		case b.batch != 0 && b.n == 0 && a.n == 0 && a.batch%b.batch == 0:
			return dim{n: a.batch / b.batch}, true
		}
		return dim{}, false
	})
}

// elementwise applies f to two operands of one shape, or of which one is a single number.
func elementwise(r *nodeReader, f func(a, b dim) (dim, bool)) *known {
	a, b := r.known(0), r.known(1)
	if a == nil || b == nil || len(r.in) != 2 || len(a.v) != len(b.v) && len(a.v) != 1 && len(b.v) != 1 {
		return nil
	}
	shape, err := broadcast(a.shape, b.shape)
	if err != nil {
		r.failf("%w", err)
		return nil
	}
	out := &ints{shape: shape, v: make([]dim, max(len(a.v), len(b.v)))}
	if shape.Elems() != len(out.v) {
		return nil
	}
	for i := range out.v {
		var ok bool
		if out.v[i], ok = f(a.v[i%len(a.v)], b.v[i%len(b.v)]); !ok {
			return nil
		}
	}
	return out.known()
}
