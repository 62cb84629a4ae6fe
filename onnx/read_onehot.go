package onnx

import "slices"

// counts is the list 0, 1, ..., n-1 of the type of x, in a shape that lies along an axis of a tensor of some rank.
func (s *spelling) counts(x *Value, n, from, axis, rank int) *Value {
	shape := Shape(filled(rank-axis, 1))
	shape[0] = n
	t := &Tensor{Type: x.Type, Shape: shape}
	for i := range n {
		if x.Type == Float {
			t.Floats = append(t.Floats, float32(from+i))
		} else {
			t.Ints = append(t.Ints, int64(from+i))
		}
	}
	return s.constant(t)
}

// chosen is 1 along a new axis where it is the index that x holds there, which may be negative, 0 elsewhere.
func (s *spelling) chosen(x *Value, n, axis int) *Value {
	x = s.add(&Unsqueeze{Axes: []int{axis}}, x)
	rank := len(x.Shape)
	// Repeated first, so that what follows is a function of one number, which differs along the axis.
	repeats := filled(rank, 1)
	repeats[axis] = n
	x = s.add(&Tile{Repeats: repeats}, x)
	holds := s.add(&Logic{Kind: Or},
		s.add(&Compare{Relation: Equal}, x, s.counts(x, n, 0, axis, rank)), s.add(&Compare{Relation: Equal}, x, s.counts(x, n, -n, axis, rank)))
	return s.add(&Cast{To: Float}, holds)
}

// maxClasses bounds the length of a list of which one is chosen by an index that is computed.
const maxClasses = 1 << 17

// sayOneHot has operands indices, depth, and the values off and on.
func sayOneHot(r *nodeReader, s *spelling) *Value {
	axis := r.int("axis", -1)
	if r.arity(3, 3); r.wrong(s) {
		return nil
	}
	depth := r.operandFloat(1, "depth", 0)
	values := r.operand(2, "values")
	if r.wrong(s) || values == nil {
		return nil
	}
	x := r.in[0]
	axis, ok := resolveAxis(axis, len(x.Shape)+1)
	if !ok || values.Shape.Elems() != 2 || depth < 1 || depth > maxClasses {
		r.failf("axis %d of a tensor of rank %d, depth %g and %d values", axis, len(x.Shape)+1, depth, values.Shape.Elems())
		return nil
	}
	if axis == 0 && x.Shape.batched() {
		r.refusef("a new dimension before the batch")
		return nil
	}
	one := func(i int) *Value {
		t := &Tensor{Type: values.Type, Shape: Shape{}}
		if values.Type == Float {
			t.Floats = values.Floats[i:][:1]
		} else {
			t.Ints = values.Ints[i:][:1]
		}
		return s.constant(t)
	}
	y := s.chosen(x, int(depth), axis)
	return s.add(&Where{}, s.add(&Cast{To: Bool}, y), one(1), one(0))
}

// sayGather reads constant indices as a movement, and computed ones, which an embedding has, as the product of a
// constant table and what they choose.
func sayGather(r *nodeReader, s *spelling) *Value {
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	if r.in[1].Const != nil || r.in[0].Const == nil {
		op := readGather(r)
		if r.wrong(s) {
			return nil
		}
		r.made, r.codes = r.codes[0], nil
		return s.add(op, r.in[0])
	}
	axis := r.axis("axis", 0, 0)
	table, x := r.in[0].Const, r.in[1]
	if r.wrong(s) {
		return nil
	}
	if axis != 0 || table.Type != Float || len(table.Shape) == 0 || table.Shape[0] > maxClasses {
		r.refusef("indices that are computed when the network runs, along axis %d of a constant %v of type %v; want axis 0 of floating-point numbers", axis, table.Shape, table.Type)
		return nil
	}
	n, width := table.Shape[0], table.Shape[1:].Elems()
	to := append(x.Shape.clone(), table.Shape[1:]...)
	flat := s.constant(&Tensor{Type: Float, Shape: Shape{n, width}, Floats: table.Floats})
	if len(x.Shape) < 2 {
		if len(x.Shape) == 0 {
			x = s.add(&Unsqueeze{Axes: []int{0}}, x)
		}
		return s.reshape(s.add(&MatMul{}, s.chosen(x, n, 1), flat), to)
	}
	lead, rest := x.Shape[0], x.Shape[1:].Elems()
	x = s.reshape(x, Shape{lead, rest})
	// [N][V][T] by [D][V] is [N][D][T].
	y := s.add(&MatMul{}, s.transpose(flat, 1, 0), s.chosen(x, n, 1))
	return s.reshape(s.transpose(y, 0, 2, 1), to)
}

// sayHardmax is 1 at the first of the largest elements, 0 elsewhere.
func sayHardmax(r *nodeReader, s *spelling) *Value {
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	return r.overAxis(s, r.in[0], func(x *Value, axis int) *Value {
		top := s.add(&ArgMax{Axis: axis}, x)
		if s.err != nil {
			return top
		}
		return s.chosen(top, x.Shape[axis], axis)
	})
}

// sayCumSum multiplies by a triangle of ones.
func sayCumSum(r *nodeReader, s *spelling) *Value {
	exclusive, reverse := r.bool("exclusive", false), r.bool("reverse", false)
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	x := r.in[0]
	rank := len(x.Shape)
	axis, ok := resolveAxis(int(r.operandFloat(1, "axis", 0)), rank)
	if r.wrong(s) {
		return nil
	}
	switch {
	case !ok:
		r.failf("the axis is outside input %v", x.Shape)
		return nil
	case x.Shape[axis] == Batch:
		r.refusef("axis %d would add up samples of the batch", axis)
		return nil
	case x.Shape[axis] > 1<<12:
		r.refusef("sums over %d elements, want at most %d", x.Shape[axis], 1<<12)
		return nil
	}
	n := x.Shape[axis]
	triangle := &Tensor{Type: Float, Shape: Shape{n, n}, Floats: make([]float32, n*n)}
	for i := range n { // element i counts in sum j
		for j := range n {
			if reverse && (i > j || i == j && !exclusive) || !reverse && (i < j || i == j && !exclusive) {
				triangle.Floats[i*n+j] = 1
			}
		}
	}
	kind := x.Type
	x = s.asFloat(x)
	perm := span(rank, 1)
	perm[axis], perm[rank-1] = rank-1, axis
	if rank == 1 {
		y := s.add(&MatMul{}, s.reshape(x, Shape{1, n}), s.constant(triangle))
		return s.backTo(kind, s.reshape(y, Shape{n}))
	}
	y := s.transpose(s.add(&MatMul{}, s.transpose(x, perm...), s.constant(triangle)), perm...)
	return s.backTo(kind, y)
}

// asFloat and backTo compute with integers as with real numbers.
func (s *spelling) asFloat(x *Value) *Value {
	if x.Type == Float {
		return x
	}
	return s.add(&Cast{To: Float}, x)
}

func (s *spelling) backTo(kind DataType, y *Value) *Value {
	if kind == Float {
		return y
	}
	return s.add(&Cast{To: kind}, y)
}

// sayDropout hands on its input. The mask, which says what was kept, is that of everything.
func sayDropout(r *nodeReader, s *spelling) *Value {
	readDropout(r)
	if r.wrong(s) {
		return nil
	}
	x := r.in[0]
	if r.used(1) {
		mask := s.add(&Compare{Relation: Equal}, x, x)
		if r.opset < 10 {
			mask = s.add(&Cast{To: Float}, mask)
		}
		r.also(1, mask)
	}
	r.made, r.codes = r.codes[0], nil
	return s.add(&Dropout{}, x)
}

// sayMeanVariance normalizes over some axes.
func sayMeanVariance(r *nodeReader, s *spelling) *Value {
	axes := r.ints("axes")
	if axes == nil {
		axes = []int{0, 2, 3}
	}
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	axes = r.axes(axes, len(r.shapes[0]))
	if r.wrong(s) {
		return nil
	}
	return s.normalize(r.in[0], axes, 1e-9, true)
}

// sayLpPool is the root of the sum of powers in every window, or with global over everything.
func sayLpPool(global bool) phrase {
	return func(r *nodeReader, s *spelling) *Value {
		p := 2.0
		if a := r.attrs["p"]; a != nil && r.opset < 2 {
			p = r.float("p", 2)
		} else {
			p = float64(r.int("p", 2))
		}
		if r.arity(1, 1); r.wrong(s) {
			return nil
		}
		x := r.in[0]
		if p < 1 || len(x.Shape) < 3 {
			r.failf("p is %g, input %v: want at least 1, and spatial dimensions", p, x.Shape)
			return nil
		}
		power := s.add(&Abs{}, x)
		switch p {
		case 1:
		case 2:
			power = s.add(&Mul{}, x, x)
		default:
			power = s.add(&Pow{}, power, s.number(p))
		}
		if global {
			axes := span(len(x.Shape), 1)[2:]
			power = s.add(&Reduce{Kind: ReduceSum, Axes: axes, KeepDims: true}, power)
		} else {
			w := r.window(nil)
			op := &AveragePool{Kernel: w.kernel, Strides: w.strides, Dilations: filled(len(w.kernel), 1), Pads: r.pads(w), CountIncludePad: true}
			if r.bool("ceil_mode", false) {
				r.refusef("ceil_mode")
			}
			if slices.ContainsFunc(w.dilations, func(d int) bool { return d != 1 }) {
				op.Dilations = w.dilations
			}
			if r.wrong(s) {
				return nil
			}
			power = s.add(&Mul{}, r.average(s, op, power), s.number(float64(product(op.Kernel))))
		}
		if p == 1 {
			return power
		}
		if p == 2 {
			return s.add(&Sqrt{}, power)
		}
		return s.add(&Pow{}, power, s.number(1/p))
	}
}

// average is a pooling. With dilations it is a convolution by equal weights, divided by how many of its elements
// count.
func (r *nodeReader) average(s *spelling, op *AveragePool, x *Value) *Value {
	if !slices.ContainsFunc(op.Dilations, func(d int) bool { return d != 1 }) {
		return s.add(op, x)
	}
	if op.Ceil || len(x.Shape) < 3 || x.Shape[1] == Batch {
		r.refusef("dilations %v with ceil_mode", op.Dilations)
		return x
	}
	conv := func(channels int) (*Conv, *Value) {
		shape := append(Shape{channels, 1}, op.Kernel...)
		ones := &Tensor{Type: Float, Shape: shape, Floats: filled(shape.Elems(), float32(1))}
		return &Conv{Kernel: op.Kernel, Strides: op.Strides, Dilations: op.Dilations, Pads: op.Pads, Groups: channels}, s.constant(ones)
	}
	sum, ones := conv(x.Shape[1])
	y := s.add(sum, x, ones)
	if op.CountIncludePad || s.err != nil {
		return s.add(&Mul{}, y, s.number(1/float64(product(op.Kernel))))
	}
	count := &Tensor{Type: Float, Shape: append(Shape{1, 1}, y.Shape[2:]...)}
	per := make([][]int, len(op.Kernel))
	for d := range per {
		per[d] = make([]int, y.Shape[2+d])
		for o := range per[d] {
			for k := range op.Kernel[d] {
				if at := o*op.Strides[d] - op.Pads[d] + k*op.Dilations[d]; at >= 0 && at < x.Shape[2+d] {
					per[d][o]++
				}
			}
		}
	}
	(&Tensor{Shape: count.Shape}).each(func(index []int) {
		n := 1
		for d := range per {
			n *= per[d][index[2+d]]
		}
		count.Floats = append(count.Floats, 1/float32(max(n, 1)))
	})
	return s.add(&Mul{}, y, s.constant(count))
}

// sayAveragePool reads a pooling with or without dilations.
func sayAveragePool(r *nodeReader, s *spelling) *Value {
	op := readAveragePool(r).(*AveragePool)
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	return r.average(s, op, r.in[0])
}

// evalEyeLike makes a matrix of the shape of its operand with ones on a diagonal.
func evalEyeLike(d *decoder, r *nodeReader) *known {
	if !r.given(0) {
		return nil
	}
	x, k := r.shapes[0], r.int("k", 0)
	kind := r.in[0].Type
	if r.has("dtype") {
		kind = dataType(elementType(r.int("dtype", 1)))
	}
	if len(x) != 2 || x.batched() || !r.afford(d, x.Elems(), kind.size()) {
		return nil
	}
	t := &Tensor{Type: kind, Shape: x.clone()}
	if kind == Float {
		t.Floats = make([]float32, x.Elems())
	} else {
		t.Ints = make([]int64, x.Elems())
	}
	for i := range x[0] {
		j := i + k
		switch {
		case j < 0 || j >= x[1]:
		case kind == Float:
			t.Floats[i*x[1]+j] = 1
		default:
			t.Ints[i*x[1]+j] = 1
		}
	}
	return t.known()
}

// evalNonZero lists the positions of the elements of a constant that are not 0, one row for each dimension.
func evalNonZero(d *decoder, r *nodeReader) *known {
	if !r.constants(1) {
		return nil
	}
	x := r.in[0].Const
	rank := len(x.Shape)
	if !r.afford(d, x.Shape.Elems()*max(rank, 1), 16) {
		return nil
	}
	rows := make([][]int64, rank)
	n, i := 0, 0
	x.each(func(index []int) {
		if x.number(i) != 0 {
			n++
			for k, at := range index {
				rows[k] = append(rows[k], int64(at))
			}
		}
		i++
	})
	return (&Tensor{Type: Int, Shape: Shape{rank, n}, Ints: slices.Concat(rows...)}).known()
}
