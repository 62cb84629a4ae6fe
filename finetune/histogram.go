package finetune

import (
	"math"

	"qconv/quant"
)

// bins is the number of equal bins of a histogram.
const bins = 4096

// histogram counts values of a site: exact zeros apart, as they are on every grid of levels
// and often are the most.
type histogram struct {
	lo, hi float64 // of all values, zero included
	zeros  float64
	counts [bins]float64
}

// newHistogram counts values in [lo, hi], which is widened to include zero.
func newHistogram(lo, hi float64) *histogram {
	return &histogram{lo: math.Min(lo, 0), hi: math.Max(hi, 0)}
}

// add counts values.
func (h *histogram) add(v []float32) {
	width := h.width()
	if width == 0 {
		h.zeros += float64(len(v))
		return
	}
	inverse := 1 / width
	for _, x := range v {
		if x == 0 {
			h.zeros++
			continue
		}
		i := int((float64(x) - h.lo) * inverse)
		h.counts[min(max(i, 0), bins-1)]++
	}
}

func (h *histogram) width() float64 { return (h.hi - h.lo) / bins }

// centre is the value in the middle of bin i.
func (h *histogram) centre(i int) float64 { return h.lo + (float64(i)+0.5)*h.width() }

// percentile is the range that leaves out the share 1-p/100 of values on each side.
func (h *histogram) percentile(p float64) (lo, hi float64) {
	total := h.zeros
	for _, c := range h.counts {
		total += c
	}
	out := total * (1 - p/100)
	// Zeros count as values of the bin they lie in.
	zeroBin := min(int(-h.lo/math.Max(h.width(), math.SmallestNonzeroFloat64)), bins-1)
	count := func(i int) float64 {
		if i == zeroBin {
			return h.counts[i] + h.zeros
		}
		return h.counts[i]
	}
	lo, hi = h.lo, h.hi
	for i, sum := bins-1, 0.0; i >= 0; i-- {
		if sum += count(i); sum > out {
			hi = h.lo + float64(i+1)*h.width()
			break
		}
	}
	for i, sum := 0, 0.0; i < bins; i++ {
		if sum += count(i); sum > out {
			lo = h.lo + float64(i)*h.width()
			break
		}
	}
	return math.Min(lo, 0), math.Max(hi, 0)
}

// roundingError is the mean squared distance of the values from their levels.
func (h *histogram) roundingError(l quant.Levels) float64 {
	sum, total := h.zeros*l.Round(0)*l.Round(0), h.zeros
	for i, c := range h.counts {
		if c > 0 {
			v := h.centre(i)
			d := v - l.Round(v)
			sum += c * d * d
			total += c
		}
	}
	return sum / math.Max(total, 1)
}

// bestRange is the range whose levels have the smallest rounding error: ends are moved in
// turns over fractions of the full range.
func (h *histogram) bestRange(count int) (lo, hi float64) {
	const cuts = 64
	lo, hi = h.lo, h.hi
	best := math.Inf(1)
	try := func(a, b float64) {
		l, err := quant.NewLevels(count, a, b)
		if err != nil {
			return
		}
		if e := h.roundingError(l); e < best {
			best, lo, hi = e, a, b
		}
	}
	for i := 1; i <= cuts; i++ { // both ends together, then each by itself
		f := float64(i) / cuts
		try(h.lo*f, h.hi*f)
	}
	for range 2 {
		if h.lo < 0 {
			for i := range cuts + 1 {
				try(h.lo*float64(i)/cuts, hi)
			}
		}
		if h.hi > 0 {
			for i := range cuts + 1 {
				try(lo, h.hi*float64(i)/cuts)
			}
		}
	}
	// Between the cuts.
	for step := 1.0 / (2 * cuts); step > 1.0/2048; step /= 2 {
		l0, h0 := lo, hi
		for _, d := range [4][2]float64{{0, step}, {0, -step}, {step, 0}, {-step, 0}} {
			try(l0+d[0]*h.lo, h0+d[1]*h.hi)
		}
	}
	return lo, hi
}
