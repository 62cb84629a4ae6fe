package kernel

import (
	"fmt"

	"qconv/runtime/internal/coding"
)

// Expanded computes a [Layer] as [Grouped] does, but keeps no tap programs: weights stay coded, and Run decodes those of an
// output channel into a Scratch, writes its program there, and runs that on all positions of a tile. A weight is decoded
// once for every tile, so it takes little more time than Grouped where tiles have many positions.
//
// The planes of all channels are cut into the same segments, with the same offsets, but where segments are steps.
type Expanded struct {
	of     *Grouped
	steps  stepWriter // where segments are steps
	terms  []*expandTerm
	grids  []*expandGrid
	counts int // lists of taps
	need   Need
}

// expandTerm is a term of an Expanded.
type expandTerm struct {
	Coded
	taps   int
	start  []uint16 // by centre: where its lists begin in lists
	lists  []uint8  // those of a centre, which end with 0: numbers of lists of taps
	groups int      // of a section
	outs   int      // output channels of a group
}

// expandGrid tells where the taps of a grid are, and how its programs are cut.
type expandGrid struct {
	terms   []*expandPlaces
	cut     []expandSegment
	entries int // of the longest program
}

// expandPlaces tells where the taps of a term are in the buffer of rows.
type expandPlaces struct {
	rows  []uint16 // of the first input channel: of every kernel coordinate that meets the input
	met   []uint16 // which these are; nil: all
	area  int      // kernel coordinates
	cg    int      // input channels of a group
	step  uint16   // rows from an input channel to the next
	first []uint16 // per output channel of a section: row of its group; nil: 0
}

// expandSegment is a segment of the programs of all channels.
type expandSegment struct {
	head, offset uint16
	planes       []expandPlane
}

// expandPlane is a plane of a segment: the lists of taps to add and to subtract; 0 is an empty one.
type expandPlane struct {
	shift, add, sub uint8
}

const (
	// maxExpandLists limits the lists of taps of an Expanded.
	maxExpandLists = 256
	// expandSlack is the number of entries behind a program that may be read.
	expandSlack = 32
	// expandCost is the time to decode a weight, in additions of words.
	expandCost = 16
)

// NewExpanded prepares l for instruction set v. The weights of each term are given twice: decoded in l, which
// is not kept, and coded. It fails where [NewGrouped] does, and where a plane is too large for a lane.
func NewExpanded(l *Layer, coded []Coded, limit int, v Vector) (*Expanded, error) {
	p, err := planExpanded(l, limit, v)
	if err != nil {
		return nil, err
	}
	return newExpanded(p, coded)
}

// planExpanded plans the tiles of NewExpanded. The cost of the plan is that of the Expanded.
func planExpanded(l *Layer, limit int, v Vector) (*groupedPlan, error) {
	weights := 0
	for i := range l.Terms {
		weights += len(l.Terms[i].Weights)
	}
	return newGroupedPlan(l, limit, v, false, weights)
}

func newExpanded(p *groupedPlan, coded []Coded) (*Expanded, error) {
	k, l := p.k, p.l
	e := &Expanded{of: k}
	if k.stepped() {
		e.steps = newStepWriter(k.top)
	}
	if len(l.Steps) > 1 {
		k.finisher = newSmallFinisher(l)
	} else {
		k.finisher = newFinisher(l, k.vector, tablesOf(l))
	}
	for i := range l.Terms {
		t := &l.Terms[i]
		e.terms = append(e.terms, &expandTerm{Coded: coded[i], taps: t.taps(), groups: t.Groups / k.sections, outs: l.Out[0] / t.Groups})
	}
	py, px := period(l.Terms, 0), period(l.Terms, 1)
	prog := 0
	for _, phase := range p.phases {
		g := &grid{outStart: phase.y*l.Out[2] + phase.x, outRow: py * l.Out[2], outCol: px}
		g.layOut(k, l, phase.axes, phase.lay)
		k.grids = append(k.grids, g)
		k.need = k.need.Max(g.need(k))
		eg, err := e.plan(l, g, phase.lay)
		if err != nil {
			return nil, err
		}
		e.grids = append(e.grids, eg)
		prog = max(prog, eg.entries)
	}
	e.need = k.need
	e.need.States = make([]int, len(coded))
	for i, c := range coded {
		states, symbols := coding.Room(c.Kind, c.Data, c.Size)
		e.need.States[i] = states
		e.need.Symbols = max(e.need.Symbols, symbols)
	}
	for i := range e.terms {
		e.need.Weights += 2 * e.terms[i].taps
	}
	e.need.Weights += prog + expandSlack
	return e, nil
}

// plan prepares a grid: where taps are, which lists they go to, and how planes are cut.
func (e *Expanded) plan(l *Layer, g *grid, lay *tiling) (*expandGrid, error) {
	taps := newChannelTaps(e.of, l, lay)
	numbers, err := e.number(taps)
	if err != nil {
		return nil, err
	}
	eg := &expandGrid{}
	for i := range l.Terms {
		eg.terms = append(eg.terms, newExpandPlaces(&l.Terms[i], &taps.terms[i], &lay.maps[i], lay.base[i], e.of.channels))
	}
	cut := channelCut{stepped: e.of.stepped()}
	for o := range l.Out[0] {
		taps.gather(l, o)
		cut.put(taps)
		g.add = append(g.add, l.Bias[o]-taps.zeros)
	}
	offsets := make([]int32, len(g.add))
	if eg.cut, err = cut.segments(e.of.factors, numbers, offsets); err != nil {
		return nil, err
	}
	for o, offset := range offsets {
		g.add[o] -= offset
	}
	places := cut.places(numbers, e.counts)
	for o := range cut.sizes {
		eg.entries = max(eg.entries, e.length(eg, cut.sizes[o], places))
	}
	return eg, nil
}

// length is the most entries of the program of a channel whose lists of taps have these sizes; the place of every number in sizes
// is in places.
func (e *Expanded) length(g *expandGrid, sizes, places []int) int {
	unit := e.of.vector.tapUnit(e.of.groupUnits == 0)
	n := 1
	for _, s := range g.cut {
		n += 2
		if !e.of.stepped() {
			n += 2
		}
		for _, p := range s.planes {
			add, sub := 0, 0
			if p.add > 0 {
				add = sizes[places[p.add]]
			}
			if p.sub > 0 {
				sub = sizes[places[p.sub]]
			}
			if e.of.stepped() {
				n += e.steps.entries(add + sub)
			} else {
				n += 3 + ceilDiv(add, unit)*unit + ceilDiv(sub, unit)*unit
			}
		}
	}
	return n
}

// number gives every list of taps that is in use a number, from 1 on, and writes those of every centre, unless an earlier
// grid has done so: all grids have the same. It returns the numbers of the lists without a factor, and then of
// those of every factor.
func (e *Expanded) number(taps *channelTaps) (numbers [][]uint8, err error) {
	numbers = make([][]uint8, 1+len(taps.factors))
	numbers[0] = make([]uint8, len(taps.lists))
	for i := range taps.factors {
		numbers[1+i] = make([]uint8, len(taps.factors[i].lists))
	}
	last := 0
	of := func(n []uint8, list uint8) uint8 {
		if n[list] == 0 {
			last++
			n[list] = uint8(last)
		}
		return n[list]
	}
	for i := range taps.terms {
		t := e.terms[i]
		t.start, t.lists = nil, []uint8{0}
		for _, c := range taps.terms[i].centres {
			if len(c.rest)+len(c.many) == 0 {
				t.start = append(t.start, 0)
				continue
			}
			if len(t.lists) > 0xFFFF || last+len(c.rest)+len(c.many) >= maxExpandLists {
				return nil, fmt.Errorf("kernel: expanded: the centres have too many digits")
			}
			t.start = append(t.start, uint16(len(t.lists)))
			for _, list := range c.rest {
				t.lists = append(t.lists, of(numbers[0], list))
			}
			for _, list := range c.many {
				t.lists = append(t.lists, of(numbers[1+i], list))
			}
			t.lists = append(t.lists, 0)
		}
	}
	e.counts = max(e.counts, last+1)
	return numbers, nil
}

// newExpandPlaces finds the rows of a term whose planes m begin at byte base, with that many channels in a section.
func newExpandPlaces(t *Term, taps *termTaps, m *planeMap, base, channels int) *expandPlaces {
	p := &expandPlaces{met: []uint16{}, area: t.Kernel[0] * t.Kernel[1], cg: t.Shape[0] / t.Groups, step: uint16(m.bytes / tapBytes)}
	for ky, line := range m.at {
		for kx, at := range line {
			if at >= 0 {
				p.rows = append(p.rows, uint16((base+at)/tapBytes))
				p.met = append(p.met, uint16(ky*len(line)+kx))
			}
		}
	}
	if len(p.met) == p.area {
		p.met = nil
	}
	if taps.groups > 1 {
		outs := channels / taps.groups
		for o := range channels {
			p.first = append(p.first, uint16(o/outs)*taps.group)
		}
	}
	return p
}

// Need is the Scratch that Run writes on.
func (e *Expanded) Need() Need { return e.need }

// Cost estimates the time of Run in additions of words.
func (e *Expanded) Cost() int { return e.of.cost }

// Memory is the size of the coded weights and of the tables, in bytes.
func (e *Expanded) Memory() (weights, tables int) {
	_, tables = e.of.Memory()
	for i := range e.terms {
		t := e.terms[i]
		weights += len(t.Data)
		tables += 2*len(t.start) + len(t.lists) + 64
	}
	for i := range e.grids {
		g := e.grids[i]
		for j := range g.terms {
			p := g.terms[j]
			tables += 2*(len(p.rows)+len(p.met)+len(p.first)) + 64
		}
		for j := range g.cut {
			tables += 16 + 3*len(g.cut[j].planes)
		}
	}
	return weights, tables
}
