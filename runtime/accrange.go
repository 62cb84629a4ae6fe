package runtime

import (
	"fmt"
	"math"

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
	return nil
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
	channels := len(l.Bias)
	for o := range channels {
		var neg, pos int64 // sums of the centres of each sign, at most 2^28 * 2^31
		for left := want / channels; left > 0; {
			block := r.block[:min(left, len(r.block))]
			if err := r.dec.Read(block); err != nil {
				return err
			}
			left -= len(block)
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
