package onnx

import "fmt"

// Pad adds elements around its input, or removes them where a pad is negative.
type Pad struct {
	Pads []int // begins of all dimensions, then ends
	Mode PadMode
	// Value is what "constant" adds.
	Value float64
}

// PadMode says what stands around the input.
type PadMode string

const (
	PadConstant PadMode = "constant" // one value
	PadReflect  PadMode = "reflect"  // the input mirrored at its border elements
	PadEdge     PadMode = "edge"     // the border elements
	PadWrap     PadMode = "wrap"     // the input again
)

// Type returns "Pad".
func (*Pad) Type() string { return "Pad" }

// InferShape returns the padded shape.
func (op *Pad) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if len(op.Pads) != 2*len(x) {
		return nil, fmt.Errorf("pads has %d entries, input %v wants %d", len(op.Pads), x, 2*len(x))
	}
	out := x.clone()
	for i, d := range x {
		begin, end := op.Pads[i], op.Pads[len(x)+i]
		if d == Batch {
			if begin != 0 || end != 0 {
				return nil, refusef("pads %v change the batch of input %v", op.Pads, x)
			}
			continue
		}
		if begin < -d || end < -d || int64(d)+int64(begin)+int64(end) < 1 || int64(d)+int64(begin)+int64(end) > maxDim {
			return nil, fmt.Errorf("pads %d and %d leave nothing of dimension %d of input %v, or too much", begin, end, i, x)
		}
		if op.Mode == PadReflect && (begin >= d || end >= d) {
			return nil, fmt.Errorf("pads %d and %d reflect more than dimension %d of input %v has", begin, end, i, x)
		}
		out[i] = d + begin + end
	}
	return []Shape{out}, nil
}

// readPad takes pads and value from attributes before opset 11, from operands since; since
// opset 18 the pads may be those of some axes only.
func readPad(r *nodeReader) Op {
	op := &Pad{Mode: PadMode(r.text("mode", "constant"))}
	switch op.Mode {
	case PadConstant, PadReflect, PadEdge, PadWrap:
	default:
		r.failf("mode is %q, want constant, reflect, edge or wrap", op.Mode)
	}
	if r.opset < 11 {
		name := "pads"
		if r.opset < 2 {
			name = "paddings"
		}
		if !r.has(name) {
			r.failf("attribute %q is missing", name)
		}
		op.Pads = r.ints(name)
		op.Value = r.bound("value", 0)
		return op
	}
	op.Pads = r.operandInts(1, "pads")
	op.Value = r.operandFloat(2, "constant_value", 0)
	if r.given(3) {
		op.Pads = r.padsOfAxes(op.Pads, r.operandInts(3, "axes"))
	}
	r.keep(1)
	return op
}

// padsOfAxes spreads the pads of some axes over all dimensions of operand 0.
func (r *nodeReader) padsOfAxes(pads, axes []int) []int {
	rank := len(r.shapes[0])
	if pads == nil || axes == nil || rank == 0 {
		return nil
	}
	if len(pads) != 2*len(axes) {
		r.failf("pads has %d entries, %d axes want %d", len(pads), len(axes), 2*len(axes))
		return nil
	}
	out := make([]int, 2*rank)
	for i, axis := range axes {
		a, ok := resolveAxis(axis, rank)
		if !ok {
			r.failf("axis %d is outside a tensor of rank %d", axis, rank)
			return nil
		}
		out[a], out[rank+a] = pads[i], pads[len(axes)+i]
	}
	return out
}

func (op *Pad) write(w *nodeWriter) {
	w.text("mode", string(op.Mode))
	w.operandInts("pads", op.Pads)
	if op.Mode == PadConstant {
		w.operandFloat("constant_value", op.Value)
	}
}
