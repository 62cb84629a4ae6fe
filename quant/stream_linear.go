package quant

import (
	"slices"

	"qconv/runtime"
)

// slide is a window that goes along the time axis: position y meets input position v where v*up = y*stride - pad + k*dilation.
type slide struct{ kernel, stride, dilation, pad, up int }

// reach is the first and the last input position that position y meets, inside the input or not.
func (w slide) reach(y int) (first, last int, some bool) {
	for k := range w.kernel {
		at := y*w.stride - w.pad + k*w.dilation
		if at%w.up != 0 {
			continue
		}
		if v := at / w.up; !some {
			first, last, some = v, v, true
		} else {
			first, last = min(first, v), max(last, v)
		}
	}
	return first, last, some
}

// slideTime is how an output goes with time whose positions are windows over an input at a place; padding is the level that stands beyond the
// input. It is nil where there are no positions.
func (s *streamer) slideTime(i int, w slide, in int, at timePlace, out, padding int) (*timing, *read, error) {
	t := s.times[in]
	shape := s.p.Tensors[out].Shape
	if !at.full() {
		if w.kernel != 1 || w.stride != 1 || w.up != 1 || w.pad != 0 || shape[at.axis] != s.p.Tensors[in].Shape[at.axis] {
			return nil, nil, nil
		}
		seen, _ := timingAt(shape, at)
		t.inner = seen.inner
		return &t, &read{tensor: in, padding: -1}, nil
	}
	n := shape[at.axis]
	if n == 1 {
		return nil, nil, nil
	}
	o := &timing{n: n, stride: t.stride.times(w.stride, w.up), endless: t.endless, inner: 1}
	for _, size := range shape[at.axis+1:] {
		o.inner *= size
	}
	g := gcd(w.stride, w.up)
	period := w.up / g // positions of the output
	s.need(i, o.stride.times(period, 1))
	r := &read{tensor: in, padding: -1}
	least, known, ahead := 0, false, 0
	h := n
	if s.hop > 0 {
		h = min(n, s.hop*o.stride.den/o.stride.num)
	}
	for y := range n {
		first, last, some := w.reach(y)
		if !some {
			continue
		}
		ahead = max(ahead, last-t.n+1)
		if first < 0 {
			r.padding = padding
		}
		if first < t.early || first < 0 {
			o.early = y + 1
		}
		if y >= n-h && (!known || first < least) {
			known, least = true, first
		}
		if begin := t.stride.times(first, 1).plus(o.stride.times(-y, 1)).plus(t.first); y == 0 || begin.less(o.first) {
			o.first = begin
		}
	}
	if ahead > 0 {
		return nil, nil, &LookAheadError{What: s.describe(i), Frames: t.stride.times(ahead, 1).ceil()}
	}
	if known {
		r.back = max(0, t.n-s.positions(in)-least)
	}
	return o, r, nil
}

// linearTime is that of a Linear.
func (s *streamer) linearTime(i int, l *runtime.Linear) (*timing, *rule, error) {
	var out *timing
	r := &rule{}
	var at timePlace
	for k := range l.Terms {
		term := &l.Terms[k]
		t := s.times[term.In]
		if t.kind != timed {
			continue
		}
		where, ok := t.placeIn(s.p.Tensors[term.In].Shape)
		if !ok {
			return nil, nil, nil
		}
		var o *timing
		var rd *read
		if where.axis == 0 {
			if !s.sameAtAllPositions(l, term, where.n) {
				return nil, nil, nil
			}
			t.inner = s.p.Tensors[l.Out].Elems() / t.n
			o, rd = &t, &read{tensor: term.In, padding: -1}
			where = timePlace{0, 1, where.n, s.p.Tensors[l.Out].Shape[0] / where.n}
		} else {
			d := where.axis - 1
			var err error
			w := slide{term.Kernel[d], term.Stride[d], term.Dilation[d], term.Pad[d], term.Up[d]}
			if o, rd, err = s.slideTime(i, w, term.In, where, l.Out, s.p.Tensors[term.In].Zero); o == nil || err != nil {
				return nil, nil, err
			}
			where.n = o.n
		}
		r.reads = append(r.reads, *rd)
		if out == nil {
			out, at = o, where
			continue
		}
		if where != at || o.stride != out.stride || o.inner != out.inner {
			return nil, nil, nil
		}
		out.early, out.endless = max(out.early, o.early), out.endless || o.endless
		if o.first.less(out.first) {
			out.first = o.first
		}
	}
	for k := range l.Terms {
		if s.times[l.Terms[k].In].kind == fixed && !s.constantTerm(l, &l.Terms[k], at) {
			return nil, nil, nil
		}
	}
	return out, r, nil
}

// sameAtAllPositions says that a term, whose channels are n positions in time, does the same with all of them: weights, bias and step functions.
func (s *streamer) sameAtAllPositions(l *runtime.Linear, t *runtime.Term, n int) bool {
	in, out := s.p.Tensors[t.In].Shape, s.p.Tensors[l.Out].Shape
	if t.Groups%n != 0 || in[0]%n != 0 || out[0]%n != 0 {
		return false
	}
	block := out[0] / n
	for o := range l.Bias {
		if l.Bias[o] != l.Bias[o%block] || len(l.Steps) > 1 && l.Steps[o] != l.Steps[o%block] {
			return false
		}
	}
	weights := make([]uint16, t.Weights.Len())
	if t.Weights.Decode(weights) != nil {
		return false
	}
	first := weights[:len(weights)/n]
	for k := range n {
		if !slices.Equal(weights[k*len(first):][:len(first)], first) {
			return false
		}
	}
	return true
}

// constantTerm says that a term over a constant adds the same at all positions in time.
func (s *streamer) constantTerm(l *runtime.Linear, t *runtime.Term, at timePlace) bool {
	shape := s.p.Tensors[t.In].Shape
	if at.axis == 0 {
		n := shape[0] / max(1, at.n)
		return shape[0]%at.n == 0 && s.sameAtAllPositions(l, t, at.n) && s.constantInTime(t.In, timePlace{0, 1, at.n, n})
	}
	d := at.axis - 1
	if !at.full() {
		return t.Kernel[d] == 1 && t.Stride[d] == 1 && t.Up[d] == 1 && t.Pad[d] == 0 && shape[at.axis] == at.before*at.n*at.after && s.constantInTime(t.In, at)
	}
	if t.Up[d] != 1 || t.Pad[d] > 0 || (at.n-1)*t.Stride[d]-t.Pad[d]+(t.Kernel[d]-1)*t.Dilation[d] >= shape[at.axis] {
		return false
	}
	return s.constantInTime(t.In, timePlace{at.axis, 1, shape[at.axis], 1})
}
