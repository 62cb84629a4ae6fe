package onnx

import (
	"fmt"
	"math"
	"slices"
)

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
		// Most arithmetic is none of the functions at the very first points.
		if few := s.samples(out, x, samplePoints[:3]); few == nil || !slices.ContainsFunc(activations, func(make func() Scalar) bool { return matches(few, make()) }) {
			continue
		}
		got := s.samples(out, x, samplePoints)
		if got == nil {
			continue
		}
		for _, make := range activations {
			op := make()
			if !matches(got, op) {
				continue
			}
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
	return nil
}

// sources lists the values that v is computed from by elementwise nodes, nearest first.
func (s *simplifier) sources(v *Value) []*Value {
	list := []*Value{v}
	seen := map[*Value]bool{v: true}
	for i := 0; i < len(list) && len(list) <= maxSpelled; i++ {
		n := s.from[list[i]]
		if n == nil || ElementFunc(n.Op) == nil {
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

// samplePoints are where functions are compared: from -10 to 10 in steps of 1/16.
var samplePoints = func() []float64 {
	points := make([]float64, 321)
	for i := range points {
		points[i] = float64(i*179%321-160) / 16 // far apart ones next to each other
	}
	return points
}()

// matches says whether samples, at the first points, are those of op.
func matches(samples []float64, op Scalar) bool {
	for i, got := range samples {
		want := op.Apply(samplePoints[i])
		if !(math.Abs(got-want) <= 1e-5*(1+math.Abs(want))) {
			return false
		}
	}
	return true
}

// samples computes v as a function of x at some points; nil if v depends on anything but x and constants
// of one element, or if there are more than maxSpelled elementwise nodes between them.
func (s *simplifier) samples(v, x *Value, points []float64) []float64 {
	done := map[*Value][]float64{x: points}
	left := maxSpelled
	var compute func(v *Value) []float64
	compute = func(v *Value) []float64 {
		if out := done[v]; out != nil {
			return out
		}
		out := make([]float64, len(points))
		if v.Const != nil {
			if v.Type != Float || v.Shape.Elems() != 1 {
				return nil
			}
			for i := range out {
				out[i] = float64(v.Const.Floats[0])
			}
			done[v] = out
			return out
		}
		n := s.from[v]
		if n == nil || left == 0 {
			return nil
		}
		left--
		f := ElementFunc(n.Op)
		if f == nil {
			return nil
		}
		in := make([][]float64, len(n.Inputs))
		for k, operand := range n.Inputs {
			if in[k] = compute(operand); in[k] == nil {
				return nil
			}
		}
		operands := make([]float64, len(in))
		for i := range out {
			for k := range in {
				operands[k] = in[k][i]
			}
			out[i] = f(operands)
		}
		done[v] = out
		return out
	}
	return compute(v)
}

// nameOf names where a value comes from, in a report.
func nameOf(n *Node, v *Value) string {
	if n == nil {
		return fmt.Sprintf("input %q", v.Name)
	}
	return title(n)
}
