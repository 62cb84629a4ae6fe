package finetune

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// codebooks are the centres that the weights of a model take during training. The model's
// constants hold the float master copies.
type codebooks struct {
	model  *quant.Model
	config quant.ClusterConfig
	open   bool // the network runs with its masters, unclustered
	groups []quant.Group
	fitted []quant.Fitted // by group
	of     map[*onnx.Value]*values
}

// values are what the elements of one tensor may be: ascending.
type values struct {
	group     int
	unit      float64 // of the tensor's integers
	floats    []float32
	threshold float32 // the magnitude up to which weights become zero
	// ints are the codebook's. units, where channels have units of their own, are in place of unit, which is the largest;
	// channel says which of them an element has.
	ints    []int32
	units   []float64
	channel func(i int) int
	// logUnit are the logarithms of unit or units while they are trained; else nil.
	logUnit []float32
}

func newCodebooks(m *quant.Model, cfg quant.ClusterConfig) *codebooks {
	c := &codebooks{model: m, config: cfg, of: map[*onnx.Value]*values{}}
	for g, group := range quant.Groups(m, cfg.Scope) {
		c.groups = append(c.groups, group)
		for _, v := range group.Values {
			c.of[v] = &values{group: g}
		}
	}
	c.fitted = make([]quant.Fitted, len(c.groups))
	return c
}

// fit moves the centres to the present masters: from scratch the first time, then from where
// they are. iterations bounds the effort; 0 means as many as it takes. importance says how much the
// squared error of a tensor's elements counts in a codebook that it shares; nil means all alike.
func (c *codebooks) fit(iterations int, importance map[*onnx.Value]float64) error {
	if err := c.checkFinite(); err != nil {
		return err
	}
	c.groups = quant.Groups(c.model, c.config.Scope) // with scales of today
	kernel.Parallel(len(c.groups), func(g int) {
		group := c.groups[g]
		first := group.Values[0]
		if c.fitted[g].Ints != nil && (c.config.Layers[first.Name].Frozen || c.of[first].logUnit != nil) {
			return
		}
		if book, ok := c.model.Frozen(group, c.config); ok {
			c.fitted[g] = book
			return
		}
		cfg := c.config.For(first.Name)
		if channel, n := c.model.UnitChannels(first, c.config); n > 0 {
			c.fitted[g] = cfg.FitUnits(first.Const.Floats, channel, n)
			return
		}
		c.fitted[g] = cfg.FitWeighed(group.Pool(), group.PoolImportance(importance), c.fitted[g].Centres, iterations)
	})
	for g := range c.groups {
		c.expand(g)
	}
	return nil
}

// expand sets the values of a group's tensors from its integers.
func (c *codebooks) expand(g int) {
	for i, v := range c.groups[g].Values {
		t := c.of[v]
		t.unit = c.fitted[g].Unit * c.groups[g].Scales[i]
		t.ints = c.fitted[g].Ints
		if t.units = c.fitted[g].Units; t.units != nil {
			t.channel, _ = c.model.WeightChannels(v)
		}
		t.threshold = float32(c.fitted[g].Threshold * c.groups[g].Scales[i])
		t.floats = t.floats[:0]
		for _, k := range c.fitted[g].Ints {
			t.floats = append(t.floats, float32(t.unit*float64(k)))
		}
	}
}

// trainsUnit says whether the unit of a tensor's codebook can be trained: that of evenly spaced
// integers that are the tensor's own, whose values are those of quantized levels.
func (c *codebooks) trainsUnit(v *onnx.Value) bool {
	own := c.config.For(v.Name)
	return own.Codebook == quant.KindInteger && own.Prune == 0 && c.config.Scope == quant.ScopeLayer
}

// takeUnits moves all centres to where their trained units are.
func (c *codebooks) takeUnits() {
	for g, group := range c.groups {
		t := c.of[group.Values[0]]
		if t.logUnit == nil {
			continue
		}
		units := make([]float64, len(t.logUnit))
		for i, l := range t.logUnit {
			units[i] = float64(trainedStep(l))
		}
		c.fitted[g].Unit = slices.Max(units)
		if t.units != nil {
			c.fitted[g].Units = units
		}
		c.expand(g)
	}
}

// shared says whether tensors share a codebook.
func (c *codebooks) shared() bool { return c.config.Scope != quant.ScopeLayer }

// checkSize names the layers that a codebook leaves nothing of.
func (c *codebooks) checkSize() error {
	var names []string
	for g, group := range c.groups {
		for _, v := range group.Values[:group.Weights] {
			w := v.Const.Floats
			taken := make([]float32, len(w))
			c.of[v].assign(taken, w)
			zero := func(v float32) bool { return v != 0 }
			if slices.ContainsFunc(w, zero) && !slices.ContainsFunc(taken, zero) {
				names = append(names, fmt.Sprintf("%q (of %d values)", v.Name, len(c.fitted[g].Ints)))
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("finetune: clustering: the codebook is too small: all weights of %s would become zero; give it more values, or each layer its own", strings.Join(names, ", "))
}

// checkFinite names the first tensor with a value that is not finite.
func (c *codebooks) checkFinite() error {
	for _, group := range c.groups {
		for _, v := range group.Values {
			if i := notFinite(v.Const.Floats); i >= 0 {
				return fmt.Errorf("weights %q: element %d is %g, want a finite number", v.Name, i, v.Const.Floats[i])
			}
		}
	}
	return nil
}

// node lays the clustered weights of a tensor; backward the masters get their gradient unchanged.
func (c *codebooks) node(tp *tape, v *onnx.Value, master *G.Node) *G.Node {
	t := c.of[v]
	pass := func(_ []*G.Node, _, grad *G.Node) *G.Node { return grad }
	return tp.apply("cluster", master.Shape()[0], func(out []float32, in [][]float32) {
		if c.open {
			copy(out, in[0])
			return
		}
		t.assign(out, in[0])
	}, []adjoint{pass}, master)
}

// assign replaces weights by their nearest values, pruned ones by zero. dst may be w.
func (t *values) assign(dst, w []float32) {
	if t.units != nil {
		quant.AssignUnits(dst, w, t.ints, t.units, t.channel)
		return
	}
	if t.threshold > 0 {
		quant.Prune(dst, w, t.threshold)
		w = dst
	}
	kernel.Assign(dst, nil, w, t.floats)
}

// snap replaces all masters by their values, with trained units as they are now.
func (c *codebooks) snap() {
	c.takeUnits()
	for _, group := range c.groups {
		for _, v := range group.Values {
			c.of[v].assign(v.Const.Floats, v.Const.Floats)
		}
	}
}

// unitNode lays the values of a tensor whose units are trained.
func (t *values) unitNode(tp *tape, logUnit, master *G.Node) *G.Node {
	if even := quant.EvenlySpaced(t.ints); t.units != nil || even.Stride != 1 {
		return gridNode(tp, even, t.channel, expNode(tp, logUnit), master)
	}
	return roundNode(tp, quant.Levels{Count: len(t.floats), Step: t.unit, Zero: len(t.floats) / 2, Stride: 1}, expNode(tp, logUnit), master)
}

// store snaps the weights and records the codebooks in the model.
func (c *codebooks) store() {
	c.snap()
	m := c.model
	m.Codebooks, m.Weights = nil, map[string]quant.WeightCode{}
	for g, group := range c.groups {
		m.Codebooks = append(m.Codebooks, c.fitted[g].Ints)
		for _, v := range group.Values[:group.Weights] {
			m.Weights[v.Name] = quant.WeightCode{Codebook: g, Unit: c.of[v].unit, Units: c.of[v].units}
		}
	}
}

// notFinite is the position of the first NaN or infinity, or -1.
func notFinite(v []float32) int {
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return i
		}
	}
	return -1
}
