package quant

import (
	"fmt"
	"math"
	"slices"

	"qconv/onnx"
)

// Cluster replaces all weights of the model by their nearest centres and records the
// codebooks. Biases stay as they are, but for [ScopeGlobal], which includes them.
func Cluster(m *Model, cfg ClusterConfig) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	for _, w := range append(m.WeightValues(), m.BiasValues()...) {
		for i, v := range w.Const.Floats {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("quant: weights %q: element %d is %g, want a finite number", w.Name, i, v)
			}
		}
	}
	old := *m
	m.Codebooks, m.Weights, m.clustered, m.changed = nil, map[string]WeightCode{}, true, nil
	for _, group := range Groups(m, cfg.Scope) {
		own := cfg.For(group.Values[0].Name)
		book, frozen := old.Frozen(group, cfg)
		if ints, units := m.channelGrids(group, own, cfg.Scope); ints != nil && !frozen {
			m.Codebooks = append(m.Codebooks, ints)
			m.Weights[group.Values[0].Name] = WeightCode{Codebook: len(m.Codebooks) - 1, Unit: slices.Max(units), Units: units}
			continue
		}
		channel, channels := m.UnitChannels(group.Values[0], cfg)
		switch {
		case frozen:
		case channels > 0:
			book = own.FitUnits(group.Values[0].Const.Floats, channel, channels)
		default:
			book = own.Fit(group.Pool(), nil, 0)
		}
		m.Codebooks = append(m.Codebooks, book.Ints)
		for i, w := range group.Values {
			code := WeightCode{Codebook: len(m.Codebooks) - 1, Unit: book.Unit * group.Scales[i], Units: book.Units}
			if i < group.Weights {
				m.Weights[w.Name] = code
			}
			if frozen {
				continue
			}
			before := slices.Clone(w.Const.Floats)
			if code.Units != nil {
				AssignUnits(w.Const.Floats, w.Const.Floats, book.Ints, code.Units, channel)
			} else {
				assign(w.Const.Floats, Expand(book.Ints, code.Unit), float32(book.Threshold*group.Scales[i]))
			}
			if !nearly(before, w.Const.Floats) {
				m.changed = append(m.changed, w.Name)
			}
		}
	}
	return nil
}

// Lost says whether clustering changed weights, by more than the rounding of float32.
func (m *Model) Lost(w *onnx.Value) bool { return slices.Contains(m.changed, w.Name) }

// nearly says whether weights are equal but for the rounding of float32.
func nearly(a, b []float32) bool {
	largest := 0.0
	for _, v := range a {
		largest = math.Max(largest, math.Abs(float64(v)))
	}
	for i := range a {
		if math.Abs(float64(a[i])-float64(b[i])) > gridTolerance*largest {
			return false
		}
	}
	return true
}

// assign replaces weights by the nearest of the ascending values, those of a magnitude up to
// threshold by zero.
func assign(weights []float32, values []float64, threshold float32) {
	Prune(weights, weights, threshold)
	for k, v := range weights {
		weights[k] = float32(values[Nearest(values, float64(v))])
	}
}

// Frozen is the codebook that the only tensor of a group is drawn from already, if the
// configuration freezes that tensor.
func (m *Model) Frozen(g Group, cfg ClusterConfig) (Fitted, bool) {
	w := g.Values[0]
	code, ok := m.Weights[w.Name]
	if !ok || !cfg.Layers[w.Name].Frozen {
		return Fitted{}, false
	}
	ints := m.Codebooks[code.Codebook]
	return Fitted{Centres: Expand(ints, code.Unit), Ints: ints, Unit: code.Unit, Units: code.Units}, true
}

// Group lists tensors that share a codebook: weights first, then biases, if any.
type Group struct {
	Values  []*onnx.Value
	Weights int       // how many of Values are weights
	Scales  []float64 // by which each tensor is divided before clustering
}

// Groups divides the weights of a model by scope.
func Groups(m *Model, scope Scope) []Group {
	weights := m.WeightValues()
	if scope == ScopeLayer {
		groups := make([]Group, len(weights))
		for i, w := range weights {
			groups[i] = Group{Values: []*onnx.Value{w}, Weights: 1, Scales: []float64{1}}
		}
		return groups
	}
	g := Group{Values: weights, Weights: len(weights)}
	if scope == ScopeGlobal {
		g.Values = append(g.Values, m.BiasValues()...)
	}
	for _, v := range g.Values {
		if scope == ScopeNetwork {
			g.Scales = append(g.Scales, rms(v.Const.Floats))
		} else {
			g.Scales = append(g.Scales, 1/m.largestInput(v))
		}
	}
	return []Group{g}
}

// largestInput is the largest magnitude that weights w meet in the network's input, or 1 where
// they do not meet it, or its levels are not known. Raw weights are those of a network whose
// inputs reach to 1: with pixels of 0..255 all weights of the first layer would be next to nothing.
func (m *Model) largestInput(w *onnx.Value) float64 {
	for _, n := range m.Graph.Nodes {
		if len(n.Inputs) < 2 || n.Inputs[1] != w || !slices.Contains(m.Sites, Site{Value: n.Inputs[0], Role: RoleInput}) {
			continue
		}
		if l, ok := m.Levels[n.Inputs[0].Name]; ok {
			return max(-l.Min(), l.Max())
		}
	}
	return 1
}

// Pool returns all weights of the group, each divided by its tensor's scale.
func (g Group) Pool() []float32 {
	var pool []float32
	for i, v := range g.Values {
		if g.Scales[i] == 1 {
			pool = append(pool, v.Const.Floats...)
			continue
		}
		for _, w := range v.Const.Floats {
			pool = append(pool, float32(float64(w)/g.Scales[i]))
		}
	}
	return pool
}

// PoolImportance says for every weight of [Group.Pool] how much its squared error counts: as much as that of its
// tensor's elements, brought to the pool's scale. Tensors of which nothing is known count as the others do on average. Nil
// where all count alike.
func (g Group) PoolImportance(of map[*onnx.Value]float64) []float32 {
	if len(g.Values) == 1 {
		return nil
	}
	known, elements := 0.0, 0
	for i, v := range g.Values {
		if h, ok := of[v]; ok {
			known += h * g.Scales[i] * g.Scales[i] * float64(len(v.Const.Floats))
			elements += len(v.Const.Floats)
		}
	}
	if !(known > 0) || math.IsInf(known, 0) {
		return nil
	}
	mean := known / float64(elements)
	var pool []float32
	for i, v := range g.Values {
		h := 1.0
		if own, ok := of[v]; ok {
			h = own * g.Scales[i] * g.Scales[i] / mean
		}
		pool = append(pool, slices.Repeat([]float32{float32(h)}, len(v.Const.Floats))...)
	}
	return pool
}

// rms is the root mean square of weights, or 1 where all are zero.
func rms(weights []float32) float64 {
	sum := 0.0
	for _, w := range weights {
		sum += float64(w) * float64(w)
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum / float64(len(weights)))
}
