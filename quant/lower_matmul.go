package quant

import (
	"fmt"
	"math"
	"slices"

	"qconv/onnx"
	"qconv/runtime"
)

// product is a product of two tensors that hold matrices, one for each channel, in real numbers: unit times the integers of a [runtime.MatMul].
type product struct {
	a, b int
	unit float64
}

// classifyMatMul tells products of two computed matrices. One with a constant matrix is a linear layer, or spelled out.
func classifyMatMul(n *onnx.Node) plan {
	if n.Inputs[0].Const != nil || n.Inputs[1].Const != nil {
		return refused("a product with a constant matrix that is no linear layer has no integer form of its own")
	}
	a, b := stackShape(n.Inputs[0].Shape, 0), stackShape(n.Inputs[1].Shape, 1)
	if levels := float64(math.MaxUint8) * math.MaxUint8; float64(a[len(a)-1])*levels > math.MaxInt32 {
		return refused("sums of %d products of two values leave 32 bits", a[len(a)-1])
	}
	for _, s := range []onnx.Shape{a, b} {
		if s.Elems() > maxElems {
			return refused("a matrix of %d elements, a program holds tensors of up to %d", s.Elems(), maxElems)
		}
	}
	return plan{class: classMatMul}
}

// stackShape is the shape of an operand of a product, for one sample, as a stack of matrices: the one of rank 1 is a row, or a column.
func stackShape(s onnx.Shape, operand int) onnx.Shape {
	s = s.WithBatch(1)
	if len(s) > 1 {
		return s
	}
	return slices.Insert(slices.Clone(s), operand, 1)
}

// matMul lowers a product of two tensors of levels. Where the second is one matrix for all of the first, they are rows of one matrix;
// else an operand that others share is repeated.
func (c *compiler) matMul(n *onnx.Node) (state, error) {
	var operands [2]state
	var stacks [2]onnx.Shape
	for i, v := range n.Inputs {
		st, err := c.operand(v, nil)
		if err != nil {
			return state{}, err
		}
		operands[i], stacks[i] = st, stackShape(v.Shape, i)
	}
	rows, inner, columns := stacks[0][len(stacks[0])-2], stacks[0][len(stacks[0])-1], stacks[1][len(stacks[1])-1]
	leadA, leadB := stacks[0][:len(stacks[0])-2], stacks[1][:len(stacks[1])-2]
	lead := broadcastLead(leadA, leadB)
	channels := lead.Elems()
	if leadB.Elems() == 1 {
		rows, channels = rows*channels, 1
	}
	sizes := [2][2]int{{rows, inner}, {inner, columns}}
	var tensors [2]int
	for i, st := range operands {
		if st.shape = stacks[i]; channels > 1 && st.shape.Elems() != channels*sizes[i][0]*sizes[i][1] {
			var err error
			if st, err = c.repeated(st, append(slices.Clone(lead), sizes[i][0], sizes[i][1])); err != nil {
				return state{}, err
			}
		}
		tensors[i] = c.reshaped(st, [3]int{channels, sizes[i][0], sizes[i][1]})
	}
	return state{shape: n.Outputs[0].Shape, sum: &sum{
		shape:   [3]int{channels, rows, columns},
		product: &product{a: tensors[0], b: tensors[1], unit: operands[0].levels.Step * operands[1].levels.Step},
	}}, nil
}

// broadcastLead is the shape that the leading dimensions of two stacks broadcast to.
func broadcastLead(a, b onnx.Shape) onnx.Shape {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		at := len(a) - len(b) + i
		out[at] = max(out[at], d)
	}
	return out
}

// closeProduct requantizes a product to the levels of site v.
func (c *compiler) closeProduct(v *onnx.Value, st state, levels Levels) (state, error) {
	instr, err := c.multiply(st.sum, levels)
	if err != nil {
		return state{}, err
	}
	lo, hi := c.prog.MatMulRange(instr)
	channels := 1
	if byChannel(st.funcs) {
		if channels = st.sum.shape[0]; channels != imageShape(v.Shape)[0] {
			return state{}, fmt.Errorf("a function that differs by channel follows a product whose channels are others")
		}
	}
	for ch := range channels {
		step, err := stepFunction(st.funcs, ch, st.sum.product.unit, 0, levels, lo, hi)
		if err != nil {
			return state{}, err
		}
		instr.Steps = append(instr.Steps, len(c.prog.Steps))
		c.prog.Steps = append(c.prog.Steps, step)
	}
	return state{shape: v.Shape, tensor: instr.Out, levels: levels}, nil
}

// multiply adds the instruction of a product that writes a tensor of levels or, of none, accumulators.
func (c *compiler) multiply(s *sum, levels Levels) (*runtime.MatMul, error) {
	t := runtime.Tensor{Shape: s.shape, Scale: runtime.ScaleOf(s.product.unit)}
	if levels.Count > 0 {
		t.Levels, t.Zero, t.Scale = levels.Size(), levels.Zero, runtime.ScaleOf(levels.Step)
	}
	instr := &runtime.MatMul{Out: len(c.prog.Tensors), A: s.product.a, B: s.product.b}
	if lo, hi := c.prog.MatMulRange(instr); lo < math.MinInt32 || hi > math.MaxInt32 {
		return nil, fmt.Errorf("sums of products may take %d..%d, which is no int32", lo, hi)
	}
	c.prog.Tensors = append(c.prog.Tensors, t)
	c.prog.Instrs = append(c.prog.Instrs, instr)
	return instr, nil
}

// ofProduct says whether v is a product of two computed matrices, or a function of one.
func (a *analysis) ofProduct(v *onnx.Value) bool {
	var chain []*onnx.Value
	is, known := false, false
	for v != nil {
		if is, known = a.ofProducts[v]; known {
			break
		}
		chain = append(chain, v)
		n := a.producers[v]
		if n == nil {
			break
		}
		p := a.plans[n]
		is = p.class == classMatMul
		if p.class != classScalar {
			break
		}
		v = p.f.from
	}
	for _, v := range chain {
		a.ofProducts[v] = is
	}
	return is
}
