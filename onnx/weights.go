package onnx

import (
	"fmt"
	"math"
)

// maxWeight is the largest magnitude of a constant that is computed with. Bounds and masks may be larger, and infinite.
const maxWeight = float64(float32(1e31))

// CheckWeights fails with a [FormatError] that names the tensor and the position of the first constant, read
// by a node, that is no sensible number: NaN wherever it is, and infinities and magnitudes above 1e31 where
// the node multiplies or adds it. Clip, Max, Min, Where, Pad and nodes that only move elements may have them, and so
// may a mask, which is added and has elements that are 0 and others that are hugely negative.
func (g *Graph) CheckWeights() error {
	checked := map[*Value]bool{} // whether as strictly as possible
	for _, n := range g.Nodes {
		strict := computes(n.Op)
		for i, v := range n.Inputs {
			if v == nil || v.Const == nil || v.Type != Float {
				continue
			}
			if was, ok := checked[v]; ok && (was || !strict) {
				continue
			}
			checked[v] = strict
			at := v.Const.absurd(strict)
			if at < 0 || strict && adds(n.Op) && v.Const.isMask() {
				continue
			}
			want := "a number"
			if strict {
				want = "one of at most 1e31"
			}
			return formatErrorf(fmt.Sprintf("node %q (%s)", n.Name, n.Op.Type()), "operand %d, the constant %q, has %g at %v, want %s",
				i, v.Name, v.Const.Floats[at], v.Const.Shape.index(at), want)
		}
		if op, ok := n.Op.(*BatchNormalization); ok {
			if _, _, err := op.affine(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// computes says whether an operator multiplies, adds or otherwise computes with its constants.
func computes(op Op) bool {
	switch op.(type) {
	case *Conv, *ConvTranspose, *Gemm, *MatMul, *BatchNormalization, *InstanceNormalization, *GroupNormalization,
		*LayerNormalization, *PRelu, *Pow,
		*Mul, *Div, *Add, *Sub, *Sum, *Mean:
		return true
	}
	return false
}

// adds says whether an operator may apply a mask.
func adds(op Op) bool {
	switch op.(type) {
	case *Add, *Sum:
		return true
	}
	return false
}

// absurd is the position of the first element that is NaN or, if strict, too large; -1 if there is none.
func (t *Tensor) absurd(strict bool) int {
	for i, v := range t.Floats {
		if v != v || strict && !(math.Abs(float64(v)) <= maxWeight) {
			return i
		}
	}
	return -1
}

// isMask says whether some elements are 0 and all others hugely negative.
func (t *Tensor) isMask() bool {
	zeros := 0
	for _, v := range t.Floats {
		switch {
		case v == 0:
			zeros++
		case !(float64(v) < -maxWeight):
			return false
		}
	}
	return zeros > 0 && zeros < len(t.Floats)
}

// index is the position of element i, outermost dimension first.
func (s Shape) index(i int) []int {
	index := make([]int, len(s))
	for d := len(s) - 1; d >= 0; d-- {
		index[d], i = i%s[d], i/s[d]
	}
	return index
}
