package onnx

// A sequence of tensors whose length is known when the model is read, as exporters write torch.stack and
// unbind, is a list of values. No node computes it.

// sequenceOps take or make sequences.
var sequenceOps = map[string]bool{"SequenceEmpty": true, "SequenceConstruct": true, "SequenceAt": true, "SequenceLength": true, "SequenceInsert": true, "SequenceErase": true,
	"SplitToSequence": true, "ConcatFromSequence": true, "Identity": true}

// sequence makes a value that stands for a list.
func (r *nodeReader) sequence(list []*Value) *Value {
	v := &Value{}
	r.sequences[v] = list
	return v
}

// listed is operand i as a list.
func (r *nodeReader) listed(i int) []*Value {
	if !r.given(i) || r.sequences[r.in[i]] == nil {
		r.failf("operand %d is not a sequence whose length is known", i)
		return nil
	}
	return r.sequences[r.in[i]]
}

// position is operand i, a constant that counts from the end where it is negative.
func (r *nodeReader) position(i, n int) int {
	t := r.operand(i, "position")
	if t == nil || t.Type != Int || len(t.Ints) != 1 {
		r.failf("operand %d is not one integer", i)
		return 0
	}
	return r.at(t.Ints[0], n)
}

func saySequenceConstruct(r *nodeReader, s *spelling) *Value {
	if r.arity(1, -1); r.wrong(s) {
		return nil
	}
	return r.sequence(append([]*Value(nil), r.in...))
}

func saySequenceEmpty(r *nodeReader, s *spelling) *Value {
	r.ignore("dtype")
	if r.arity(0, 0); r.wrong(s) {
		return nil
	}
	return r.sequence([]*Value{})
}

func saySequenceAt(r *nodeReader, s *spelling) *Value {
	if r.arity(2, 2); r.wrong(s) {
		return nil
	}
	list := r.listed(0)
	k := r.position(1, len(list))
	if r.wrong(s) {
		return nil
	}
	return list[k]
}

func saySequenceLength(r *nodeReader, s *spelling) *Value {
	list := r.listed(0)
	return s.constant(&Tensor{Type: Int, Shape: Shape{}, Ints: []int64{int64(len(list))}})
}

func saySequenceInsert(r *nodeReader, s *spelling) *Value {
	if r.arity(2, 3); r.wrong(s) {
		return nil
	}
	list := r.listed(0)
	k := len(list)
	if r.given(2) {
		k = r.position(2, len(list)+1)
	}
	if r.wrong(s) || len(list) >= maxInts {
		r.failf("a sequence of %d tensors", len(list))
		return nil
	}
	return r.sequence(append(append(append([]*Value(nil), list[:k]...), r.in[1]), list[k:]...))
}

// sayConcatFromSequence joins the tensors along an axis, or along a new one.
func sayConcatFromSequence(r *nodeReader, s *spelling) *Value {
	axis, fresh := r.int("axis", 0), r.bool("new_axis", false)
	list := r.listed(0)
	if r.wrong(s) {
		return nil
	}
	if len(list) == 0 {
		r.refusef("it joins no tensors")
		return nil
	}
	rank := len(list[0].Shape)
	if fresh {
		rank++
	}
	a, ok := resolveAxis(axis, rank)
	if !ok {
		r.failf("axis %d is outside a tensor of rank %d", axis, rank)
		return nil
	}
	parts := append([]*Value(nil), list...)
	if fresh {
		for i, v := range parts {
			parts[i] = s.add(&Unsqueeze{Axes: []int{a}}, v)
		}
	}
	return s.add(&Concat{Axis: a}, parts...)
}

// saySplitToSequence cuts a tensor into parts of given sizes, of one size, or of one element.
func saySplitToSequence(r *nodeReader, s *spelling) *Value {
	axis, keep := r.axis("axis", 0, 0), r.bool("keepdims", true)
	if r.arity(1, 2); r.wrong(s) {
		return nil
	}
	x := r.in[0]
	if len(x.Shape) == 0 || x.Shape[axis] == Batch {
		r.refusef("axis %d of %v cannot be cut into parts of a known number", axis, x.Shape)
		return nil
	}
	n := x.Shape[axis]
	size, sizes := 1, []int(nil)
	if r.given(1) {
		t := r.operand(1, "split")
		switch {
		case t == nil:
			return nil
		case t.Type != Int || len(t.Ints) == 0:
			r.failf("the sizes of the parts are no integers")
			return nil
		case len(t.Shape) == 0:
			size = clampInt(t.Ints[0])
		default:
			sizes = clampInts(t.Ints)
		}
		keep = true
	}
	for at := 0; sizes == nil && size > 0 && at < n && n/size <= maxInts; {
		for ; at < n; at += size {
			sizes = append(sizes, min(size, n-at))
		}
	}
	at, list := 0, []*Value(nil)
	for _, k := range sizes {
		if k < 1 || at+k > n {
			break
		}
		part := s.add(&Slice{Axes: []int{axis}, Starts: []int{at}, Ends: []int{at + k}, Steps: []int{1}}, x)
		if !keep {
			part = s.add(&Squeeze{Axes: []int{axis}}, part)
		}
		list, at = append(list, part), at+k
	}
	if at != n || len(list) != len(sizes) {
		r.failf("parts of %v of dimension %d of %v", sizes, axis, x.Shape)
		return nil
	}
	return r.sequence(list)
}
