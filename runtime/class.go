package runtime

import "sort"

// Class is one of the classes that the first output of a program tells apart.
type Class struct {
	Index int
	Label string // empty where the program has no labels
	Score int32  // what the program delivers: the highest is the best
}

// IsClassifier says whether the first output holds the scores of classes: it has a label per element, or is a plain
// vector that is not as large as the first input, whose reconstruction it then would be.
func (p *Program) IsClassifier() bool {
	if len(p.Outputs) == 0 {
		return false
	}
	out := &p.Tensors[p.Outputs[0].Tensor]
	if len(p.Labels) > 0 {
		return len(p.Labels) == out.Elems()
	}
	vector := out.Shape[1] == 1 && out.Shape[2] == 1
	return vector && out.Elems() > 1 && out.Elems() != p.Tensors[p.Inputs[0].Tensor].Elems()
}

// Top is the n best classes by the scores of the first output, as a [Runner] returns it: the best first, of equal scores the one with the
// lower index.
func (p *Program) Top(scores []int32, n int) []Class {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return scores[order[a]] > scores[order[b]] })
	classes := make([]Class, 0, max(n, 0))
	for _, i := range order[:max(0, min(n, len(order)))] {
		c := Class{Index: i, Score: scores[i]}
		if i < len(p.Labels) {
			c.Label = p.Labels[i]
		}
		classes = append(classes, c)
	}
	return classes
}

// Real writes what integers of t, such as an output of a [Runner], stand for to dst: scale * (v - zero). It is for showing results, in
// floating point. A program that does not know the scale gives zeros.
func (t *Tensor) Real(dst []float64, values []int32) {
	step, zero := t.Scale.Float(), int32(0)
	if t.Levels > 0 {
		zero = int32(t.Zero)
	}
	for i, v := range values {
		dst[i] = step * float64(v-zero)
	}
}
