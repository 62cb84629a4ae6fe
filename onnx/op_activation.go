package onnx

import "math"

// Relu is max(x, 0).
type Relu struct{}

// Tanh is the hyperbolic tangent.
type Tanh struct{}

// Sigmoid is 1 / (1 + exp(-x)).
type Sigmoid struct{}

// LeakyRelu is x for x >= 0 and Alpha*x below.
type LeakyRelu struct{ Alpha float64 }

// ThresholdedRelu is x for x > Alpha and 0 elsewhere.
type ThresholdedRelu struct{ Alpha float64 }

// Elu is x for x >= 0 and Alpha*(exp(x)-1) below.
type Elu struct{ Alpha float64 }

// Selu is Gamma*x for x > 0 and Gamma*Alpha*(exp(x)-1) elsewhere.
type Selu struct{ Alpha, Gamma float64 }

// Celu is max(0, x) + min(0, Alpha*(exp(x/Alpha)-1)).
type Celu struct{ Alpha float64 }

// HardSigmoid is max(0, min(1, Alpha*x + Beta)).
type HardSigmoid struct{ Alpha, Beta float64 }

// HardSwish is x * max(0, min(1, x/6 + 1/2)).
type HardSwish struct{}

// Softplus is ln(exp(x) + 1).
type Softplus struct{}

// Softsign is x / (1 + |x|).
type Softsign struct{}

// Gelu is x * (1 + erf(x/sqrt(2))) / 2, or with Tanh its approximation
// x * (1 + tanh(sqrt(2/pi) * (x + 0.044715*x^3))) / 2.
type Gelu struct{ Tanh bool }

// Mish is x * tanh(ln(exp(x) + 1)).
type Mish struct{}

// Swish is x / (1 + exp(-x)), also known as SiLU.
type Swish struct{}

// Clip is min(max(x, Min), Max); a bound that is not given is infinite.
type Clip struct{ Min, Max float64 }

func (*Relu) Type() string            { return "Relu" }
func (*Tanh) Type() string            { return "Tanh" }
func (*Sigmoid) Type() string         { return "Sigmoid" }
func (*LeakyRelu) Type() string       { return "LeakyRelu" }
func (*ThresholdedRelu) Type() string { return "ThresholdedRelu" }
func (*Elu) Type() string             { return "Elu" }
func (*Selu) Type() string            { return "Selu" }
func (*Celu) Type() string            { return "Celu" }
func (*HardSigmoid) Type() string     { return "HardSigmoid" }
func (*HardSwish) Type() string       { return "HardSwish" }
func (*Softplus) Type() string        { return "Softplus" }
func (*Softsign) Type() string        { return "Softsign" }
func (*Gelu) Type() string            { return "Gelu" }
func (*Mish) Type() string            { return "Mish" }
func (*Swish) Type() string           { return "Swish" }
func (*Clip) Type() string            { return "Clip" }

func (*Relu) InferShape(in []Shape) ([]Shape, error)            { return sameShape(in) }
func (*Tanh) InferShape(in []Shape) ([]Shape, error)            { return sameShape(in) }
func (*Sigmoid) InferShape(in []Shape) ([]Shape, error)         { return sameShape(in) }
func (*LeakyRelu) InferShape(in []Shape) ([]Shape, error)       { return sameShape(in) }
func (*ThresholdedRelu) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }
func (*Elu) InferShape(in []Shape) ([]Shape, error)             { return sameShape(in) }
func (*Selu) InferShape(in []Shape) ([]Shape, error)            { return sameShape(in) }
func (*Celu) InferShape(in []Shape) ([]Shape, error)            { return sameShape(in) }
func (*HardSigmoid) InferShape(in []Shape) ([]Shape, error)     { return sameShape(in) }
func (*HardSwish) InferShape(in []Shape) ([]Shape, error)       { return sameShape(in) }
func (*Softplus) InferShape(in []Shape) ([]Shape, error)        { return sameShape(in) }
func (*Softsign) InferShape(in []Shape) ([]Shape, error)        { return sameShape(in) }
func (*Gelu) InferShape(in []Shape) ([]Shape, error)            { return sameShape(in) }
func (*Mish) InferShape(in []Shape) ([]Shape, error)            { return sameShape(in) }
func (*Swish) InferShape(in []Shape) ([]Shape, error)           { return sameShape(in) }
func (*Clip) InferShape(in []Shape) ([]Shape, error)            { return sameShape(in) }

func (*Relu) Apply(x float64) float64    { return math.Max(x, 0) }
func (*Tanh) Apply(x float64) float64    { return math.Tanh(x) }
func (*Sigmoid) Apply(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
func (op *LeakyRelu) Apply(x float64) float64 {
	if x < 0 {
		return op.Alpha * x
	}
	return x
}
func (op *ThresholdedRelu) Apply(x float64) float64 {
	if x > op.Alpha {
		return x
	}
	return 0
}
func (op *Elu) Apply(x float64) float64 {
	if x < 0 {
		return op.Alpha * math.Expm1(x)
	}
	return x
}
func (op *Selu) Apply(x float64) float64 {
	if x > 0 {
		return op.Gamma * x
	}
	return op.Gamma * op.Alpha * math.Expm1(x)
}
func (op *Celu) Apply(x float64) float64 {
	return math.Max(0, x) + math.Min(0, op.Alpha*math.Expm1(x/op.Alpha))
}
func (op *HardSigmoid) Apply(x float64) float64 {
	return math.Max(0, math.Min(1, op.Alpha*x+op.Beta))
}
func (*HardSwish) Apply(x float64) float64 { return x * math.Max(0, math.Min(1, x/6+0.5)) }
func (*Softplus) Apply(x float64) float64  { return softplus(x) }
func (*Softsign) Apply(x float64) float64  { return x / (1 + math.Abs(x)) }
func (op *Gelu) Apply(x float64) float64 {
	if op.Tanh {
		return x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) / 2
	}
	return x * (1 + math.Erf(x/math.Sqrt2)) / 2
}
func (*Mish) Apply(x float64) float64    { return x * math.Tanh(softplus(x)) }
func (*Swish) Apply(x float64) float64   { return x / (1 + math.Exp(-x)) }
func (op *Clip) Apply(x float64) float64 { return math.Min(math.Max(x, op.Min), op.Max) }

// softplus is ln(exp(x) + 1) without overflow.
func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func readLeakyRelu(r *nodeReader) Op { return &LeakyRelu{Alpha: r.float("alpha", 0.01)} }
func readThresholdedRelu(r *nodeReader) Op {
	return &ThresholdedRelu{Alpha: r.float("alpha", 1)}
}
func readElu(r *nodeReader) Op { return &Elu{Alpha: r.float("alpha", 1)} }
func readSelu(r *nodeReader) Op {
	return &Selu{Alpha: r.float("alpha", 1.67326319217681884765625), Gamma: r.float("gamma", 1.05070102214813232421875)}
}
func readHardSigmoid(r *nodeReader) Op {
	return &HardSigmoid{Alpha: r.float("alpha", 0.2), Beta: r.float("beta", 0.5)}
}

func readCelu(r *nodeReader) Op {
	op := &Celu{Alpha: r.float("alpha", 1)}
	if op.Alpha == 0 {
		r.failf("alpha is 0")
	}
	return op
}

func readGelu(r *nodeReader) Op {
	approximate := r.text("approximate", "none")
	if approximate != "none" && approximate != "tanh" {
		r.failf("approximate is %q, want none or tanh", approximate)
	}
	return &Gelu{Tanh: approximate == "tanh"}
}

// readSwish reads the operator of opset 24.
func readSwish(r *nodeReader) Op {
	if alpha := r.float("alpha", 1); alpha != 1 {
		r.refusef("alpha is %g, want 1", alpha)
	}
	return &Swish{}
}

// readClip takes the bounds from attributes before opset 11, from operands since.
func readClip(r *nodeReader) Op {
	op := &Clip{Min: math.Inf(-1), Max: math.Inf(1)}
	if r.opset < 11 {
		if r.has("min") {
			op.Min = r.bound("min", 0)
		}
		if r.has("max") {
			op.Max = r.bound("max", 0)
		}
		return op
	}
	op.Min = r.operandFloat(1, "min", op.Min)
	op.Max = r.operandFloat(2, "max", op.Max)
	r.keep(1)
	return op
}

func (op *LeakyRelu) write(w *nodeWriter)       { w.float("alpha", op.Alpha) }
func (op *ThresholdedRelu) write(w *nodeWriter) { w.float("alpha", op.Alpha) }
func (op *Elu) write(w *nodeWriter)             { w.float("alpha", op.Alpha) }
func (op *Celu) write(w *nodeWriter)            { w.float("alpha", op.Alpha) }
func (op *Selu) write(w *nodeWriter) {
	w.float("alpha", op.Alpha)
	w.float("gamma", op.Gamma)
}
func (op *HardSigmoid) write(w *nodeWriter) {
	w.float("alpha", op.Alpha)
	w.float("beta", op.Beta)
}

// write uses functions of our own where opset 17 does not have the operator.
func (op *Gelu) write(w *nodeWriter) {
	if op.Tanh {
		w.function("GeluTanh")
	} else {
		w.function("Gelu")
	}
}
func (*Mish) write(w *nodeWriter)  { w.function("Mish") }
func (*Swish) write(w *nodeWriter) { w.function("Swish") }

func (op *Clip) write(w *nodeWriter) {
	lower, upper := !math.IsInf(op.Min, -1), !math.IsInf(op.Max, 1)
	switch {
	case upper && !lower:
		w.omit()
	case lower:
		w.operandFloat("min", op.Min)
	}
	if upper {
		w.operandFloat("max", op.Max)
	}
}
