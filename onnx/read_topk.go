package onnx

import (
	"cmp"
	"slices"
)

// sayTopK gives the largest element along an axis, or the smallest, and its position: the first of k that are sorted. More
// than one would have to be sorted, which constants are.
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
	case r.in[0].Const != nil && r.in[0].Shape.Elems() <= maxInts:
		values, at := topOf(r.in[0].Const, axis, k, largest)
		r.also(1, s.constant(at))
		return s.constant(values)
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

// topOf are the k largest or smallest elements of a constant along an axis, and their positions: of equal ones the first.
func topOf(t *Tensor, axis, k int, largest bool) (values, at *Tensor) {
	inner := 1
	for _, n := range t.Shape[axis+1:] {
		inner *= n
	}
	n := t.Shape[axis]
	shape := t.Shape.clone()
	shape[axis] = k
	values = &Tensor{Type: t.Type, Shape: shape}
	at = &Tensor{Type: Int, Shape: shape.clone(), Ints: make([]int64, shape.Elems())}
	compare := func(a, b int) int {
		if t.Type == Float {
			return cmp.Compare(t.Floats[a], t.Floats[b])
		}
		return cmp.Compare(t.Ints[a], t.Ints[b])
	}
	from := make([]int, shape.Elems())
	order := make([]int, n)
	for first := 0; first < t.Shape.Elems()/n; first++ {
		base := first/inner*n*inner + first%inner
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			if largest {
				a, b = b, a
			}
			return compare(base+a*inner, base+b*inner)
		})
		for i, p := range order[:k] {
			to := first/inner*k*inner + i*inner + first%inner
			at.Ints[to], from[to] = int64(p), base+p*inner
		}
	}
	for _, i := range from {
		if t.Type == Float {
			values.Floats = append(values.Floats, t.Floats[i])
		} else {
			values.Ints = append(values.Ints, t.Ints[i])
		}
	}
	return values, at
}
