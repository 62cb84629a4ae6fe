package onnx

import "slices"

// Operators that move single elements to known places are read as a Gather from a list of all elements.

// pick gives the elements at some positions of x, or fill where a position is [Fill], the shape to. With a batch
// the positions are those in one sample, and to has the batch too.
func (s *spelling) pick(x *Value, at []int, fill float64, to Shape) *Value {
	flat, axis := Shape{x.Shape.Elems()}, 0
	if to.batched() {
		flat, axis = Shape{Batch, flat[0]}, 1
	}
	indices := &Tensor{Type: Int, Shape: Shape{len(at)}, Ints: make([]int64, len(at))}
	filled := &Tensor{Type: Bool, Shape: Shape{len(at)}, Ints: make([]int64, len(at))}
	fills := false
	for i, k := range at {
		if k == Fill {
			fills = true
			filled.Ints[i] = 1
			continue
		}
		indices.Ints[i] = int64(k)
	}
	y := s.add(&Gather{Axis: axis, Indices: indices}, s.reshape(x, flat))
	if fills {
		y = s.add(&Where{}, s.constant(filled), s.numberLike(x, fill), y)
	}
	return s.reshape(y, to)
}

// numberLike is a constant of one element of the type of x.
func (s *spelling) numberLike(x *Value, v float64) *Value {
	if x.Type == Float {
		return s.number(v)
	}
	return s.constant(&Tensor{Type: x.Type, Shape: Shape{}, Ints: []int64{int64(v)}})
}

// sample is a shape without the batch, and whether there was one.
func (s Shape) sample() (Shape, bool) {
	if s.batched() {
		return s[1:], true
	}
	return s, false
}

// withBatch puts the batch before a shape if there is one.
func (s Shape) withBatch(batched bool) Shape {
	if batched {
		return append(Shape{Batch}, s...)
	}
	return s.clone()
}

// index is operand i, constant indices, whose leading dimension, where data has a batch, is the same for all
// samples and left out. Shape and numbers are nil where it is not.
func (r *nodeReader) index(i int, data Shape) (Shape, []int64) {
	t := r.operand(i, "indices")
	if t == nil {
		return nil, nil
	}
	if t.Type != Int {
		r.failf("indices (operand %d) have elements of type %v, want integers", i, t.Type)
		return nil, nil
	}
	if !data.batched() {
		return t.Shape.clone(), t.Ints
	}
	if len(t.Shape) == 0 || r.batch != 0 && t.Shape[0] != r.batch || r.batch == 0 && t.Shape[0] != 1 {
		r.refusef("indices %v that count samples of the batch", t.Shape)
		return nil, nil
	}
	n := t.Shape[1:].Elems()
	for k, v := range t.Ints {
		if v != t.Ints[k%n] {
			r.refusef("indices that differ by sample of the batch")
			return nil, nil
		}
	}
	return t.Shape[1:].clone(), t.Ints[:n]
}

// at makes an index a position along a dimension of n.
func (r *nodeReader) at(i int64, n int) int {
	k, ok := resolveAxis(clampInt(i), n)
	if !ok {
		r.failf("index %d is outside a dimension of %d", i, n)
		return 0
	}
	return k
}

// elementPositions are the positions, in a sample, that indices along an axis of the sample name.
func (r *nodeReader) elementPositions(x, shape Shape, indices []int64, axis int) []int {
	if len(shape) != len(x) || axis < 0 || axis >= len(x) {
		r.failf("indices %v along axis %d of %v", shape, axis, x)
		return nil
	}
	for d, n := range shape {
		if d != axis && n > x[d] {
			r.failf("indices %v reach beyond %v", shape, x)
			return nil
		}
	}
	step := x.strides()
	out := make([]int, 0, len(indices))
	(&Tensor{Shape: shape}).each(func(index []int) {
		at := 0
		for d, k := range index {
			if d == axis {
				k = r.at(indices[len(out)], x[d])
			}
			at += k * step[d]
		}
		out = append(out, at)
	})
	return out
}

// positionsAlong lists, for every index (operand 1), the position in a sample of operand 0 at its place but for the axis, and
// gives the shape of the indices, with the batch of operand 0.
func (r *nodeReader) positionsAlong(axis int, s *spelling) ([]int, Shape) {
	x, batched := r.shapes[0].sample()
	if batched {
		if axis--; axis < 0 {
			r.refusef("axis 0 would mix samples of the batch")
			return nil, nil
		}
	}
	shape, indices := r.index(1, r.shapes[0])
	if r.wrong(s) {
		return nil, nil
	}
	return r.elementPositions(x, shape, indices, axis), shape.withBatch(batched)
}

// sayGatherElements takes, for every index, the element at its place but for the axis.
func sayGatherElements(r *nodeReader, s *spelling) *Value {
	axis := r.axis("axis", 0, 0)
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	at, shape := r.positionsAlong(axis, s)
	if r.wrong(s) {
		return nil
	}
	return s.pick(r.in[0], at, 0, shape)
}

// tuples are the positions, in x, of the parts that indices of tuples name, and the size of a part. The first dims
// dimensions of both go together.
func (r *nodeReader) tuples(x, shape Shape, indices []int64, dims int) (at []int, rest Shape) {
	if len(shape) == 0 || dims >= len(shape) || dims+shape[len(shape)-1] > len(x) || !shape[:dims].Equal(x[:min(dims, len(x))]) {
		r.failf("indices %v into %v with %d dimensions in common", shape, x, dims)
		return nil, nil
	}
	n := shape[len(shape)-1]
	step := x.strides()
	each := shape[dims : len(shape)-1].Elems()
	for i := range shape[:len(shape)-1].Elems() {
		from := i / each * x[dims:].Elems()
		for k := range n {
			from += r.at(indices[i*n+k], x[dims+k]) * step[dims+k]
		}
		at = append(at, from)
	}
	return at, x[dims+n:]
}

// parts are the positions of all elements of parts of some size that begin at the given ones.
func parts(at []int, size int) []int {
	out := make([]int, 0, len(at)*size)
	for _, from := range at {
		for k := range size {
			out = append(out, from+k)
		}
	}
	return out
}

// sayGatherND takes the parts of the data that tuples of indices name.
func sayGatherND(r *nodeReader, s *spelling) *Value {
	dims := r.int("batch_dims", 0)
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	data := r.shapes[0]
	x, batched := data.sample()
	if batched {
		if dims--; dims < 0 {
			r.refusef("indices that pick samples of the batch")
			return nil
		}
	}
	shape, indices := r.index(1, data)
	if r.wrong(s) || dims < 0 {
		r.failf("batch_dims is %d", dims)
		return nil
	}
	at, rest := r.tuples(x, shape, indices, dims)
	if r.wrong(s) || !r.small(len(at)*rest.Elems()) {
		return nil
	}
	return s.pick(r.in[0], parts(at, rest.Elems()), 0, append(shape[:len(shape)-1].clone(), rest...).withBatch(batched))
}

// small refuses tables of more elements than a tensor may have.
func (r *nodeReader) small(n int) bool {
	if n < 1 || n > maxFold {
		r.refusef("a result of %d elements", n)
		return false
	}
	return true
}

// sayScatterElements puts elements of the updates (operand 2) into the data.
func sayScatterElements(r *nodeReader, s *spelling) *Value {
	axis := r.axis("axis", 0, 0)
	reduction := r.text("reduction", "none")
	if r.arity(3, 3); r.wrong(s) {
		return nil
	}
	at, _ := r.positionsAlong(axis, s)
	if r.wrong(s) {
		return nil
	}
	return r.scatter(s, at, reduction)
}

// sayScatterND puts parts of the updates (operand 2) into the data.
func sayScatterND(r *nodeReader, s *spelling) *Value {
	reduction := r.text("reduction", "none")
	if r.arity(3, 3); r.wrong(s) {
		return nil
	}
	x, batched := r.shapes[0].sample()
	t := r.operand(1, "indices")
	if t == nil {
		return nil
	}
	if t.Type != Int {
		r.failf("indices have elements of type %v, want integers", t.Type)
		return nil
	}
	shape, indices := t.Shape, t.Ints
	if batched {
		// The first index of a tuple is the sample: every sample must be given the same parts.
		n := 0
		if len(shape) > 0 {
			n = shape[len(shape)-1]
		}
		samples := max(r.batch, 1)
		if n < 2 || len(indices)%(samples*n) != 0 {
			r.refusef("indices that pick samples of the batch")
			return nil
		}
		each := len(indices) / samples
		var own []int64
		for i := 0; i < len(indices); i += n {
			if indices[i] != int64(i/each) || !slices.Equal(indices[i+1:i+n], indices[i%each+1:i%each+n]) {
				r.refusef("indices that differ by sample of the batch")
				return nil
			}
			if i < each {
				own = append(own, indices[i+1:i+n]...)
			}
		}
		shape, indices = Shape{each / n, n - 1}, own
	}
	at, rest := r.tuples(x, shape, indices, 0)
	if r.wrong(s) || !r.small(len(at)*rest.Elems()) {
		return nil
	}
	return r.scatter(s, parts(at, rest.Elems()), reduction)
}

// scatter puts element i of the updates, operand 2, to position at[i] of the data, operand 0. The last of several
// for one position counts.
func (r *nodeReader) scatter(s *spelling, at []int, reduction string) *Value {
	data, updates := r.in[0], r.in[2]
	_, batched := data.Shape.sample()
	n := updates.Shape.Elems()
	if batched && !updates.Shape.batched() {
		n /= max(r.batch, 1)
	}
	if n != len(at) {
		r.failf("updates %v for %d positions of %v", updates.Shape, len(at), data.Shape)
		return nil
	}
	from := make([]int, data.Shape.Elems()) // of the updates
	for i := range from {
		from[i] = Fill
	}
	for i, k := range at {
		if reduction != "none" && from[k] != Fill {
			r.refusef("reduction %q with several updates for one position", reduction)
			return nil
		}
		from[k] = i
	}
	if batched && !updates.Shape.batched() {
		// The updates are constants of one sample.
		updates = s.pick(updates, span(n, 1), 0, Shape{1, n})
		moved := s.pick(updates, from, 0, data.Shape[1:])
		return r.choose(s, from, s.reshape(moved, append(Shape{1}, data.Shape[1:]...)), reduction)
	}
	return r.choose(s, from, s.pick(updates, from, 0, data.Shape), reduction)
}

// choose takes moved updates where there are any, the data elsewhere.
func (r *nodeReader) choose(s *spelling, from []int, moved *Value, reduction string) *Value {
	data := r.in[0]
	shape, _ := data.Shape.sample()
	holds := &Tensor{Type: Bool, Shape: shape, Ints: make([]int64, len(from))}
	for i, k := range from {
		holds.Ints[i] = truth(k != Fill)
	}
	switch reduction {
	case "none":
	case "add":
		moved = s.add(&Add{}, data, moved)
	case "mul":
		moved = s.add(&Mul{}, data, moved)
	case "max":
		moved = s.add(&Max{}, data, moved)
	case "min":
		moved = s.add(&Min{}, data, moved)
	default:
		r.failf("reduction is %q", reduction)
		return nil
	}
	return s.add(&Where{}, s.constant(holds), moved, data)
}

// sayReverseSequence turns the first elements of sequences of constant lengths round.
func sayReverseSequence(r *nodeReader, s *spelling) *Value {
	batchAxis, timeAxis := r.int("batch_axis", 1), r.int("time_axis", 0)
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	lens := r.operandInts(1, "sequence_lens")
	x := r.shapes[0]
	if r.wrong(s) || lens == nil {
		return nil
	}
	if len(x) < 2 || batchAxis == timeAxis || min(batchAxis, timeAxis) < 0 || max(batchAxis, timeAxis) > 1 || x[batchAxis] != len(lens) && x[batchAxis] != Batch {
		r.failf("axes %d and %d, and %d lengths, for input %v", batchAxis, timeAxis, len(lens), x)
		return nil
	}
	shape, batched := x.sample()
	if batched && (batchAxis != 0 || slices.Min(lens) != slices.Max(lens)) {
		r.refusef("sequences of the batch that differ in length, or time where the batch is")
		return nil
	}
	step := shape.strides()
	var at []int
	good := true
	(&Tensor{Shape: shape}).each(func(index []int) {
		time, which := index[0], 0
		axis := 0
		if !batched {
			time, which, axis = index[timeAxis], index[batchAxis], timeAxis
		}
		n := lens[which]
		if n < 0 || n > shape[axis] {
			good = false
			return
		}
		from := len(at)
		if time < n {
			from += (n - 1 - 2*time) * step[axis]
		}
		at = append(at, from)
	})
	if !good {
		r.failf("sequence_lens %v for input %v", lens, x)
		return nil
	}
	return s.pick(r.in[0], at, 0, x)
}

// sayTrilu keeps the triangle below a diagonal, or above it, of the last two dimensions.
func sayTrilu(r *nodeReader, s *spelling) *Value {
	upper := r.bool("upper", true)
	if r.arity(1, 2); r.wrong(s) {
		return nil
	}
	k := int(r.operandFloat(1, "k", 0))
	x := r.shapes[0]
	if r.wrong(s) || len(x) < 2 || x[len(x)-2] == Batch {
		r.failf("input %v: want a matrix in every sample", x)
		return nil
	}
	rows, columns := x[len(x)-2], x[len(x)-1]
	kept := &Tensor{Type: Bool, Shape: Shape{rows, columns}}
	for i := range rows {
		for j := range columns {
			kept.Ints = append(kept.Ints, truth(upper && j >= i+k || !upper && j <= i+k))
		}
	}
	return s.add(&Where{}, s.constant(kept), r.in[0], s.numberLike(r.in[0], 0))
}

// sayCompress takes the positions of an axis, or of all elements, where a constant condition holds.
func sayCompress(r *nodeReader, s *spelling) *Value {
	flat := !r.has("axis")
	axis := r.axis("axis", 0, 0)
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	t := r.operand(1, "condition")
	if t == nil {
		return nil
	}
	x := r.in[0]
	if flat {
		if x.Shape.batched() {
			r.refusef("elements of the batch as one list")
			return nil
		}
		x, axis = s.reshape(x, Shape{x.Shape.Elems()}), 0
	}
	indices := &Tensor{Type: Int}
	for i, v := range t.Ints {
		if v != 0 {
			indices.Ints = append(indices.Ints, int64(i))
		}
	}
	indices.Shape = Shape{len(indices.Ints)}
	return s.add(&Gather{Axis: axis, Indices: indices}, x)
}
