package finetune

import (
	"fmt"
	"math"

	"qconv/onnx"
	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

// trainer is the training graph of a model. The model's constants are the float masters
// and change with every step.
type trainer struct {
	model *quant.Model
	cfg   Config
	task  Task
	books *codebooks // nil for ScheduleNone

	builder *builder
	params  []*param
	// logSteps are the logarithms of the sites' steps and of trained units, by the name of
	// the site or the weights; trained are the sites whose steps change.
	logSteps map[string][]float32
	trained  map[string]bool
	inputs   [][]float32 // of the batch, by input of the network
	teacher  []float32   // what the teacher says of the batch, or nil
	labels   []float32   // classes of the batch, of every step where there are several, -1 for none, or nil
	targets  []float32   // what the output should be, where the data say it, or nil
	head     *G.Node
	steps    int // that a sample has classes of, see ClassSteps
	loss     *G.Node
	solver   *adam
	// norms are the normalizations behind layers; none without Config.Normalize.
	norms map[*onnx.Node]*normalized
	// sensitivity is the mean square of the gradient of every trained value before the first
	// step, by name, where codebooks are shared; see measure.
	sensitivity map[string]float64
	// adjust is how the centres are trained after the last clustering, nil where they are not. It has begun once
	// adjusted is true.
	adjust   *adjusting
	adjusted bool
}

// newTrainer lays the graph for batches of the configured size.
func newTrainer(m *quant.Model, cfg Config, task Task, headValue *onnx.Value, norms map[*onnx.Node]*normalized) (*trainer, error) {
	t := &trainer{model: m, cfg: cfg, task: task, solver: newAdam(cfg.Rate), logSteps: map[string][]float32{}, trained: map[string]bool{}, norms: norms}
	for _, s := range m.Sites {
		l, ok := m.Levels[s.Value.Name]
		if !ok {
			return nil, fmt.Errorf("finetune: site %q has no levels, calibrate the model first", s.Value.Name)
		}
		t.logSteps[s.Value.Name] = []float32{float32(math.Log(l.Step))}
	}
	for _, own := range norms {
		for what, values := range own.values() {
			t.logSteps[own.weights.Name+what] = values
		}
	}
	if cfg.Schedule != ScheduleNone {
		t.books = newCodebooks(m, cfg.Cluster)
		if cfg.Schedule == ScheduleForward {
			if err := t.books.fit(0, nil); err != nil {
				return nil, err
			}
		}
	}
	finish := func(b *builder) error { return t.finish(b, headValue) }
	var err error
	t.builder, err = build(m.Graph, cfg.Batch, plan{constant: t.constant(), round: t.round(), adjust: t.normalize}, finish)
	if err != nil {
		return nil, err
	}
	t.inputs = t.builder.inputs
	if cfg.adjustSteps(cfg.Steps) > 0 {
		t.addCentres()
	}
	return t, nil
}

// train adds a trained value to the tape of the network; a second build of the graph starts anew.
func (t *trainer) train(tp *tape, name string, data []float32, rate float64) *G.Node {
	p := newParam(tp, name, data, rate)
	t.params = append(t.params, p)
	return tp.capture(p.node)
}

// coarse is how much faster values move that are rounded to n values than those rounded to
// many: with few, the way to the next one is long.
func coarse(n int) float64 { return max(1, 16/float64(n)) }

// constant makes weights and biases trained values, but for those of frozen layers.
func (t *trainer) constant() func(*tape, *onnx.Value) *G.Node {
	trained := map[*onnx.Value]bool{}
	for _, l := range t.model.Layers() {
		if t.cfg.Cluster.Layers[l.Weights.Name].Frozen {
			continue
		}
		trained[l.Weights] = l.Weights.Const != nil
		if l.Bias != nil {
			trained[l.Bias] = l.Bias.Const != nil
		}
	}
	return func(tp *tape, v *onnx.Value) *G.Node {
		if !trained[v] {
			return t.frozen(tp, v)
		}
		rate := t.cfg.Rate * rms(v.Const.Floats)
		if t.cfg.Schedule != ScheduleForward || t.books.of[v] == nil {
			return t.train(tp, v.Name, v.Const.Floats, rate)
		}
		book := t.books.of[v]
		master := t.train(tp, v.Name, v.Const.Floats, rate*coarse(len(book.floats)))
		if t.cfg.RangeRate == 0 || !t.books.trainsUnit(v) {
			return t.books.node(tp, v, master)
		}
		book.logUnit = []float32{float32(math.Log(book.unit))}
		if book.units != nil {
			book.logUnit = make([]float32, len(book.units))
			for ch, unit := range book.units {
				book.logUnit[ch] = float32(math.Log(unit))
			}
		}
		t.logSteps[v.Name] = book.logUnit
		return book.unitNode(tp, t.train(tp, v.Name+".unit", book.logUnit, t.cfg.RangeRate), master)
	}
}

// frozen is a constant that is not trained: nil, for what it is, or where weights are
// clustered in every pass, the values it takes.
func (t *trainer) frozen(tp *tape, v *onnx.Value) *G.Node {
	if t.cfg.Schedule != ScheduleForward || t.books.of[v] == nil {
		return nil
	}
	taken := make([]float32, len(v.Const.Floats))
	t.books.of[v].assign(taken, v.Const.Floats)
	return tp.input(v.Name, taken)
}

// round makes every site take its levels, with a trained step but for inputs, whose range is
// that of the data.
func (t *trainer) round() func(*tape, *onnx.Value, *G.Node) *G.Node {
	if t.cfg.RangeRate == 0 {
		return roundSites(t.model, nil)
	}
	return roundSites(t.model, func(tp *tape, name string, l quant.Levels) *G.Node {
		t.trained[name] = true
		return t.train(tp, name+".step", t.logSteps[name], t.cfg.RangeRate*coarse(l.Count))
	})
}

// roundSites makes every site of m take its levels. Those of inputs, and of values that nothing trained leads to, have the model's step,
// and so have all where logStep is nil; else it lays the logarithm of the step of a value, once, on the tape of the network: what a loop
// begins with has the step of what it hands on.
func roundSites(m *quant.Model, logStep func(tp *tape, name string, l quant.Levels) *G.Node) func(*tape, *onnx.Value, *G.Node) *G.Node {
	sites := map[*onnx.Value]quant.Site{}
	for _, s := range m.Sites {
		sites[s.Value] = s
	}
	var root *tape
	var steps map[*onnx.Value]*G.Node // of values on tape root
	return func(tp *tape, v *onnx.Value, y *G.Node) *G.Node {
		site, ok := sites[v]
		if !ok {
			return y
		}
		if root != tp.root() {
			root, steps = tp.root(), map[*onnx.Value]*G.Node{}
		}
		l := m.Levels[v.Name]
		if steps[v] == nil {
			if site.Role == quant.RoleInput || logStep == nil || !tp.needs[y] {
				return roundNode(tp, l, tp.input("step", []float32{float32(l.Step)}), y)
			}
			steps[v] = expNode(root, logStep(root, v.Name, l))
		}
		return roundNode(tp, l, tp.capture(steps[v]), y)
	}
}

// expNode lays the exponential of a few elements.
func expNode(tp *tape, x *G.Node) *G.Node {
	n := x.Shape()[0]
	return tp.apply("exp", n, func(out []float32, in [][]float32) {
		for i, v := range in[0] {
			out[i] = trainedStep(v)
		}
	}, []adjoint{func(_ []*G.Node, y, dy *G.Node) *G.Node {
		return tp.apply("exp.dx", n, func(out []float32, in [][]float32) {
			for i, v := range in[0] {
				out[i] = v * in[1][i]
			}
		}, nil, dy, y)
	}}, x)
}

// finish adds the loss and its gradients.
func (t *trainer) finish(b *builder, headValue *onnx.Value) error {
	t.head, t.steps = b.nodes[headValue], 1
	if t.task == TaskClasses {
		t.steps = ClassSteps(headValue.Shape)
	}
	count := t.head.Shape()[0]
	fromTeacher, fromLabels := t.cfg.shares()
	var teacher, labels *G.Node
	if t.cfg.Loss != LossLabels {
		t.teacher = make([]float32, count)
		teacher = b.input("teacher", t.teacher)
	}
	if t.task == TaskClasses {
		if t.cfg.Loss != LossTeacher {
			t.labels = make([]float32, t.rows())
			labels = b.input("labels", t.labels)
		}
		t.loss = t.classLoss().node(b.tape, t.head, teacher, labels)
	} else {
		var targets []*G.Node
		var weights []float64
		if teacher != nil {
			targets, weights = append(targets, teacher), append(weights, fromTeacher)
		}
		if t.cfg.Loss != LossTeacher && t.cfg.targeted {
			t.targets = make([]float32, count)
			targets, weights = append(targets, b.input("targets", t.targets)), append(weights, fromLabels)
		} else if t.cfg.Loss != LossTeacher {
			if n := len(t.model.Graph.Inputs); n != 1 {
				return fmt.Errorf("finetune: loss %q: the network has %d inputs, want 1 that the output should equal", t.cfg.Loss, n)
			}
			target := b.raw[t.model.Graph.Inputs[0]]
			if target.Shape()[0] != count {
				return fmt.Errorf("finetune: loss %q: the output has %d values, the input it should equal has %d", t.cfg.Loss, count/t.cfg.Batch, target.Shape()[0]/t.cfg.Batch)
			}
			targets, weights = append(targets, target), append(weights, fromLabels)
		}
		t.loss = valueLoss(b.tape, t.head, targets, weights)
	}
	return t.differentiate(b)
}

// rows is how many times a batch has scores of classes.
func (t *trainer) rows() int { return t.cfg.Batch * t.steps }

// classLoss is the loss of classes.
func (t *trainer) classLoss() classLoss {
	fromTeacher, fromLabels := t.cfg.shares()
	return classLoss{n: t.rows(), classes: t.head.Shape()[0] / t.rows(), temperature: t.cfg.Temperature, teacher: fromTeacher, labels: fromLabels}
}

// differentiate adds the gradients of all trained values that the loss depends on.
func (t *trainer) differentiate(b *builder) error {
	var err error
	t.params, err = b.differentiate(t.loss, t.params)
	return err
}

// differentiate adds the gradients of those of some values that a loss depends on, and returns these.
func (b *builder) differentiate(loss *G.Node, params []*param) ([]*param, error) {
	reached := map[*G.Node]bool{}
	var visit func(n *G.Node)
	visit = func(n *G.Node) {
		if reached[n] {
			return
		}
		reached[n] = true
		if op, ok := n.Op().(*operation); ok {
			for i, child := range op.nodes {
				if len(op.adjoints) > i && op.adjoints[i] != nil {
					visit(child)
				}
			}
		}
	}
	visit(loss)
	var used []*param
	var nodes []*G.Node
	for _, p := range params {
		if reached[p.node] {
			used, nodes = append(used, p), append(nodes, p.node)
		}
	}
	if len(used) == 0 {
		return nil, fmt.Errorf("finetune: the loss depends on no weight")
	}
	grads, err := b.gradients(loss, nodes)
	if err != nil {
		return nil, err
	}
	for i, p := range used {
		p.grad = grads[i]
	}
	return used, nil
}

// step runs one batch, whose data are in x, teacher and labels, and changes the masters.
// share is the part of their full size that learning rates have.
func (t *trainer) step(share float64) (loss float64, err error) {
	if err := t.builder.run(); err != nil {
		return 0, fmt.Errorf("finetune: %w", err)
	}
	loss = float64(floats(t.loss.Value())[0])
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return loss, t.blame()
	}
	if t.adjusted {
		if err := t.adjust.collect(t.books); err != nil {
			return loss, err
		}
	}
	model := make([]G.ValueGrad, len(t.params))
	for i, p := range t.params {
		if p.rate = share * p.base; t.adjust.rests(p, t.adjusted) {
			p.rate = 0
		}
		model[i] = p
	}
	if err := t.solver.step(model, gradientLimit(t.model.Graph)); err != nil {
		return loss, err
	}
	if t.adjusted {
		t.adjust.spread(t.books)
	}
	return loss, nil
}

// blame names the first value in the graph that is not finite.
func (t *trainer) blame() error {
	step := t.solver.Steps + 1
	for _, in := range t.model.Graph.Inputs {
		if notFinite(floats(t.builder.raw[in].Value())) >= 0 {
			return fmt.Errorf("input %q holds a value that is not finite", in.Name)
		}
	}
	for _, n := range t.model.Graph.Nodes {
		for _, in := range n.Inputs {
			if in != nil && in.Const != nil && notFinite(in.Const.Floats) >= 0 {
				return diverged(step, "node %q: weights %q are not finite any more", n.Name, in.Name)
			}
		}
		if y := t.builder.raw[n.Outputs[0]]; y != nil && notFinite(floats(y.Value())) >= 0 { // bodies of loops have none that last
			return diverged(step, "node %q: its result %q is not finite", n.Name, n.Outputs[0].Name)
		}
	}
	return diverged(step, "the loss is not finite")
}

// settle makes the network what is stored of it: every clustered weight takes the value of
// its centre, after a last clustering where the schedule wants one.
func (t *trainer) settle() error {
	for _, v := range append(t.model.WeightValues(), t.model.BiasValues()...) {
		if v.Const != nil && notFinite(v.Const.Floats) >= 0 {
			return diverged(t.solver.Steps, "weights %q are not finite any more", v.Name)
		}
	}
	if t.adjusted {
		t.adjust.settle(t.books)
		return nil
	}
	if t.cfg.Schedule == SchedulePeriodic {
		if err := t.books.fit(0, t.importance()); err != nil {
			return err
		}
	}
	if t.cfg.Schedule != ScheduleNone {
		t.books.snap()
		t.foldNorms()
	}
	return nil
}

// store writes the trained steps and, where weights are clustered, the codebooks of a
// settled network into the model.
func (t *trainer) store() {
	t.model.Exact = false // it was trained here, now
	for name := range t.trained {
		l := t.model.Levels[name]
		l.Step = float64(trainedStep(t.logSteps[name][0]))
		t.model.Levels[name] = l
	}
	if t.cfg.Schedule != ScheduleNone {
		t.books.store()
	}
}

// trainedStep is the step of a site as the network sees it.
func trainedStep(logStep float32) float32 { return float32(math.Exp(float64(logStep))) }

// rms is the root mean square of weights, or 1 where all are zero.
func rms(w []float32) float64 {
	sum := 0.0
	for _, v := range w {
		sum += float64(v) * float64(v)
	}
	if sum == 0 {
		return 1
	}
	return math.Sqrt(sum / float64(len(w)))
}
