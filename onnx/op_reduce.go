package onnx

import (
	"fmt"
	"math"
	"slices"
)

// Reduce computes one number from all elements along Axes:
//
//	ReduceSum        sum(x)            ReduceMean       mean(x)
//	ReduceMax        max(x)            ReduceMin        min(x)
//	ReduceProd       product(x)        ReduceSumSquare  sum(x*x)
//	ReduceL1         sum(|x|)          ReduceL2         sqrt(sum(x*x))
//	ReduceLogSum     ln(sum(x))        ReduceLogSumExp  ln(sum(exp(x)))
type Reduce struct {
	Kind ReduceKind
	Axes []int // ascending
	// KeepDims leaves the dimensions Axes in the output, with size 1.
	KeepDims bool
}

// ReduceKind is the ONNX operator of a reduction.
type ReduceKind string

const (
	ReduceL1        ReduceKind = "ReduceL1"
	ReduceL2        ReduceKind = "ReduceL2"
	ReduceLogSum    ReduceKind = "ReduceLogSum"
	ReduceLogSumExp ReduceKind = "ReduceLogSumExp"
	ReduceMax       ReduceKind = "ReduceMax"
	ReduceMean      ReduceKind = "ReduceMean"
	ReduceMin       ReduceKind = "ReduceMin"
	ReduceProd      ReduceKind = "ReduceProd"
	ReduceSum       ReduceKind = "ReduceSum"
	ReduceSumSquare ReduceKind = "ReduceSumSquare"
)

// Type returns Kind.
func (op *Reduce) Type() string { return string(op.Kind) }

// InferShape returns the shape without Axes, or with 1 in their place.
func (op *Reduce) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	if !slices.Contains(reductions, op.Kind) {
		return nil, fmt.Errorf("reduction %q, want one of %q", op.Kind, reductions)
	}
	x := in[0]
	if err := checkAxes(op.Axes, len(x)); err != nil {
		return nil, err
	}
	out := Shape{}
	for i, d := range x {
		switch {
		case !slices.Contains(op.Axes, i):
			out = append(out, d)
		case d == Batch:
			return nil, refusef("axes %v would mix samples of the batch of input %v", op.Axes, x)
		case op.KeepDims:
			out = append(out, 1)
		}
	}
	return []Shape{out}, nil
}

// Apply is the reduction of some numbers, at least one.
func (op *Reduce) Apply(x []float64) float64 {
	total := func(f func(v float64) float64) float64 {
		sum := 0.0
		for _, v := range x {
			sum += f(v)
		}
		return sum
	}
	plain := func(v float64) float64 { return v }
	square := func(v float64) float64 { return v * v }
	switch op.Kind {
	case ReduceL1:
		return total(math.Abs)
	case ReduceL2:
		return math.Sqrt(total(square))
	case ReduceLogSum:
		return math.Log(total(plain))
	case ReduceLogSumExp:
		high := slices.Max(x)
		if math.IsInf(high, 0) {
			return high
		}
		return high + math.Log(total(func(v float64) float64 { return math.Exp(v - high) }))
	case ReduceMax:
		return slices.Max(x)
	case ReduceMean:
		return total(plain) / float64(len(x))
	case ReduceMin:
		return slices.Min(x)
	case ReduceProd:
		product := 1.0
		for _, v := range x {
			product *= v
		}
		return product
	case ReduceSumSquare:
		return total(square)
	}
	return total(plain)
}

// reductions are the names Reduce goes by.
var reductions = []ReduceKind{ReduceL1, ReduceL2, ReduceLogSum, ReduceLogSumExp, ReduceMax, ReduceMean,
	ReduceMin, ReduceProd, ReduceSum, ReduceSumSquare}

// readReduce returns the reader of one reduction. The axes were an attribute before opset
// 18 (13 for ReduceSum) and are operand 1 since; without axes, all dimensions are meant.
func readReduce(kind ReduceKind) func(r *nodeReader) Op {
	return func(r *nodeReader) Op {
		op := &Reduce{Kind: kind, KeepDims: r.bool("keepdims", true)}
		noop := r.bool("noop_with_empty_axes", false)
		var axes []int
		switch {
		case r.opset < reduceOperand(kind):
			axes = r.ints("axes")
		case r.given(1):
			if axes = r.operandInts(1, "axes"); axes == nil {
				return op
			}
		}
		r.keep(1)
		x := r.shapes[0]
		if x == nil {
			return op
		}
		if len(axes) == 0 && (noop || len(x) == 0) {
			switch kind {
			case ReduceMax, ReduceMean, ReduceMin, ReduceProd, ReduceSum:
				return &Identity{}
			}
			r.refusef("no axes to reduce, and not a reduction that then changes nothing")
		}
		if len(axes) == 0 {
			for i := range x {
				axes = append(axes, i)
			}
		}
		op.Axes = r.axes(axes, len(x))
		return op
	}
}

// reduceOperand is the opset since which the axes of a reduction are an operand.
func reduceOperand(kind ReduceKind) int {
	if kind == ReduceSum {
		return 13
	}
	return 18
}

func (op *Reduce) write(w *nodeWriter) {
	w.bool("keepdims", op.KeepDims)
	switch {
	case len(op.Axes) == 0 && op.Kind != ReduceSum:
		w.failf("no axes")
	case w.e.opset >= reduceOperand(op.Kind):
		w.bool("noop_with_empty_axes", len(op.Axes) == 0)
		w.operandInts("axes", op.Axes)
	default:
		w.ints("axes", op.Axes)
	}
}

// spell gives reductions as sums, maxima and functions of one number.
func (op *Reduce) spell(s *spelling, n *Node) {
	x := n.Inputs[0]
	over := func(kind ReduceKind, x *Value) *Value {
		return s.add(&Reduce{Kind: kind, Axes: op.Axes, KeepDims: op.KeepDims}, x)
	}
	switch op.Kind {
	case ReduceL1:
		over(ReduceSum, s.add(&Abs{}, x))
	case ReduceL2:
		s.add(&Sqrt{}, over(ReduceSum, s.add(&Mul{}, x, x)))
	case ReduceSumSquare:
		over(ReduceSum, s.add(&Mul{}, x, x))
	case ReduceLogSum:
		s.add(&Log{}, over(ReduceSum, x))
	case ReduceLogSumExp:
		top := s.add(&Reduce{Kind: ReduceMax, Axes: op.Axes, KeepDims: true}, x)
		sum := s.add(&Log{}, over(ReduceSum, s.add(&Exp{}, s.add(&Sub{}, x, top))))
		s.add(&Add{}, sum, s.reshape(top, sum.Shape))
	case ReduceMin:
		s.add(&Neg{}, over(ReduceMax, s.add(&Neg{}, x)))
	case ReduceProd:
		y := x
		for _, axis := range op.Axes {
			y = s.multiplied(y, axis)
		}
		s.add(&Reshape{Dims: reshapeDims(n.Outputs[0].Shape)}, y)
	}
}

// multiplied is the product along a dimension: of the two halves, again and again, and of what is left over.
func (s *spelling) multiplied(x *Value, axis int) *Value {
	part := func(from, to int) *Value {
		return s.add(&Slice{Starts: []int{from}, Ends: []int{to}, Axes: []int{axis}, Steps: []int{1}}, x)
	}
	var rest *Value
	for n := x.Shape[axis]; n > 1; n /= 2 {
		if n%2 == 1 {
			if odd := part(n-1, n); rest == nil {
				rest = odd
			} else {
				rest = s.add(&Mul{}, rest, odd)
			}
		}
		x = s.add(&Mul{}, part(0, n/2), part(n/2, n/2*2))
	}
	if rest != nil {
		x = s.add(&Mul{}, x, rest)
	}
	return x
}

// reshapeDims are the dimensions of a Reshape to a shape.
func reshapeDims(to Shape) []int {
	dims := slices.Clone([]int(to))
	if to.batched() {
		dims[0] = 0
	}
	return dims
}
