package runtime

import "unsafe"

// FORMAT.md, "labl: labels" and "prov: provenance".

func hasLabels(p *Program) bool { return len(p.Labels) > 0 }

func encodeLabels(w *writer, p *Program) {
	w.uint(len(p.Labels))
	for _, s := range p.Labels {
		w.string(s)
	}
}

func decodeLabels(r *reader, p *Program) {
	r.enterChunk("labels")
	n := r.count("number", maxLabels, 1)
	if n > 0 && r.hold(n, unsafe.Sizeof("")) {
		p.Labels = make([]string, n)
	}
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("label", i)
		p.Labels[i] = r.string("text")
	}
}

func (c *checker) labels() *fault {
	if n := len(c.p.Labels); n > maxLabels {
		return faultf(-1, "%d labels, want at most %d", n, maxLabels)
	}
	for i, s := range c.p.Labels {
		if err := checkString(s); err != nil {
			return faultf(i, "label %d %v", i, err)
		}
	}
	return nil
}

func hasProvenance(p *Program) bool { return p.Producer != "" || p.Source != [32]byte{} }

func encodeProvenance(w *writer, p *Program) {
	w.buf = append(w.buf, p.Source[:]...)
	w.string(p.Producer)
}

func decodeProvenance(r *reader, p *Program) {
	r.enterChunk("provenance")
	from := r.pos
	copy(p.Source[:], r.raw("source", len(p.Source)))
	r.say(from, "SHA-256 of the source")
	p.Producer = r.string("producer")
}

func (c *checker) provenance() *fault {
	if err := checkString(c.p.Producer); err != nil {
		return faultf(-1, "the producer %w", err)
	}
	return nil
}
