package onnx

// Operators come in families. Each family's meaning stands once, in the methods of its interface;
// constant folding, float execution, gradients and lowering to integers are written for the
// family and not for its operators. [Mover] is the family of those that move elements.

// Scalar is an operator that applies one function to every element of its single input.
// The output has the input's shape.
type Scalar interface {
	Op
	// Apply is the function itself, in double precision.
	Apply(x float64) float64
}

// Pair is an operator that applies a function of two numbers to every element of its two inputs,
// which broadcast to the output's shape. Some also take one input, or several that are combined from
// the first on.
type Pair interface {
	Op
	// Combine is the function itself, in double precision.
	Combine(a, b float64) float64
	// Partials are its derivatives by a and by b; where it has a corner, those of one side.
	Partials(a, b float64) (da, db float64)
}

// View is an operator that gives the elements of its first input, in their order, another shape.
type View interface {
	Op
	isView()
}

func (*Reshape) isView()   {}
func (*Flatten) isView()   {}
func (*Squeeze) isView()   {}
func (*Unsqueeze) isView() {}
func (*Identity) isView()  {}
func (*Dropout) isView()   {}

// ElementFunc is the function that an elementwise operator applies to the elements of its
// operands, nil for other operators.
func ElementFunc(op Op) func(x []float64) float64 {
	switch op := op.(type) {
	case Scalar:
		return func(x []float64) float64 { return op.Apply(x[0]) }
	case Pair:
		return func(x []float64) float64 {
			r := x[0]
			for _, v := range x[1:] {
				r = op.Combine(r, v)
			}
			return r
		}
	case *Mean:
		return func(x []float64) float64 {
			sum := 0.0
			for _, v := range x {
				sum += v
			}
			return sum / float64(len(x))
		}
	case *Where:
		return func(x []float64) float64 {
			if x[0] != 0 {
				return x[1]
			}
			return x[2]
		}
	}
	return nil
}
