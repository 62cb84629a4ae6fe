package onnx

import (
	"slices"
	"strings"
)

// gateFunction is an activation that a recurrent operator may name.
type gateFunction struct {
	params []float64 // the defaults of alpha and beta, as many as it has
	op     func(alpha, beta float64) Op
}

// gateFunctions are those of ONNX, by name in lower case. Affine and ScaledTanh are several operators.
var gateFunctions = map[string]gateFunction{
	"affine":          {params: []float64{1, 0}},
	"elu":             {params: []float64{1}, op: func(a, _ float64) Op { return &Elu{Alpha: a} }},
	"hardsigmoid":     {params: []float64{float64(float32(0.2)), 0.5}, op: func(a, b float64) Op { return &HardSigmoid{Alpha: a, Beta: b} }},
	"leakyrelu":       {params: []float64{float64(float32(0.01))}, op: func(a, _ float64) Op { return &LeakyRelu{Alpha: a} }},
	"relu":            {op: func(_, _ float64) Op { return &Relu{} }},
	"scaledtanh":      {params: []float64{1, 1}},
	"sigmoid":         {op: func(_, _ float64) Op { return &Sigmoid{} }},
	"softplus":        {op: func(_, _ float64) Op { return &Softplus{} }},
	"softsign":        {op: func(_, _ float64) Op { return &Softsign{} }},
	"tanh":            {op: func(_, _ float64) Op { return &Tanh{} }},
	"thresholdedrelu": {params: []float64{1}, op: func(a, _ float64) Op { return &ThresholdedRelu{Alpha: a} }},
}

// activations reads the activations of all directions, those of one after those of the other. Parameters are listed for the functions that have any,
// in their order.
func (r *nodeReader) activations(defaults []string, directions int) []activation {
	names := r.texts("activations")
	if len(names) == 0 {
		names = slices.Repeat(defaults, directions)
	}
	if len(names) == len(defaults) && directions > 1 {
		names = slices.Repeat(names, directions)
	}
	lists := [][]float64{r.floats("activation_alpha"), r.floats("activation_beta")}
	if want := len(defaults) * directions; len(names) != want {
		r.failf("attribute %q has %d entries, want %d", "activations", len(names), want)
		return nil
	}
	var out []activation
	for _, name := range names {
		f, ok := gateFunctions[strings.ToLower(name)]
		if !ok {
			r.refusef("activation %q is not supported", name)
			return nil
		}
		var params [2]float64
		for k, v := range f.params {
			params[k] = v
			if len(lists[k]) > 0 {
				params[k], lists[k] = lists[k][0], lists[k][1:]
			}
			if !(params[k] >= -maxWeight && params[k] <= maxWeight) {
				r.failf("a parameter of activation %q is %g, want a number of at most 1e30", name, params[k])
				return nil
			}
		}
		out = append(out, activation{name: strings.ToLower(name), alpha: params[0], beta: params[1]})
	}
	return out
}

// say adds the nodes of the function of x, under names that end in the part given to add.
func (a activation) say(add func(part string, op Op, in ...*Value) *Value, number func(float64) *Value, x *Value) *Value {
	switch a.name {
	case "affine":
		if a.alpha != 1 {
			x = add(".scaled", &Mul{}, x, number(a.alpha))
		}
		return add("", &Add{}, x, number(a.beta))
	case "scaledtanh":
		if a.beta != 1 {
			x = add(".in", &Mul{}, x, number(a.beta))
		}
		if a.alpha == 1 {
			return add("", &Tanh{}, x)
		}
		return add("", &Mul{}, add(".tanh", &Tanh{}, x), number(a.alpha))
	}
	return add("", gateFunctions[a.name].op(a.alpha, a.beta), x)
}
