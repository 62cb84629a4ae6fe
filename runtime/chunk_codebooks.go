package runtime

import "unsafe"

// FORMAT.md, "BOOK: codebooks".

func hasCodebooks(p *Program) bool { return len(p.Codebooks) > 0 }

func encodeCodebooks(w *writer, p *Program) {
	w.uint(len(p.Codebooks))
	for i := range p.Codebooks {
		w.uint(len(p.Codebooks[i].Centres))
		w.ascending(p.Codebooks[i].Centres)
	}
}

func decodeCodebooks(r *reader, p *Program) {
	r.enterChunk("codebooks")
	n := r.count("number", maxCodebooks, 2)
	if n > 0 && r.hold(n, unsafe.Sizeof(Codebook{})) {
		p.Codebooks = make([]Codebook, n)
	}
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("codebook", i)
		p.Codebooks[i].Centres = r.ascending("centres", r.uint("number of centres", maxCentres))
	}
}

func (c *checker) codebooks() *fault {
	if n := len(c.p.Codebooks); n > maxCodebooks {
		return faultf(0, "%d codebooks, want at most %d", n, maxCodebooks)
	}
	for i := range c.p.Codebooks {
		centres := c.p.Codebooks[i].Centres
		if n := len(centres); n < 1 || n > maxCentres {
			return faultf(i, "codebook %d has %d centres, want 1..%d", i, n, maxCentres)
		}
		if k := descent(centres); k > 0 {
			return faultf(i, "codebook %d: centre %d is %d, want more than %d", i, k, centres[k], centres[k-1])
		}
	}
	return nil
}

// descent is the first position whose entry does not exceed the one before it, or 0.
func descent(list []int32) int {
	for k := 1; k < len(list); k++ {
		if list[k] <= list[k-1] {
			return k
		}
	}
	return 0
}
