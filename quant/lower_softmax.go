package quant

import (
	"math"

	"qconv/onnx"
	"qconv/runtime"
)

// A Softmax inside of the network is spelled out as
//
//	d = x - max(x),  l = log(sum(exp(d))),  p = exp(d - l)
//
// The two differences are exact sums, and the step functions behind them apply the logarithm and the exponential. What is left are the
// exponentials that are summed: they need no levels, since each is one of as many numbers as d has levels, and a number of 16 bits
// is two tensors of bytes.

// summed says whether v is an exponential of levels that only a sum reads, or the square of a difference to the mean that only the mean of
// these reads: it is summed with 16 bits and carries no levels of its own.
func (a *analysis) summed(v *onnx.Value) bool {
	n := a.producers[v]
	if n == nil || a.outputs[v] || len(a.consumers[v]) != 1 || a.merged[n] != nil {
		return false
	}
	reader := a.consumers[v][0]
	if a.plans[reader].class != classLinear || !a.leveled(n.Inputs[0]) {
		return false
	}
	op, reduces := reader.Op.(*onnx.Reduce)
	_, isExp := n.Op.(*onnx.Exp)
	return isExp && reduces && op.Kind == onnx.ReduceSum || a.squares[v]
}

// summing is what of makes of st, a sum over its elements: of both parts of them where they are a function that is summed with 16 bits.
func (c *compiler) summing(st state, of func(st state) *sum) *sum {
	if len(st.funcs) == 0 {
		return of(st)
	}
	parts := c.summedParts(st)
	return join(of(parts[0]), of(parts[1]))
}

// summedParts are the values of a function of a tensor of levels, which are 0 or more, as two tensors of levels whose sum they are, to 16
// bits of the largest.
func (c *compiler) summedParts(st state) [2]state {
	values := make([]float64, st.levels.Size())
	largest := 0.0
	for i := range values {
		values[i] = evaluate(st.funcs, 0, st.levels.Value(i))
		largest = math.Max(largest, values[i])
	}
	unit := 1.0
	if largest > 0 {
		unit = largest / math.MaxUint16
	}
	var parts [2]state
	for k, shift := range []int{8, 0} {
		levels := Levels{Count: 256, Step: math.Ldexp(unit, shift), Stride: 1}
		id := c.tensor(st.shape, levels)
		c.prog.Tensors[id].Shape = c.prog.Tensors[st.tensor].Shape
		table := make([]uint8, len(values))
		for i, v := range values {
			table[i] = uint8(uint16(math.Round(v/unit)) >> shift)
		}
		c.prog.Instrs = append(c.prog.Instrs, &runtime.Map{Out: id, In: st.tensor, Tables: [][]uint8{table}})
		parts[k] = state{shape: st.shape, tensor: id, levels: levels}
	}
	return parts
}

// Negligible is how far below the largest score of a Softmax, at least, others have no part in it: their exponentials round to 0 in 16 bits.
var Negligible = -math.Log(math.MaxUint16)

// findFine notes the values of every Softmax inside of the network that need finer levels than others: its operand, the differences to
// the largest, the logarithms and the result. Differences whose exponentials are nothing beside that of 0 are all alike.
func (a *analysis) findFine() {
	for _, n := range a.graph.Nodes {
		if _, ok := n.Op.(*onnx.Exp); !ok {
			continue
		}
		quotient := a.producers[n.Inputs[0]]
		if quotient == nil || !isSub(quotient) {
			continue
		}
		d, log := quotient.Inputs[0], a.repeatedFrom(quotient.Inputs[1])
		sum := a.made(log, "Log")
		if sum == nil {
			continue
		}
		e := a.made(sum.Inputs[0], "ReduceSum")
		if e == nil {
			continue
		}
		if of := a.made(e.Inputs[0], "Exp"); of == nil || of.Inputs[0] != d {
			continue
		}
		for _, v := range []*onnx.Value{n.Outputs[0], d, log} {
			a.fine[v] = true
		}
		a.lowest[d] = Negligible
		if difference := a.producers[d]; difference != nil && isSub(difference) {
			scores := a.carrier(difference.Inputs[0])
			a.fine[scores], a.scores[scores] = true, true
		}
	}
}

// onlyLogarithm says whether nothing but the logarithm of v is asked for.
func (a *analysis) onlyLogarithm(v *onnx.Value) bool {
	readers := a.consumers[v]
	if len(readers) != 1 || a.outputs[v] {
		return false
	}
	_, ok := readers[0].Op.(*onnx.Log)
	return ok && a.merged[readers[0]] == nil && a.plans[readers[0]].site
}

// findDeviations notes the squares of differences to a mean whose mean a root is taken of, and this root, which needs finer levels than others.
func (a *analysis) findDeviations() {
	for _, n := range a.graph.Nodes {
		if _, ok := n.Op.(*onnx.Sqrt); !ok {
			continue
		}
		v := n.Inputs[0]
		if add := a.made(v, "Add"); add != nil {
			if v = add.Inputs[0]; v.Const != nil {
				v = add.Inputs[1]
			}
		}
		mean := a.producers[v]
		if mean == nil {
			continue
		}
		if op, ok := mean.Op.(*onnx.Reduce); ok && op.Kind != onnx.ReduceMean {
			continue
		} else if _, ok := mean.Op.(*onnx.GlobalAveragePool); !ok && op == nil {
			continue
		}
		square := a.producers[mean.Inputs[0]]
		if square == nil || !onnx.IsSquare(square) {
			continue
		}
		if difference := a.producers[square.Inputs[0]]; difference != nil && isSub(difference) && a.plans[difference].class == classLinear {
			a.squares[mean.Inputs[0]], a.fine[n.Outputs[0]] = true, true
		}
	}
}

func isSub(n *onnx.Node) bool { _, ok := n.Op.(*onnx.Sub); return ok }

// made is the node that makes v if it is of that type; nil if it is another.
func (a *analysis) made(v *onnx.Value, op string) *onnx.Node {
	if n := a.producers[v]; n != nil && n.Op.Type() == op {
		return n
	}
	return nil
}

// repeatedFrom is the value that v repeats along dimensions.
func (a *analysis) repeatedFrom(v *onnx.Value) *onnx.Value {
	if n := a.made(v, "Expand"); n != nil {
		return n.Inputs[0]
	}
	return v
}

// carrier is the value whose levels v has: v, or what it moves or shows in another shape.
func (a *analysis) carrier(v *onnx.Value) *onnx.Value {
	for n := a.producers[v]; n != nil; n = a.producers[v] {
		if class := a.plans[n].class; class != classView && class != classMove && class != classPool {
			break
		}
		v = n.Inputs[0]
	}
	return v
}
