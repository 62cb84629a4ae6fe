package onnx

import "math"

// IsNaN holds, as a Bool, where its input is not a number.
type IsNaN struct{}

// IsInf holds, as a Bool, where its input is infinite with a sign that counts.
type IsInf struct{ Negative, Positive bool }

// Shrink moves x towards zero by Bias where |x| > Lambda, and to zero elsewhere.
type Shrink struct{ Lambda, Bias float64 }

// Mod is the remainder of a division of two broadcast inputs. With Truncated it has the sign of the
// dividend, as fmod, else that of the divisor.
type Mod struct{ Truncated bool }

func (*IsNaN) Type() string  { return "IsNaN" }
func (*IsInf) Type() string  { return "IsInf" }
func (*Shrink) Type() string { return "Shrink" }
func (*Mod) Type() string    { return "Mod" }

func (*IsNaN) InferShape(in []Shape) ([]Shape, error)  { return sameShape(in) }
func (*IsInf) InferShape(in []Shape) ([]Shape, error)  { return sameShape(in) }
func (*Shrink) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }
func (*Mod) InferShape(in []Shape) ([]Shape, error)    { return broadcastAll(in, 2, 2) }

func (*IsNaN) Apply(x float64) float64 { return truthValue(math.IsNaN(x)) }
func (op *IsInf) Apply(x float64) float64 {
	return truthValue(op.Positive && math.IsInf(x, 1) || op.Negative && math.IsInf(x, -1))
}
func (op *Shrink) Apply(x float64) float64 {
	switch {
	case x > op.Lambda:
		return x - op.Bias
	case x < -op.Lambda:
		return x + op.Bias
	}
	return 0
}

func (op *Mod) Combine(a, b float64) float64 {
	r := math.Mod(a, b)
	if !op.Truncated && r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

// Partials are those between the jumps.
func (op *Mod) Partials(a, b float64) (da, db float64) {
	if op.Truncated {
		return 1, -math.Trunc(a / b)
	}
	return 1, -math.Floor(a / b)
}

func readIsInf(r *nodeReader) Op {
	return &IsInf{Negative: r.bool("detect_negative", true), Positive: r.bool("detect_positive", true)}
}

func readShrink(r *nodeReader) Op {
	return &Shrink{Lambda: r.float("lambd", 0.5), Bias: r.float("bias", 0)}
}

// readMod takes remainders of numbers with a fraction only as fmod, as ONNX does.
func readMod(r *nodeReader) Op {
	op := &Mod{Truncated: r.bool("fmod", false)}
	if !op.Truncated && r.given(0) && r.in[0].Type == Float && r.shapes[0] != nil {
		r.failf("fmod is 0, want 1 for floating-point numbers")
	}
	return op
}

func (op *IsInf) write(w *nodeWriter) {
	w.bool("detect_negative", op.Negative)
	w.bool("detect_positive", op.Positive)
}

func (op *Shrink) write(w *nodeWriter) {
	w.float("lambd", op.Lambda)
	w.float("bias", op.Bias)
}

func (op *Mod) write(w *nodeWriter) { w.bool("fmod", op.Truncated) }
