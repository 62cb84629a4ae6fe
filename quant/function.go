package quant

import (
	"math"
	"slices"

	"qconv/onnx"
)

// function is what the requantization of an accumulator, or a table of levels, applies: a
// function of one number that may differ by channel. It is spelled out as elementwise nodes
// between one value and another.
type function struct {
	from  *onnx.Value // the argument
	steps []step
}

// step is one node of a function. Its operands are the argument (0) or results of earlier steps (from
// 1 on) or, below 0, constants.
type step struct {
	apply    func(x []float64) float64
	operands []int
	// constants are those the operands -1, -2, ... stand for: one value, or one per channel.
	constants [][]float64
	rounds    bool // to codes, as a network that was quantized does
}

// at evaluates the function for a channel.
func (f *function) at(channel int, x float64) float64 {
	values := append(make([]float64, 0, 8), x)
	args := make([]float64, 0, 4)
	for _, s := range f.steps {
		args = args[:0]
		for _, o := range s.operands {
			if o >= 0 {
				args = append(args, values[o])
				continue
			}
			c := s.constants[-1-o]
			args = append(args, c[min(channel, len(c)-1)])
		}
		values = append(values, s.apply(args))
	}
	return values[len(values)-1]
}

// steepness is the mean squared slope of the function between two arguments.
func (f *function) steepness(channel int, lo, hi float64) float64 {
	const parts = 16
	if !(hi > lo) {
		return 0
	}
	sum, width := 0.0, (hi-lo)/parts
	for i := range parts {
		slope := (f.at(channel, lo+float64(i+1)*width) - f.at(channel, lo+float64(i)*width)) / width
		sum += slope * slope / parts
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return 0
	}
	return sum
}

// byChannel says whether the function tells channels apart.
func (f *function) byChannel() bool {
	for _, s := range f.steps {
		if slices.ContainsFunc(s.constants, func(c []float64) bool { return len(c) > 1 }) {
			return true
		}
	}
	return false
}

// byChannel says whether any function of a chain tells channels apart.
func byChannel(funcs []*function) bool { return slices.ContainsFunc(funcs, (*function).byChannel) }

// roundsToCodes says whether any function of a chain rounds to codes.
func roundsToCodes(funcs []*function) bool {
	return slices.ContainsFunc(funcs, func(f *function) bool {
		return slices.ContainsFunc(f.steps, func(s step) bool { return s.rounds })
	})
}

// evaluate applies a chain of functions in order.
func evaluate(funcs []*function, channel int, x float64) float64 {
	for _, f := range funcs {
		x = f.at(channel, x)
	}
	return x
}

// affine is the function gain*x + offset with one entry per channel, or one for all.
func affine(gain, offset []float64) *function {
	return &function{steps: []step{{
		apply: func(x []float64) float64 { return x[1]*x[0] + x[2] }, operands: []int{0, -1, -2}, constants: [][]float64{gain, offset},
	}}}
}

// OfLevels is a function of two numbers as it is computed of levels. A divisor above zero, such as a deviation, may be
// rounded to zero where what it divides is zero too: the quotient is zero there.
func OfLevels(op onnx.Pair) func(a, b float64) float64 {
	if _, divides := op.(*onnx.Div); !divides {
		return op.Combine
	}
	return func(a, b float64) float64 {
		if a == 0 && b == 0 {
			return 0
		}
		return op.Combine(a, b)
	}
}

// newStep makes the step of an elementwise node whose computed operands stand at the given positions,
// nil when it is no function of these: a constant that differs by position.
func newStep(n *onnx.Node, position map[*onnx.Value]int) *step {
	s := &step{apply: onnx.ElementFunc(n.Op)}
	_, s.rounds = n.Op.(*onnx.Quantize)
	if s.apply == nil {
		return nil
	}
	if op, ok := n.Op.(*onnx.Div); ok {
		divide := OfLevels(op)
		s.apply = func(x []float64) float64 { return divide(x[0], x[1]) }
	}
	for _, v := range n.Inputs {
		if v.Const == nil {
			at, ok := position[v]
			if !ok || !v.Shape.Equal(n.Outputs[0].Shape) {
				return nil
			}
			s.operands = append(s.operands, at)
			continue
		}
		c, ok := perChannel(v, n.Outputs[0].Shape)
		if !ok || len(c) > 1 && len(v.Const.Shape) > len(n.Outputs[0].Shape) {
			return nil
		}
		if !varies(c) {
			c = c[:1]
		}
		s.constants = append(s.constants, c)
		s.operands = append(s.operands, -len(s.constants))
	}
	return s
}

// normalization is a BatchNormalization that could not be folded, as gain and offset; nil where its
// parameters are computed.
func normalization(n *onnx.Node) *function {
	var stat [4][]float32 // scale, bias, mean, variance
	for i := range stat {
		c := n.Inputs[1+i].Const
		if c == nil {
			return nil
		}
		stat[i] = c.Floats
	}
	epsilon := n.Op.(*onnx.BatchNormalization).Epsilon
	gain, offset := make([]float64, len(stat[0])), make([]float64, len(stat[0]))
	for c := range gain {
		gain[c] = float64(stat[0][c]) / math.Sqrt(float64(stat[3][c])+epsilon)
		offset[c] = float64(stat[1][c]) - gain[c]*float64(stat[2][c])
	}
	f := affine(gain, offset)
	f.from = n.Inputs[0]
	return f
}

// varies says whether not all elements are equal.
func varies(v []float64) bool {
	return slices.ContainsFunc(v, func(x float64) bool { return x != v[0] })
}

func filled(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }
