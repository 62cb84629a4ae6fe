package runtime

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"unsafe"

	"qconv/runtime/internal/coding"
)

// AccRange returns, for every output channel of l, the least and the largest accumulator
// that any input gives. It is an error if one of them is not an int32, or if l does not
// fit its program.
func (p *Program) AccRange(l *Linear) (lo, hi []int32, err error) {
	var r accRanger
	if f := r.add(p, l, nil); f != nil {
		return nil, nil, fmt.Errorf("runtime: %w", f.reason)
	}
	lo, hi = make([]int32, len(r.lo)), make([]int32, len(r.hi))
	for o := range lo {
		lo[o], hi[o] = int32(r.lo[o]), int32(r.hi[o])
	}
	return lo, hi, nil
}

// accRanger finds the ranges of accumulators, streaming over the coded weights. It keeps
// its memory from one instruction to the next.
type accRanger struct {
	lo, hi []int64 // by output channel
	keep   bool    // what was found in the layers
	dec    coding.Decoder
	block  [1 << 12]uint16
	counts [256]uint32 // zeros between terms
}

// add fills lo and hi for l. The item of a fault is the number of a term, or -1. Where into is not nil it is as long as the
// weights of l, which are written there, and nothing is known about l yet.
func (r *accRanger) add(p *Program, l *Linear, into []uint16) *fault {
	channels := p.Tensors[l.Out].Shape[0]
	if len(l.Bias) != channels {
		return faultf(-1, "%d biases, want %d", len(l.Bias), channels)
	}
	r.lo, r.hi = r.lo[:0], r.hi[:0]
	print := l.fingerprint(p)
	if into == nil && l.found.holds(print, l) {
		for o := range l.Bias {
			r.lo, r.hi = append(r.lo, int64(l.found.lo[o])), append(r.hi, int64(l.found.hi[o]))
		}
		return nil
	}
	for _, b := range l.Bias {
		r.lo, r.hi = append(r.lo, int64(b)), append(r.hi, int64(b))
	}
	uses := make([][]uint32, len(l.Terms))
	for k := range l.Terms {
		var err error
		t := &l.Terms[k]
		if uses[k], err = r.addTerm(p, l, t, into); err != nil {
			return faultf(k, "term %d: %w", k, err)
		}
		if into != nil {
			into = into[t.Weights.count:]
		}
	}
	for o := range r.lo {
		if !fitsInt32(r.lo[o], r.hi[o]) {
			return faultf(-1, "the accumulator of channel %d may take %d..%d, want a range within %d..%d",
				o, r.lo[o], r.hi[o], math.MinInt32, math.MaxInt32)
		}
	}
	if r.keep {
		found := &accRange{print: print, terms: slices.Clone(l.Terms), uses: uses, lo: make([]int32, channels), hi: make([]int32, channels)}
		for o := range channels {
			found.lo[o], found.hi[o] = int32(r.lo[o]), int32(r.hi[o])
		}
		l.found = found
	}
	return nil
}

// accRange is what was found out about a layer when it was decoded: its weights are in order, and its accumulators
// have these ranges. That holds as long as the layer has the fingerprint.
type accRange struct {
	print  uint64
	terms  []Term     // with the weights
	uses   [][]uint32 // by term: how many weights are every centre; nil where that was not counted
	lo, hi []int32    // by output channel
}

// holds says that a was found out about l, which has that fingerprint. Coded weights do not change: they are known by
// their address, which nothing else gets as long as a refers to them.
func (a *accRange) holds(print uint64, l *Linear) bool {
	return a != nil && a.print == print && slices.EqualFunc(a.terms, l.Terms, func(x, y Term) bool {
		return unsafe.SliceData(x.Weights.data) == unsafe.SliceData(y.Weights.data)
	})
}

// foundBytes is the memory of what is found out about l, at most.
func (l *Linear) foundBytes(p *Program) int64 {
	n := int64(unsafe.Sizeof(accRange{})) + sizeOf(l.Terms) + 8*int64(len(l.Bias))
	for k := range l.Terms {
		t := &l.Terms[k]
		n += int64(unsafe.Sizeof([]uint32{})) + min(4*int64(len(p.Codebooks[t.Codebook].Centres)), int64(len(t.Weights.data)))
	}
	return n
}

// fingerprint tells apart what l may become when a Program is changed, as far as ranges depend on it.
func (l *Linear) fingerprint(p *Program) uint64 {
	var h maphash.Hash
	h.SetSeed(printSeed)
	put := func(values ...int) { h.Write(unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), sizeOf(values))) }
	numbers := func(values []int32) {
		put(len(values))
		h.Write(bytesOf(values))
	}
	put(p.Tensors[l.Out].Shape[0])
	numbers(l.Bias)
	for k := range l.Terms {
		t := &l.Terms[k]
		in, w := &p.Tensors[t.In], &t.Weights
		put(in.Shape[0], in.Levels, in.Zero, t.Groups, t.Kernel[0], t.Kernel[1])
		put(w.count, w.size, int(w.kind), len(w.data))
		numbers(p.Codebooks[t.Codebook].Centres)
	}
	return h.Sum64()
}

// printSeed is that of fingerprints, which are only compared with each other.
var printSeed = maphash.MakeSeed()

// addTerm adds what t contributes at least and at most, and returns how many weights are every centre where it counts
// them. A tap outside its input, worth 0, lies in between, because the zero level is one of the levels. Weights are written
// to into, where it is not nil.
func (r *accRanger) addTerm(p *Program, l *Linear, t *Term, into []uint16) (uses []uint32, err error) {
	in := &p.Tensors[t.In]
	centres := p.Codebooks[t.Codebook].Centres
	want, err := t.weightCount(&p.Tensors[l.Out], in)
	if err != nil {
		return nil, err
	}
	w := &t.Weights
	if w.count != want {
		return nil, fmt.Errorf("%d weights, want %d", w.count, want)
	}
	if w.size != len(centres) {
		return nil, fmt.Errorf("weights for a codebook of %d centres, want %d", w.size, len(centres))
	}
	if err := r.dec.Reset(w.kind, w.data, w.count, w.size); err != nil {
		return nil, err
	}
	below, above := int64(-in.Zero), int64(in.Levels-1-in.Zero)
	taps := want / len(l.Bias)
	var counts []uint32 // of the indices of a channel
	if len(centres) <= len(r.counts) && taps >= 2*len(centres) {
		counts = r.counts[:len(centres)]
		if r.keep && len(w.data) >= 4*len(centres) { // no more than the weights take themselves
			uses = make([]uint32, len(centres))
		}
	}
	small := true // sums of a channel fit 32 bits
	for _, c := range centres {
		small = small && max(c, -c) <= math.MaxInt32/int32(taps) && c != math.MinInt32
	}
	block := r.block[:0] // what is decoded and belongs to no channel yet
	for o := range l.Bias {
		var neg, pos int64 // sums of the centres of each sign, at most 2^28 * 2^31
		for left := taps; left > 0; {
			if len(block) == 0 {
				block = r.block[:min(want, len(r.block))]
				if into != nil {
					block = into[:len(block)]
					into = into[len(block):]
				}
				want -= len(block)
				if err := r.dec.Read(block); err != nil {
					return nil, err
				}
			}
			now := block[:min(left, len(block))]
			block = block[len(now):]
			left -= len(now)
			if counts != nil {
				coding.Count(&r.counts, now)
				continue
			}
			n, p := signedSums(now, centres, small)
			neg += n
			pos += p
		}
		if counts != nil {
			neg, pos = countedSums(counts, centres, small)
			for x, n := range counts {
				if uses != nil {
					uses[x] += n
				}
				counts[x] = 0
			}
		}
		// Sums beyond any int32 are cut, so that nothing overflows from here on.
		neg, pos = max(neg, -1<<40), min(pos, 1<<40)
		r.lo[o] += pos*below + neg*above
		r.hi[o] += pos*above + neg*below
	}
	return uses, nil
}

// signedSums adds up the negative centres of indices and the others; small tells that the sums fit 32 bits.
func signedSums(indices []uint16, centres []int32, small bool) (neg, pos int64) {
	if !small {
		for _, x := range indices {
			v := int64(centres[x])
			neg += min(v, 0)
			pos += max(v, 0)
		}
		return neg, pos
	}
	var n, p int32
	for _, x := range indices {
		v := centres[x]
		sign := v >> 31 // all ones for a negative centre
		n += v & sign
		p += v &^ sign
	}
	return int64(n), int64(p)
}

// countedSums is signedSums where every centre occurs as often as counts tells.
func countedSums(counts []uint32, centres []int32, small bool) (neg, pos int64) {
	counts = counts[:len(centres)]
	if !small {
		for x, c := range centres {
			v := int64(c) * int64(counts[x])
			neg += min(v, 0)
			pos += max(v, 0)
		}
		return neg, pos
	}
	var n, p int32
	for x, c := range centres {
		v := c * int32(counts[x])
		sign := v >> 31
		n += v & sign
		p += v &^ sign
	}
	return int64(n), int64(p)
}
