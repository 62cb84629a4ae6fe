package kernel

import "math"

// form is a way to compute a [Layer].
type form uint8

const (
	formLookup form = iota
	formGrouped
	formSorted
	formPatched
	formDepthwise
	formPooled
	formExpanded
	formPacked
	formProducts
)

// Names of the forms, as [Linear.Name] tells them.
const (
	NameLookup    = "generic"
	NameGrouped   = "grouped"
	NameSorted    = "sorted"
	NamePatched   = "patched"
	NameDepthwise = "depthwise"
	NamePooled    = "pooled"
	NameExpanded  = "expanded"
	NamePacked    = "packed"
	NameProducts  = "products"
)

var formNames = [...]string{NameLookup, NameGrouped, NameSorted, NamePatched, NameDepthwise, NamePooled, NameExpanded, NamePacked, NameProducts}

// Linear is a [Layer] in one of its forms: the kernel that form tells is there, the others are nil.
type Linear struct {
	form      form
	lookup    *Lookup
	grouped   *Grouped
	sorted    *Sorted
	patched   *Patched
	depthwise *Depthwise
	pooled    *Pooled
	expanded  *Expanded
	packed    *Packed
	products  *Products

	need            Need
	weights, tables int // bytes
	cost            int64
}

// NewLinear prepares l for instruction set v, in the form that estimates call the fastest.
func NewLinear(l *Layer, v Vector) *Linear {
	l = l.merged()
	k := planLinear(l, v)
	k.fill(l)
	return k
}

// PlanLinear is NewLinear for a machine that may be another one: its Name, Need and Memory are what they are there, but it
// cannot run.
func PlanLinear(l *Layer, v Vector) *Linear { return planLinear(l.merged(), v) }

func planLinear(l *Layer, v Vector) *Linear {
	if k := choose(l, v); k != nil {
		k.cost = k.estimate(l, v)
		return k.measured()
	}
	return NewLookupLinear(l)
}

// estimate is the cost of the form that was chosen for l: what forms are compared by.
func (k *Linear) estimate(l *Layer, v Vector) int64 {
	switch k.form {
	case formGrouped:
		return int64(k.grouped.Cost())
	case formSorted:
		return rowsCost(k.sorted.Cost(), v)
	case formPatched:
		return rowsCost(k.patched.Cost(), v)
	case formDepthwise:
		return int64(k.depthwise.Cost())
	case formProducts:
		return int64(k.products.Cost())
	case formPooled:
		return int64(l.MACs())
	}
	return 0
}

// Cost is the time that Run is estimated to take, in additions of words or, where there are vectors, of these; 0 where it is not
// known, in forms that were chosen because memory is scarce.
func (k *Linear) Cost() int64 { return k.cost }

// fill writes the weights of l, which is merged, in forms that have a Fill.
func (k *Linear) fill(l *Layer) {
	switch k.form {
	case formPatched:
		k.patched.Fill(l)
	case formSorted:
		k.sorted.Fill(l)
	case formProducts:
		k.products.Fill(l)
	}
}

// NewLookupLinear prepares l for look-ups.
func NewLookupLinear(l *Layer) *Linear {
	return (&Linear{form: formLookup, lookup: NewLookup(l), cost: lookupTime(l)}).measured()
}

// NewPackedLinear prepares l to be computed from coded weights, as [NewPacked] does.
func NewPackedLinear(l *Layer, coded []Coded) *Linear {
	return (&Linear{form: formPacked, packed: NewPacked(l, coded)}).measured()
}

// Limits for the search of a form that works on positions.
const (
	// mostPhases limits the kinds of positions of a transposed convolution for which tap programs are made.
	mostPhases = 256
	// mostPlanes limits the kernel columns, for every kernel row that meets different input rows, for which tilings
	// are tried.
	mostPlanes = 1024
)

// choose makes the form of l that beats look-ups by most, or returns nil. Forms are compared by what counts of digits,
// inputs and positions tell; of those that have a Fill, the weights are not written.
func choose(l *Layer, v Vector) *Linear {
	if k, err := NewPooled(l); err == nil {
		return &Linear{form: formPooled, pooled: k} // nothing is faster
	}
	limit := int(min(lookupTime(l), math.MaxInt))
	sorted, patched, limit := chooseRows(l, limit, v)
	least := int64(limit)
	if sorted != nil || patched != nil {
		least = rowsCost(limit, v)
	}
	products, err := PlanProducts(l, int(min(least, math.MaxInt)), v)
	if err == nil {
		limit = min(limit, products.Cost())
	}
	// The others work on positions: there must be several.
	if several := sorted == nil || l.positions() > 1; several && l.suitsPositions() {
		if k := choosePositions(l, limit, v); k != nil {
			return k
		}
	}
	switch {
	case products != nil:
		return &Linear{form: formProducts, products: products}
	case patched != nil:
		return &Linear{form: formPatched, patched: patched}
	case sorted != nil:
		return &Linear{form: formSorted, sorted: sorted}
	}
	return nil
}

// suitsPositions says that forms that work on positions may be tried.
func (l *Layer) suitsPositions() bool { return l.Phases() <= mostPhases && l.Planes() <= mostPlanes }

// chooseRows plans the faster of the forms that add up rows of weights, if one takes at most limit, and tells what is
// left to beat.
func chooseRows(l *Layer, limit int, v Vector) (sorted *Sorted, patched *Patched, left int) {
	bytes := SortedBytes(l)
	if k, err := PlanSorted(l, bytes, limit, v); err == nil {
		sorted, left = k, k.Cost()
		// Shared rows take a fraction of the memory, and of the time to fill them: they may take twice as long.
		limit = min(left, math.MaxInt/2) * 2
	} else {
		left = limit
	}
	if k, err := PlanPatched(l, bytes, limit, v); err == nil {
		return nil, k, k.Cost()
	}
	return sorted, nil, left
}

// choosePositions makes the faster of the forms that work on many positions at a time, if one takes at most limit.
func choosePositions(l *Layer, limit int, v Vector) *Linear {
	plan, err := planGrouped(l, limit, v)
	if err == nil {
		limit = plan.k.cost
	}
	if k, err := NewDepthwise(l, limit, v); err == nil {
		return &Linear{form: formDepthwise, depthwise: k}
	}
	if err != nil {
		return nil
	}
	if k, err := plan.build(limit); err == nil {
		return &Linear{form: formGrouped, grouped: k}
	}
	return nil
}

// measured notes what k takes.
func (k *Linear) measured() *Linear {
	switch k.form {
	case formLookup:
		k.need = k.lookup.Need()
		k.weights, k.tables = k.lookup.Memory()
	case formGrouped:
		k.need = k.grouped.Need()
		k.weights, k.tables = k.grouped.Memory()
	case formSorted:
		k.need = k.sorted.Need()
		k.weights, k.tables = k.sorted.Memory()
	case formPatched:
		k.need = k.patched.Need()
		k.weights, k.tables = k.patched.Memory()
	case formDepthwise:
		k.need = k.depthwise.Need()
		k.weights, k.tables = k.depthwise.Memory()
	case formPooled:
		k.need = k.pooled.Need()
		k.weights, k.tables = k.pooled.Memory()
	case formExpanded:
		k.need = k.expanded.Need()
		k.weights, k.tables = k.expanded.Memory()
	case formPacked:
		k.need = k.packed.Need()
		k.weights, k.tables = k.packed.Memory()
	case formProducts:
		k.need = k.products.Need()
		k.weights, k.tables = k.products.Memory()
	}
	return k
}

// Name tells the form.
func (k *Linear) Name() string { return formNames[k.form] }

// Coded says that the weights stay coded: they are those of the program.
func (k *Linear) Coded() bool { return k.form == formExpanded || k.form == formPacked }

// Need is the Scratch that Run writes on.
func (k *Linear) Need() Need { return k.need }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Linear) Memory() (weights, tables int) { return k.weights, k.tables }

// Run computes the layer. src holds the input of each term; the result goes to dst as
// levels or, where the layer has no steps, to out.
func (k *Linear) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	switch k.form {
	case formLookup:
		k.lookup.Run(dst, out, src, s)
	case formGrouped:
		k.grouped.Run(dst, out, src, s)
	case formSorted:
		k.sorted.Run(dst, out, src, s)
	case formPatched:
		k.patched.Run(dst, out, src, s)
	case formDepthwise:
		k.depthwise.Run(dst, out, src, s)
	case formPooled:
		k.pooled.Run(dst, out, src, s)
	case formExpanded:
		k.expanded.Run(dst, out, src, s)
	case formPacked:
		k.packed.Run(dst, out, src, s)
	case formProducts:
		k.products.Run(dst, out, src, s)
	}
}
