package onnx

import "fmt"

// Conv is a correlation over one or two spatial dimensions:
//
//	y[n][o][p] = bias[o] + sum over c, k of w[o][c][k] * x[n][g*C/Groups+c][p*stride + k*dilation - pad]
//
// Inputs: x [N][C][spatial...], w [O][C/Groups][kernel...], optional bias [O].
type Conv struct {
	Kernel, Strides, Dilations []int // one entry per spatial dimension
	Pads                       []int // begins, then ends
	Groups                     int
}

// Type returns "Conv".
func (*Conv) Type() string { return "Conv" }

// InferShape returns [N][O][out...].
func (op *Conv) InferShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 2, 3); err != nil {
		return nil, err
	}
	x, w := in[0], in[1]
	out, err := op.window().out(x, false)
	if err != nil {
		return nil, err
	}
	if err := checkWeights(w, op.Kernel, op.Groups); err != nil {
		return nil, err
	}
	if w[1]*op.Groups != x[1] {
		return nil, fmt.Errorf("weights %v with %d groups want %d input channels, input %v has %d", w, op.Groups, w[1]*op.Groups, x, x[1])
	}
	if w[0]%op.Groups != 0 {
		return nil, fmt.Errorf("weights %v: %d output channels are not a multiple of %d groups", w, w[0], op.Groups)
	}
	if err := checkBias(optional(in, 2), w[0]); err != nil {
		return nil, err
	}
	return []Shape{append(Shape{x[0], w[0]}, out...)}, nil
}

func (op *Conv) window() window { return window{op.Kernel, op.Strides, op.Dilations, op.Pads} }

// checkWeights verifies the rank of convolution weights, their kernel and the groups.
func checkWeights(w Shape, kernel []int, groups int) error {
	if groups < 1 || groups > maxDim {
		return fmt.Errorf("got %d groups, want at least 1", groups)
	}
	if w.batched() {
		return refusef("weights %v have a batch dimension, want constants", w)
	}
	if len(w) != len(kernel)+2 {
		return fmt.Errorf("weights %v: want rank %d", w, len(kernel)+2)
	}
	for i, k := range kernel {
		if w[2+i] != k {
			return fmt.Errorf("weights %v do not match the kernel %v", w, Shape(kernel))
		}
	}
	return nil
}

// checkBias verifies an optional bias: one value per output channel.
func checkBias(b Shape, channels int) error {
	if b != nil && (len(b) != 1 || b[0] != channels) {
		return fmt.Errorf("bias %v: want [%d]", b, channels)
	}
	return nil
}

func readConv(r *nodeReader) Op {
	w := r.window(r.kernelOfWeights())
	return &Conv{Kernel: w.kernel, Strides: w.strides, Dilations: w.dilations, Pads: r.pads(w), Groups: r.int("group", 1)}
}

// kernelOfWeights is the kernel that weights in operand 1 imply; nil when unknown.
func (r *nodeReader) kernelOfWeights() []int {
	if r.given(1) && len(r.shapes[1]) > 2 {
		return r.shapes[1][2:]
	}
	return nil
}

func (op *Conv) write(w *nodeWriter) {
	w.window(op.window())
	w.int("group", op.Groups)
}
