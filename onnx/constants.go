package onnx

import (
	"math"

	"qconv/onnx/internal/pb"
)

// Operators that make constants, or convert them, are done while a model is read.

// evalCast converts between integers and floating point.
func evalCast(d *decoder, r *nodeReader) *known {
	if !r.given(0) {
		return nil
	}
	if r.opset < 6 {
		return nil
	}
	to := pb.TensorProto_DataType(r.int("to", 0))
	r.ignore("saturate")
	if _, ok := elemBits[to]; !ok {
		return nil
	}
	c := r.in[0].Const
	if to == pb.TensorProto_BOOL && c != nil && c.Type != Bool {
		if !r.afford(d, len(c.Floats)+len(c.Ints), 8) {
			return nil
		}
		return c.toBool().known()
	}
	switch {
	case dataType(to) == Int && r.known(0) != nil:
		return r.known(0).known()
	case c == nil || c.Type == dataType(to):
		return c.known()
	case !r.afford(d, len(c.Floats)+len(c.Ints), 8):
		return nil
	case c.Type != Float && dataType(to) == Float:
		return c.toFloat().known()
	case c.Type == Bool && dataType(to) == Int:
		return (&Tensor{Type: Int, Shape: c.Shape, Ints: c.Ints}).known()
	case c.Type == Float && dataType(to) == Int:
		out := &Tensor{Type: Int, Shape: c.Shape, Ints: make([]int64, len(c.Floats))}
		for i, v := range c.Floats {
			out.Ints[i] = int64(v)
		}
		return out.known()
	}
	return nil
}

// toBool says of every element whether it is not 0.
func (t *Tensor) toBool() *Tensor {
	out := &Tensor{Type: Bool, Shape: t.Shape, Ints: make([]int64, t.Shape.Elems())}
	for i := range out.Ints {
		if t.Type == Float {
			out.Ints[i] = truth(t.Floats[i] != 0)
		} else {
			out.Ints[i] = truth(t.Ints[i] != 0)
		}
	}
	return out
}

// evalRange counts from a start to before a limit.
func evalRange(d *decoder, r *nodeReader) *known {
	if len(r.in) != 3 || !r.constants(3) {
		return nil
	}
	var v [3]float64
	kind := r.in[0].Type
	for i, in := range r.in {
		if in == nil || in.Type != kind || kind == Bool || in.Shape.Elems() != 1 {
			r.failf("operand %d is not one number of the type of the others", i)
			return nil
		}
		if kind == Float {
			v[i] = float64(in.Const.Floats[0])
		} else {
			v[i] = float64(in.Const.Ints[0])
		}
	}
	n := math.Max(math.Ceil((v[1]-v[0])/v[2]), 0)
	if v[2] == 0 || math.IsNaN(n) || n > maxDim {
		r.failf("from %g to %g by steps of %g: too many elements", v[0], v[1], v[2])
		return nil
	}
	if !r.afford(d, int(n), 8) {
		return nil
	}
	out := &Tensor{Type: kind, Shape: Shape{int(n)}}
	for i := range int(n) {
		if x := v[0] + float64(i)*v[2]; kind == Float {
			out.Floats = append(out.Floats, float32(x))
		} else {
			out.Ints = append(out.Ints, int64(x))
		}
	}
	return out.known()
}

// toFloats is the tensor itself if it is one of floating-point numbers, else converted.
func (t *Tensor) toFloats() *Tensor {
	if t.Type == Float {
		return t
	}
	return t.toFloat()
}

// toFloat converts a tensor of integers.
func (t *Tensor) toFloat() *Tensor {
	out := &Tensor{Type: Float, Shape: t.Shape, Floats: make([]float32, len(t.Ints))}
	for i, v := range t.Ints {
		out.Floats[i] = float32(v)
	}
	return out
}

// known is a constant as the result of an evaluator.
func (t *Tensor) known() *known {
	if t == nil {
		return nil
	}
	return &known{tensor: t}
}

// evalConstant returns the value of any of the attributes that can give it.
func evalConstant(d *decoder, r *nodeReader) *known {
	if a := r.attr("value", pb.AttributeProto_TENSOR); a != nil {
		return r.tensor(d, a).known()
	}
	if a := r.attr("sparse_value", pb.AttributeProto_SPARSE_TENSOR); a != nil {
		t, err := d.sparse(a.GetSparseTensor())
		return r.checked(a, t, err).known()
	}
	if r.has("value_float") {
		return (&Tensor{Type: Float, Shape: Shape{}, Floats: []float32{float32(r.bound("value_float", 0))}}).known()
	}
	if a := r.attr("value_int", pb.AttributeProto_INT); a != nil {
		return (&Tensor{Type: Int, Shape: Shape{}, Ints: []int64{a.GetI()}}).known()
	}
	if a := r.attr("value_floats", pb.AttributeProto_FLOATS); a != nil {
		return (&Tensor{Type: Float, Shape: Shape{len(a.Floats)}, Floats: a.Floats}).known()
	}
	if a := r.attr("value_ints", pb.AttributeProto_INTS); a != nil {
		return (&Tensor{Type: Int, Shape: Shape{len(a.Ints)}, Ints: a.Ints}).known()
	}
	return nil
}

// evalConstantOfShape fills a tensor of a known shape with one value, 0 if not given.
func evalConstantOfShape(d *decoder, r *nodeReader) *known {
	x := r.known(0)
	if x == nil || len(x.shape) != 1 {
		return nil
	}
	one := x.ofOneSample()
	if one == nil {
		return nil
	}
	shape, elems, err := tensorShape(one)
	if err != nil {
		r.failf("%w", err)
		return nil
	}
	value := &Tensor{Type: Float, Floats: []float32{0}}
	if a := r.attr("value", pb.AttributeProto_TENSOR); a != nil {
		if value = r.tensor(d, a); value == nil {
			return nil
		}
	}
	if len(value.Floats)+len(value.Ints) != 1 {
		r.failf("attribute %q has %d elements, want 1", "value", len(value.Floats)+len(value.Ints))
		return nil
	}
	out := &Tensor{Type: value.Type, Shape: shape}
	if err := d.budget.take(elems, out.Type.size()); err != nil {
		r.failf("shape %v: more elements than a model may fill: %w", shape, err)
		return nil
	}
	if out.Type == Float {
		out.Floats = filled(elems, value.Floats[0])
	} else {
		out.Ints = filled(elems, value.Ints[0])
	}
	return out.known()
}

// ofOneSample is a shape with the batch, which is one of its dimensions at most, as 1: a constant that is the same for all samples
// has it so, and is repeated where it meets values of samples. It is nil where a dimension is another multiple of the batch size.
func (x *ints) ofOneSample() []int64 {
	var out []int64
	batches := 0
	for _, e := range x.v {
		switch e {
		case dim{n: e.n}:
			out = append(out, e.n)
		case dim{batch: 1}:
			out = append(out, 1)
			batches++
		default:
			return nil
		}
	}
	if batches > 1 {
		return nil
	}
	return out
}

// evalExpand repeats a constant to a shape that has the batch size in it, see [ints.ofOneSample].
func evalExpand(d *decoder, r *nodeReader) *known {
	if len(r.in) != 2 || r.in[0] == nil || r.in[0].Const == nil || r.known(1) == nil || r.known(1).constant() != nil {
		return nil
	}
	one := r.known(1).ofOneSample()
	if one == nil {
		return nil
	}
	c := r.in[0].Const
	shape, err := broadcast(c.Shape, clampInts(one))
	if err != nil {
		r.failf("%w", err)
		return nil
	}
	if err := shape.check(); err != nil {
		r.failf("shape %v: %w", shape, err)
		return nil
	}
	if !r.afford(d, shape.Elems(), c.Type.size()+indexBytes) {
		return nil
	}
	if shape.Equal(c.Shape) {
		return &known{tensor: c, same: true}
	}
	m := stretch(c.Shape, shape)
	return (&Tensor{Type: c.Type, Shape: shape, Floats: apply(m, c.Floats, 0), Ints: apply(m, c.Ints, 0)}).known()
}

// afford spends memory on n elements of some bytes that an evaluator makes; the node is wrong if there is
// not as much.
func (r *nodeReader) afford(d *decoder, n int, bytes int64) bool {
	if err := d.budget.take(n, bytes); err != nil {
		r.failf("%w", err)
		return false
	}
	return true
}

// size is that of an element in memory, in bytes.
func (t DataType) size() int64 {
	if t == Float {
		return 4
	}
	return 8
}

func filled[T comparable](n int, v T) []T {
	out := make([]T, n)
	if v != *new(T) {
		for i := range out {
			out[i] = v
		}
	}
	return out
}

// tensor is the value of a tensor attribute, nil if it is wrong or not supported.
func (r *nodeReader) tensor(d *decoder, a *pb.AttributeProto) *Tensor {
	t, err := d.tensor(a.GetT())
	return r.checked(a, t, err)
}

// checked is the tensor of an attribute, nil with an error.
func (r *nodeReader) checked(a *pb.AttributeProto, t *Tensor, err error) *Tensor {
	switch err := err.(type) {
	case nil:
		return t
	case *refusal:
		r.refusef("%s", err.reason)
	default:
		r.failf("attribute %q: %w", a.GetName(), err)
	}
	return nil
}
