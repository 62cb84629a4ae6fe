package finetune

import (
	"fmt"
	"math"
	"slices"

	"qconv/onnx"
	"qconv/quant"
)

// After the last clustering of SchedulePeriodic, and at the end of ScheduleForward where layers share a codebook, the centres
// themselves are trained: every weight stays with its centre, whose gradient is the sum of its weights'. So the network
// gets over the last rounding, too, and each weight in the file is still one of the codebook's values.

// adjustRate is the learning rate when the centres begin to be trained, as a part of the full one; it falls to zero along half a
// cosine.
const adjustRate = 0.2

// adjustPart says in what part of all steps centres are trained: the last of so many.
const adjustPart = 4

// adjusting is the training of centres.
type adjusting struct {
	groups []*adjusted // by group; nil for codebooks that stay as they are
}

// adjusted is a codebook whose centres are trained.
type adjusted struct {
	centres *param
	grads   []float32
	index   [][]uint16 // by tensor and element: which centre
	masters []*param   // by tensor; nil for one that is not trained
}

// adjustName is the name of the centres of a codebook among trained values.
func adjustName(group int) string { return fmt.Sprintf("codebook %d", group) }

// adjustSteps is how many steps at the end of a run train the centres.
func (c Config) adjustSteps(steps int) int {
	forward := c.Schedule == ScheduleForward && c.Cluster.Scope != quant.ScopeLayer
	if c.Schedule != SchedulePeriodic && !forward || c.Cluster.Codebook != quant.KindFree {
		return 0
	}
	return steps / adjustPart
}

// addCentres adds the centres of all codebooks to the trained values. They are at rest until the last clustering.
func (t *trainer) addCentres() {
	byName := map[string]*param{}
	for _, p := range t.params {
		byName[p.name] = p
	}
	t.adjust = &adjusting{}
	for g, group := range t.books.groups {
		own := t.cfg.Cluster.Layers[group.Values[0].Name]
		if own.Frozen || own.Codebook != "" && own.Codebook != quant.KindFree {
			t.adjust.groups = append(t.adjust.groups, nil)
			continue
		}
		n := t.cfg.Cluster.For(group.Values[0].Name).Weights
		a := &adjusted{grads: make([]float32, n)}
		a.centres = &param{name: adjustName(g), value: newVector(make([]float32, n)), direct: newVector(a.grads)}
		for _, v := range group.Values {
			a.masters = append(a.masters, byName[v.Name])
		}
		t.adjust.groups = append(t.adjust.groups, a)
		t.params = append(t.params, a.centres)
	}
}

// begin starts the training of centres: those that the weights, which have just taken their values, are drawn from.
func (a *adjusting) begin(c *codebooks, rate float64) {
	for g, own := range a.groups {
		if own == nil {
			continue
		}
		c.fitted[g].Centres = quant.Expand(c.fitted[g].Ints, c.fitted[g].Unit)
		own.centres.base = rate * rms(c.groups[g].Pool())
		own.find(c, g, func(v *onnx.Value, _ float64, k int) float32 { return c.of[v].floats[k] })
	}
	a.spread(c)
	c.open = true
}

// resume goes on with weights that have the values of trained centres.
func (a *adjusting) resume(c *codebooks) {
	c.open = true
	for g, own := range a.groups {
		if own != nil {
			own.find(c, g, func(_ *onnx.Value, scale float64, k int) float32 {
				return scaledCentre(float32(c.fitted[g].Centres[k]), scale)
			})
		}
	}
}

// find takes up the training of the centres of group g: which of them every weight has, by the value that a centre has in a tensor
// with a scale.
func (own *adjusted) find(c *codebooks, g int, value func(v *onnx.Value, scale float64, k int) float32) {
	centres := floats(own.centres.value)
	clear(centres)
	for k, v := range c.fitted[g].Centres {
		centres[k] = float32(v)
	}
	own.index = nil
	for i, v := range c.groups[g].Values {
		of := map[float32]uint16{}
		for k := range c.fitted[g].Centres {
			of[value(v, c.groups[g].Scales[i], k)] = uint16(k)
		}
		index := make([]uint16, len(v.Const.Floats))
		for e, w := range v.Const.Floats {
			index[e] = of[w]
		}
		own.index = append(own.index, index)
	}
}

// rests says whether a trained value stays as it is: centres before the last clustering, their weights after it.
func (a *adjusting) rests(p *param, begun bool) bool {
	if a == nil {
		return false
	}
	for _, own := range a.groups {
		if own != nil && (p == own.centres && !begun || slices.Contains(own.masters, p) && begun) {
			return true
		}
	}
	return false
}

// scaledCentre is the weight of a centre in a tensor with a scale.
func scaledCentre(centre float32, scale float64) float32 { return float32(float64(centre) * scale) }

// collect sums the gradients of all weights by centre. An exact zero stays one.
func (a *adjusting) collect(c *codebooks) error {
	for g, own := range a.groups {
		if own == nil {
			continue
		}
		sums := make([]float64, len(own.grads))
		for i, master := range own.masters {
			if master == nil {
				continue
			}
			grad, err := master.Grad()
			if err != nil {
				return err
			}
			scale := c.groups[g].Scales[i]
			for e, d := range floats(grad) {
				sums[own.index[i][e]] += float64(d) * scale
			}
		}
		for k, s := range sums {
			own.grads[k] = float32(s)
		}
		for k, v := range c.fitted[g].Centres {
			if v == 0 {
				own.grads[k] = 0
			}
		}
	}
	return nil
}

// spread gives all weights the values of their centres.
func (a *adjusting) spread(c *codebooks) {
	for g, own := range a.groups {
		if own == nil {
			continue
		}
		values := floats(own.centres.value)
		centres := make([]float64, len(c.fitted[g].Centres)) // a state may hold those before
		for k := range centres {
			centres[k] = float64(values[k])
		}
		c.fitted[g].Centres = centres
		for i, v := range c.groups[g].Values {
			for e, k := range own.index[i] {
				v.Const.Floats[e] = scaledCentre(values[k], c.groups[g].Scales[i])
			}
		}
	}
}

// settle makes integers of the centres, and gives the weights the values of these.
func (a *adjusting) settle(c *codebooks) {
	for g, own := range a.groups {
		if own == nil {
			continue
		}
		f := &c.fitted[g]
		f.Ints, f.Unit = quant.Snap(f.Centres, c.config.For(c.groups[g].Values[0].Name).CentreBits())
		c.expand(g)
		for i, v := range c.groups[g].Values {
			unit := c.of[v].unit
			for e, k := range own.index[i] {
				v.Const.Floats[e] = float32(unit * math.Round(f.Centres[k]/f.Unit))
			}
		}
	}
}
