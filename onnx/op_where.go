package onnx

import "math"

// Where is x where the condition holds, y elsewhere. Inputs: condition (Bool), x, y; all
// three broadcast.
type Where struct{}

// Compare holds, as a Bool, where its two broadcast inputs are in the given relation.
type Compare struct{ Relation Relation }

// Relation is the ONNX operator of a comparison.
type Relation string

const (
	Equal          Relation = "Equal"
	Less           Relation = "Less"
	LessOrEqual    Relation = "LessOrEqual"
	Greater        Relation = "Greater"
	GreaterOrEqual Relation = "GreaterOrEqual"
)

// Logic combines two broadcast Bool inputs.
type Logic struct{ Kind LogicKind }

// LogicKind is the ONNX operator of a logical connective.
type LogicKind string

const (
	And LogicKind = "And"
	Or  LogicKind = "Or"
	Xor LogicKind = "Xor"
)

// Not turns a Bool round.
type Not struct{}

// Cast changes the element type: a number becomes an integer by dropping its fraction, and a
// Bool by being other than 0.
type Cast struct{ To DataType }

func (*Where) Type() string      { return "Where" }
func (op *Compare) Type() string { return string(op.Relation) }
func (op *Logic) Type() string   { return string(op.Kind) }
func (*Not) Type() string        { return "Not" }
func (*Cast) Type() string       { return "Cast" }

// InferShape returns the shape all inputs broadcast to.
func (*Where) InferShape(in []Shape) ([]Shape, error)   { return broadcastAll(in, 3, 3) }
func (*Compare) InferShape(in []Shape) ([]Shape, error) { return broadcastAll(in, 2, 2) }
func (*Logic) InferShape(in []Shape) ([]Shape, error)   { return broadcastAll(in, 2, 2) }
func (*Not) InferShape(in []Shape) ([]Shape, error)     { return sameShape(in) }
func (*Cast) InferShape(in []Shape) ([]Shape, error)    { return sameShape(in) }

// Combine is 1 where the relation holds.
func (op *Compare) Combine(a, b float64) float64 {
	switch op.Relation {
	case Less:
		return truthValue(a < b)
	case LessOrEqual:
		return truthValue(a <= b)
	case Greater:
		return truthValue(a > b)
	case GreaterOrEqual:
		return truthValue(a >= b)
	}
	return truthValue(a == b)
}

func (op *Logic) Combine(a, b float64) float64 {
	switch op.Kind {
	case Or:
		return truthValue(a != 0 || b != 0)
	case Xor:
		return truthValue((a != 0) != (b != 0))
	}
	return truthValue(a != 0 && b != 0)
}

// Partials are 0: a Bool does not change gradually.
func (*Compare) Partials(_, _ float64) (da, db float64) { return 0, 0 }
func (*Logic) Partials(_, _ float64) (da, db float64)   { return 0, 0 }

func (*Not) Apply(x float64) float64 { return truthValue(x == 0) }

func (op *Cast) Apply(x float64) float64 {
	switch op.To {
	case Int:
		return math.Trunc(x)
	case Bool:
		return truthValue(x != 0)
	}
	return x
}

func truthValue(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

func readCompare(r Relation) func(*nodeReader) Op {
	return func(*nodeReader) Op { return &Compare{Relation: r} }
}

func readLogic(k LogicKind) func(*nodeReader) Op {
	return func(*nodeReader) Op { return &Logic{Kind: k} }
}

// write gives the element type of the file that stands for ours.
func (op *Cast) write(w *nodeWriter) { w.int("to", int(elemTypes[op.To])) }

// write has nothing to add: the name of the operator says it all.
func (*Compare) write(*nodeWriter) {}
func (*Logic) write(*nodeWriter)   {}

// spell chooses by a product with the condition and one with its opposite. Where a constant is chosen by constants, it is not multiplied:
// it may be infinite.
func (*Where) spell(s *spelling, n *Node) {
	condition := n.Inputs[0]
	holds := s.add(&Cast{To: Float}, condition)
	fails := s.add(&Sub{}, s.number(1), holds)
	part := func(i int, chosen *Value) *Value {
		x := n.Inputs[i]
		if condition.Const == nil || x.Const == nil {
			return s.add(&Mul{}, chosen, x)
		}
		shape, err := broadcast(condition.Shape, x.Shape)
		if err != nil {
			return s.add(&Mul{}, chosen, x)
		}
		in := []*Value{condition, s.number(0), s.number(0)}
		in[i] = x
		picked := &Node{Op: &Where{}, Inputs: in, Outputs: []*Value{{Shape: shape, Type: Float}}}
		return s.constant(fold(picked)[0])
	}
	s.add(&Add{}, part(1, holds), part(2, fails))
}
