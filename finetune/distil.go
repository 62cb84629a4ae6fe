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
// the steps of levels. The network is near to where it should be, so they are smaller than in [Tune]; and nearer with more centres, so that of weights is for 16 of them
// and falls with the root of their number.
const (
	masterRate = 2e-3
	centreRate = 5e-4
	unitRate   = 3e-3
	rangeRate  = 3e-3
)

// insideShare is what the values inside the network count in the loss, all together, where each is off by as much as it is large; a divergence of classes in nats,
// softened, or an output of values that is off by as much, counts 1.
const insideShare = 3

// canDistil says whether a model may be trained: where codes come from the network itself they stay, and what learns from one output would spoil others.
func canDistil(m *quant.Model) bool {
	steps, _ := distilPlan(m)
	came := slices.ContainsFunc(m.Graph.Nodes, func(n *onnx.Node) bool { _, ok := n.Op.(*onnx.Quantize); return ok })
	return steps > 0 && !came && len(m.Graph.Outputs) == 1
}

// distilPlan is the number of steps, 0 for none, and of samples in each.
func distilPlan(m *quant.Model) (steps, batch int) {
	work := 0.0 // of a sample: forward, and two gradients
	times := iterations(m.Graph)
	for _, l := range m.Layers() {
		if p, ok := patchesOf(l); ok {
			work += 3 * float64(p.inputs()*p.perOut*p.groups*p.area()) * float64(times(l.Node))
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
	// lessons are what the loss compares.
	lessons []*lesson
	loss    *G.Node
}

// distil trains the model. It reports false where that went astray, and the model is then of no use.
func distil(ctx context.Context, m *quant.Model, float *onnx.Graph, data Data, cfg PostTrainConfig) (bool, error) {
	d := &distiller{model: m, cfg: cfg, ranges: map[string][]float32{}}
	steps, batchSize := distilPlan(m)
	exec, err := NewExecutor(float, batchSize, ExecOptions{})
	if err != nil {
		return false, err
	}
	b, err := build(m.Graph, batchSize, plan{constant: d.constants(), round: d.rounding(), delivers: d.isSite()}, d.addLoss)
	if err != nil {
		return false, err
	}
	solver := newAdam(masterRate)
	order := order{n: data.Len(), batch: batchSize, seed: cfg.Seed}
	pick := func(k int) []visit {
		if k == steps {
			return nil
		}
		return order.batchOf(k)
	}
	sane := true
	err = eachBatch(ctx, data, pick, func(k int, batch *batch) error {
		if !sane {
			return nil
		}
		for i, x := range batch.inputs {
			copy(b.inputs[i], x)
		}
		if _, err := exec.Run(batch.inputs...); err != nil {
			return err
		}
		for _, l := range d.lessons {
			l.take(exec.Value(l.name), k == 0)
		}
		if err := b.run(); err != nil {
			return err
		}
		if v := float64(floats(d.loss.Value())[0]); math.IsNaN(v) || math.IsInf(v, 0) {
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
		return solver.step(model, gradientLimit(m.Graph))
	})
	if err != nil || !sane {
		return false, err
	}
	return d.store(), nil
}

// lesson is a value that is to be as in the float network.
type lesson struct {
	name   string
	wanted []float32 // in the present batch
	// weights holds one: what the mean squared difference counts, that is share in relation to the mean square of what is wanted in the first batch.
	weights []float64
	share   float64
}

// take takes over what is wanted.
func (l *lesson) take(wanted []float32, first bool) {
	copy(l.wanted, wanted)
	if first && l.weights != nil {
		power := 0.0
		for _, v := range wanted {
			power += float64(v) * float64(v)
		}
		l.weights[0] = l.share / max(power/float64(len(wanted)), math.SmallestNonzeroFloat32)
	}
}

// addLoss lays the loss: how far the output is from that of the float network, and, as a few samples do not say enough of so many weights,
// how far the values inside are.
func (d *distiller) addLoss(b *builder) error {
	d.lessons = nil
	teach := func(v *onnx.Value, share float64) *lesson {
		l := &lesson{name: v.Name, wanted: make([]float32, b.nodes[v].Shape()[0]), share: share}
		d.lessons = append(d.lessons, l)
		return l
	}
	var parts []*G.Node
	difference := func(v *onnx.Value, share float64) {
		l := teach(v, share)
		l.weights = []float64{share}
		parts = append(parts, valueLoss(b.tape, b.nodes[v], []*G.Node{b.input("wanted", l.wanted)}, l.weights))
	}
	headValue, task := head(d.model.Graph)
	if task == TaskClasses {
		l := classLoss{n: b.batch * ClassSteps(headValue.Shape), classes: classesIn(headValue.Shape), temperature: temperature, teacher: 1}
		parts = append(parts, l.node(b.tape, b.nodes[headValue], b.input("wanted", teach(headValue, 1).wanted), nil))
	} else {
		difference(headValue, 1)
	}
	var inside []*onnx.Value
	for _, s := range d.model.Sites {
		if s.Value != headValue && b.needs[b.nodes[s.Value]] && s.Value.Type == onnx.Float {
			inside = append(inside, s.Value)
		}
	}
	for _, v := range inside {
		difference(v, insideShare/float64(len(inside)))
	}
	d.loss = b.total(parts)
	var err error
	d.params, err = b.differentiate(d.loss, d.params)
	return err
}

// total lays the sum of losses.
func (t *tape) total(parts []*G.Node) *G.Node {
	if len(parts) == 1 {
		return parts[0]
	}
	adjoints := make([]adjoint, len(parts))
	for i := range adjoints {
		adjoints[i] = func(_ []*G.Node, _, grad *G.Node) *G.Node { return grad }
	}
	return t.apply("total", 1, func(out []float32, in [][]float32) {
		out[0] = 0
		for _, v := range in {
			out[0] += v[0]
		}
	}, adjoints, parts...)
}

// train adds a trained value.
func (d *distiller) train(tp *tape, name string, data []float32, rate float64) *G.Node {
	p := newParam(tp, name, data, rate)
	d.params = append(d.params, p)
	return tp.capture(p.node)
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

// isSite says whether a value carries levels.
func (d *distiller) isSite() func(*onnx.Value) bool {
	sites := map[*onnx.Value]bool{}
	for _, s := range d.model.Sites {
		sites[s.Value] = true
	}
	return func(v *onnx.Value) bool { return sites[v] }
}

// rounding makes every site take its levels, with a trained step but for inputs.
func (d *distiller) rounding() func(*tape, *onnx.Value, *G.Node) *G.Node {
	return roundSites(d.model, func(tp *tape, name string, l quant.Levels) *G.Node {
		logStep := []float32{float32(math.Log(l.Step))}
		d.ranges[name] = logStep
		return d.train(tp, name+".step", logStep, rangeRate*coarse(l.Count))
	})
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
