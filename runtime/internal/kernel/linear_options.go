package kernel

import (
	"math"
	"math/bits"

	"qconv/runtime/internal/coding"
)

// Option is a form that a layer may take where memory is scarce, with estimates of what it takes.
type Option struct {
	form   form
	tables bool  // there is room for those of a finisher
	rows   int   // of an Expanded: Layer.Rows
	Cost   int64 // of Run, in additions of words
	Bytes  int   // that are kept besides the coded weights
	Need   int   // bytes of Scratch
}

// Coded says that the weights stay coded.
func (o Option) Coded() bool { return o.form == formExpanded || o.form == formPacked }

// expandRows is the number of sizes of rows, each twice as large as the one before, that an Expanded may have.
const expandRows = 4

// Costs of [Packed] for a weight where it meets one input, and for a multiply-accumulate elsewhere.
const (
	packedFlatCost = 10
	packedCost     = 60
	startCost      = 9 // of a state of a table of tANS
)

// rowsCost is the cost of a form that adds up rows of weights, compared with that of others: without vectors its estimate is too
// low by a third.
func rowsCost(cost int, v Vector) int64 {
	if !v.any() {
		return int64(cost) + int64(cost)/2
	}
	return int64(cost)
}

// smallFinishCost is what each output takes longer with small tables of a finisher than with large ones, in additions of words.
const smallFinishCost = 5

// finisherBytes is the size of small and of large tables.
func finisherBytes(l *Layer, v Vector) (small, large int) {
	finisher := func(tables bool) int {
		f := newFinisher(l.withTables(tables), v, tablesOf(l.withTables(tables)))
		return f.bytes()
	}
	return finisher(false), finisher(true)
}

// Options are the forms that l may take, the last of them [Packed]. whole is l before it was cropped, whose weights are coded. Forms
// whose weights do not stay coded are left out unless fast, and Expanded unless expand.
func Options(l, whole *Layer, coded []Coded, v Vector, fast, expand bool) []Option {
	var list []Option
	outputs := int64(l.Out[0]) * int64(l.positions())
	small, large := finisherBytes(l, v)
	rows := 0
	put := func(f form, cost int64, bytes, need int) {
		if small < large {
			list = append(list, Option{f, true, rows, cost, bytes + large, need})
			cost += outputs * smallFinishCost
		}
		list = append(list, Option{f, false, rows, cost, bytes + small, need})
	}
	if fast {
		if _, err := NewPooled(l.merged()); err == nil {
			put(formPooled, 0, 0, 4*int(outputs))
			return append(list, packedOption(whole, coded, small, v))
		}
		fastOptions(l.merged(), v, put)
	}
	if expand && whole.positions() > 1 && whole.suitsPositions() {
		taps, lists := 0, 150 // bytes of lists of digits, and of segments, about
		for i := range whole.Terms {
			taps += whole.Terms[i].taps()
			lists += 6*len(whole.Terms[i].Centres) + 150
		}
		most := math.MaxInt // cost: larger rows are of use only where they save time
		for n := range expandRows {
			rows = whole.Rows << n
			p, err := planExpanded(whole.withRows(rows), most, v)
			if err != nil || n > 0 && rows == 0 {
				continue
			}
			need := p.need() + CodedNeed(coded, v) + 2*(2*taps+2*ceilDiv(p.digits, whole.Out[0]))
			put(formExpanded, int64(p.k.cost)+startCost*int64(states(coded)), 4*whole.Out[0]+lists+p.tableBytes(), need)
			most = p.k.cost - p.k.cost>>4
		}
	}
	return append(list, packedOption(whole, coded, small, v))
}

// fastOptions puts the forms whose weights do not stay coded.
func fastOptions(l *Layer, v Vector, put func(f form, cost int64, bytes, need int)) {
	weights, centres := 0, 0
	for i := range l.Terms {
		t := &l.Terms[i]
		weights += len(t.Weights)
		centres += min(len(t.Weights), len(t.Centres)) * t.Levels
	}
	put(formLookup, lookupTime(l), 2*weights+4*centres, 4*l.positions())
	bytes := SortedBytes(l)
	if k, err := PlanSorted(l, bytes, math.MaxInt, v); err == nil {
		rows, tables := 0, 0
		for _, p := range k.parts {
			_, n := p.memory()
			rows, tables = rows+p.rowBytes(), tables+n
		}
		put(formSorted, rowsCost(k.Cost(), v), rows+tables+4*len(k.bias), k.Need().Bytes(v))
	}
	if k, err := PlanPatched(l, bytes, math.MaxInt, v); err == nil {
		_, tables := k.Memory()
		rows := 0
		for i := range k.terms {
			for _, p := range k.terms[i].parts {
				rows += p.rowBytes()
			}
		}
		put(formPatched, rowsCost(k.Cost(), v), rows+tables, k.Need().Bytes(v))
	}
	if k, err := PlanProducts(l, math.MaxInt, v); err == nil {
		w, tables := k.Memory()
		put(formProducts, int64(k.Cost()), w+tables-k.bytes(), k.Need().Bytes(v))
	}
	if l.positions() > 1 && l.suitsPositions() {
		if p, err := planGrouped(l, math.MaxInt, v); err == nil {
			put(formGrouped, int64(p.k.cost), p.programBytes()+p.tableBytes(), p.need())
		}
		if k, err := NewDepthwise(l, math.MaxInt, v); err == nil {
			w, _ := k.Memory()
			put(formDepthwise, int64(k.Cost()), w, k.Need().Bytes(v))
		}
	}
}

func packedOption(l *Layer, coded []Coded, small int, v Vector) Option {
	cost, taps := int64(0), 0
	for i := range l.Terms {
		t := &l.Terms[i]
		taps = max(taps, t.taps())
		if l.positions() == 1 && t.covers() {
			cost += packedFlatCost * int64(len(t.Weights))
		} else {
			cost += packedCost * int64(len(t.Weights)) * int64(l.positions())
		}
	}
	cost += int64(l.Out[0])*int64(l.positions())*smallFinishCost + startCost*int64(states(coded))
	return Option{formPacked, false, 0, cost, small + 12*l.Out[0], CodedNeed(coded, v) + 2*taps + 4*l.positions()}
}

// states is the number of those of all tables of tANS.
func states(coded []Coded) int {
	all := 0
	for _, c := range coded {
		n, _ := coding.Room(c.Kind, c.Data, c.Size)
		all += n
	}
	return all
}

// CodedNeed is the part of a Scratch that decoding takes on v, in bytes.
func CodedNeed(coded []Coded, v Vector) int {
	all, most := 0, 0
	for _, c := range coded {
		states, symbols := coding.Room(c.Kind, c.Data, c.Size)
		all, most = all+states, max(most, symbols)
	}
	return coding.RoomBytes(all, most, v.has().stateBytes)
}

// programBytes estimates the size of tap programs: two bytes for each digit, heads of segments, planes and steps.
func (p *groupedPlan) programBytes() int {
	heads := 50 // of a channel
	if p.k.stepped() {
		heads = 12 + 4*p.l.planesMost()
	}
	n := 2*p.digits + heads*p.l.Out[0]*len(p.phases)
	if p.k.stepped() {
		n += 2 * 3 * (p.digits / (maxByteLane / p.k.top))
	}
	return n
}

// planesMost is the number of binary digits of the largest centre.
func (l *Layer) planesMost() int {
	most := 0
	for i := range l.Terms {
		for _, c := range l.Terms[i].Centres {
			most = max(most, bits.Len32(uint32(max(c, -c))))
		}
	}
	return most
}

// tableBytes estimates the size of the tables that tell where tiles find their rows.
func (p *groupedPlan) tableBytes() int {
	n := 0
	for _, phase := range p.phases {
		t := phase.lay
		side := ceilDiv(t.total[1], t.cols)
		tiles := side * ceilDiv(t.total[0], t.rows)
		for i := range t.maps {
			planes := len(t.maps[i].planes)
			n += planes*(40+24*side) + tiles*(48+pieceBytes*planes)
			if tiles == 1 {
				n += pieceBytes * planes // those of further sections
			}
		}
		n += 20*ceilDiv(t.total[0], t.rows) + 8*side
	}
	return n
}

// pieceBytes is about the size of what a tile knows about a plane.
const pieceBytes = 80

// need estimates the Scratch, in bytes.
func (p *groupedPlan) need() int {
	n := 0
	for _, phase := range p.phases {
		words := phase.lay.words
		n = max(n, phase.lay.bytes+(2+4/p.k.laneBytes())*words*p.k.vector.wordBytes())
	}
	return n
}

// withRows is l with Rows.
func (l *Layer) withRows(rows int) *Layer {
	with := *l
	with.Rows = rows
	return &with
}

// withTables is l with Tables.
func (l *Layer) withTables(tables bool) *Layer {
	with := *l
	with.Tables = tables
	return &with
}

// NewLinearAs prepares l in the form of an option that [Options] gave for the same arguments. It returns nil where that
// turns out not to do.
func NewLinearAs(o Option, l, whole *Layer, coded []Coded, v Vector) *Linear {
	k := PlanLinearAs(o, l, whole, coded, v)
	if k != nil && !k.Coded() {
		k.fill(l.merged())
	}
	return k
}

// PlanLinearAs is NewLinearAs for a machine that may be another one, as [PlanLinear] is NewLinear.
func PlanLinearAs(o Option, l, whole *Layer, coded []Coded, v Vector) *Linear {
	k := &Linear{form: o.form}
	l, whole = l.withTables(o.tables), whole.withTables(o.tables)
	var err error
	switch merged := l.merged(); o.form {
	case formLookup:
		k.lookup = NewLookup(merged)
	case formGrouped:
		k.grouped, err = NewGrouped(merged, math.MaxInt, v)
	case formSorted:
		k.sorted, err = PlanSorted(merged, SortedBytes(merged), math.MaxInt, v)
	case formPatched:
		k.patched, err = PlanPatched(merged, SortedBytes(merged), math.MaxInt, v)
	case formDepthwise:
		k.depthwise, err = NewDepthwise(merged, math.MaxInt, v)
	case formProducts:
		k.products, err = PlanProducts(merged, math.MaxInt, v)
	case formPooled:
		k.pooled, err = NewPooled(merged)
	case formExpanded:
		k.expanded, err = NewExpanded(whole.withRows(o.rows), coded, math.MaxInt, v)
	case formPacked:
		k.packed = NewPacked(whole, coded)
	}
	if err != nil {
		return nil
	}
	return k.measured()
}

// ExpandBytes bounds what choosing and preparing an [Expanded] takes for a while, besides decoded weights; for layers that are
// larger than is of use it has no bound.
func (l *Layer) ExpandBytes() int64 {
	const (
		lists     = 24
		mostSteps = 1 << 10
	)
	n := int64(1 << 14)
	for i := range l.Terms {
		if k := l.Terms[i].Kernel; int64(k[0])*int64(k[1]) > mostSteps || l.Out[1] > mostSteps || l.Out[2] > mostSteps || len(l.Terms) > mostSteps {
			return math.MaxInt64
		}
		n += 160 * int64(len(l.Terms[i].Centres)) // with the lists of digits
	}
	return n + int64(l.Out[0])*lists*int64(1+len(l.Terms))*24
}
