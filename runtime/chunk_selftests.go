package runtime

import "math"

// FORMAT.md, "test: self-tests".

func hasSelfTests(p *Program) bool { return len(p.SelfTests) > 0 }

func encodeSelfTests(w *writer, p *Program) {
	w.uint(len(p.SelfTests))
	for i := range p.SelfTests {
		t := &p.SelfTests[i]
		w.uint32(t.Seed)
		rest := t.Want
		for _, o := range p.Outputs {
			values := make([]int64, p.Tensors[o.Tensor].Elems())
			for k := range values {
				values[k] = int64(rest[k])
			}
			rest = rest[len(values):]
			w.list(values)
		}
	}
}

func decodeSelfTests(r *reader, p *Program) {
	r.enterChunk("self-tests")
	n := r.count("number", maxSelfTests, 6)
	elems := p.outputElems()
	if n > 0 {
		p.SelfTests = make([]SelfTest, n)
	}
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("self-test", i)
		p.SelfTests[i].Seed = r.uint32("seed")
		if !r.take("the list of outputs", elems, 4) {
			return
		}
		want := make([]int32, elems)
		p.SelfTests[i].Want = want
		for k, o := range p.Outputs {
			r.enterPart("output", k)
			size := p.Tensors[o.Tensor].Elems()
			r.list("elements", size, math.MinInt32, math.MaxInt32, func(e int, v int64) { want[e] = int32(v) })
			want = want[size:]
		}
	}
}

// outputElems is the number of elements of all outputs together.
func (p *Program) outputElems() int {
	n := 0
	for _, o := range p.Outputs {
		n += p.Tensors[o.Tensor].Elems()
	}
	return n
}

func (c *checker) selfTests() *fault {
	p := c.p
	if n := len(p.SelfTests); n > maxSelfTests {
		return faultf(-1, "%d self-tests, want at most %d", n, maxSelfTests)
	}
	for i := range p.SelfTests {
		want := p.SelfTests[i].Want
		if n := p.outputElems(); len(want) != n {
			return faultf(i, "self-test %d has %d output elements, want %d", i, len(want), n)
		}
		for _, o := range p.Outputs {
			t := &p.Tensors[o.Tensor]
			for k, v := range want[:t.Elems()] {
				if t.Levels > 0 && (v < 0 || int(v) >= t.Levels) {
					return faultf(i, "self-test %d: element %d of output %q is %d, want 0..%d", i, k, o.Name, v, t.Levels-1)
				}
			}
			want = want[t.Elems():]
		}
	}
	return nil
}
