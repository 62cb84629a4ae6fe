package runtime

import (
	"math"
	"unsafe"
)

// FORMAT.md, "TNSR: tensors".

func encodeTensors(w *writer, p *Program) {
	w.uint(len(p.Tensors))
	for i := range p.Tensors {
		t := &p.Tensors[i]
		for _, n := range t.Shape {
			w.uint(n)
		}
		if t.Levels == 0 {
			w.byte(0)
		} else {
			w.byte(uint8(t.Levels - 1))
			w.byte(uint8(t.Zero))
		}
		w.uint32(t.Scale.Mant)
		if t.Scale.Mant != 0 {
			w.int(int64(t.Scale.Exp))
		}
	}
}

func decodeTensors(r *reader, p *Program) {
	r.enterChunk("tensors")
	n := r.count("number", maxTensors, 8)
	if !r.hold(n, unsafe.Sizeof(Tensor{})) {
		return
	}
	p.Tensors = make([]Tensor, n)
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("tensor", i)
		t := &p.Tensors[i]
		t.Shape[0] = r.uint("channels", maxElems)
		t.Shape[1] = r.uint("rows", maxElems)
		t.Shape[2] = r.uint("columns", maxElems)
		if last := int(r.byte("last level")); last > 0 {
			t.Levels = last + 1
			t.Zero = int(r.byte("zero level"))
		}
		t.Scale.Mant = r.uint32("mantissa of the scale")
		if t.Scale.Mant != 0 {
			t.Scale.Exp = int32(r.int("exponent of the scale", -maxExponent, maxExponent))
		}
	}
}

// tensors checks every tensor for itself.
func (c *checker) tensors() *fault {
	if n := len(c.p.Tensors); n == 0 || n > maxTensors {
		return faultf(0, "%d tensors, want 1..%d", n, maxTensors)
	}
	var total int64
	for i := range c.p.Tensors {
		t := &c.p.Tensors[i]
		elems := int64(1)
		for d, n := range t.Shape {
			if n < 1 || n > maxElems {
				return faultf(i, "tensor %d has %d %s, want 1..%d", i, n, dimNames[d], maxElems)
			}
			if elems *= int64(n); elems > maxElems {
				return faultf(i, "tensor %d has the shape %v, want at most %d elements", i, t.Shape, maxElems)
			}
		}
		if total += elems; total > maxTotalElems {
			return faultf(i, "tensors 0 to %d have %d elements together, want at most %d", i, total, maxTotalElems)
		}
		switch {
		case t.Levels == 0 && t.Zero != 0:
			return faultf(i, "tensor %d holds accumulators and has zero level %d, want 0", i, t.Zero)
		case t.Levels != 0 && (t.Levels < 2 || t.Levels > 256):
			return faultf(i, "tensor %d has %d levels, want 2..256, or 0 for accumulators", i, t.Levels)
		case t.Levels != 0 && (t.Zero < 0 || t.Zero >= t.Levels):
			return faultf(i, "tensor %d has zero level %d, want 0..%d", i, t.Zero, t.Levels-1)
		}
		s := t.Scale
		if s.Mant == 0 && s.Exp != 0 || s.Mant != 0 && s.Mant>>31 == 0 {
			return faultf(i, "tensor %d has the scale %d * 2^%d, want the top bit of the mantissa set, or 0 * 2^0", i, s.Mant, s.Exp)
		}
		if s.Exp < -maxExponent || s.Exp > maxExponent {
			return faultf(i, "tensor %d has a scale with the exponent %d, want %d..%d", i, s.Exp, -maxExponent, maxExponent)
		}
	}
	return nil
}

var dimNames = [3]string{"channels", "rows", "columns"}

// fitsInt32 says whether all of lo..hi are int32 numbers.
func fitsInt32(lo, hi int64) bool { return lo >= math.MinInt32 && hi <= math.MaxInt32 }
