package onnx

import (
	"cmp"
	"slices"
)

// sayUnique lists the different elements of a constant; further results are where each is first, which of them every element is,
// and how often each is there.
func sayUnique(r *nodeReader, s *spelling) *Value {
	sorted := r.bool("sorted", true)
	if r.has("axis") {
		r.ignore("axis")
		r.refusef("parts along an axis")
	}
	if r.arity(1, 1); r.wrong(s) {
		return nil
	}
	if r.in[0].Const == nil {
		r.refusef(dataShape)
		return nil
	}
	x := r.in[0].Const
	if !r.small(x.Shape.Elems()) {
		return nil
	}
	inverse := &Tensor{Type: Int, Shape: Shape{x.Shape.Elems()}}
	var first []int64
	if x.Type == Float {
		first, inverse.Ints = distinct(x.Floats, sorted)
	} else {
		first, inverse.Ints = distinct(x.Ints, sorted)
	}
	unique, counts := &Tensor{Type: x.Type, Shape: Shape{len(first)}}, make([]int64, len(first))
	for _, i := range first {
		if x.Type == Float {
			unique.Floats = append(unique.Floats, x.Floats[i])
		} else {
			unique.Ints = append(unique.Ints, x.Ints[i])
		}
	}
	for _, k := range inverse.Ints {
		counts[k]++
	}
	r.also(1, s.constant(&Tensor{Type: Int, Shape: unique.Shape, Ints: first}))
	r.also(2, s.constant(inverse))
	r.also(3, s.constant(&Tensor{Type: Int, Shape: unique.Shape, Ints: counts}))
	return s.constant(unique)
}

// distinct says where every different element of a list is first, in the order of their values or of the list, and which of them
// each element is.
func distinct[T cmp.Ordered](list []T, sorted bool) (first, inverse []int64) {
	at := map[T]int64{}
	for i, v := range list {
		if _, seen := at[v]; !seen {
			at[v] = 0
			first = append(first, int64(i))
		}
	}
	if sorted {
		slices.SortFunc(first, func(a, b int64) int { return cmp.Compare(list[a], list[b]) })
	}
	for k, i := range first {
		at[list[i]] = int64(k)
	}
	for _, v := range list {
		inverse = append(inverse, at[v])
	}
	return first, inverse
}
