package quant

import (
	"cmp"
	"slices"

	"qconv/runtime"
)

// elementMap is what a Copy does, element by element.
type elementMap struct {
	tensor []int32 // by element of the output: where it comes from; -1 for the fill
	at     []int32 // and which element of that
}

func elementMapOf(p *runtime.Program, c *runtime.Copy) elementMap {
	elems := p.Tensors[c.Out].Elems()
	m := elementMap{make([]int32, elems), make([]int32, elems)}
	for i := range m.tensor {
		m.tensor[i] = -1
	}
	for _, piece := range c.Pieces {
		eachElement(piece, func(to, from int) { m.tensor[to], m.at[to] = int32(piece.In), int32(from) })
	}
	return m
}

// copySource is where the elements of a Copy that stand alike in every period of positions come from: position k of the output is made of
// position at + (k-from)/periodOut*periodIn of the tensor.
type copySource struct {
	tensor, rest int // tensor -1: level, always
	from, at     int
	level        uint8
}

// copyTime is how a Copy goes with time: the sources of its output by [residue from the newest position][rest].
type copyTime struct {
	timing
	periodOut int
	periodIn  map[int]int // by tensor
	sources   [][]copySource
	padding   map[int]int // by tensor: the level that stands for positions before its first
	ahead     int         // input frames
}

// maxPeriod bounds the number of positions after which a Copy repeats itself.
const maxPeriod = 64

// copyTimes finds how a Copy goes with time; nil where it does not.
func (s *streamer) copyTimes(c *runtime.Copy) *copyTime {
	m := elementMapOf(s.p, c)
	out := &s.p.Tensors[c.Out]
	var from []int
	identity := true
	for i, t := range m.tensor {
		identity = identity && t == m.tensor[0] && int(m.at[i]) == i
		if t >= 0 && s.times[t].kind == timed && !slices.Contains(from, int(t)) {
			from = append(from, int(t))
		}
	}
	var layouts []timing
	add := func(n, inner int) {
		t := timing{kind: timed, n: n, inner: inner}
		if n > 1 && t.fits(out) && !slices.ContainsFunc(layouts, func(o timing) bool { return o.n == n && o.inner == inner }) {
			layouts = append(layouts, t)
		}
	}
	if identity && len(from) == 1 && s.p.Tensors[from[0]].Elems() == out.Elems() {
		add(s.times[from[0]].n, s.times[from[0]].inner)
	}
	suffix := 1
	for d := 2; d >= 0; d-- {
		add(out.Shape[d], suffix)
		suffix *= out.Shape[d]
	}
	for _, t := range from {
		n := s.times[t].n
		for inner := 1; out.Elems()%n == 0 && inner <= out.Elems()/n; inner++ {
			if out.Elems()/n%inner == 0 {
				add(n, inner)
			}
		}
	}
	var best *copyTime
	covers := func(t *copyTime) ratio { return t.stride.times(t.n, 1) }
	for _, layout := range layouts {
		for period := 1; period <= min(maxPeriod, layout.n-1); period++ {
			if t := s.copyTimeBy(c, m, layout, period); t != nil {
				if best == nil || covers(best).less(covers(t)) {
					best = t
				}
				break
			}
		}
	}
	return best
}

// copyTimeBy tries one way to see the output of a Copy, and a period; nil where the Copy does not go with time like that.
func (s *streamer) copyTimeBy(c *runtime.Copy, m elementMap, layout timing, period int) *copyTime {
	t := &copyTime{timing: layout, periodOut: period, periodIn: map[int]int{}, padding: map[int]int{}}
	rests := len(m.tensor) / t.n
	isTimed := func(e int) bool { return m.tensor[e] >= 0 && s.times[m.tensor[e]].kind == timed }
	source := func(k, rest int) (int, int) {
		e := t.join(k, rest, t.n)
		return e, int(m.tensor[e])
	}
	// The way of every input in a period.
	for rest := range rests {
		for k := t.n - 1; k >= period; k-- {
			late, in := source(k, rest)
			early, other := source(k-period, rest)
			if !isTimed(late) || in != other {
				continue
			}
			times := &s.times[in]
			k1, r1 := times.split(int(m.at[late]))
			k0, r0 := times.split(int(m.at[early]))
			if way, ok := t.periodIn[in]; r0 != r1 || k1 <= k0 || ok && way != k1-k0 {
				return nil
			}
			t.periodIn[in] = k1 - k0
		}
	}
	known := false
	for in, way := range t.periodIn {
		stride := s.times[in].stride.times(way, period)
		if known && stride != t.stride {
			return nil
		}
		known, t.stride = true, stride
	}
	if !known {
		return nil
	}
	t.sources = make([][]copySource, period)
	firstKnown := false
	for residue := range period {
		t.sources[residue] = make([]copySource, rests)
		for rest := range rests {
			src := &t.sources[residue][rest]
			src.tensor, src.from = -1, t.n-1-residue
			for k := t.n - 1 - residue; k >= 0; k -= period {
				if e, in := source(k, rest); isTimed(e) {
					src.tensor, src.from = in, k
					src.at, src.rest = s.times[in].split(int(m.at[e]))
					break
				}
			}
			if src.tensor < 0 {
				src.level = s.levelAt(c, m, t.join(src.from, rest, t.n))
			}
			way := t.periodIn[src.tensor]
			if src.tensor >= 0 && way == 0 {
				return nil // one position of this input alone
			}
			for k := residue2(t.n, residue, period); k < t.n; k += period {
				e, in := source(k, rest)
				if src.tensor < 0 {
					if isTimed(e) || s.levelAt(c, m, e) != src.level {
						return nil
					}
					continue
				}
				times := &s.times[src.tensor]
				expected := src.at + (k-src.from)/period*way
				if isTimed(e) {
					if at, r := times.split(int(m.at[e])); in != src.tensor || r != src.rest || at != expected {
						return nil
					}
					continue
				}
				level := int(s.levelAt(c, m, e))
				switch {
				case expected >= times.n:
					t.ahead = max(t.ahead, times.stride.times(expected-times.n+1, 1).ceil())
				case expected >= 0:
					return nil
				default:
					if pad, ok := t.padding[src.tensor]; ok && pad != level {
						return nil
					}
					t.padding[src.tensor] = level
				}
			}
			if src.tensor < 0 {
				continue
			}
			// Positions before the first one that is made of later ones than the early ones.
			times := &s.times[src.tensor]
			ok := t.n
			if src.at >= times.early {
				ok = src.from - period*((src.at-times.early)/way)
			}
			if ok >= period {
				t.early = max(t.early, min(ok, t.n))
			}
			t.endless = t.endless || times.endless
			first := times.stride.times(src.at, 1).plus(t.stride.times(-src.from, 1)).plus(times.first)
			if !firstKnown || first.less(t.first) {
				firstKnown, t.first = true, first
			}
		}
	}
	return t
}

// residue2 is the first position that is a multiple of period away from position n-1-residue.
func residue2(n, residue, period int) int { return (n - 1 - residue) % period }

// levelAt is the level of an element of a Copy's output that comes from no timed tensor.
func (s *streamer) levelAt(c *runtime.Copy, m elementMap, e int) uint8 {
	if m.tensor[e] < 0 {
		return c.Fill
	}
	return uint8(s.constants[int(m.tensor[e])][m.at[e]])
}

// moved is an element that a Copy is to move.
type moved struct{ to, in, from int }

// block is some elements that one piece moves: by dimension, outermost first.
type block struct {
	to, from int
	dims     []dim
}

// piecesFor makes pieces that move the elements, which come in the order of to. Elements of an input that follow each other
// in the same way become one piece.
func piecesFor(elements []moved) []runtime.Piece {
	var inputs []int
	blocks := map[int][]block{}
	for _, e := range elements {
		list, ok := blocks[e.in]
		if !ok {
			inputs = append(inputs, e.in)
		}
		blocks[e.in] = append(list, block{e.to, e.from, nil})
	}
	slices.Sort(inputs)
	var pieces []runtime.Piece
	for _, in := range inputs {
		list := blocks[in]
		for range len(runtime.Piece{}.Dims) {
			best := merged(list, 1)
			for apart := 2; apart <= 4; apart++ {
				if other := merged(list, apart); len(other) < len(best) {
					best = other
				}
			}
			if len(best) == len(list) {
				break
			}
			list = best
		}
		for _, b := range list {
			pieces = append(pieces, newPiece(in, b.to, b.from, b.dims))
		}
	}
	slices.SortStableFunc(pieces, func(a, b runtime.Piece) int { return cmp.Compare(a.OutStart, b.OutStart) })
	return pieces
}

// merged joins blocks that stand so many places apart in the list and are alike.
func merged(list []block, apart int) []block {
	var out []block
	for lane := range min(apart, len(list)) {
		for i := lane; i < len(list); {
			b := list[i]
			count, to, from := 1, 0, 0
			for j := i + apart; j < len(list); j += apart {
				dTo, dFrom := list[j].to-list[j-apart].to, list[j].from-list[j-apart].from
				if !slices.Equal(list[j].dims, b.dims) || count > 1 && (dTo != to || dFrom != from) {
					break
				}
				count, to, from = count+1, dTo, dFrom
			}
			// An element before a run of another way stays alone.
			if j := i + apart; count == 2 && j+2*apart < len(list) && slices.Equal(list[j+apart].dims, b.dims) && slices.Equal(list[j+2*apart].dims, b.dims) &&
				list[j+2*apart].to-list[j+apart].to == list[j+apart].to-list[j].to && list[j+2*apart].from-list[j+apart].from == list[j+apart].from-list[j].from {
				count = 1
			}
			if count > 1 {
				b.dims = append([]dim{{count, to, from}}, b.dims...)
			}
			out = append(out, b)
			i += count * apart
		}
	}
	slices.SortFunc(out, func(a, b block) int { return cmp.Compare(a.to, b.to) })
	return out
}

// copyLead finds the level of the positions of a Copy's output that come before the first frame; false where they are not all of one level.
func (s *streamer) copyLead(c *runtime.Copy, t *timing, by *copyTime) bool {
	t.leadLevel = -1
	for k := range t.lead {
		for _, src := range by.sources[(t.n-1-k)%by.periodOut] {
			level := int(src.level)
			if src.tensor >= 0 {
				in := &s.times[src.tensor]
				switch at := by.position(src, k); {
				case at < 0:
					level = by.padding[src.tensor]
				case at < in.lead:
					level = in.leadLevel
				default:
					return false
				}
			}
			if t.leadLevel >= 0 && t.leadLevel != level {
				return false
			}
			t.leadLevel = level
		}
	}
	return true
}
