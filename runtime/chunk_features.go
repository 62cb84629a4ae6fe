package runtime

// FORMAT.md, "feat: features of sound".

func hasFeatures(p *Program) bool { return p.Features != "" }

func encodeFeatures(w *writer, p *Program) { w.string(p.Features) }

func decodeFeatures(r *reader, p *Program) {
	r.enterChunk("features")
	p.Features = r.string("description")
}

func (c *checker) features() *fault {
	if err := checkString(c.p.Features); err != nil {
		return faultf(-1, "the description of features %w", err)
	}
	return nil
}
