package onnx

// sayTopK gives the largest element along an axis, or the smallest, and its position: the first of k that are sorted. More
// than one would have to be sorted.
func sayTopK(r *nodeReader, s *spelling) *Value {
	operands := 2
	k := 0
	if r.opset < 10 {
		operands = 1
		k = r.int("k", 0)
	}
	axis, largest := r.axis("axis", -1, 0), r.bool("largest", true)
	r.ignore("sorted") // there is one
	if r.arity(operands, operands); r.wrong(s) {
		return nil
	}
	if operands == 2 {
		list := r.operandInts(1, "k")
		if r.wrong(s) {
			return nil
		}
		if len(list) != 1 {
			r.failf("k (operand 1) is %v, want one number", list)
			return nil
		}
		k = list[0]
	}
	x := r.shapes[0]
	switch {
	case len(x) == 0 || x[axis] != Batch && (k < 1 || k > x[axis]):
		r.failf("k is %d for input %v along axis %d", k, x, axis)
		return nil
	case x[axis] == Batch:
		r.refusef("axis %d would mix samples of the batch", axis)
		return nil
	case k != 1:
		r.refusef("the %d largest would be sorted: end the network before it", k)
		return nil
	}
	if r.used(1) {
		r.also(1, s.add(&ArgMax{Axis: axis, KeepDims: true, Least: !largest}, r.in[0]))
	}
	kind := ReduceMax
	if !largest {
		kind = ReduceMin
	}
	return s.add(&Reduce{Kind: kind, Axes: []int{axis}, KeepDims: true}, r.in[0])
}
