package onnx

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"qconv/onnx/internal/pb"
)

// nodeReader gives the reader of an operator access to one node of a file. Methods never
// fail at once: they note what is wrong and return something harmless, so that all
// reasons against a node come out together.
//
// Every attribute must be asked for, whatever the opset it belongs to: those left over
// are unknown and make the node unsupported.
type nodeReader struct {
	opset int
	// in are the operands, nil where left out; shapes are theirs, nil as well where an
	// earlier unsupported node makes them unknown.
	in     []*Value
	shapes []Shape
	// batch is the size that the batch has in the file, 0 if that leaves it open; declared is the shape of
	// result 0 that the file declares, if it does.
	batch    int
	declared Shape
	// outputs is the number of results the operator has, 1 unless its reader says otherwise.
	outputs int
	// results is the number of results the file's node has.
	results int
	// named are the names of these results, empty where one is left out.
	named []string
	// used says whether result i is read by anything.
	used func(i int) bool
	// exact are operands that are integers known at import but for the batch size.
	exact func(*Value) *ints
	// take spends memory on n things of some bytes each.
	take func(n int, bytes int64) error
	// inLoop says that the node is of the body of a loop.
	inLoop bool
	// places are the values that stand in the graph otherwise than in the file.
	places places
	// unique makes a name of a value that no other has.
	unique func(string) string

	// codes are those that operands hold; nil entries for real numbers.
	codes []*codes
	// kind is the element type a constant had in the file.
	kind func(*Tensor) pb.TensorProto_DataType
	// made are the codes of the result, nil for real numbers; then follows the operator
	// if it is not nil; with alias the result is operand 0 itself.
	made  *codes
	then  *Quantize
	alias bool

	// words are the nodes of an operator that is read as several, said its result and later
	// further ones by their place.
	words *spelling
	said  []*Value
	later []*Value

	// sequences are the lists that values stand for.
	sequences map[*Value][]*Value

	attrs    map[string]*pb.AttributeProto
	err      error    // the first contradiction
	refusals []string // what qconv cannot take
}

// failf notes that the node contradicts itself.
func (r *nodeReader) failf(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// refusef notes that the node is correct, but not supported.
func (r *nodeReader) refusef(format string, args ...any) {
	r.refusals = append(r.refusals, fmt.Sprintf(format, args...))
}

// finish refuses attributes that were not asked for.
func (r *nodeReader) finish() {
	var names []string
	for name := range r.attrs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r.refusef("unknown attribute %q", name)
	}
}

// attr takes an attribute of the wanted type; nil when the node does not have it.
func (r *nodeReader) attr(name string, want pb.AttributeProto_AttributeType) *pb.AttributeProto {
	a := r.attrs[name]
	if a == nil {
		return nil
	}
	delete(r.attrs, name)
	if got := a.GetType(); got != want {
		r.failf("attribute %q has type %s, want %s", name, strings.ToLower(got.String()), strings.ToLower(want.String()))
		return nil
	}
	return a
}

// has says whether the node has an attribute.
func (r *nodeReader) has(name string) bool { return r.attrs[name] != nil }

// ignore takes attributes that say nothing about inference.
func (r *nodeReader) ignore(names ...string) {
	for _, name := range names {
		delete(r.attrs, name)
	}
}

// float takes a number, def when absent. Both have the precision of the file, float32.
func (r *nodeReader) float(name string, def float32) float64 {
	v := r.bound(name, def)
	if !(math.Abs(v) <= maxWeight) {
		r.failf("attribute %q is %g, want a number of at most 1e30", name, v)
	}
	return v
}

// bound is [nodeReader.float] for numbers that may be infinite or as large as there are.
func (r *nodeReader) bound(name string, def float32) float64 {
	a := r.attr(name, pb.AttributeProto_FLOAT)
	switch {
	case a == nil:
		return float64(def)
	case a.GetF() != a.GetF():
		r.failf("attribute %q is NaN, want a number", name)
	}
	return float64(a.GetF())
}

// int takes a whole number, def when absent.
func (r *nodeReader) int(name string, def int) int {
	if a := r.attr(name, pb.AttributeProto_INT); a != nil {
		return clampInt(a.GetI())
	}
	return def
}

// bool takes a 0 or 1, def when absent.
func (r *nodeReader) bool(name string, def bool) bool {
	a := r.attr(name, pb.AttributeProto_INT)
	if a == nil {
		return def
	}
	if a.GetI() != 0 && a.GetI() != 1 {
		r.failf("attribute %q is %d, want 0 or 1", name, a.GetI())
	}
	return a.GetI() != 0
}

// text takes a string, def when absent.
func (r *nodeReader) text(name, def string) string {
	if a := r.attr(name, pb.AttributeProto_STRING); a != nil {
		return string(a.GetS())
	}
	return def
}

// ints takes a list of whole numbers; nil when absent, and never nil when present.
func (r *nodeReader) ints(name string) []int {
	a := r.attr(name, pb.AttributeProto_INTS)
	if a == nil {
		return nil
	}
	return clampInts(a.GetInts())
}

// floats takes a list of numbers; nil when absent.
func (r *nodeReader) floats(name string) []float64 {
	a := r.attr(name, pb.AttributeProto_FLOATS)
	if a == nil {
		return nil
	}
	out := make([]float64, len(a.GetFloats()))
	for i, v := range a.GetFloats() {
		out[i] = float64(v)
	}
	return out
}

// list takes a list of n whole numbers, n times def when absent.
func (r *nodeReader) list(name string, n, def int) []int {
	v := r.ints(name)
	if v != nil && len(v) != n {
		r.failf("attribute %q has %d entries, want %d", name, len(v), n)
		v = nil
	}
	if v == nil {
		v = slices.Repeat([]int{def}, n)
	}
	return v
}

// axis takes an axis of a tensor of operand 0's rank plus more, made non-negative.
func (r *nodeReader) axis(name string, def, more int) int {
	axis := r.int(name, def)
	if r.shapes[0] == nil {
		return 0
	}
	rank := len(r.shapes[0]) + more
	a, ok := resolveAxis(axis, rank)
	if !ok {
		r.failf("axis %d is outside a tensor of rank %d", axis, rank)
		return 0
	}
	return a
}

// axes makes axes non-negative and sorts them; rank is that of the tensor they count in.
func (r *nodeReader) axes(axes []int, rank int) []int {
	out := make([]int, 0, len(axes))
	for _, axis := range axes {
		a, ok := resolveAxis(axis, rank)
		if !ok {
			r.failf("axis %d is outside a tensor of rank %d", axis, rank)
			return nil
		}
		out = append(out, a)
	}
	slices.Sort(out)
	if len(slices.Compact(slices.Clone(out))) != len(out) {
		r.failf("axes %v name a dimension twice", axes)
	}
	return out
}

// given says whether operand i is there.
func (r *nodeReader) given(i int) bool { return i < len(r.in) && r.in[i] != nil }

// reasonNoConstant is said of an operand that has to be a constant.
const reasonNoConstant = "is computed when the network runs, want a constant"

// operand returns operand i if it is a constant. Otherwise the node is refused, unless the
// operand is unknown anyway because an earlier node is not supported.
func (r *nodeReader) operand(i int, name string) *Tensor {
	if !r.given(i) {
		r.failf("operand %d (%s) is missing", i, name)
		return nil
	}
	t := r.in[i].Const
	if t == nil && r.shapes[i] != nil {
		r.refusef("%s (operand %d, %q) %s", name, i, r.in[i].Name, reasonNoConstant)
	}
	return t
}

// operandInts is operand i as a constant list of whole numbers; nil if it is not one.
func (r *nodeReader) operandInts(i int, name string) []int {
	t := r.operand(i, name)
	if t == nil {
		return nil
	}
	if t.Type != Int || len(t.Shape) > 1 {
		r.failf("%s (operand %d) has shape %v, want a list of integers", name, i, t.Shape)
		return nil
	}
	return clampInts(t.Ints)
}

// operandFloats is operand i as a constant list of numbers; nil if it is not one.
func (r *nodeReader) operandFloats(i int, name string) []float64 {
	t := r.operand(i, name)
	if t == nil {
		return nil
	}
	if t.Type != Float || len(t.Shape) != 1 {
		r.failf("%s (operand %d) has shape %v and elements of type %v, want a list of floating-point numbers", name, i, t.Shape, t.Type)
		return nil
	}
	out := make([]float64, len(t.Floats))
	for k, v := range t.Floats {
		out[k] = float64(v)
	}
	return out
}

// empty says whether operand i is a constant without elements.
func (r *nodeReader) empty(i int) bool {
	return r.in[i].Const != nil && r.in[i].Const.Shape.Elems() == 0
}

// operandFloat is operand i as a constant number, def when left out.
func (r *nodeReader) operandFloat(i int, name string, def float64) float64 {
	if !r.given(i) {
		return def
	}
	t := r.operand(i, name)
	switch {
	case t == nil:
		return def
	case t.Shape.Elems() != 1:
		r.failf("%s (operand %d) has shape %v, want one number", name, i, t.Shape)
		return def
	case t.Type == Float:
		if t.Floats[0] != t.Floats[0] {
			r.failf("%s (operand %d) is NaN, want a number", name, i)
		}
		return float64(t.Floats[0])
	}
	return float64(t.Ints[0])
}

// toFloat makes operand i, if it is a constant of integers, one of floating-point numbers.
func (r *nodeReader) toFloat(i int) {
	if !r.given(i) || r.in[i].Const == nil || r.in[i].Type != Int {
		return
	}
	v := &Value{Name: r.unique(r.in[i].Name + ".float")}
	v.setConst(r.in[i].Const.toFloat())
	r.in[i] = v
}

// keep drops all operands from n on: they have become fields.
func (r *nodeReader) keep(n int) {
	r.in = r.in[:min(n, len(r.in))]
	r.shapes = r.shapes[:len(r.in)]
}

// clampInt converts a number of the file; beyond 31 bits, where no size or index can be,
// it saturates.
func clampInt(v int64) int { return int(min(max(v, -maxDim), maxDim)) }

func clampInts(v []int64) []int {
	out := make([]int, len(v))
	for i := range v {
		out[i] = clampInt(v[i])
	}
	return out
}

// texts takes a list of strings; nil when absent.
func (r *nodeReader) texts(name string) []string {
	a := r.attr(name, pb.AttributeProto_STRINGS)
	if a == nil {
		return nil
	}
	out := make([]string, len(a.GetStrings()))
	for i, v := range a.GetStrings() {
		out[i] = string(v)
	}
	return out
}
