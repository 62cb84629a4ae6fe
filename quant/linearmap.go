package quant

import (
	"math"
	"slices"
)

// linearMap is a map whose weights are being reconstructed. Its columns are in the order of growing power of their inputs: the last is
// rounded first, and those of little power make up for the others.
type linearMap struct {
	n, outputs int
	columns    []int     // by place, the input
	gram       []float64 // H [n][n], damped
	upper      []float64 // [n][n]: upper^T upper = H
	best       []float64 // w [outputs][n]
	at         []uint16  // q [outputs][n], as positions among the centres
	fixed      []bool    // weights that are zero and stay so; nil for none
}

// newMap prepares a map; nil where its moments are of no use.
func newMap(m *Moments, weights []float32, damping float64) *linearMap {
	n := m.Inputs
	p := &linearMap{n: n, outputs: m.Outputs, columns: make([]int, n), gram: make([]float64, n*n), best: make([]float64, m.Outputs*n), at: make([]uint16, m.Outputs*n)}
	trace := 0.0
	for i := range n {
		p.columns[i] = i
		trace += m.Gram[i*n+i]
	}
	if !(trace > 0) || math.IsInf(trace, 0) {
		return nil
	}
	slices.SortStableFunc(p.columns, func(a, b int) int {
		switch x, y := m.Gram[a*n+a], m.Gram[b*n+b]; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	for i, from := range p.columns {
		for j, other := range p.columns {
			p.gram[i*n+j] = m.Gram[from*n+other]
		}
	}
	// w = w0 + (C - w0 H) (H + damping)^-1
	rest := make([]float64, m.Outputs*n)
	parallel(m.Outputs, func(o int) {
		w, d := p.best[o*n:][:n], rest[o*n:][:n]
		for i, from := range p.columns {
			w[i] = float64(weights[o*n+from])
		}
		for i, from := range p.columns {
			d[i] = m.Cross[o*n+from] - dot(w, p.gram[i*n:][:n])
		}
	})
	for i := range n {
		p.gram[i*n+i] += damping * trace / float64(n)
	}
	lower := slices.Clone(p.gram)
	if !cholesky(lower, n) {
		return nil
	}
	p.upper = transposed(lower, n)
	parallel(m.Outputs, func(o int) {
		solve(lower, p.upper, n, rest[o*n:][:n])
		for i, d := range rest[o*n:][:n] {
			p.best[o*n+i] += d
		}
	})
	return p
}

// fix holds weights, in their own order, at zero.
func (p *linearMap) fix(zeros []bool) {
	p.fixed = make([]bool, len(p.at))
	for o := range p.outputs {
		for i, from := range p.columns {
			p.fixed[o*p.n+i] = zeros[o*p.n+from]
		}
	}
}

// round chooses positions column by column, from the last to the first.
func (p *linearMap) round(centres []float64) {
	zero := uint16(Nearest(centres, 0))
	parallel(p.outputs, func(o int) {
		n := p.n
		w, at := p.best[o*n:][:n], p.at[o*n:][:n]
		off := make([]float64, n) // w - q
		for i := n - 1; i >= 0; i-- {
			row := p.upper[i*n:][:n]
			wanted := w[i] + dot(row[i+1:], off[i+1:])/row[i]
			at[i] = zero
			if p.fixed == nil || !p.fixed[o*n+i] {
				at[i] = uint16(Nearest(centres, wanted))
			}
			off[i] = w[i] - centres[at[i]]
		}
	})
}

// sweeps is how often coordinate descent goes through a row at most.
const sweeps = 30

// descend moves weights to other centres while that lowers the error, which it returns.
func (p *linearMap) descend(centres []float64) float64 {
	errors := make([]float64, p.outputs)
	parallel(p.outputs, func(o int) {
		n := p.n
		at := p.at[o*n:][:n]
		off := p.off(o, centres)
		slope := make([]float64, n) // of half the error
		for i := range slope {
			slope[i] = dot(off, p.gram[i*n:][:n])
		}
		for range sweeps {
			moved := false
			for i := n - 1; i >= 0; i-- {
				if p.fixed != nil && p.fixed[o*n+i] {
					continue
				}
				now := centres[at[i]]
				to := Nearest(centres, now-slope[i]/p.gram[i*n+i])
				if d := centres[to] - now; d != 0 {
					at[i], moved = uint16(to), true
					off[i] += d
					addScaled(slope, d, p.gram[i*n:][:n])
				}
			}
			if !moved {
				break
			}
		}
		errors[o] = dot(off, slope)
	})
	total := 0.0
	for _, e := range errors {
		total += e
	}
	return total
}

// off is q - w of one output.
func (p *linearMap) off(o int, centres []float64) []float64 {
	off := make([]float64, p.n)
	for i, k := range p.at[o*p.n:][:p.n] {
		off[i] = centres[k] - p.best[o*p.n+i]
	}
	return off
}

// normalWork bounds the multiplications of addNormal: of larger maps every so many outputs are looked at.
const normalWork = 1 << 28

// addNormal adds the normal equations of a step of all centres, gram d = right, that takes q nearest to w:
//
//	gram[a][b] = sum over outputs of H[i][j], i at a, j at b      right[a] = -sum over outputs of (H (q-w))[i], i at a
func (p *linearMap) addNormal(centres, gram, right []float64) {
	n, k := p.n, len(centres)
	every := (p.outputs*n*n + normalWork - 1) / normalWork
	count := (p.outputs + every - 1) / every
	const most = 8
	parts := min(count, most)
	grams, rights := make([][]float64, parts), make([][]float64, parts)
	parallel(parts, func(part int) {
		g, r := make([]float64, k*k), make([]float64, k)
		for c := part; c < count; c += parts {
			o := c * every
			at, off := p.at[o*n:][:n], p.off(o, centres)
			for i, a := range at {
				if p.fixed != nil && p.fixed[o*n+i] {
					continue
				}
				row, to := p.gram[i*n:][:n], g[int(a)*k:][:k]
				for j, b := range at {
					to[b] += row[j]
				}
				r[a] -= dot(row, off)
			}
		}
		grams[part], rights[part] = g, r
	})
	for part := range parts {
		addScaled(gram, 1, grams[part])
		addScaled(right, 1, rights[part])
	}
}

// scaleSums are those whose quotient is the best factor of the integers: of w H q^T and q H q^T, q being the integers themselves.
func (p *linearMap) scaleSums(ints []int32) (products, squares float64) {
	n := p.n
	sums := make([][2]float64, p.outputs)
	parallel(p.outputs, func(o int) {
		q := make([]float64, n)
		for i, k := range p.at[o*n:][:n] {
			q[i] = float64(ints[k])
		}
		for i, v := range q {
			if v != 0 {
				row := p.gram[i*n:][:n]
				sums[o][0] += v * dot(row, p.best[o*n:][:n])
				sums[o][1] += v * dot(row, q)
			}
		}
	})
	for _, s := range sums {
		products, squares = products+s[0], squares+s[1]
	}
	return products, squares
}

// inOrder are the positions [outputs][n] in the order of the weights.
func (p *linearMap) inOrder() []uint16 {
	out := make([]uint16, len(p.at))
	for o := range p.outputs {
		for i, from := range p.columns {
			out[o*p.n+from] = p.at[o*p.n+i]
		}
	}
	return out
}
