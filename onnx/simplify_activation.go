package onnx

import "math"

// activations are the functions that exporters spell out in several nodes.
var activations = []func() Scalar{
	func() Scalar { return &Gelu{} },
	func() Scalar { return &Gelu{Tanh: true} },
	func() Scalar { return &HardSwish{} },
	func() Scalar { return &Swish{} },
	func() Scalar { return &Mish{} },
	func() Scalar { return &HardSigmoid{Alpha: float64(float32(1.0 / 6)), Beta: 0.5} },
	func() Scalar { return &Sigmoid{} },
	func() Scalar { return &Softsign{} },
}

// maxSpelled is the number of nodes in a row an activation may be spelled out in.
const maxSpelled = 10

// recognizeActivation replaces arithmetic that computes a function of a single value by
// that function. What the nodes compute is compared, not how they are put together, since
// every exporter does it in its own way.
func (s *simplifier) recognizeActivation(n *Node) error {
	switch n.Op.(type) {
	case *Add, *Sub, *Mul, *Div:
	default:
		return nil
	}
	out := n.Outputs[0]
	for _, x := range s.sources(out) {
		if !x.Shape.Equal(out.Shape) || x.Type != Float {
			continue
		}
		for _, make := range activations {
			if op := make(); s.computes(out, x, op) {
				s.logf("recognized %s from %s on as %s", title(n), nameOf(s.from[x], x), op.Type())
				n.Op = op
				for len(n.Inputs) > 1 {
					s.unuse(n, n.Inputs[len(n.Inputs)-1])
					n.Inputs = n.Inputs[:len(n.Inputs)-1]
				}
				s.setInput(n, 0, x)
				return nil
			}
		}
	}
	return nil
}

// sources lists the values that v is computed from by elementwise nodes, nearest first.
func (s *simplifier) sources(v *Value) []*Value {
	list := []*Value{v}
	seen := map[*Value]bool{v: true}
	for i := 0; i < len(list) && len(list) <= maxSpelled; i++ {
		n := s.from[list[i]]
		if n == nil || elementFunc(n.Op) == nil {
			continue
		}
		for _, in := range n.Inputs {
			if in.Const == nil && !seen[in] {
				seen[in] = true
				list = append(list, in)
			}
		}
	}
	return list[1:]
}

// computes says whether v is op of x, as far as a few hundred points can tell.
func (s *simplifier) computes(v, x *Value, op Scalar) bool {
	for i := -160; i <= 160; i++ {
		at := float64(i) / 16
		got, ok := s.value(v, x, at, maxSpelled)
		want := op.Apply(at)
		if !ok || !(math.Abs(got-want) <= 1e-5*(1+math.Abs(want))) {
			return false
		}
	}
	return true
}

// value computes v for x = at, through at most depth elementwise nodes; ok is false when v
// depends on anything but x and constants of one element.
func (s *simplifier) value(v, x *Value, at float64, depth int) (result float64, ok bool) {
	if v == x {
		return at, true
	}
	if v.Const != nil {
		if v.Type != Float || v.Shape.Elems() != 1 {
			return 0, false
		}
		return float64(v.Const.Floats[0]), true
	}
	n := s.from[v]
	if n == nil || depth == 0 {
		return 0, false
	}
	f := elementFunc(n.Op)
	if f == nil {
		return 0, false
	}
	in := make([]float64, len(n.Inputs))
	for i, v := range n.Inputs {
		if in[i], ok = s.value(v, x, at, depth-1); !ok {
			return 0, false
		}
	}
	return f(in), true
}

// nameOf names where a value comes from, in a report.
func nameOf(n *Node, v *Value) string {
	if n == nil {
		return "input \"" + v.Name + "\""
	}
	return title(n)
}
