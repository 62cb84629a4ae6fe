package onnx

import "fmt"

// window is the geometry that convolution and pooling share: how a kernel is laid over
// the spatial dimensions of its input. All lists are complete, pads begins first.
type window struct {
	kernel, strides, dilations, pads []int
}

// maxSpatial is the number of spatial dimensions operators may have.
const maxSpatial = 2

// check verifies the lists against an input [N][C][spatial...].
func (w window) check(x Shape) error {
	n := len(w.kernel)
	if n < 1 || n > maxSpatial {
		return fmt.Errorf("kernel has %d spatial dimensions, want 1 or 2", n)
	}
	if len(x) != n+2 {
		return fmt.Errorf("input %v has rank %d, want %d for a kernel of %d dimensions", x, len(x), n+2, n)
	}
	for _, l := range []struct {
		name string
		v    []int
		n    int
		min  int
	}{{"kernel", w.kernel, n, 1}, {"strides", w.strides, n, 1}, {"dilations", w.dilations, n, 1}, {"pads", w.pads, 2 * n, 0}} {
		if len(l.v) != l.n {
			return fmt.Errorf("%s has %d entries, want %d", l.name, len(l.v), l.n)
		}
		for _, v := range l.v {
			if v < l.min || v > maxDim {
				return fmt.Errorf("%s has the entry %d, want at least %d", l.name, v, l.min)
			}
		}
	}
	return nil
}

// extent is the length of the dilated kernel along spatial dimension i.
func (w window) extent(i int) int64 {
	return int64(w.kernel[i]-1)*int64(w.dilations[i]) + 1
}

// out is the number of window positions along each spatial dimension:
//
//	floor((in + pads - extent) / stride) + 1
//
// With ceil the quotient is rounded up, but a window never starts behind the input and
// its leading pad.
func (w window) out(x Shape, ceil bool) ([]int, error) {
	if err := w.check(x); err != nil {
		return nil, err
	}
	n := len(w.kernel)
	out := make([]int, n)
	for i := range out {
		in, stride := int64(x[2+i])+int64(w.pads[i]), int64(w.strides[i]) // with the leading pad
		span := in + int64(w.pads[n+i]) - w.extent(i)
		if span < 0 {
			return nil, fmt.Errorf("the kernel spans %d along spatial dimension %d, the padded input has %d", w.extent(i), i, span+w.extent(i))
		}
		count := span/stride + 1
		if ceil && span%stride != 0 && count*stride < in {
			count++
		}
		if count > maxDim {
			return nil, fmt.Errorf("2^31 positions or more along spatial dimension %d", i)
		}
		out[i] = int(count)
	}
	return out, nil
}

// empty finds a window without any element among count along spatial dimension i of in elements.
func (w window) empty(i, in, count int) (position int, ok bool) {
	if last := count - 1; last*w.strides[i]-w.pads[i] >= in {
		return last, true
	}
	for p := range count {
		start := p*w.strides[i] - w.pads[i]
		if start >= 0 {
			break // it starts at an element
		}
		k := (w.dilations[i] - 1 - start) / w.dilations[i] // the first element not before the input
		if k >= w.kernel[i] || start+k*w.dilations[i] >= in {
			return p, true
		}
	}
	return 0, false
}

// window takes kernel_shape, strides and dilations; kernel is used when kernel_shape is
// absent. Pads are left to [nodeReader.pads].
func (r *nodeReader) window(kernel []int) window {
	k := r.ints("kernel_shape")
	if k == nil {
		k = append([]int(nil), kernel...)
	}
	n := len(k)
	if n == 0 && (len(r.shapes) < 2 || r.shapes[1] != nil) {
		r.failf("attribute %q is missing", "kernel_shape")
	}
	if n > maxSpatial {
		r.refusef("a kernel of %d dimensions, want 1 or 2", n)
	}
	return window{kernel: k, strides: r.list("strides", n, 1), dilations: r.list("dilations", n, 1)}
}

// pads takes pads and auto_pad and returns explicit pads: with SAME_UPPER and SAME_LOWER
// the output has ceil(in/stride) positions, and the odd element is added at the end or
// at the beginning.
func (r *nodeReader) pads(w window) []int {
	n := len(w.kernel)
	pads := r.list("pads", 2*n, 0)
	switch auto := r.text("auto_pad", "NOTSET"); auto {
	case "NOTSET", "":
	case "VALID":
		clear(pads)
	case "SAME_UPPER", "SAME_LOWER":
		clear(pads)
		x := r.shapes[0]
		if x == nil || len(x) != n+2 {
			break // unknown, or an error found by InferShape
		}
		for i := range n {
			stride, in := int64(w.strides[i]), int64(x[2+i])
			if stride < 1 {
				r.failf("strides has the entry %d, want at least 1", stride)
				return pads
			}
			out := (in + stride - 1) / stride
			total := clampInt(max((out-1)*stride+w.extent(i)-in, 0))
			pads[i], pads[n+i] = total/2, total-total/2
			if auto == "SAME_LOWER" {
				pads[i], pads[n+i] = pads[n+i], pads[i]
			}
		}
	default:
		r.failf("auto_pad is %q, want NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto)
	}
	return pads
}

// window writes the attributes kernel_shape, strides, dilations and pads.
func (w *nodeWriter) window(win window) {
	w.ints("kernel_shape", win.kernel)
	w.ints("strides", win.strides)
	w.ints("dilations", win.dilations)
	w.ints("pads", win.pads)
}
