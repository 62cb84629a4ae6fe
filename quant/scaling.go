package quant

import (
	"math"

	"qconv/onnx"
)

// A scaling is a multiplication of every channel by a power of two of its own. It changes no digit of a
// value, and the program does it without rounding where it can: that of a network's input is done by whoever
// prepares the sample (the program starts from its result), that of an output, or of an operand of
// a sum, is a linear map of one weight per channel. Anywhere else it is a function like others. [Balancing]
// puts scalings where channels of very different range meet.

// scaling returns the operand and the exponents, one per channel, of a scaling; nil for other nodes.
func scaling(n *onnx.Node) (*onnx.Value, []int) {
	if _, ok := n.Op.(*onnx.Mul); !ok || len(n.Inputs) != 2 {
		return nil, nil
	}
	x, c := n.Inputs[0], n.Inputs[1]
	if x.Const != nil {
		x, c = c, x
	}
	shape := n.Outputs[0].Shape
	if x.Const != nil || c.Const == nil || !x.Shape.Equal(shape) || c.Const.Shape.Elems() != imageShape(shape)[0] || imageShape(shape)[0] < 2 {
		return nil, nil
	}
	factors, ok := perChannel(c, shape)
	if !ok {
		return nil, nil
	}
	exponents := make([]int, len(factors))
	for i, f := range factors {
		fraction, exponent := math.Frexp(f)
		if fraction != 0.5 || exponent > maxGain+1 || exponent < 1-maxGain {
			return nil, nil
		}
		exponents[i] = exponent - 1
	}
	return x, exponents
}

// entry is the scaling that alone reads an input of the graph: its result is what the program starts from.
// Nil where there is none.
func (a *analysis) entry(in *onnx.Value) *onnx.Node {
	readers := a.consumers[in]
	if len(readers) != 1 || a.tied[in] != nil || a.outputs[in] || a.outputs[readers[0].Outputs[0]] {
		return nil
	}
	if from, _ := scaling(readers[0]); from != in {
		return nil
	}
	return readers[0]
}

// entered is what the program starts from for an input.
func (a *analysis) entered(in *onnx.Value) *onnx.Value {
	if n := a.entry(in); n != nil && a.plans[n].class == classEntry {
		return n.Outputs[0]
	}
	return in
}

// isEntry says whether a node is the entry of an input.
func (a *analysis) isEntry(n *onnx.Node) bool {
	from, _ := scaling(n)
	return from != nil && a.producers[from] == nil && a.entry(from) == n
}

// sums says whether a scaling is a linear map: one of a tensor of levels that is delivered, or goes on in a sum.
func (a *analysis) sums(n *onnx.Node) bool {
	if from, _ := scaling(n); from == nil || !a.leveled(from) {
		return false
	}
	out := n.Outputs[0]
	readers := a.consumers[out]
	if a.outputs[out] {
		return len(readers) == 0
	}
	return len(readers) == 1 && joins(readers[0].Op) && a.summable(readers[0])
}

// leveled says whether a value has levels whatever its only reader is.
func (a *analysis) leveled(v *onnx.Value) bool {
	for {
		n := a.producers[v]
		if n == nil || len(a.consumers[v]) > 1 {
			return true
		}
		switch a.plans[n].class {
		case classLinear, classScalar, classFinal, classMatMul:
			return false
		case classView:
			v = n.Inputs[0]
		default:
			return true
		}
	}
}

// scaled is the accumulator of a scaling of a tensor of levels.
func (c *compiler) scaled(n *onnx.Node) (*sum, error) {
	from, exponents := scaling(n)
	st, err := c.operand(from, nil)
	if err != nil {
		return nil, err
	}
	shape := imageShape(n.Outputs[0].Shape)
	st.tensor = c.reshaped(st, shape)
	s := identity(st, shape)
	t := &s.terms[0]
	least, position := exponents[0], map[int]uint16{}
	for _, e := range exponents {
		least = min(least, e)
	}
	t.centres = nil
	for e := least; e <= least+2*maxGain; e++ {
		for ch, f := range exponents {
			if f != e {
				continue
			}
			if _, ok := position[e]; !ok {
				position[e] = uint16(len(t.centres))
				t.centres = append(t.centres, 1<<(e-least))
			}
			t.indices[ch] = position[e]
		}
	}
	t.unit = math.Ldexp(t.unit, least)
	return s, nil
}

// inputShifts are the powers of two by which the channels of an input with an entry are smaller than
// what the program starts from.
func (a *analysis) inputShifts(in *onnx.Value) []int8 {
	_, exponents := scaling(a.entry(in))
	out := make([]int8, len(exponents))
	for i, e := range exponents {
		out[i] = int8(-e)
	}
	return out
}
