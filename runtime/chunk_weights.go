package runtime

import "qconv/runtime/internal/coding"

// FORMAT.md, "WGTS: weights".

func encodeWeights(w *writer, p *Program) {
	for _, l := range p.linears() {
		for k := range l.Terms {
			t := &l.Terms[k].Weights
			w.byte(uint8(t.kind))
			w.uint(len(t.data))
			w.buf = append(w.buf, t.data...)
		}
	}
}

func decodeWeights(r *reader, p *Program) {
	for i, l := range p.linears() {
		for k := range l.Terms {
			t := &l.Terms[k]
			r.enter("weights of instruction", i)
			r.enterPart("term", k)
			if r.err != nil {
				return
			}
			// The shapes were checked with the chunk CODE.
			n, _ := t.weightCount(&p.Tensors[l.Out], &p.Tensors[t.In])
			if r.weights -= int64(n); r.weights < 0 {
				r.fail(r.pos, "%d weights: all terms together have more than a file of %d bytes may hold (%d)", n, len(r.file), maxFileWeights(len(r.file)))
				return
			}
			kind := coding.Kind(r.byte("coding"))
			length := r.count("length", maxFileBytes, 1)
			from := r.pos
			data := r.raw("weights", length)
			if !r.own {
				r.hold(length, 1)
			}
			r.say(from, "%d indices in 0..%d, %v", n, len(p.Codebooks[t.Codebook].Centres)-1, kind)
			if !r.own {
				data = append([]byte(nil), data...)
			}
			t.Weights = Weights{
				count: n,
				size:  len(p.Codebooks[t.Codebook].Centres),
				kind:  kind,
				data:  data,
			}
		}
	}
}

// weights decodes the weights of every term and proves that no accumulator overflows, unless that is done later.
func (c *checker) weights() *fault {
	if c.later {
		return nil
	}
	for _, l := range c.p.linears() {
		if f := c.ranges.add(c.p, l, nil); f != nil {
			return c.p.weightFault(l, f)
		}
	}
	return nil
}

// weightFault is a fault of a term of l as one of the terms of all instructions.
func (p *Program) weightFault(of *Linear, f *fault) *fault {
	k := 0
	for i, l := range p.linears() {
		if l == of {
			return faultf(k+max(f.item, 0), "instruction %d: %w", i, f.reason)
		}
		k += len(l.Terms)
	}
	panic("BUG: no instruction of the program")
}

// weightCount is the number of weights of all terms.
func (p *Program) weightCount() int64 {
	var n int64
	for _, l := range p.linears() {
		for k := range l.Terms {
			n += int64(l.Terms[k].Weights.count)
		}
	}
	return n
}
