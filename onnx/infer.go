package onnx

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// maxDim is the largest dimension, and the largest number of elements, of any tensor.
const maxDim = math.MaxInt32

// maxRank is the largest number of dimensions of any tensor.
const maxRank = 32

// refusal is the error of a node that is correct but not supported.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

func refusef(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// InferShapes computes Shape and Type of every node's outputs from those of the graph's
// inputs and constants. It fails with a [FormatError], or an [UnsupportedError] where an
// operator would mix the samples of a batch.
func (g *Graph) InferShapes() error {
	for _, n := range g.Nodes {
		if err := n.infer(); err != nil {
			return n.wrap(err, g.Opset)
		}
	}
	return nil
}

// wrap makes an error of infer one of the package's error types.
func (n *Node) wrap(err error, opset int) error {
	var r *refusal
	if errors.As(err, &r) {
		return &UnsupportedError{Nodes: []UnsupportedNode{{Name: n.Name, Op: n.Op.Type(), Opset: opset, Reason: r.reason}}}
	}
	var inputs []string
	for _, v := range n.Inputs {
		if v != nil {
			inputs = append(inputs, fmt.Sprintf("%q %v", v.Name, v.Shape))
		}
	}
	where := fmt.Sprintf("node %q (%s) of %s", n.Name, n.Op.Type(), strings.Join(inputs, ", "))
	return &FormatError{Where: where, Err: err}
}

// infer sets the shapes and types of the node's outputs.
func (n *Node) infer() error {
	in := make([]Shape, len(n.Inputs))
	for i, v := range n.Inputs {
		in[i] = v.shape()
	}
	out, err := n.Op.InferShape(in)
	if err != nil {
		return err
	}
	if len(out) != len(n.Outputs) {
		return fmt.Errorf("got %d outputs, want %d", len(n.Outputs), len(out))
	}
	kind, err := n.outputType()
	if err != nil {
		return err
	}
	for i, s := range out {
		if err := s.check(); err != nil {
			return fmt.Errorf("output %q %v: %w", n.Outputs[i].Name, s, err)
		}
	}
	for i, s := range out {
		n.Outputs[i].Shape, n.Outputs[i].Type = s, kind
	}
	return nil
}

// shape is the value's shape as InferShape wants it: nil only for a value left out.
func (v *Value) shape() Shape {
	if v != nil && v.Shape == nil {
		return Shape{}
	}
	if v == nil {
		return nil
	}
	return v.Shape
}

// check verifies that a computed tensor is neither empty nor too large.
func (s Shape) check() error {
	if len(s) > maxRank {
		return fmt.Errorf("%d dimensions, want at most %d", len(s), maxRank)
	}
	elems := 1
	for i, d := range s {
		switch {
		case d == Batch && i == 0:
			continue
		case d < 1 || d > maxDim:
			return fmt.Errorf("dimension %d is %d, want [1, 2^31)", i, d)
		case elems > maxDim/d:
			return fmt.Errorf("2^31 elements or more")
		}
		elems *= d
	}
	return nil
}

// outputType is the element type of a node's outputs: that of all its inputs, but for
// operators that say otherwise.
func (n *Node) outputType() (DataType, error) {
	inputs := n.Inputs
	switch n.Op.(type) {
	case *Where:
		if n.Inputs[0].Type != Bool {
			return 0, fmt.Errorf("the condition has elements of type %v, want %v", n.Inputs[0].Type, Bool)
		}
		inputs = n.Inputs[1:]
	case *Pow:
		inputs = n.Inputs[:1]
	case *Cast:
		return n.Op.(*Cast).To, nil
	}
	kind, err := n.commonType(inputs)
	if err != nil {
		return 0, err
	}
	switch n.Op.(type) {
	case *Compare, *Logic, *Not, *IsNaN, *IsInf:
		return Bool, nil
	case *ArgMax:
		return Int, nil
	}
	return kind, nil
}

// commonType is the one element type of the operands, which the operator must take.
func (n *Node) commonType(inputs []*Value) (DataType, error) {
	kind, first := Float, true
	for _, v := range inputs {
		switch {
		case v == nil:
		case first:
			kind, first = v.Type, false
		case v.Type != kind:
			return 0, fmt.Errorf("inputs have elements of type %v and %v, want one type", kind, v.Type)
		}
	}
	if kind != Float && !takesIntegers(n.Op) {
		return 0, refusef("its inputs have elements of type %v, want %v", kind, Float)
	}
	return kind, nil
}

// takesIntegers says whether an operator is also defined on tensors that are not Float.
func takesIntegers(op Op) bool {
	switch op.(type) {
	case *Add, *Sub, *Mul, *Div, *Max, *Min, *Pow, *Abs, *Neg, *Sign, *Clip, *MatMul, *Gemm, *MaxPool,
		*Where, *Compare, *Logic, *Not, *Mod, *Cast, *ArgMax, *Reduce, *Concat, *LoopTake, *LoopPut, *LoopState, *LoopNext, Mover, View:
		return true
	}
	return false
}

// String returns "float", "int" or "bool".
func (t DataType) String() string {
	switch t {
	case Float:
		return "float"
	case Int:
		return "int"
	case Bool:
		return "bool"
	}
	return fmt.Sprintf("DataType(%d)", uint8(t))
}
