package onnx

import (
	"fmt"
	"slices"
)

// MaxPool takes the largest element of every window of each channel; positions outside
// the input do not count. Input x [N][C][spatial...].
type MaxPool struct {
	Kernel, Strides, Dilations []int // one entry per spatial dimension
	Pads                       []int // begins, then ends
	// Ceil adds a last, partial window where the stride does not divide the input.
	Ceil bool
}

// AveragePool takes the mean of every window of each channel. Input x [N][C][spatial...].
type AveragePool struct {
	Kernel, Strides, Dilations []int // one entry per spatial dimension
	Pads                       []int // begins, then ends
	// Ceil adds a last, partial window where the stride does not divide the input.
	Ceil bool
	// CountIncludePad divides by the positions in the padded input, not only by those in
	// the input. Positions a ceil window has beyond the pads never count.
	CountIncludePad bool
}

// GlobalAveragePool is the mean over all spatial dimensions, which become 1.
type GlobalAveragePool struct{}

// GlobalMaxPool is the largest element over all spatial dimensions, which become 1.
type GlobalMaxPool struct{}

// Type returns "MaxPool".
func (*MaxPool) Type() string { return "MaxPool" }

// Type returns "AveragePool".
func (*AveragePool) Type() string { return "AveragePool" }

// Type returns "GlobalAveragePool".
func (*GlobalAveragePool) Type() string { return "GlobalAveragePool" }

// Type returns "GlobalMaxPool".
func (*GlobalMaxPool) Type() string { return "GlobalMaxPool" }

// InferShape returns [N][C][out...].
func (op *MaxPool) InferShape(in []Shape) ([]Shape, error) {
	w := window{op.Kernel, op.Strides, op.Dilations, op.Pads}
	out, err := poolShape(in, w, op.Ceil)
	if err != nil {
		return nil, err
	}
	for i, count := range out[0][2:] {
		if p, ok := w.empty(i, in[0][2+i], count); ok {
			return nil, refusef("the window at position %d of spatial dimension %d lies in the padding alone, where there is no largest element", p, i)
		}
	}
	return out, nil
}

// InferShape returns [N][C][out...].
func (op *AveragePool) InferShape(in []Shape) ([]Shape, error) {
	return poolShape(in, window{op.Kernel, op.Strides, op.Dilations, op.Pads}, op.Ceil)
}

// InferShape returns [N][C][1...].
func (*GlobalAveragePool) InferShape(in []Shape) ([]Shape, error) { return globalPoolShape(in) }

// InferShape returns [N][C][1...].
func (*GlobalMaxPool) InferShape(in []Shape) ([]Shape, error) { return globalPoolShape(in) }

func poolShape(in []Shape, w window, ceil bool) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	out, err := w.out(in[0], ceil)
	if err != nil {
		return nil, err
	}
	return []Shape{append(Shape{in[0][0], in[0][1]}, out...)}, nil
}

// readGlobalPool reads a pool over all spatial dimensions; over more than two of them it is a reduction.
func readGlobalPool(pool func(*nodeReader) Op, kind ReduceKind) func(*nodeReader) Op {
	return func(r *nodeReader) Op {
		if len(r.shapes) == 0 || len(r.shapes[0]) <= 2+maxSpatial {
			return pool(r)
		}
		op := &Reduce{Kind: kind, KeepDims: true}
		for axis := range r.shapes[0][2:] {
			op.Axes = append(op.Axes, 2+axis)
		}
		return op
	}
}

func globalPoolShape(in []Shape) ([]Shape, error) {
	if err := arity(in, 1, 1); err != nil {
		return nil, err
	}
	x := in[0]
	if len(x) > 2+maxSpatial {
		return nil, refusef("input %v has %d spatial dimensions, want one or two", x, len(x)-2)
	}
	if len(x) < 3 {
		return nil, fmt.Errorf("input %v: want [N][C] and spatial dimensions", x)
	}
	out := Shape{x[0], x[1]}
	for range x[2:] {
		out = append(out, 1)
	}
	return []Shape{out}, nil
}

func readMaxPool(r *nodeReader) Op {
	w := r.window(nil)
	if order := r.int("storage_order", 0); order != 0 && order != 1 {
		r.failf("storage_order is %d, want 0 or 1", order)
	}
	w.pads = r.pads(w)
	return &MaxPool{Kernel: w.kernel, Strides: w.strides, Dilations: w.dilations, Pads: w.pads, Ceil: r.ceil(w)}
}

// ceil takes ceil_mode where it adds a window; elsewhere shape inference of some opsets would count one too many.
func (r *nodeReader) ceil(w window) bool {
	if !r.bool("ceil_mode", false) {
		return false
	}
	if r.shapes[0] == nil {
		return true
	}
	floor, err := w.out(r.shapes[0], false)
	ceil, _ := w.out(r.shapes[0], true)
	return err != nil || !slices.Equal(floor, ceil)
}

func readAveragePool(r *nodeReader) Op {
	w := r.window(nil)
	w.pads = r.pads(w)
	return &AveragePool{Kernel: w.kernel, Strides: w.strides, Dilations: w.dilations, Pads: w.pads,
		Ceil: r.ceil(w), CountIncludePad: r.bool("count_include_pad", false)}
}

func (op *MaxPool) write(w *nodeWriter) {
	w.window(window{op.Kernel, op.Strides, op.Dilations, op.Pads})
	w.bool("ceil_mode", op.Ceil)
}

// write leaves dilations out: opset 17 does not have them, and [nodeReader.average]
// makes sure that they are 1.
func (op *AveragePool) write(w *nodeWriter) {
	if slices.ContainsFunc(op.Dilations, func(d int) bool { return d != 1 }) {
		w.failf("dilations %v, want 1", op.Dilations)
	}
	w.ints("kernel_shape", op.Kernel)
	w.ints("strides", op.Strides)
	w.ints("pads", op.Pads)
	w.bool("ceil_mode", op.Ceil)
	w.bool("count_include_pad", op.CountIncludePad)
}
