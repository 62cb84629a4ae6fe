package quant

import (
	"math"
	"slices"
)

// A layer is reconstructed when its clustered weights q are chosen so that its outputs, rather than its weights, come out
// as they should. With the second moments H of its inputs and C of inputs and wanted outputs, the squared error of an output is
//
//	q H q^T - 2 q C^T + constant  =  (q-w) H (q-w)^T + constant,  w = C H^-1
//
// where w are the weights that would be best if they were free. Which centre each of q takes is found
// column by column, each rounded to the centre nearest to what is best once those before it stand (with H = L L^T this is one substitution: the GPTQ of
// Frantar et al., arXiv 2210.17323, or Babai's nearest plane), and then by coordinate descent: a weight goes to another centre where that alone lowers the
// error. The centres in turn are the least squares for these assignments.

// ReconstructOptions steer [ClusterConfig.Reconstruct].
type ReconstructOptions struct {
	// Damping is added to the diagonal of H, as a part of its mean: weights are then held to what they were
	// in directions that the inputs do not show. More than 0.
	Damping float64
	// Centres may move, and not only the unit of their integers.
	Centres bool
	// Unit may change.
	Unit bool
	// Quick spares a large layer all that would take its error again and again: units are not searched, and centres do not move.
	Quick bool
	// Zeros are the weights of each map that are zero and stay so (pruned ones); nil for none.
	Zeros [][]bool
}

// Reconstruct finds the weights of a layer, all drawn from one codebook, that give outputs of least squared error. The layer consists of one or more
// maps (groups) with moments and weights [Outputs][Inputs] of their own; weights are the float ones, book is the
// codebook that was found for them, which is where the search begins. The weights come back as positions in the integers of the codebook
// returned. Nil comes back where moments are not finite.
func (c ClusterConfig) Reconstruct(maps []*Moments, weights [][]float32, book Fitted, o ReconstructOptions) (Fitted, [][]uint16) {
	r := reconstruction{config: c, options: o, ints: book.Ints, unit: book.Unit, centres: Expand(book.Ints, book.Unit)}
	for i, m := range maps {
		p := newMap(m, weights[i], o.Damping)
		if p == nil {
			return book, nil
		}
		if o.Zeros != nil {
			p.fix(o.Zeros[i])
		}
		r.maps = append(r.maps, p)
	}
	r.run()
	var positions [][]uint16
	for _, p := range r.maps {
		positions = append(positions, p.inOrder())
	}
	return Fitted{Centres: r.centres, Ints: r.ints, Unit: r.unit}, positions
}

// reconstruction is one call of Reconstruct.
type reconstruction struct {
	config  ClusterConfig
	options ReconstructOptions
	maps    []*linearMap
	ints    []int32
	unit    float64
	centres []float64 // ascending
}

const (
	// centreRounds is how often centres and assignments are improved in turn at most, and leastGain the part of the error that a round
	// has to take off.
	centreRounds = 12
	leastGain    = 1e-3
	// fewCentres is up to how many centres there is something to gain by moving them.
	fewCentres = 256
)

func (r *reconstruction) run() {
	if r.options.Centres && !r.options.Quick && len(r.ints) <= fewCentres {
		r.findCentres()
		r.ints, r.unit = Snap(r.centres, r.config.CentreBits())
	} else if r.options.Unit && !r.options.Quick {
		r.findUnit()
	}
	r.centres = Expand(r.ints, r.unit)
	best := r.assign()
	for range centreRounds {
		if !r.options.Unit || r.options.Quick || !r.refitUnit() {
			break
		}
		r.centres = Expand(r.ints, r.unit)
		now := r.descend()
		if now > (1-leastGain)*best {
			break
		}
		best = now
	}
}

// findCentres moves real centres and assignments in turn.
func (r *reconstruction) findCentres() {
	last := r.assign()
	for range centreRounds {
		r.moveCentres()
		now := r.descend()
		if now > (1-leastGain)*last {
			break
		}
		last = now
	}
}

// findUnit tries units around the one that suits the weights.
func (r *reconstruction) findUnit() {
	start, best, least := r.unit, r.unit, math.Inf(1)
	for _, f := range []float64{0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3} {
		r.unit = f * start
		r.centres = Expand(r.ints, r.unit)
		if e := r.assign(); e < least {
			least, best = e, r.unit
		}
	}
	r.unit = best
}

// assign chooses all positions anew and returns the error.
func (r *reconstruction) assign() float64 {
	for _, p := range r.maps {
		p.round(r.centres)
	}
	return r.descend()
}

// descend improves the positions as they are and returns the error.
func (r *reconstruction) descend() float64 {
	total := 0.0
	for _, p := range r.maps {
		total += p.descend(r.centres)
	}
	return total
}

// moveCentres solves for the centres that suit the present positions best, with zero held where it has to be one of them.
func (r *reconstruction) moveCentres() {
	k := len(r.centres)
	gram, right := make([]float64, k*k), make([]float64, k)
	for _, p := range r.maps {
		p.addNormal(r.centres, gram, right)
	}
	trace := 0.0
	for i := range k {
		trace += gram[i*k+i]
	}
	for i := range k {
		gram[i*k+i] += 1e-6*trace/float64(k) + math.SmallestNonzeroFloat64
		if r.config.exactZero() && r.centres[i] == 0 {
			for j := range k {
				gram[i*k+j], gram[j*k+i] = 0, 0
			}
			gram[i*k+i], right[i] = 1, 0
		}
	}
	if !cholesky(gram, k) {
		return
	}
	solve(gram, transposed(gram, k), k, right)
	moved := slices.Clone(r.centres)
	for i := range moved {
		moved[i] += right[i]
	}
	r.reorder(moved)
}

// reorder takes over moved centres, which need not ascend any more.
func (r *reconstruction) reorder(moved []float64) {
	order := make([]int, len(moved))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case moved[a] < moved[b]:
			return -1
		case moved[a] > moved[b]:
			return 1
		}
		return 0
	})
	place := make([]uint16, len(moved))
	for to, from := range order {
		place[from] = uint16(to)
		r.centres[to] = moved[from]
	}
	for _, p := range r.maps {
		for i, at := range p.at {
			p.at[i] = place[at]
		}
	}
}

// refitUnit makes the unit the least squares for the present positions.
func (r *reconstruction) refitUnit() bool {
	products, squares := 0.0, 0.0
	for _, p := range r.maps {
		a, b := p.scaleSums(r.ints)
		products, squares = products+a, squares+b
	}
	if !(products > 0) || !(squares > 0) {
		return false
	}
	unit := products / squares
	if math.Abs(unit-r.unit) < 1e-9*r.unit {
		return false
	}
	r.unit = unit
	return true
}
