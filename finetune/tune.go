package finetune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"qconv/onnx"
	"qconv/quant"
)

// Result is what [Tune] did.
type Result struct {
	// Model is the model that was given, tuned: weights, codebooks and levels are set.
	Model *quant.Model
	// Steps were done, of all that were planned.
	Steps, Planned int
	// Losses and Accuracies (see [Progress]) are those of all steps done, also before a
	// resumption.
	Losses, Accuracies []float64
	// Validations are all measurements on Config.Validation. Best is that of the network that
	// the model now is, chosen by Criterion; nil where nothing was measured, and the model is
	// then that of the last step.
	Validations []Validation
	Best        *Validation
	Criterion   Criterion
	// Stopped says that the context was cancelled.
	Stopped bool
}

// Tune trains the weights, biases and level steps of a calibrated model so that it comes
// close to its float teacher with few weight values and few levels. The model is changed in
// place. A network without a batch is trained one sample at a time. When the context is cancelled, the model is finished as it stands and no error is
// returned; see Result.Stopped. When training diverges, the error is a [DivergedError].
func Tune(ctx context.Context, m *quant.Model, data Data, cfg Config) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := checkData(m.Graph, data); err != nil {
		return nil, err
	}
	if !batched(m.Graph) {
		cfg.Batch = 1
	}
	headValue, task := headFor(m.Graph, data, cfg.Task)
	cfg.Task, cfg.targeted = task, task == TaskValues && targetsOf(data) != nil
	if err := checkLabels(data, cfg, task, headValue); err != nil {
		return nil, err
	}
	steps := cfg.Steps
	if steps == 0 {
		steps = max(1, int(math.Ceil(cfg.Epochs*float64(data.Len())/float64(cfg.Batch))))
	}
	cfg.Steps = steps
	r, err := newTuning(ctx, m, data, cfg, task, headValue, steps)
	if err != nil {
		return nil, err
	}
	err = r.run(ctx, data)
	stopped := ctx.Err() != nil && errors.Is(err, ctx.Err())
	var bad *DivergedError
	if errors.As(err, &bad) {
		if r.best != nil {
			bad.Best = &r.validations[r.bestAt]
			r.load(r.best)
			r.store()
		}
		return nil, bad
	}
	if err != nil && !stopped {
		return nil, err
	}
	if stopped && cfg.Checkpoint != nil {
		if err := cfg.Checkpoint(r.state()); err != nil {
			return nil, fmt.Errorf("finetune: checkpoint: %w", err)
		}
	}
	return r.finish(stopped)
}

// tuning is one call of Tune.
type tuning struct {
	*trainer
	teacher     *teacher   // nil where only labels are learnt from
	validator   *validator // nil without validation
	steps, done int
	first       int // step this call began with
	start       time.Time
	pauseEnd    time.Time // of the pause after the last checkpoint, see checkpoint

	losses, accuracies []float64 // of all steps done
	strikes            int       // see watch
	validations        []Validation
	best               *Snapshot // as stored; nil before the first validation
	bestAt             int       // position in validations
	criterion          Criterion
}

// newTuning prepares all parts, and resumes where that is wanted.
func newTuning(ctx context.Context, m *quant.Model, data Data, cfg Config, task Task, headValue *onnx.Value, steps int) (*tuning, error) {
	r := &tuning{steps: steps}
	var err error
	if cfg.Loss != LossLabels || cfg.Validation != nil {
		if r.teacher, err = newTeacher(m, cfg, headValue.Name, data); err != nil {
			return nil, err
		}
	}
	norms, err := newNorms(ctx, m, cfg, data)
	if err != nil {
		return nil, err
	}
	if r.trainer, err = newTrainer(m, cfg, task, headValue, norms); err != nil {
		return nil, err
	}
	if cfg.Validation != nil {
		if r.validator, err = newValidator(r.trainer, r.teacher.exec, steps); err != nil {
			return nil, err
		}
	}
	if cfg.Loss == LossLabels {
		r.teacher = nil
	}
	if s := cfg.Resume; s != nil {
		if s.Step > steps {
			return nil, fmt.Errorf("finetune: resume: the state is of step %d, %d are wanted", s.Step, steps)
		}
		if err := r.restore(s); err != nil {
			return nil, err
		}
		if n := cfg.adjustSteps(steps); n > 0 && s.Step >= steps-n {
			r.adjusted = true
			r.adjust.resume(r.books)
		}
		r.first, r.done, r.strikes = s.Step, s.Step, s.Strikes
		r.losses, r.accuracies = slices.Clone(s.Losses), slices.Clone(s.Accuracies)
		r.validations, r.best, r.bestAt = slices.Clone(s.Validations), s.Best, s.BestAt
		if len(r.validations) > 0 {
			r.criterion = CriterionOf(r.validations[0].Metrics, task, cfg.Loss)
		}
	}
	return r, nil
}

// run does all steps that are left.
func (r *tuning) run(ctx context.Context, data Data) error {
	if err := r.prepare(ctx, data); err != nil {
		return err
	}
	r.start = time.Now()
	// A run that was stopped after a step may have missed what follows it.
	if err := r.validate(ctx); err != nil {
		return err
	}
	order := order{n: data.Len(), batch: r.cfg.Batch, seed: r.cfg.Seed}
	pick := func(k int) []visit {
		if r.first+k >= r.steps {
			return nil
		}
		return order.batchOf(r.first + k)
	}
	return eachBatch(ctx, data, pick, func(_ int, b *batch) error { return r.step(ctx, b) })
}

// step trains on one batch, and does what is due after it.
func (r *tuning) step(ctx context.Context, b *batch) error {
	t := r.trainer
	if err := r.feed(b); err != nil {
		return err
	}
	share := r.share()
	loss, err := t.step(share)
	if err != nil {
		return fmt.Errorf("finetune: step %d: %w", r.done+1, err)
	}
	r.done++
	r.losses, r.accuracies = append(r.losses, loss), append(r.accuracies, r.accuracy(b))
	if err := r.cluster(); err != nil {
		return err
	}
	if r.cfg.Progress != nil {
		r.cfg.Progress(Progress{
			Step: r.done, Steps: r.steps, Loss: loss, Accuracy: r.accuracies[r.done-1], Rate: share * r.cfg.Rate,
			ImagesPerSecond: float64((r.done-r.first)*r.cfg.Batch) / time.Since(r.start).Seconds(),
		})
	}
	if err := r.watch(t.blind()); err != nil {
		return err
	}
	if err := r.validate(ctx); err != nil {
		return err
	}
	return r.checkpoint()
}

// feed gives the trainer a batch.
func (r *tuning) feed(b *batch) error {
	t := r.trainer
	for i, x := range b.inputs {
		copy(t.inputs[i], x)
	}
	if t.labels != nil {
		for i, l := range b.classes(t.steps) {
			t.labels[i] = float32(l)
		}
	}
	if t.targets != nil {
		for i, target := range b.targets {
			copy(t.targets[i*len(target):], target)
		}
	}
	if r.teacher != nil {
		return r.teacher.ask(b, t.teacher)
	}
	return nil
}

// Between two checkpoints of slow steps lie at least leastPause, and checkpointCost times the time
// that the last one took.
const (
	leastPause     = time.Minute
	checkpointCost = 20
)

// checkpoint saves the state if that is due: after the first step, so that there is one early, every
// CheckpointEvery steps, and more often where steps are slow.
func (r *tuning) checkpoint() error {
	if r.cfg.Checkpoint == nil || r.done == r.steps || r.strikes > 0 {
		return nil
	}
	if r.done > r.first+1 && r.done%r.cfg.CheckpointEvery > 0 && time.Now().Before(r.pauseEnd) {
		return nil
	}
	start := time.Now()
	if err := r.cfg.Checkpoint(r.state()); err != nil {
		return fmt.Errorf("finetune: checkpoint: %w", err)
	}
	r.pauseEnd = time.Now().Add(max(leastPause, checkpointCost*time.Since(start)))
	return nil
}

// validate measures the network if that is due and not done yet.
func (r *tuning) validate(ctx context.Context) error {
	last := len(r.validations) - 1
	if r.validator == nil || r.done == 0 || r.done%r.validator.every != 0 && r.done < r.steps ||
		last >= 0 && r.validations[last].Step == r.done {
		return nil
	}
	start := time.Now()
	m, teacher, network, err := r.validator.measure(ctx)
	if err != nil {
		return err
	}
	r.start = r.start.Add(time.Since(start)) // the rate is that of training
	if r.best == nil {
		r.criterion = CriterionOf(m, r.task, r.cfg.Loss)
	}
	v := Validation{Step: r.done, Metrics: m, Teacher: teacher}
	r.validations = append(r.validations, v)
	if r.best == nil || r.criterion.prefers(m, r.validations[r.bestAt].Metrics) {
		r.best, r.bestAt = network, last+1
	}
	if r.cfg.Validated != nil {
		r.cfg.Validated(v)
	}
	return r.watchAnswers(m)
}

// state is what the run can be resumed from.
func (r *tuning) state() *State {
	s := r.trainer.state()
	s.Step, s.Strikes = r.done, r.strikes
	s.Losses, s.Accuracies = slices.Clone(r.losses), slices.Clone(r.accuracies)
	s.Validations, s.Best, s.BestAt = slices.Clone(r.validations), r.best, r.bestAt
	return s
}

// finish stores the best network, or where none was measured the last.
func (r *tuning) finish(stopped bool) (*Result, error) {
	result := &Result{
		Model: r.model, Steps: r.done, Planned: r.steps, Losses: r.losses, Accuracies: r.accuracies,
		Validations: r.validations, Criterion: r.criterion, Stopped: stopped,
	}
	if r.best != nil {
		result.Best = &r.validations[r.bestAt]
		r.load(r.best)
	} else if err := r.settle(); err != nil {
		return nil, err
	}
	r.store()
	return result, nil
}

// cluster does what the schedule wants after a step.
func (r *tuning) cluster() error {
	if r.done == r.steps {
		return nil // what comes last is done when the model is finished
	}
	if r.adjusted {
		return nil
	}
	if n := r.cfg.adjustSteps(r.steps); n > 0 && r.done == r.steps-n {
		if r.cfg.Schedule == SchedulePeriodic {
			if err := r.fit(0); err != nil {
				return err
			}
		}
		r.books.snap()
		r.adjusted = true
		r.adjust.begin(r.books, r.cfg.Rate)
		return nil
	}
	switch r.cfg.Schedule {
	case ScheduleForward:
		if r.cfg.Refit > 0 && r.done%r.cfg.Refit == 0 && 2*r.done <= r.steps {
			return r.fit(warmIterations)
		}
	case SchedulePeriodic:
		period := r.cfg.Period
		if period == 0 {
			period = min(max(1, r.steps/50), 1000)
		}
		if r.done%period == 0 {
			if err := r.fit(0); err != nil {
				return err
			}
			r.books.snap()
		}
	}
	return nil
}

// share is the part of their full size that learning rates have in the next step.
func (r *tuning) share() float64 {
	if r.adjusted {
		n := r.cfg.adjustSteps(r.steps)
		return adjustRate * rateShare(r.done-(r.steps-n), n, 0)
	}
	return rateShare(r.done, r.steps, r.cfg.Warmup)
}

// fit moves the centres to masters that were just trained.
func (r *tuning) fit(iterations int) error {
	if err := r.books.fit(iterations, r.importance()); err != nil {
		return diverged(r.done, "%v", err)
	}
	return nil
}

// warmIterations is how far the codebooks of ScheduleForward follow the masters at a time.
const warmIterations = 3

// accuracy is the share of samples whose class is the label or, without one, the teacher's.
func (r *tuning) accuracy(b *batch) float64 {
	if r.task != TaskClasses {
		return 0
	}
	z := floats(r.head.Value())
	labels := b.classes(r.trainer.steps)
	classes := len(z) / len(labels)
	right, counted := 0, 0
	for i, label := range labels {
		if label < 0 && r.trainer.teacher != nil {
			label = Argmax(r.trainer.teacher[i*classes:][:classes])
		}
		if label < 0 {
			continue
		}
		counted++
		if Argmax(z[i*classes:][:classes]) == label {
			right++
		}
	}
	return float64(right) / float64(max(counted, 1))
}

// rateShare is the learning rate of a step as a part of its full size: a linear rise over
// warmup steps, times half a cosine from 1 to 0 over all steps.
func rateShare(step, steps, warmup int) float64 {
	rise := 1.0
	if step < warmup {
		rise = float64(step+1) / float64(warmup)
	}
	return rise * (1 + math.Cos(math.Pi*float64(step)/float64(steps))) / 2
}

// order shuffles samples anew for every epoch. Batches run on across the end of an epoch.
type order struct {
	n, batch int
	seed     uint64
	epoch    int
	perm     []int
}

// batchOf lists the samples of step k.
func (o *order) batchOf(k int) []visit {
	out := make([]visit, o.batch)
	for i := range out {
		at := k*o.batch + i
		if e := at / o.n; o.perm == nil || e != o.epoch {
			o.epoch = e
			o.perm = rand.New(rand.NewPCG(o.seed, uint64(e))).Perm(o.n)
		}
		out[i] = visit{o.epoch, o.perm[at%o.n]}
	}
	return out
}

// checkLabels says which sample lacks a label that the loss needs, or has one that is no class.
func checkLabels(data Data, cfg Config, task Task, headValue *onnx.Value) error {
	outputs := headValue.Shape.Elems()
	if cfg.targeted {
		if n := len(targetsOf(data).Target(0)); n != outputs {
			return fmt.Errorf("finetune: data: samples have %d targets, the network has %d outputs", n, outputs)
		}
	}
	if task != TaskClasses {
		return nil
	}
	classes, steps, any := classesIn(headValue.Shape), ClassSteps(headValue.Shape), false
	for i := range data.Len() {
		labels, err := labelsOf(data, i, steps)
		if err != nil {
			return err
		}
		for _, l := range labels {
			if l >= classes {
				return fmt.Errorf("finetune: data: sample %d has class %d, the network has %d classes", i, l, classes)
			}
			any = any || l >= 0
		}
		if cfg.Loss == LossLabels && !slices.ContainsFunc(labels, func(l int) bool { return l >= 0 }) {
			return fmt.Errorf("finetune: data: sample %d has no label, loss %q needs one (loss %q does not)", i, cfg.Loss, LossTeacher)
		}
	}
	if !any && cfg.Loss == LossBoth {
		return fmt.Errorf("finetune: data: no sample has a label, loss %q needs some (loss %q does not)", cfg.Loss, LossTeacher)
	}
	return nil
}
