package onnx

import (
	"slices"
	"strings"
)

// term is an operand of a sum of products: a value and the letters of its dimensions.
type term struct {
	v       *Value
	letters []rune
}

// sayEinsum multiplies operands two at a time, and adds up what the result does not name.
func sayEinsum(r *nodeReader, s *spelling) *Value {
	equation := strings.ReplaceAll(r.text("equation", ""), " ", "")
	if r.arity(1, -1); r.wrong(s) {
		return nil
	}
	left, right, explicit := strings.Cut(equation, "->")
	names := strings.Split(left, ",")
	if len(names) != len(r.in) {
		r.failf("equation %q is one of %d operands, got %d", equation, len(names), len(r.in))
		return nil
	}
	// Dimensions behind an ellipsis are given letters of their own, counted from the last.
	most := 0
	var terms []term
	for i, name := range names {
		given := len(strings.Replace(name, "...", "", 1))
		more := len(r.shapes[i]) - given
		if more < 0 || more > 0 && !strings.Contains(name, "...") || slices.Contains(r.shapes[i], 0) {
			r.failf("operand %d, %q in equation %q, has shape %v", i, name, equation, r.shapes[i])
			return nil
		}
		most = max(most, more)
		terms = append(terms, term{r.in[i], []rune(strings.Replace(name, "...", ellipsis(more), 1))})
	}
	counts := map[rune]int{}
	for _, t := range terms {
		for i, c := range t.letters {
			counts[c]++
			if slices.Contains(t.letters[:i], c) {
				r.refusef("equation %q takes a diagonal", equation)
				return nil
			}
		}
	}
	var out []rune
	if explicit {
		out = []rune(strings.Replace(right, "...", ellipsis(most), 1))
	} else {
		for c, n := range counts {
			if n == 1 || c >= ellipsisLetter {
				out = append(out, c)
			}
		}
		slices.SortFunc(out, func(a, b rune) int {
			if (a >= ellipsisLetter) != (b >= ellipsisLetter) {
				return int(b) - int(a) // an ellipsis comes first
			}
			return int(a) - int(b)
		})
	}
	for i, c := range out {
		if counts[c] == 0 || slices.Contains(out[:i], c) {
			r.failf("equation %q: the result has a dimension that no operand has, or twice", equation)
			return nil
		}
	}
	acc := terms[0]
	for i := 1; i < len(terms); i++ {
		keep := slices.Clone(out)
		for _, t := range terms[i+1:] {
			keep = append(keep, t.letters...)
		}
		if acc = s.product(r, acc, terms[i], keep); r.wrong(s) {
			return nil
		}
	}
	acc = s.sumOut(acc, out)
	if r.wrong(s) {
		return nil
	}
	return s.arrange(acc, out).v
}

// ellipsisLetter is the letter of the last dimension behind an ellipsis; those before count up.
const ellipsisLetter = rune(1 << 16)

func ellipsis(n int) string {
	letters := make([]rune, n)
	for i := range letters {
		letters[i] = ellipsisLetter + rune(n-1-i)
	}
	return string(letters)
}

// sumOut adds up the dimensions that keep does not name.
func (s *spelling) sumOut(t term, keep []rune) term {
	var axes []int
	var letters []rune
	for i, c := range t.letters {
		if slices.Contains(keep, c) {
			letters = append(letters, c)
		} else {
			axes = append(axes, i)
		}
	}
	if axes == nil {
		return t
	}
	return term{s.add(&Reduce{Kind: ReduceSum, Axes: axes}, t.v), letters}
}

// arrange puts the dimensions of a term in an order.
func (s *spelling) arrange(t term, letters []rune) term {
	perm := make([]int, len(letters))
	for i, c := range letters {
		perm[i] = slices.Index(t.letters, c)
	}
	return term{s.transpose(t.v, perm...), letters}
}

// product multiplies two terms and adds up the dimensions both have and keep does not name.
func (s *spelling) product(r *nodeReader, a, b term, keep []rune) term {
	in := func(list []rune) func(rune) bool { return func(c rune) bool { return slices.Contains(list, c) } }
	a = s.sumOut(a, slices.Concat(keep, b.letters))
	b = s.sumOut(b, slices.Concat(keep, a.letters))
	if s.err != nil {
		return a
	}
	size := func(t term, c rune) int { return t.v.Shape[slices.Index(t.letters, c)] }
	if b.v.Shape.batched() && !a.v.Shape.batched() {
		a, b = b, a // the batch comes first
	}
	var both, summed, onlyA, onlyB []rune
	for _, c := range a.letters {
		switch {
		case !in(b.letters)(c):
			onlyA = append(onlyA, c)
		case in(keep)(c):
			both = append(both, c)
		default:
			summed = append(summed, c)
		}
		if in(b.letters)(c) && size(a, c) != size(b, c) {
			r.refusef("a dimension has the sizes %d and %d", size(a, c), size(b, c))
			return a
		}
	}
	for _, c := range b.letters {
		if !in(a.letters)(c) {
			onlyB = append(onlyB, c)
		}
	}
	all := slices.Concat(both, onlyA, onlyB)
	dims := func(t term, letters []rune) Shape {
		shape := Shape{}
		for _, c := range letters {
			shape = append(shape, size(t, c))
		}
		return shape
	}
	if len(summed) == 0 {
		x := s.arrange(a, slices.Concat(both, onlyA))
		y := s.arrange(b, slices.Concat(both, onlyB))
		if s.err != nil {
			return a
		}
		left := s.reshape(x.v, slices.Concat(x.v.Shape, Shape(filled(len(onlyB), 1))))
		right := s.reshape(y.v, slices.Concat(dims(y, both), Shape(filled(len(onlyA), 1)), dims(y, onlyB)))
		return term{s.add(&Mul{}, left, right), all}
	}
	k := dims(a, summed).Elems()
	x := s.arrange(a, slices.Concat(both, onlyA, summed))
	y := s.arrange(b, slices.Concat(both, summed, onlyB))
	if s.err != nil {
		return a
	}
	var left, right *Value
	columns := dims(b, onlyB)
	if len(both) == 0 && len(onlyA) > 0 {
		left = s.reshape(x.v, append(dims(a, onlyA), k))
		right = s.reshape(y.v, Shape{k, columns.Elems()})
	} else {
		rows := dims(a, onlyA)
		if rows.batched() {
			rows = rows[:0]
			r.refusef("the batch is no dimension that both operands have, next to ones they have")
			return a
		}
		left = s.reshape(x.v, append(dims(a, both), rows.Elems(), k))
		right = s.reshape(y.v, append(dims(b, both), k, columns.Elems()))
	}
	shape := slices.Concat(dims(a, both), dims(a, onlyA), columns)
	return term{s.reshape(s.add(&MatMul{}, left, right), shape), all}
}
