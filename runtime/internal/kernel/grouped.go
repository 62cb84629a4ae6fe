package kernel

import (
	"errors"
	"fmt"
	"math"
)

// Grouped computes a [Layer] by adding and subtracting rows of input indices, many
// positions in one word. A centre is written as signed binary digits; every digit is a
// tap of its plane, and the planes of an output channel are summed by Horner's rule:
//
//	sum = 2*sum + (rows to add) - (rows to subtract)
//
// so that a weight costs as many row additions as its centre has non-zero digits. Taps
// carry the index x, not x-zero; the difference, zero * sum of C, is a constant.
//
// Sums are kept in 16-bit lanes. Where those of a channel do not fit, its planes are
// cut into segments that do, and segments are put together in 32 bits.
type Grouped struct {
	finisher
	vector     Vector
	grids      []*grid
	expand     int      // time to write the programs for every tile, see Expanded
	rowsMost   int      // bytes that the buffer of rows should take; 0: no limit
	sections   int      // parts of the channels that share no input
	channels   int      // output channels per section
	groupUnits int      // see sums; 0 for 16-bit rows
	top        int      // the largest index
	factors    []factor // by term; m is 0 where there is none
	factored   bool     // there is one
	strips     bool     // tiles may have several
	outStep    int      // elements of an output channel
	need       Need
	cost       int
}

// grid is the part of the output positions whose taps meet the same kernel coordinates.
// There is one, but for transposed convolutions, which have one for every phase.
type grid struct {
	terms    []*groupedTerm
	tileRows []tileRow
	tileCols []tileCol
	outStart int // element of position (0, 0)
	outRow   int // elements from one row of positions to the next
	outCol   int // elements from one position to the next
	pitch    int // lanes of a row, or of one of every strip
	strips   int
	rowWords int // words of the buffer of rows
	clear    int // words at its start that must be cleared before a Run

	prog  []uint16 // of all channels: { segments left, shift or factorFlag + factor, segment } * segments
	start []uint32 // where the program of a channel starts in prog
	add   []int32  // per channel: bias, zero points and lane offsets

	sweep *sweep // nil: channels are computed one by one
}

// tileRow is a run of rows of positions.
type tileRow struct {
	rows, words int32
	out         int32 // elements from the first row of the grid
	lanes       int32 // rows * pitch
	last        int32 // elements from its first row to its last one
}

// tileCol is a run of columns of positions.
type tileCol struct {
	cols int32
	out  int32 // elements from the first column of the grid
}

// NewGrouped prepares l for instruction set v. It fails, before any large work, where Cost would exceed limit,
// where the layer is too large for the addresses of taps, and where the machine is not
// little-endian.
func NewGrouped(l *Layer, limit int, v Vector) (*Grouped, error) {
	p, err := planGrouped(l, limit, v)
	if err != nil {
		return nil, err
	}
	return p.build(limit)
}

// errStrips is the reason why tiles must have one strip.
var errStrips = errors.New("kernel: grouped: only sweeps can deliver strips")

// groupedPlan is a Grouped whose cost is known, but that has no tap programs yet.
type groupedPlan struct {
	k      *Grouped
	layer  *Layer // as NewGrouped got it
	l      *Layer // as it is computed
	digits int    // of all weights
	phases []groupedPhase
}

// groupedPhase is the plan of a grid.
type groupedPhase struct {
	y, x int // of its first position
	axes [][2]axis
	lay  *tiling
}

// planGrouped is NewGrouped without the large work, which build does.
func planGrouped(l *Layer, limit int, v Vector) (*groupedPlan, error) {
	return newGroupedPlan(l, limit, v, v.has().rowStrips, 0)
}

// newGroupedPlan plans tiles, of several strips if strips, for which expand weights are decoded each.
func newGroupedPlan(layer *Layer, limit int, v Vector, strips bool, expand int) (*groupedPlan, error) {
	if v.has().bigEndian {
		return nil, fmt.Errorf("kernel: grouped: lanes need a little-endian machine")
	}
	l := layer.flattened(wideTile)
	factors := chooseFactors(l)
	k := &Grouped{vector: v, factors: factors, sections: sections(l), outStep: l.positions(), rowsMost: l.Rows}
	for i := range factors {
		k.factored = k.factored || factors[i].m != 0
	}
	k.channels = l.Out[0] / k.sections
	for i := range l.Terms {
		k.top = max(k.top, l.Terms[i].Levels-1)
	}
	k.groupUnits = maxByteLane / k.top / 4
	count := digitCount(l, factors)
	py, px := period(l.Terms, 0), period(l.Terms, 1)
	if expand > 0 {
		k.expand = expand*expandCost + ceilDiv(count, py*px)*v.has().expandTap
	}
	k.strips = strips && py == 1 && px == 1
	plan := &groupedPlan{k: k, layer: layer, l: l, digits: count}
	if k.cost = l.segmentsCost(factors); v.any() {
		k.cost /= segmentsVectorGain
	}
	if k.cost > limit {
		return nil, fmt.Errorf("kernel: grouped: cost %d, want at most %d", k.cost, limit)
	}
	for y := range min(py, l.Out[1]) {
		for x := range min(px, l.Out[2]) {
			p := groupedPhase{y: y, x: x}
			for i := range l.Terms {
				p.axes = append(p.axes, [2]axis{newAxis(&l.Terms[i], 0, y, py), newAxis(&l.Terms[i], 1, x, px)})
			}
			var err error
			p.lay, err = k.chooseTiles(l, p.axes, ceilDiv(l.Out[1]-y, py), ceilDiv(l.Out[2]-x, px), ceilDiv(count, py*px))
			if err != nil {
				return nil, err
			}
			if err := p.lay.checkTables(l); err != nil {
				return nil, err
			}
			plan.phases = append(plan.phases, p)
			if k.cost += p.lay.cost; k.cost > limit {
				return nil, fmt.Errorf("kernel: grouped: cost %d, want at most %d", k.cost, limit)
			}
		}
	}
	return plan, nil
}

// build writes the tap programs. Where the plan does not work out it makes another one, within the same limit.
func (p *groupedPlan) build(limit int) (*Grouped, error) {
	k, err := p.grids()
	if errors.Is(err, errStrips) {
		if p, err = newGroupedPlan(p.layer, limit, k.vector, false, 0); err == nil {
			k, err = p.grids()
		}
	}
	return k, err
}

// grids builds the grids. After an error the kernel is none.
func (p *groupedPlan) grids() (*Grouped, error) {
	k, l := p.k, p.l
	k.finisher = newFinisher(l, k.vector, tablesOf(l))
	py, px := period(l.Terms, 0), period(l.Terms, 1)
	for _, phase := range p.phases {
		g := &grid{outStart: phase.y*l.Out[2] + phase.x, outRow: py * l.Out[2], outCol: px}
		if err := g.build(k, l, phase.axes, phase.lay); err != nil {
			return k, err
		}
		if g.strips > 1 && g.sweep == nil {
			return k, errStrips
		}
		k.grids = append(k.grids, g)
		k.need = k.need.Max(g.need(k))
	}
	return k, nil
}

// digitCount is the number of non-zero digits of all weights.
func digitCount(l *Layer, factors []factor) int {
	n := 0
	for i := range l.Terms {
		n += l.Terms[i].digitCount(&factors[i])
	}
	return n
}

// Need is the Scratch that Run writes on.
func (k *Grouped) Need() Need { return k.need }

// Cost estimates the time of Run in additions of words.
func (k *Grouped) Cost() int { return k.cost }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Grouped) Memory() (weights, tables int) {
	tables = k.bytes()
	for _, f := range k.factors {
		tables += 32 + 2*len(f.digits)
	}
	for _, g := range k.grids {
		weights += 2 * len(g.prog)
		tables += 4*len(g.start) + 4*len(g.add) + 20*len(g.tileRows) + 8*len(g.tileCols)
		for _, t := range g.terms {
			tables += t.memory()
		}
		if g.sweep != nil {
			tables += g.sweep.memory()
		}
	}
	return weights, tables
}

// stepped says that segments are steps, see [stepKind].
func (k *Grouped) stepped() bool { return !k.vector.any() && k.groupUnits > 0 }

// laneBytes is the width of a position in the buffer of rows.
func (k *Grouped) laneBytes() int {
	if k.groupUnits > 0 {
		return 1
	}
	return 2
}

// need is the Scratch of one grid.
func (g *grid) need(k *Grouped) Need {
	words := 0
	for _, t := range g.tileRows {
		words = max(words, int(t.words))
	}
	n := Need{Rows: g.rowWords, Lanes: words, Acc: words * k.vector.wordBytes() / k.laneBytes()}
	if k.groupUnits > 0 {
		n.Lanes *= 2 // even and odd positions
	}
	if g.outCol > 1 {
		n.Line = int(g.tileCols[0].cols)
	}
	if g.sweep != nil {
		n = n.Max(g.sweep.need(k.vector))
	}
	return n
}

// maxSpan is the widest range of sums that fits a lane.
const maxSpan = math.MaxUint16
