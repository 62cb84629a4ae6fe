package onnx

import "fmt"

// LRN divides by the squares of neighbouring channels, c-floor((Size-1)/2) to
// c+ceil((Size-1)/2), as far as there are any:
//
//	y[n][c] = x[n][c] / (Bias + Alpha/Size * sum(x[n][neighbours]^2))^Beta
//
// Input x [N][C][...].
type LRN struct {
	Size              int
	Alpha, Beta, Bias float64
}

// InstanceNormalization is, per sample and channel, (x - mean) / sqrt(var + Epsilon) *
// scale + bias with the mean and variance over the spatial dimensions. Inputs: x
// [N][C][...], then scale, bias [C].
type InstanceNormalization struct{ Epsilon float64 }

// Type returns "LRN".
func (*LRN) Type() string { return "LRN" }

// Type returns "InstanceNormalization".
func (*InstanceNormalization) Type() string { return "InstanceNormalization" }

// InferShape returns the shape of x.
func (op *LRN) InferShape(in []Shape) ([]Shape, error) {
	out, err := sameShape(in)
	if err == nil && (len(in[0]) < 2 || op.Size < 1) {
		return nil, fmt.Errorf("input %v over %d channels: want rank 2 or more and at least 1", in[0], op.Size)
	}
	return out, err
}

// InferShape returns the shape of x.
func (*InstanceNormalization) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 3, 3); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) < 3 {
		return nil, fmt.Errorf("input %v: want rank 3 or more", x)
	}
	for i, name := range []string{"scale", "bias"} {
		if s := in[1+i]; len(s) != 1 || s[0] != x[1] {
			return nil, fmt.Errorf("%s %v: want [%d], one value per channel of input %v", name, s, x[1], x)
		}
	}
	return []Shape{x.clone()}, nil
}

func readLRN(r *nodeReader) Op {
	if !r.has("size") {
		r.failf("attribute %q is missing", "size")
	}
	return &LRN{Size: r.int("size", 1), Alpha: r.float("alpha", 0.0001), Beta: r.float("beta", 0.75), Bias: r.float("bias", 1)}
}

func readInstanceNormalization(r *nodeReader) Op {
	return &InstanceNormalization{Epsilon: r.float("epsilon", 1e-5)}
}

func (op *LRN) write(w *nodeWriter) {
	w.int("size", op.Size)
	w.float("alpha", op.Alpha)
	w.float("beta", op.Beta)
	w.float("bias", op.Bias)
}

func (op *InstanceNormalization) write(w *nodeWriter) { w.float("epsilon", op.Epsilon) }
