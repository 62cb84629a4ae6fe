package quant

import (
	"math"
	"slices"

	"qconv/onnx"
)

// Levels are the same for all channels of a value. Where channels differ in range by more than a few
// times (features of a table, parts of a concatenation, channels of a depthwise convolution), the
// small ones would get few levels or none. Balancing rewrites a network so that they do not: a channel
// with gain g holds 2^g times what it held, and
//
//   - the weights that read it are divided by 2^g, those that compute it multiplied;
//   - what is homogeneous (Relu, pooling, movements, sums) hands gains on;
//   - around any other function, and in front of an input or behind an output, a [scaling] is put.
//
// Powers of two leave every result as it was, but for weights below 2^-106. Weights are balanced before they
// are clustered, so that codebooks see what each channel contributes.

// Spread is what is known of a value's channels.
type Spread struct {
	Low, High  []float64 // least and greatest value, zero included
	MeanSquare []float64
}

// reach is the largest magnitude in a channel.
func (s Spread) reach(c int) float64 { return math.Max(-s.Low[c], s.High[c]) }

// largest is the largest magnitude in all channels.
func (s Spread) largest() float64 { return math.Max(-slices.Min(s.Low), slices.Max(s.High)) }

// width is the distance between the least and the greatest value of all channels.
func (s Spread) width() float64 { return slices.Max(s.High) - slices.Min(s.Low) }

const (
	maxGain = 20 // of a channel, in bits
	// A network is balanced where rounding a value to levels makes noise of more than leastNoise of the power
	// of what a reader computes from it, and gains divide that by more than leastBenefit; for an input, whose gains
	// burden no weights that compute it, by more than inputBenefit.
	leastNoise   = 1e-4
	leastBenefit = 32
	inputBenefit = 8
	// roomForRow is how many times larger than all other rows of a layer's weights gains may make one.
	roomForRow = 4
)

// Balancing finds gains for a model: measure [Balancing.Values], then call [Balancing.Apply].
type Balancing struct {
	model *Model
	*analysis
	ties      *ties
	linears   []*onnx.Node
	functions []functionNode
	gains     []int // by class
}

// functionNode is a node, or an island of several, that computes a function which hands no gain on.
type functionNode struct {
	from *onnx.Value
	last *onnx.Node
}

// NewBalancing prepares the balancing of a model whose weights are not clustered. Sites that
// have levels already keep them, and their channels have no gain.
func NewBalancing(m *Model) *Balancing {
	b := &Balancing{model: m, analysis: analyze(m.Graph), ties: newTies()}
	var parts []part
	for _, v := range b.values() {
		b.ties.find(v, 0)
	}
	for _, n := range m.Graph.Nodes {
		parts = append(parts, b.tie(n)...)
	}
	for _, s := range m.Sites {
		if _, ok := m.Levels[s.Value.Name]; ok {
			b.ties.pin(s.Value)
		}
	}
	for _, v := range m.Graph.Outputs {
		n := b.producers[v]
		// Accumulators are delivered as they are; what is computed from an output would not be the output.
		if n == nil || b.plans[n].class == classLinear || b.plans[n].class == classFinal || len(b.consumers[v]) > 0 {
			b.ties.pin(v)
		}
	}
	for _, p := range parts {
		if b.ties.isPinned(p.out) || !b.ties.isPinned(p.in) {
			b.ties.join(p)
		}
	}
	return b
}

// Values lists what [Balancing.Apply] wants to know the spread of; empty where nothing has a gain to
// find.
func (b *Balancing) Values() []*onnx.Value {
	var values []*onnx.Value
	seen := map[*onnx.Value]bool{}
	add := func(v *onnx.Value) {
		if !seen[v] && v.Const == nil {
			seen[v] = true
			values = append(values, v)
		}
	}
	for _, s := range b.model.Sites {
		add(s.Value)
	}
	for _, n := range b.linears {
		add(n.Inputs[0])
	}
	for _, v := range b.graph.Outputs {
		add(v)
	}
	for _, f := range b.functions {
		add(f.from)
		add(f.last.Outputs[0])
	}
	return values
}

// Apply finds gains and rewrites the model's graph by them. It returns the values that it balanced, as they
// are called now; none where no value is in need, and nothing has changed then. count is the number of levels of a site.
func (b *Balancing) Apply(spreads map[*onnx.Value]Spread, count func(Site) int) []string {
	b.gains = make([]int, len(b.ties.parent))
	sites := b.sites(spreads, count)
	noise := b.noise(sites)
	b.raise(sites)
	quiet := b.noise(sites)
	neighbours := b.neighbours(sites)
	chosen, inputs := map[int]bool{}, map[int]bool{}
	for _, v := range b.graph.Inputs {
		inputs[b.ties.find(v, 0)] = true
	}
	for _, r := range b.readers(spreads) {
		before, after := 0.0, 0.0
		for c, weight := range r.weights {
			id := b.ties.find(r.value, c)
			before += weight * noise[id]
			after += weight * quiet[id]
		}
		benefit := float64(leastBenefit)
		if inputs[b.ties.find(r.value, 0)] {
			benefit = inputBenefit
		}
		if before > leastNoise && after*benefit < before {
			for c := range r.weights {
				chosen[neighbours[b.ties.find(r.value, c)]] = true
			}
		}
	}
	// What a depthwise layer reads matters as its result does.
	for _, n := range slices.Backward(b.linears) {
		if op, ok := n.Op.(*onnx.Conv); ok && op.Groups > 1 && chosen[neighbours[b.ties.find(n.Outputs[0], 0)]] {
			for c := range Channels(n.Inputs[0]) {
				chosen[neighbours[b.ties.find(n.Inputs[0], c)]] = true
			}
		}
	}
	for id := range b.gains {
		if !chosen[neighbours[id]] {
			b.gains[id] = 0
		}
	}
	b.guardRows()
	b.gainRows()
	if !slices.ContainsFunc(b.gains, func(g int) bool { return g != 0 }) {
		return nil
	}
	return b.rewrite()
}

// pinned says whether a class has no gain.
func (b *Balancing) pinned(id int) bool { return b.ties.pinned[id] }

// of lists the gains of a value's channels; nil where all are 0.
func (b *Balancing) of(v *onnx.Value) []int {
	gains := make([]int, Channels(v))
	some := false
	for c := range gains {
		if id := b.ties.find(v, c); !b.pinned(id) {
			gains[c] = b.gains[id]
			some = some || gains[c] != 0
		}
	}
	if !some {
		return nil
	}
	return gains
}

// leveled is a site whose channels' reach is known.
type leveled struct {
	Spread
	classes []int
	steps   float64 // between the outermost levels
}

// sites lists those sites.
func (b *Balancing) sites(spreads map[*onnx.Value]Spread, count func(Site) int) []leveled {
	var list []leveled
	for _, s := range b.model.Sites {
		spread, ok := spreads[s.Value]
		if !ok {
			continue
		}
		l := leveled{Spread: spread, steps: float64(count(s) - 1)}
		for c := range spread.Low {
			l.classes = append(l.classes, b.ties.find(s.Value, c))
		}
		list = append(list, l)
	}
	return list
}

// noise is the mean squared rounding error of channels, by class, as gains are now: that of the coarsest site.
func (b *Balancing) noise(sites []leveled) []float64 {
	noise := make([]float64, len(b.gains))
	for _, s := range sites {
		low, high := 0.0, 0.0
		for c, id := range s.classes {
			low, high = math.Min(low, math.Ldexp(s.Low[c], b.gains[id])), math.Max(high, math.Ldexp(s.High[c], b.gains[id]))
		}
		step := (high - low) / s.steps
		for _, id := range s.classes {
			noise[id] = math.Max(noise[id], math.Ldexp(step*step/12, -2*b.gains[id]))
		}
	}
	return noise
}

// rounds is how often gains are raised: once for each concatenation on the way from a part to where it is
// smallest.
const rounds = 8

// place is where a class appears: a channel of a site.
type place struct{ site, channel int }

// raising is how gains grow: each channel as far as the widest one of each of its sites reaches, and no further.
type raising struct {
	*Balancing
	sites  []leveled
	places [][]place // by class
	widest []float64 // reach, by site
}

// raise gives every channel the greatest gain that does so. A whole site may be raised as well, as a part of
// another one.
func (b *Balancing) raise(sites []leveled) {
	r := &raising{Balancing: b, sites: sites, places: make([][]place, len(b.gains)), widest: make([]float64, len(sites))}
	for i, s := range sites {
		for c, id := range s.classes {
			r.places[id] = append(r.places[id], place{i, c})
		}
		r.measure(i)
	}
	for range rounds {
		some := false
		for _, s := range sites {
			whole := slices.Compact(slices.Sorted(slices.Values(s.classes)))
			some = r.up(whole) || some
			for _, id := range whole {
				some = len(whole) > 1 && r.up([]int{id}) || some
			}
		}
		if !some {
			return
		}
	}
}

// reach is how far a channel of a site reaches with its gain.
func (r *raising) reach(p place) float64 {
	return math.Ldexp(r.sites[p.site].reach(p.channel), r.gains[r.sites[p.site].classes[p.channel]])
}

func (r *raising) measure(site int) {
	r.widest[site] = 0
	for c := range r.sites[site].classes {
		r.widest[site] = math.Max(r.widest[site], r.reach(place{site, c}))
	}
}

// up raises classes together as far as there is room, and says whether there was any.
func (r *raising) up(classes []int) bool {
	n := r.room(classes)
	for _, id := range classes {
		r.gains[id] += n
	}
	if n > 0 && len(classes) > 1 { // one alone leaves the widest channels as they are
		seen := map[int]bool{}
		for _, id := range classes {
			for _, p := range r.places[id] {
				if !seen[p.site] {
					seen[p.site] = true
					r.measure(p.site)
				}
			}
		}
	}
	return n > 0
}

// room is how far classes can go up together; sites of which they are all channels are no bound.
func (r *raising) room(classes []int) int {
	covered := map[int]int{} // channels by site
	for _, id := range classes {
		if r.pinned(id) {
			return 0
		}
		for _, p := range r.places[id] {
			covered[p.site]++
		}
	}
	least, bounded := maxGain, false
	for _, id := range classes {
		least = min(least, maxGain-r.gains[id])
		for _, p := range r.places[id] {
			if reach := r.reach(p); reach > 0 && covered[p.site] < len(r.sites[p.site].classes) {
				bounded = true
				least = min(least, int(math.Log2(r.widest[p.site]/reach)))
			}
		}
	}
	if !bounded {
		return 0
	}
	return max(least, 0)
}

// neighbours numbers groups of classes: two that have a site in common are in one.
func (b *Balancing) neighbours(sites []leveled) []int {
	group := make([]int, len(b.gains))
	for id := range group {
		group[id] = id
	}
	find := func(id int) int {
		for group[id] != id {
			group[id] = group[group[id]]
			id = group[id]
		}
		return id
	}
	for _, s := range sites {
		for _, id := range s.classes {
			group[find(id)] = find(s.classes[0])
		}
	}
	for id := range group {
		group[id] = find(id)
	}
	return group
}

// reader is who suffers from noise: power per noise in each channel, relative to the power of the signal.
type reader struct {
	value   *onnx.Value
	weights []float64
}

// readers lists the linear nodes, functions and outputs that gains could help.
func (b *Balancing) readers(spreads map[*onnx.Value]Spread) []reader {
	var list []reader
	for _, n := range b.linears {
		in := n.Inputs[0]
		weights := make([]float64, Channels(in))
		eachWeight(n, func(i, _, c int) { weights[c] += square(n.Inputs[1].Const.Floats[i]) })
		power := 0.0
		for c, m := range spreads[in].MeanSquare {
			power += weights[c] * m
		}
		list = append(list, reader{in, divided(weights, power)})
	}
	for _, f := range b.functions {
		spread, ok := spreads[f.from]
		if !ok {
			continue // a constant
		}
		weights, power := make([]float64, Channels(f.from)), 0.0
		for c := range weights {
			weights[c] = b.plans[f.last].f.steepness(c, spread.Low[c], spread.High[c])
		}
		for _, m := range spreads[f.last.Outputs[0]].MeanSquare {
			power += m
		}
		list = append(list, reader{f.from, divided(weights, power)})
	}
	for _, v := range b.graph.Outputs {
		spread, ok := spreads[v]
		if !ok {
			continue
		}
		// Parts of a concatenation matter alike, whatever their size.
		weights, at := make([]float64, Channels(v)), 0
		parts := b.partSizes(v)
		for _, size := range parts {
			power := 0.0
			for _, m := range spread.MeanSquare[at:][:size] {
				power += m
			}
			copy(weights[at:], divided(filled(size, 1/float64(len(parts))), power))
			at += size
		}
		list = append(list, reader{v, weights})
	}
	return list
}

// divided divides weights by a power; nothing is lost where that is zero.
func divided(weights []float64, power float64) []float64 {
	for c := range weights {
		if power == 0 {
			weights[c] = 0
		} else {
			weights[c] /= power
		}
	}
	return weights
}

// partSizes is how many channels come from each part of the concatenation that makes a value, which may be made
// of concatenations itself.
func (b *Balancing) partSizes(v *onnx.Value) []int {
	n := b.producers[v]
	if n != nil {
		if op, ok := n.Op.(*onnx.Concat); ok && op.Axis == channelAxis(v.Shape) {
			var sizes []int
			for _, in := range n.Inputs {
				if channelAxis(in.Shape) != op.Axis {
					sizes = append(sizes, partChannels(in, op.Axis))
					continue
				}
				sizes = append(sizes, b.partSizes(in)...)
			}
			return sizes
		} else if _, view := n.Op.(onnx.View); (ok || view || onnx.MovesOf(n, 1) != nil) && Channels(n.Inputs[0]) == Channels(v) {
			return b.partSizes(n.Inputs[0])
		}
	}
	return []int{Channels(v)}
}

func square(v float32) float64 { return float64(v) * float64(v) }

// rows are the largest magnitudes of a layer's weights, by output channel, as they become by the gains of
// its input.
func (b *Balancing) rows(n *onnx.Node) []float64 {
	in := b.of(n.Inputs[0])
	rows := make([]float64, Channels(n.Outputs[0]))
	eachWeight(n, func(i, o, c int) {
		w := math.Abs(float64(n.Inputs[1].Const.Floats[i]))
		if in != nil {
			w = math.Ldexp(w, -in[c])
		}
		rows[o] = math.Max(rows[o], w)
	})
	return rows
}

// guardRows lowers the gains of channels that are small although their weights are not: these would
// become so much larger than all others that one codebook did not suit both.
func (b *Balancing) guardRows() {
	for _, n := range b.linears {
		out := b.of(n.Outputs[0])
		if out == nil {
			continue
		}
		rows, least := b.rows(n), slices.Min(out)
		largest := slices.Max(rows)
		for o, row := range rows {
			if row > 0 {
				id := b.ties.find(n.Outputs[0], o)
				b.gains[id] = min(b.gains[id], least+int(math.Log2(roomForRow*largest/row)))
			}
		}
	}
}

// gainRows balances the weights of layers in front of functions whose results have gains: no level
// is chosen between the two, but the weights share a codebook.
func (b *Balancing) gainRows() {
	sites := map[int]bool{}
	for _, s := range b.model.Sites {
		for c := range Channels(s.Value) {
			sites[b.ties.find(s.Value, c)] = true
		}
	}
	for _, f := range b.functions {
		n, after := b.producers[f.from], b.of(f.last.Outputs[0])
		if n == nil || after == nil || !slices.Contains(b.linears, n) || Channels(f.from) != len(after) {
			continue
		}
		rows := b.rows(n)
		largest := slices.Max(rows)
		for o, row := range rows {
			id := b.ties.find(f.from, o)
			if row > 0 && after[o] > 0 && !sites[id] && !b.pinned(id) {
				b.gains[id] = min(int(math.Log2(largest/row)), maxGain)
			}
		}
	}
}
