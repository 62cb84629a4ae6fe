package finetune

import (
	"context"
	"math"
	"slices"

	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// How a reconstructed network is trained: for distilSteps at most, fewer where these would be more than distilWork multiplications, in batches that are
// smaller where even distilFewest would be.
const (
	distilSteps  = 300
	distilFewest = 40
	distilBatch  = 64
	distilLeast  = 16
	distilWork   = 750e9
	distilWarmup = 20
	// temperature softens the scores of classes.
	temperature = 2
)

// Learning rates: of weights and biases, and of free centres, as a part of the root mean square of the tensor; of the logarithms of the units of other codebooks, and of
// the steps of levels. The network is near to where it should be, so they are smaller than in [Tune].
const (
	masterRate = 2e-3
	centreRate = 5e-4
	unitRate   = 3e-3
	rangeRate  = 3e-3
)

// canDistil says whether a model may be trained: where codes come from the network itself they stay, and what learns from one output would spoil others.
func canDistil(m *quant.Model) bool {
	steps, _ := distilPlan(m)
	came := slices.ContainsFunc(m.Graph.Nodes, func(n *onnx.Node) bool { _, ok := n.Op.(*onnx.Quantize); return ok })
	return steps > 0 && !came && len(m.Graph.Outputs) == 1
}

// distilPlan is the number of steps, 0 for none, and of samples in each.
func distilPlan(m *quant.Model) (steps, batch int) {
	work := 0.0 // of a sample: forward, and two gradients
	for _, l := range m.Layers() {
		if p, ok := patchesOf(l); ok {
			work += 3 * float64(p.inputs()*p.perOut*p.groups*p.area())
		}
	}
	for batch = distilBatch; batch >= distilLeast; batch /= 2 {
		steps = int(min(distilSteps, distilWork/(work*float64(batch)+1)))
		if steps >= distilFewest && BatchFor(m.Graph, 4*batch) == 4*batch {
			return steps, batch
		}
	}
	return 0, 0
}

// distiller trains a reconstructed model as a whole on the outputs of the float network. Every weight has a float master, which stands at its centre to begin with
// and takes the gradient unchanged; the weight is the centre nearest to it. Centres and biases are trained too, and so are the ranges of levels.
type distiller struct {
	model  *quant.Model
	cfg    PostTrainConfig
	params []*param
	drawn  []*drawn
	ranges map[string][]float32 // logarithms of steps, by site
}

// distil trains the model. It reports false where that went astray, and the model is then of no use.
func distil(ctx context.Context, m *quant.Model, float *onnx.Graph, data Data, cfg PostTrainConfig) (bool, error) {
	d := &distiller{model: m, cfg: cfg, ranges: map[string][]float32{}}
	steps, batchSize := distilPlan(m)
	headValue, task := head(m.Graph)
	teacher, err := newTeacher(m, Config{Teacher: float, Batch: batchSize}, headValue.Name, data)
	if err != nil {
		return false, err
	}
	var loss *G.Node
	answers := make([]float32, batchSize*headValue.Shape.Elems())
	b, err := build(m.Graph, batchSize, plan{constant: d.constants(), round: d.rounding()}, func(b *builder) error {
		y, t := b.nodes[headValue], b.input("teacher", answers)
		if task == TaskClasses {
			l := classLoss{n: batchSize, classes: headValue.Shape.Elems(), temperature: temperature, teacher: 1}
			loss = l.node(b.tape, y, t, nil)
		} else {
			loss = valueLoss(b.tape, y, []*G.Node{t}, []float64{1})
		}
		var err error
		d.params, err = b.differentiate(loss, d.params)
		return err
	})
	if err != nil {
		return false, err
	}
	solver := NewAdam(masterRate)
	order := order{n: data.Len(), batch: batchSize, seed: cfg.Seed}
	pick := func(k int) []visit {
		if k == steps {
			return nil
		}
		return order.batchOf(k)
	}
	sane := true
	err = eachBatch(ctx, data, pick, func(k int, batch *batch) error {
		for i, x := range batch.inputs {
			copy(b.inputs[i], x)
		}
		if err := teacher.ask(batch, answers); err != nil || !sane {
			return err
		}
		if err := b.run(); err != nil {
			return err
		}
		if v := float64(floats(loss.Value())[0]); math.IsNaN(v) || math.IsInf(v, 0) {
			sane = false
			return nil
		}
		share := rateShare(k, steps, distilWarmup)
		model := make([]G.ValueGrad, len(d.params))
		for i, p := range d.params {
			p.rate = share * p.base
			model[i] = p
		}
		if cfg.Progress != nil {
			cfg.Progress("distil", k+1, steps)
		}
		return solver.Step(model)
	})
	if err != nil || !sane {
		return false, err
	}
	return d.store(), nil
}

// train adds a trained value.
func (d *distiller) train(tp *tape, name string, data []float32, rate float64) *G.Node {
	p := &param{name: name, value: newVector(data), base: rate, node: tp.trained(name, data)}
	d.params = append(d.params, p)
	return p.node
}

// constants makes weights and biases trained values, but for those of frozen layers.
func (d *distiller) constants() func(*tape, *onnx.Value) *G.Node {
	weights, biases := map[*onnx.Value]bool{}, map[*onnx.Value]bool{}
	for _, l := range d.model.Layers() {
		if d.cfg.Cluster.Layers[l.Weights.Name].Frozen {
			continue
		}
		code, ok := d.model.Weights[l.Weights.Name]
		weights[l.Weights] = ok && code.Units == nil
		if l.Bias != nil && l.Bias.Const != nil {
			biases[l.Bias] = true
		}
	}
	return func(tp *tape, v *onnx.Value) *G.Node {
		switch {
		case weights[v]:
			return d.weights(tp, v)
		case biases[v]:
			return d.train(tp, v.Name, v.Const.Floats, masterRate*rms(v.Const.Floats))
		}
		return nil
	}
}

// rounding makes every site take its levels, with a trained step but for inputs.
func (d *distiller) rounding() func(*tape, *onnx.Value, *G.Node) *G.Node {
	sites := map[*onnx.Value]quant.Site{}
	for _, s := range d.model.Sites {
		sites[s.Value] = s
	}
	return func(tp *tape, v *onnx.Value, y *G.Node) *G.Node {
		site, ok := sites[v]
		if !ok {
			return y
		}
		l := d.model.Levels[v.Name]
		if site.Role == quant.RoleInput || !tp.needs[y] {
			return roundNode(tp, l, tp.input("step", []float32{float32(l.Step)}), y)
		}
		logStep := []float32{float32(math.Log(l.Step))}
		d.ranges[v.Name] = logStep
		return roundNode(tp, l, expNode(tp, d.train(tp, v.Name+".step", logStep, rangeRate*coarse(l.Count))), y)
	}
}

// store writes what was trained into the model; false where it is not finite.
func (d *distiller) store() bool {
	for _, p := range d.params {
		if notFinite(floats(p.value)) >= 0 {
			return false
		}
	}
	for name, logStep := range d.ranges {
		l := d.model.Levels[name]
		l.Step = float64(trainedStep(logStep[0]))
		d.model.Levels[name] = l
	}
	for _, w := range d.drawn {
		w.store(d.model)
	}
	return true
}
