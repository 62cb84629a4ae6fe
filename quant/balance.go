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

// width is the distance between the least and the greatest value of all channels.
func (s Spread) width() float64 { return slices.Max(s.High) - slices.Min(s.Low) }

const (
	maxGain = 20 // of a channel, in bits
	// A network is balanced where rounding a value to levels makes noise of more than leastNoise of the power
	// of what a reader computes from it, and gains divide that by more than leastBenefit.
	leastNoise   = 1e-4
	leastBenefit = 16
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
	for _, f := range b.functions {
		add(f.from)
	}
	return values
}

// Apply finds gains and rewrites the model's graph by them. It returns the values that it balanced, as they
// are called now; none where no value is in need, and nothing has changed then. count is the number of levels of a site.
func (b *Balancing) Apply(spreads map[*onnx.Value]Spread, count func(Site) int) []string {
	b.gains = make([]int, len(b.ties.parent))
	full := b.fullGains(spreads)
	noise := b.noise(spreads, count)
	chosen := make([]bool, len(b.gains))
	for _, r := range b.readers(spreads) {
		before, after := 0.0, 0.0
		for c, weight := range r.weights {
			id := b.ties.find(r.value, c)
			before += weight * noise[id]
			after += math.Ldexp(weight*noise[id], -2*full[id])
		}
		if before > leastNoise && after*leastBenefit < before {
			for c := range r.weights {
				chosen[b.ties.find(r.value, c)] = true
			}
		}
	}
	if !slices.Contains(chosen, true) {
		return nil
	}
	for id, yes := range chosen {
		if yes {
			b.gains[id] = full[id]
		}
	}
	b.guardRows()
	b.gainRows()
	if !slices.ContainsFunc(b.gains, func(g int) bool { return g != 0 }) {
		return nil
	}
	return b.rewrite()
}

// of lists the gains of a value's channels; nil where all are 0.
func (b *Balancing) of(v *onnx.Value) []int {
	gains := make([]int, Channels(v))
	some := false
	for c := range gains {
		if id := b.ties.find(v, c); !b.ties.pinned[id] {
			gains[c] = b.gains[id]
			some = some || gains[c] != 0
		}
	}
	if !some {
		return nil
	}
	return gains
}

// fullGains makes every channel reach as far as the widest one of its sites, by class.
func (b *Balancing) fullGains(spreads map[*onnx.Value]Spread) []int {
	share := make([]float64, len(b.gains))
	for _, s := range b.model.Sites {
		spread, ok := spreads[s.Value]
		if !ok {
			continue
		}
		widest := 0.0
		for c := range spread.Low {
			widest = math.Max(widest, spread.reach(c))
		}
		for c := range spread.Low {
			id := b.ties.find(s.Value, c)
			if widest > 0 {
				share[id] = math.Max(share[id], spread.reach(c)/widest)
			}
		}
	}
	gains := make([]int, len(share))
	for id, s := range share {
		if s > 0 && !b.ties.pinned[id] {
			gains[id] = min(int(math.Floor(-math.Log2(s))), maxGain)
		}
	}
	return gains
}

// noise is the mean squared rounding error of values, by class: that of the coarsest site.
func (b *Balancing) noise(spreads map[*onnx.Value]Spread, count func(Site) int) []float64 {
	noise := make([]float64, len(b.gains))
	for _, s := range b.model.Sites {
		spread, ok := spreads[s.Value]
		if !ok {
			continue
		}
		step := spread.width() / float64(count(s)-1)
		for c := range spread.Low {
			id := b.ties.find(s.Value, c)
			noise[id] = math.Max(noise[id], step*step/12)
		}
	}
	return noise
}

// reader is who suffers from noise: power per noise in each channel, relative to the power of the signal.
type reader struct {
	value   *onnx.Value
	weights []float64
}

// readers lists the linear nodes, functions and outputs that gains could help. A function's channels, and an
// output's, matter alike, whatever their size.
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
		if power == 0 {
			continue
		}
		for c := range weights {
			weights[c] /= power
		}
		list = append(list, reader{in, weights})
	}
	alike := func(v *onnx.Value) {
		spread, ok := spreads[v]
		if !ok {
			return
		}
		weights := make([]float64, len(spread.MeanSquare))
		for c, m := range spread.MeanSquare {
			if m > 0 && math.Ldexp(spread.reach(c), maxGain) > spread.width() {
				weights[c] = 1 / (m * float64(len(weights)))
			}
		}
		list = append(list, reader{v, weights})
	}
	for _, f := range b.functions {
		alike(f.from)
	}
	for _, v := range b.graph.Outputs {
		alike(v)
	}
	return list
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
			if row > 0 && after[o] > 0 && !sites[id] && !b.ties.pinned[id] {
				b.gains[id] = min(int(math.Log2(largest/row)), maxGain)
			}
		}
	}
}
