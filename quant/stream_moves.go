package quant

import "qconv/runtime"

// How instructions that have no weights go with time.

// mapTime is that of a Map: tables by channel have to be the same at all positions.
func (s *streamer) mapTime(m *runtime.Map) (*timing, *rule) {
	t := s.times[m.In]
	shape := s.p.Tensors[m.In].Shape
	at, ok := t.placeIn(shape)
	if !ok {
		return nil, nil
	}
	if at.axis == 0 && len(m.Tables) > 1 {
		for c, table := range m.Tables {
			if string(table) != string(m.Tables[c/(at.n*at.after)*at.n*at.after+c%at.after]) {
				return nil, nil
			}
		}
	}
	return &t, &rule{reads: []read{{tensor: m.In, padding: -1}}}
}

// map2Time is that of a Map2: both operands stand at the same positions, or one is a constant that is the same at all of them.
func (s *streamer) map2Time(m *runtime.Map2) (*timing, *rule) {
	shape, small := s.p.Tensors[m.A].Shape, s.p.Tensors[m.B].Shape
	r := &rule{}
	var out *timing
	var at timePlace
	for _, operand := range []struct {
		tensor int
		shape  [3]int
	}{{m.A, shape}, {m.B, small}} {
		t := s.times[operand.tensor]
		if t.kind != timed {
			continue
		}
		where, ok := t.placeIn(operand.shape)
		if !ok {
			return nil, nil
		}
		r.reads = append(r.reads, read{tensor: operand.tensor, padding: -1})
		if out == nil {
			at = where
			// The output has the shape of a, whichever operand moves.
			seen, ok := timingAt(shape, at)
			if !ok {
				return nil, nil
			}
			t.inner = seen.inner
			out = &t
			continue
		}
		if where != at || t.stride != out.stride {
			return nil, nil
		}
		out.early, out.endless = max(out.early, t.early), out.endless || t.endless
		if t.first.less(out.first) {
			out.first = t.first
		}
	}
	if s.times[m.A].kind == fixed && !s.constantInTime(m.A, at) {
		return nil, nil
	}
	if s.times[m.B].kind == fixed && small[at.axis] != 1 && !s.constantInTime(m.B, at) {
		return nil, nil
	}
	return out, r
}

// matMulTime is that of a MatMul of matrices at every position: channels are positions of both operands, and all have the same step functions.
func (s *streamer) matMulTime(m *runtime.MatMul) (*timing, *rule) {
	t, b := s.times[m.A], s.times[m.B]
	if t.kind != timed || b.kind != timed {
		return nil, nil
	}
	at, ok := t.placeIn(s.p.Tensors[m.A].Shape)
	other, too := b.placeIn(s.p.Tensors[m.B].Shape)
	if !ok || !too || at.axis != 0 || other != at || b.stride != t.stride {
		return nil, nil
	}
	block := at.n * at.after
	for c := range m.Steps {
		if len(m.Steps) > 1 && m.Steps[c] != m.Steps[c/block*block+c%at.after] {
			return nil, nil
		}
	}
	shape := s.p.Tensors[m.Out].Shape
	t.inner = at.after * shape[1] * shape[2]
	t.early, t.endless = max(t.early, b.early), t.endless || b.endless
	if b.first.less(t.first) {
		t.first = b.first
	}
	return &t, &rule{reads: []read{{tensor: m.A, padding: -1}, {tensor: m.B, padding: -1}}}
}

// argMaxTime is that of an ArgMax, which must not compare positions.
func (s *streamer) argMaxTime(a *runtime.ArgMax) (*timing, *rule) {
	t := s.times[a.In]
	switch block := t.inner * t.n; {
	case a.Inner%block == 0:
	case t.inner%(a.Length*a.Inner) == 0:
		t.inner /= a.Length
	default:
		return nil, nil
	}
	if !t.fits(&s.p.Tensors[a.Out]) {
		return nil, nil
	}
	return &t, &rule{reads: []read{{tensor: a.In, padding: -1}}}
}

// poolTime is that of a MaxPool: what it skips is as good as level 0.
func (s *streamer) poolTime(i int, m *runtime.MaxPool) (*timing, *rule, error) {
	t := s.times[m.In]
	in, out := s.p.Tensors[m.In].Shape, s.p.Tensors[m.Out].Shape
	at, ok := t.placeIn(in)
	if !ok {
		return nil, nil, nil
	}
	if at.axis == 0 {
		t.inner = at.after * out[1] * out[2]
		return &t, &rule{reads: []read{{tensor: m.In, padding: -1}}}, nil
	}
	d := at.axis - 1
	w := slide{kernel: m.Kernel[d], stride: m.Stride[d], dilation: m.Dilation[d], pad: m.Pad[d], up: 1}
	o, r, err := s.slideTime(i, w, m.In, at, m.Out, 0)
	if o == nil || err != nil {
		return nil, nil, err
	}
	return o, &rule{reads: []read{*r}}, nil
}

// copyTime is that of a Copy.
func (s *streamer) copyTime(i int, c *runtime.Copy) (*timing, *rule, error) {
	t := s.copyTimes(c)
	if t == nil {
		return nil, nil, nil
	}
	if t.ahead > 0 {
		return nil, nil, &LookAheadError{What: s.describe(i), Frames: t.ahead}
	}
	r := &rule{copy: t}
	h := max(1, s.hop*t.stride.den/t.stride.num)
	least := map[int]int{}
	for k := t.n - min(h, t.n); k < t.n; k++ {
		residue := (t.n - 1 - k) % t.periodOut
		for _, src := range t.sources[residue] {
			if src.tensor < 0 {
				continue
			}
			at := t.position(src, k)
			if old, ok := least[src.tensor]; !ok || at < old {
				least[src.tensor] = at
			}
		}
	}
	for in := range s.p.Tensors {
		at, ok := least[in]
		if !ok {
			continue
		}
		pad, padded := t.padding[in]
		if !padded {
			pad = -1
		}
		r.reads = append(r.reads, read{tensor: in, back: max(0, s.times[in].n-s.positions(in)-at), padding: pad})
	}
	s.need(i, t.stride.times(t.periodOut, 1))
	return &t.timing, r, nil
}

// position is where position k of the output comes from.
func (t *copyTime) position(src copySource, k int) int {
	return src.at + (k-src.from)/t.periodOut*t.periodIn[src.tensor]
}
