package runtime

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
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
	if f := r.add(p, l); f != nil {
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
}

// add fills lo and hi for l. The item of a fault is the number of a term, or -1.
func (r *accRanger) add(p *Program, l *Linear) *fault {
	channels := p.Tensors[l.Out].Shape[0]
	if len(l.Bias) != channels {
		return faultf(-1, "%d biases, want %d", len(l.Bias), channels)
	}
	r.lo, r.hi = r.lo[:0], r.hi[:0]
	print := l.fingerprint(p)
	if l.found.holds(print, l) {
		for o := range l.Bias {
			r.lo, r.hi = append(r.lo, int64(l.found.lo[o])), append(r.hi, int64(l.found.hi[o]))
		}
		return nil
	}
	for _, b := range l.Bias {
		r.lo, r.hi = append(r.lo, int64(b)), append(r.hi, int64(b))
	}
	for k := range l.Terms {
		if err := r.addTerm(p, l, &l.Terms[k]); err != nil {
			return faultf(k, "term %d: %w", k, err)
		}
	}
	for o := range r.lo {
		if !fitsInt32(r.lo[o], r.hi[o]) {
			return faultf(-1, "the accumulator of channel %d may take %d..%d, want a range within %d..%d",
				o, r.lo[o], r.hi[o], math.MinInt32, math.MaxInt32)
		}
	}
	if r.keep {
		found := &accRange{print: print, terms: slices.Clone(l.Terms), lo: make([]int32, channels), hi: make([]int32, channels)}
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
	terms  []Term  // with the weights
	lo, hi []int32 // by output channel
}

// holds says that a was found out about l, which has that fingerprint. Coded weights do not change: they are known by
// their address, which nothing else gets as long as a refers to them.
func (a *accRange) holds(print uint64, l *Linear) bool {
	return a != nil && a.print == print && slices.EqualFunc(a.terms, l.Terms, func(x, y Term) bool {
		return unsafe.SliceData(x.Weights.data) == unsafe.SliceData(y.Weights.data)
	})
}

// fingerprint tells apart what l may become when a Program is changed, as far as ranges depend on it.
func (l *Linear) fingerprint(p *Program) uint64 {
	h := fnv.New64a()
	put := func(values ...int) {
		var b [8]byte
		for _, v := range values {
			binary.LittleEndian.PutUint64(b[:], uint64(v))
			h.Write(b[:])
		}
	}
	put(p.Tensors[l.Out].Shape[0], len(l.Bias))
	for _, b := range l.Bias {
		put(int(b))
	}
	for k := range l.Terms {
		t := &l.Terms[k]
		in, w := &p.Tensors[t.In], &t.Weights
		put(in.Shape[0], in.Levels, in.Zero, t.Groups, t.Kernel[0], t.Kernel[1])
		put(w.count, w.size, int(w.kind), len(w.data))
		for _, c := range p.Codebooks[t.Codebook].Centres {
			put(int(c))
		}
	}
	return h.Sum64()
}

// addTerm adds what t contributes at least and at most. A tap outside its input, worth 0,
// lies in between, because the zero level is one of the levels.
func (r *accRanger) addTerm(p *Program, l *Linear, t *Term) error {
	in := &p.Tensors[t.In]
	centres := p.Codebooks[t.Codebook].Centres
	want, err := t.weightCount(&p.Tensors[l.Out], in)
	if err != nil {
		return err
	}
	w := &t.Weights
	if w.count != want {
		return fmt.Errorf("%d weights, want %d", w.count, want)
	}
	if w.size != len(centres) {
		return fmt.Errorf("weights for a codebook of %d centres, want %d", w.size, len(centres))
	}
	if err := r.dec.Reset(w.kind, w.data, w.count, w.size); err != nil {
		return err
	}
	below, above := int64(-in.Zero), int64(in.Levels-1-in.Zero)
	small := true // sums of a block fit 32 bits
	for _, c := range centres {
		small = small && max(c, -c) < math.MaxInt32/int32(len(r.block)) && c != math.MinInt32
	}
	channels := len(l.Bias)
	for o := range channels {
		var neg, pos int64 // sums of the centres of each sign, at most 2^28 * 2^31
		for left := want / channels; left > 0; {
			block := r.block[:min(left, len(r.block))]
			if err := r.dec.Read(block); err != nil {
				return err
			}
			left -= len(block)
			if small {
				n, p := signedSums(block, centres)
				neg += int64(n)
				pos += int64(p)
				continue
			}
			for _, x := range block {
				v := int64(centres[x])
				sign := v >> 63 // all ones for a negative centre
				neg += v & sign
				pos += v &^ sign
			}
		}
		// Sums beyond any int32 are cut, so that nothing overflows from here on.
		neg, pos = max(neg, -1<<40), min(pos, 1<<40)
		r.lo[o] += pos*below + neg*above
		r.hi[o] += pos*above + neg*below
	}
	return nil
}

// signedSums adds up the negative centres of block and the others.
func signedSums(block []uint16, centres []int32) (neg, pos int32) {
	for _, x := range block {
		v := centres[x]
		sign := v >> 31 // all ones for a negative centre
		neg += v & sign
		pos += v &^ sign
	}
	return neg, pos
}
