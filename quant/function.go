package quant

import (
	"math"

	"qconv/onnx"
)

// function is what the requantization of an accumulator, or a table of levels, applies: a
// scalar function that may differ by channel.
type function interface {
	apply(channel int, x float64) float64
}

// plain is a function that is the same for all channels.
type plain struct{ onnx.Scalar }

func (f plain) apply(_ int, x float64) float64 { return f.Apply(x) }

// affine is gain*x + offset; each list has one entry per channel.
type affine struct{ gain, offset []float64 }

func (f affine) apply(c int, x float64) float64 { return f.gain[c]*x + f.offset[c] }

// gated is x times a function of x, as swish is.
type gated struct{ gate onnx.Scalar }

func (f gated) apply(_ int, x float64) float64 { return x * f.gate.Apply(x) }

// leaky is x for x >= 0 and slope*x below; one slope per channel.
type leaky struct{ slope []float64 }

func (f leaky) apply(c int, x float64) float64 {
	if x < 0 {
		return f.slope[c] * x
	}
	return x
}

// power is x to a constant power.
type power struct{ exponent float64 }

func (f power) apply(_ int, x float64) float64 { return math.Pow(x, f.exponent) }

// byChannel says whether any function of a chain tells channels apart.
func byChannel(funcs []function) bool {
	for _, f := range funcs {
		switch f := f.(type) {
		case affine:
			if varies(f.gain) || varies(f.offset) {
				return true
			}
		case leaky:
			if varies(f.slope) {
				return true
			}
		}
	}
	return false
}

// evaluate applies a chain of functions in order.
func evaluate(funcs []function, channel int, x float64) float64 {
	for _, f := range funcs {
		x = f.apply(channel, x)
	}
	return x
}

// functionOf is the function a node of [classScalar] applies to its computed operand, which
// it returns too; nil when the node is no such function.
func (a *analysis) functionOf(n *onnx.Node) (function, *onnx.Value) {
	if s, ok := n.Op.(onnx.Scalar); ok {
		return plain{s}, n.Inputs[0]
	}
	if _, ok := n.Op.(*onnx.BatchNormalization); ok {
		return normalization(n)
	}
	if gate := a.gates[n]; gate != nil {
		return gated{gate.Op.(onnx.Scalar)}, gate.Inputs[0]
	}
	if len(n.Inputs) != 2 {
		return nil, nil
	}
	x, constant := n.Inputs[0], n.Inputs[1]
	swapped := x.Const != nil
	if swapped {
		x, constant = constant, x
	}
	if constant.Const == nil || x.Const != nil {
		return nil, nil
	}
	values, ok := perChannel(constant, x.Shape)
	if !ok {
		return nil, nil
	}
	one, zero := filled(len(values), 1), filled(len(values), 0)
	switch n.Op.(type) {
	case *onnx.Add:
		return affine{one, values}, x
	case *onnx.Sub:
		if swapped {
			return affine{filled(len(values), -1), values}, x
		}
		return affine{one, mapped(values, func(v float64) float64 { return -v })}, x
	case *onnx.Mul:
		return affine{values, zero}, x
	case *onnx.Div:
		if !swapped {
			return affine{mapped(values, func(v float64) float64 { return 1 / v }), zero}, x
		}
	case *onnx.PRelu:
		if !swapped {
			return leaky{values}, x
		}
	case *onnx.Pow:
		if !swapped && constant.Shape.Elems() == 1 {
			return power{values[0]}, x
		}
	case *onnx.Max:
		if constant.Shape.Elems() == 1 {
			return plain{&onnx.Clip{Min: values[0], Max: math.Inf(1)}}, x
		}
	case *onnx.Min:
		if constant.Shape.Elems() == 1 {
			return plain{&onnx.Clip{Min: math.Inf(-1), Max: values[0]}}, x
		}
	}
	return nil, nil
}

// normalization is a BatchNormalization that could not be folded, as gain and offset.
func normalization(n *onnx.Node) (function, *onnx.Value) {
	var stat [4][]float32 // scale, bias, mean, variance
	for i := range stat {
		c := n.Inputs[1+i].Const
		if c == nil {
			return nil, nil
		}
		stat[i] = c.Floats
	}
	epsilon := n.Op.(*onnx.BatchNormalization).Epsilon
	f := affine{make([]float64, len(stat[0])), make([]float64, len(stat[0]))}
	for c := range f.gain {
		f.gain[c] = float64(stat[0][c]) / math.Sqrt(float64(stat[3][c])+epsilon)
		f.offset[c] = float64(stat[1][c]) - f.gain[c]*float64(stat[2][c])
	}
	return f, n.Inputs[0]
}

// findGates finds products of a value with a function of itself, x*f(x), where neither x
// nor f(x) is read by anything else: the multiplication and the node of f.
func findGates(a *analysis) map[*onnx.Node]*onnx.Node {
	gates := map[*onnx.Node]*onnx.Node{}
	for _, n := range a.graph.Nodes {
		if _, ok := n.Op.(*onnx.Mul); !ok {
			continue
		}
		for i, f := range n.Inputs {
			gate := a.producers[f]
			if gate == nil || len(a.consumers[f]) != 1 || a.outputs[f] {
				continue
			}
			x := n.Inputs[1-i]
			if _, ok := gate.Op.(onnx.Scalar); ok && gate.Inputs[0] == x && len(a.consumers[x]) == 2 && !a.outputs[x] {
				gates[n] = gate
			}
		}
	}
	return gates
}

// varies says whether not all elements are equal.
func varies(v []float64) bool {
	for _, x := range v {
		if x != v[0] {
			return true
		}
	}
	return false
}

func filled(n int, v float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func mapped(in []float64, f func(float64) float64) []float64 {
	out := make([]float64, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}
