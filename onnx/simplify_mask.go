package onnx

import (
	"math"
	"slices"
)

// MaskValue is what stands for the minus infinity, or the huge negative number, that a mask adds to the scores of a Softmax: its
// exponential is 0 beside all others, and yet the sums that it enters stay numbers. Scores below half of it are masked.
const MaskValue = -1e4

// boundMask makes what a constant mask adds to the scores of a Softmax, or puts in their place, at least [MaskValue]. A mask that leaves
// no element of a row as it is stays: there the scores behind it decide.
func (s *simplifier) boundMask(n *Node) error {
	masked := slices.ContainsFunc(n.Inputs, func(v *Value) bool {
		return v != nil && v.Const != nil && v.Type == Float && slices.ContainsFunc(v.Const.Floats, belowMask)
	})
	if !masked || !s.onlyScores(n.Outputs[0]) {
		return nil
	}
	from := len(n.Inputs) // the first operand that may be a mask
	switch n.Op.(type) {
	case *Where:
		from = 1
	case *Add, *Sum:
		if len(n.Inputs) == 2 {
			from = 0
		}
	}
	for i := from; i < len(n.Inputs); i++ {
		c := n.Inputs[i].Const
		if c == nil || from == 0 && !c.leavesSome() {
			continue
		}
		bounded := &Tensor{Type: Float, Shape: c.Shape, Floats: slices.Clone(c.Floats)}
		changed := false
		for k, x := range bounded.Floats {
			if belowMask(x) {
				bounded.Floats[k], changed = MaskValue, true
			}
		}
		if changed {
			s.setConst(n, i, "mask", bounded)
			s.logf("bounded the mask of %s by %g", title(n), float64(MaskValue))
		}
	}
	return nil
}

func belowMask(x float32) bool { return float64(x) < MaskValue }

// onlyScores says whether v is read as the scores of a Softmax alone, also through nodes that give it another shape before its last dimension.
func (s *simplifier) onlyScores(v *Value) bool {
	if s.output[v] || len(s.uses[v]) == 0 {
		return false
	}
	for _, n := range s.uses[v] {
		last := len(v.Shape) - 1
		if op, ok := n.Op.(*Softmax); ok && op.Axis == last {
			continue
		}
		out := n.Outputs[0]
		if !reshapes(n) || last < 0 || len(out.Shape) == 0 || out.Shape[len(out.Shape)-1] != v.Shape[last] || !s.onlyScores(out) {
			return false
		}
	}
	return true
}

// leavesSome says whether every row of a mask has an element that hides nothing.
func (t *Tensor) leavesSome() bool {
	if len(t.Shape) == 0 || t.Shape[len(t.Shape)-1] < 2 {
		return false
	}
	width := t.Shape[len(t.Shape)-1]
	for row := range slices.Chunk(t.Floats, width) {
		if !slices.ContainsFunc(row, func(x float32) bool { return math.Abs(float64(x)) < -MaskValue/100 }) {
			return false
		}
	}
	return true
}
