package runtime

import "unsafe"

// FORMAT.md, "norm: normalizations left to the reader".

// maxRank is the most dimensions of the shape of an output.
const maxRank = 16

// normLog is the function of a normalization that is a LogSoftmax; 0 is a Softmax.
const normLog = 1

func hasNormalizations(p *Program) bool { return len(p.Normalizations) > 0 }

func encodeNormalizations(w *writer, p *Program) {
	w.uint(len(p.Normalizations))
	for i := range p.Normalizations {
		n := &p.Normalizations[i]
		w.uint(n.Output)
		function := uint8(0)
		if n.Log {
			function = normLog
		}
		w.byte(function)
		w.uint(len(n.Shape))
		for _, size := range n.Shape {
			w.uint(size)
		}
		w.uint(n.Length)
		w.uint(n.Inner)
	}
}

func decodeNormalizations(r *reader, p *Program) {
	r.enterChunk("normalizations")
	count := r.count("number", maxOutputs, 5)
	if count > 0 && r.hold(count, unsafe.Sizeof(Normalization{})) {
		p.Normalizations = make([]Normalization, count)
	}
	for i := 0; i < count && r.err == nil; i++ {
		r.enter("normalization", i)
		n := &p.Normalizations[i]
		n.Output = r.uint("output", maxOutputs)
		from := r.pos
		function := r.byte("function")
		if function > normLog {
			r.fail(from, "function %d, want 0..%d", function, normLog)
		}
		n.Log = function == normLog
		rank := r.count("dimensions", maxRank, 1)
		if !r.hold(rank, unsafe.Sizeof(0)) {
			return
		}
		for range rank {
			n.Shape = append(n.Shape, r.uint("size", maxElems))
		}
		n.Length, n.Inner = r.uint("length", maxElems), r.uint("inner", maxElems)
	}
}

// normalizations checks that each is about another output and fits it.
func (c *checker) normalizations() *fault {
	last := -1
	for i := range c.p.Normalizations {
		n := &c.p.Normalizations[i]
		if n.Output <= last || n.Output >= len(c.p.Outputs) {
			return faultf(i, "normalization %d is of output %d, want %d..%d, in ascending order", i, n.Output, last+1, len(c.p.Outputs)-1)
		}
		last = n.Output
		if len(n.Shape) > maxRank {
			return faultf(i, "normalization %d has %d dimensions, want at most %d", i, len(n.Shape), maxRank)
		}
		elems, want := int64(1), int64(c.p.Tensors[c.p.Outputs[n.Output].Tensor].Elems())
		for d, size := range n.Shape {
			if size < 0 || size == 0 && d > 0 || size > maxElems {
				return faultf(i, "normalization %d has size %d in dimension %d, want 1..%d, or 0 for the batch in front", i, size, d, maxElems)
			}
			if elems *= max(int64(size), 1); elems > want {
				break
			}
		}
		if elems != want {
			return faultf(i, "normalization %d has the shape %v, want one of %d elements, those of the output", i, n.Shape, want)
		}
		if n.Length < 1 || n.Inner < 1 || n.Length > maxElems || n.Inner > maxElems || want%(int64(n.Length)*int64(n.Inner)) != 0 {
			return faultf(i, "normalization %d runs over lines of %d elements %d apart, which do not divide %d elements", i, n.Length, n.Inner, want)
		}
	}
	return nil
}
