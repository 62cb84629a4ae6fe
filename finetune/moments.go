package finetune

import (
	"math/rand/v2"

	"qconv/finetune/internal/kernel"
	"qconv/quant"
)

// momentRows is how many positions are looked at to measure a layer: at most so many, fewer for layers whose rows are long, so that
// rows times inputs squared stay below momentWork; but at least twice as many as inputs.
const (
	momentRows = 1 << 15
	momentWork = 1 << 38
)

// rowsFor is the number of positions for a layer of so many inputs.
func rowsFor(inputs int) int {
	return max(min(momentRows, momentWork/(inputs*inputs)), 2*inputs)
}

// spot is a position of the output of a sample.
type spot struct{ sample, position int }

// spots picks positions of samples*area, evenly but for chance. Those of samples from the given one on are held out; where there are none, every tenth.
func spots(samples, first, area, most int, rng *rand.Rand) (used, held []spot) {
	all := samples * area
	count := min(all, most)
	for i := range count {
		at := i
		if count < all {
			at = int((float64(i) + rng.Float64()) * float64(all) / float64(count))
		}
		s := spot{at / area, at % area}
		if s.sample >= first || first == samples && i%holdOut == holdOut-1 {
			held = append(held, s)
		} else {
			used = append(used, s)
		}
	}
	return used, held
}

// measurement is what [measure] finds of one group of a layer: moments of what is taken off the means.
type measurement struct {
	moments   *quant.Moments
	meanIn    []float64
	meanWants []float64
}

// measure takes the moments of a group: of the rows that it reads from x, and of what its outputs should be, want; both hold
// samples one after the other.
func (p patches) measure(x, want []float32, group int, at []spot) *measurement {
	n, outputs := p.inputs(), p.perOut
	m := &measurement{moments: quant.NewMoments(n, outputs), meanIn: make([]float64, n), meanWants: make([]float64, outputs)}
	const chunk = 2048
	rows, wants := make([]float32, chunk*n), make([]float32, chunk*outputs)
	each := func(use func(count int)) {
		for from := 0; from < len(at); from += chunk {
			part := at[from:min(from+chunk, len(at))]
			kernel.Parallel((len(part)+63)/64, func(k int) {
				for i := 64 * k; i < min(64*k+64, len(part)); i++ {
					p.gather(rows[i*n:][:n], x[part[i].sample*size(p.in[:]):][:size(p.in[:])], group, part[i].position)
					for o := range outputs {
						wants[i*outputs+o] = want[part[i].sample*size(p.out[:])+(group*outputs+o)*p.area()+part[i].position]
					}
				}
			})
			use(len(part))
		}
	}
	each(func(count int) {
		addRows(m.meanIn, rows[:count*n])
		addRows(m.meanWants, wants[:count*outputs])
	})
	for i := range m.meanIn {
		m.meanIn[i] /= float64(len(at))
	}
	for o := range m.meanWants {
		m.meanWants[o] /= float64(len(at))
	}
	gram, cross := make([]float32, n*n), make([]float32, outputs*n)
	each(func(count int) {
		subtract(rows[:count*n], m.meanIn)
		subtract(wants[:count*outputs], m.meanWants)
		kernel.Gemm(true, false, n, n, count, rows[:count*n], rows[:count*n], 0, gram)
		kernel.Gemm(true, false, outputs, n, count, wants[:count*outputs], rows[:count*n], 0, cross)
		addTo(m.moments.Gram, gram, 1/float64(len(at)))
		addTo(m.moments.Cross, cross, 1/float64(len(at)))
		for i, v := range wants[:count*outputs] {
			m.moments.Power[i%outputs] += float64(v) * float64(v) / float64(len(at))
		}
	})
	return m
}

// addRows adds rows to sums.
func addRows(sums []float64, rows []float32) {
	for len(rows) > 0 {
		for i := range sums {
			sums[i] += float64(rows[i])
		}
		rows = rows[len(sums):]
	}
}

// subtract takes the means off rows.
func subtract(rows []float32, means []float64) {
	for len(rows) > 0 {
		for i, m := range means {
			rows[i] = float32(float64(rows[i]) - m)
		}
		rows = rows[len(means):]
	}
}

func addTo(sums []float64, v []float32, factor float64) {
	for i, x := range v {
		sums[i] += factor * float64(x)
	}
}
