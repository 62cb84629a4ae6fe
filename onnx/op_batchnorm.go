package onnx

import (
	"fmt"
	"slices"
)

// BatchNormalization is, per channel, (x - mean) / sqrt(var + Epsilon) * scale + bias
// with fixed statistics. Inputs: x [N][C][...], then scale, bias, mean, var [C].
type BatchNormalization struct{ Epsilon float64 }

// Type returns "BatchNormalization".
func (*BatchNormalization) Type() string { return "BatchNormalization" }

// InferShape returns the shape of x.
func (*BatchNormalization) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 5, 5); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) < 2 {
		return nil, fmt.Errorf("input %v: want rank 2 or more", x)
	}
	for i, name := range []string{"scale", "bias", "mean", "var"} {
		if s := in[1+i]; len(s) != 1 || s[0] != x[1] {
			return nil, fmt.Errorf("%s %v: want [%d], one value per channel of input %v", name, s, x[1], x)
		}
	}
	return []Shape{x.clone()}, nil
}

// readBatchNormalization refuses training, where the statistics are those of the batch.
func readBatchNormalization(r *nodeReader) Op {
	if r.bool("training_mode", false) {
		r.refusef("training mode, want the mode for inference")
	}
	if r.opset < 14 && r.results > 1 && slices.ContainsFunc(r.named[1:], func(name string) bool { return name != "" }) {
		// Before opset 14 the further outputs tell training from inference.
		r.refusef("training mode, as its %d outputs say; want one output, as in the mode for inference", r.results)
	}
	if r.opset < 9 && !r.bool("spatial", true) {
		r.refusef("statistics per element (spatial = 0), want them per channel")
	}
	if r.opset < 7 {
		r.ignore("is_test") // the number of outputs says it
	}
	r.ignore("momentum")
	return &BatchNormalization{Epsilon: r.float("epsilon", 1e-5)}
}

func (op *BatchNormalization) write(w *nodeWriter) { w.float("epsilon", op.Epsilon) }
