package onnx

import "fmt"

// ConvTranspose is the transpose of [Conv]: every input element adds its multiple of the
// kernel to the output,
//
//	y[n][o][p*stride + k*dilation - pad] += w[c][o][k] * x[n][c][p]
//
// Inputs: x [N][C][spatial...], w [C][O/Groups][kernel...], optional bias [O].
type ConvTranspose struct {
	Kernel, Strides, Dilations []int // one entry per spatial dimension
	Pads                       []int // begins, then ends: cut off the output
	OutputPadding              []int // added at the end of each spatial dimension
	Groups                     int
}

// Type returns "ConvTranspose".
func (*ConvTranspose) Type() string { return "ConvTranspose" }

// InferShape returns [N][O][out...] with
// out = stride*(in-1) + output padding + (kernel-1)*dilation + 1 - pads.
func (op *ConvTranspose) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	x, w := in[0], in[1]
	win := op.window()
	if err := win.check(x); err != nil {
		return nil, err
	}
	if len(op.OutputPadding) != len(op.Kernel) {
		return nil, fmt.Errorf("output_padding has %d entries, want %d", len(op.OutputPadding), len(op.Kernel))
	}
	if err := checkWeights(w, op.Kernel, op.Groups); err != nil {
		return nil, err
	}
	if w[0] != x[1] || w[0]%op.Groups != 0 {
		return nil, fmt.Errorf("weights %v want %d input channels in %d groups, input %v has %d", w, w[0], op.Groups, x, x[1])
	}
	channels := w[1] * op.Groups
	if err := checkBias(optional(in, 2), channels); err != nil {
		return nil, err
	}
	out := Shape{x[0], channels}
	for i := range op.Kernel {
		size := int64(op.Strides[i])*int64(x[2+i]-1) + int64(op.OutputPadding[i]) + win.extent(i) -
			int64(op.Pads[i]) - int64(op.Pads[len(op.Kernel)+i])
		if op.OutputPadding[i] < 0 || size < 1 || size > maxDim {
			return nil, fmt.Errorf("output size along spatial dimension %d is %d (output padding %d), want [1, 2^31)", i, size, op.OutputPadding[i])
		}
		out = append(out, int(size))
	}
	return []Shape{out}, nil
}

func (op *ConvTranspose) window() window {
	return window{op.Kernel, op.Strides, op.Dilations, op.Pads}
}

// readConvTranspose turns output_shape and auto_pad into pads: whatever the full output
// has too much is cut off, and what it lacks becomes output padding.
func readConvTranspose(r *nodeReader) Op {
	w := r.window(r.kernelOfWeights())
	n := len(w.kernel)
	op := &ConvTranspose{Kernel: w.kernel, Strides: w.strides, Dilations: w.dilations,
		OutputPadding: r.list("output_padding", n, 0), Groups: r.int("group", 1)}
	size := r.ints("output_shape")
	auto := r.attrs["auto_pad"]
	op.Pads = r.pads(w)
	mode := string(auto.GetS())
	same := mode == "SAME_UPPER" || mode == "SAME_LOWER"
	x := r.shapes[0]
	if size == nil && !same || len(x) != n+2 {
		return op
	}
	if len(size) == n+2 {
		size = size[2:] // batch and channels included, as some old files have it
	}
	if size != nil && len(size) != n {
		r.failf("attribute %q has %d entries, want %d", "output_shape", len(size), n)
		return op
	}
	for i := range n {
		want := int64(w.strides[i]) * int64(x[2+i])
		if size != nil {
			want = int64(size[i])
		}
		total := clampInt(int64(w.strides[i])*int64(x[2+i]-1) + int64(op.OutputPadding[i]) + w.extent(i) - want)
		if total < 0 {
			op.OutputPadding[i] -= total
			total = 0
		}
		op.Pads[i], op.Pads[n+i] = total-total/2, total/2
		if mode == "SAME_UPPER" {
			op.Pads[i], op.Pads[n+i] = op.Pads[n+i], op.Pads[i]
		}
	}
	return op
}

func (op *ConvTranspose) write(w *nodeWriter) {
	w.window(op.window())
	w.ints("output_padding", op.OutputPadding)
	w.int("group", op.Groups)
}
