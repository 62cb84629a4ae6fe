package finetune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
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
	// Losses are those of all steps done in this call.
	Losses []float64
	// Stopped says that the context was cancelled; the model is that of the last step done.
	Stopped bool
}

// Tune trains the weights, biases and level steps of a calibrated model so that it comes
// close to its float teacher with few weight values and few levels. The model is changed in
// place. When the context is cancelled, the model is finished as it stands and no error is
// returned; see Result.Stopped.
func Tune(ctx context.Context, m *quant.Model, data Data, cfg Config) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := checkData(m.Graph, data); err != nil {
		return nil, err
	}
	headValue, task := head(m.Graph)
	if cfg.Task != TaskAuto && cfg.Task != task {
		task = cfg.Task
		headValue = m.Graph.Outputs[0]
	}
	if err := checkLabels(data, cfg, task, headValue); err != nil {
		return nil, err
	}
	steps := cfg.Steps
	if steps == 0 {
		steps = max(1, int(math.Ceil(cfg.Epochs*float64(data.Len())/float64(cfg.Batch))))
	}
	var teach *teacher
	if cfg.Loss != LossLabels {
		var err error
		if teach, err = newTeacher(m, cfg, headValue.Name, data); err != nil {
			return nil, err
		}
	}
	t, err := newTrainer(m, cfg, task, headValue)
	if err != nil {
		return nil, err
	}
	first := 0
	if cfg.Resume != nil {
		if err := t.restore(cfg.Resume); err != nil {
			return nil, err
		}
		first = min(cfg.Resume.Step, steps)
	}
	r := &tuning{trainer: t, teacher: teach, steps: steps, done: first, first: first, start: time.Now()}
	order := order{n: data.Len(), batch: cfg.Batch, seed: cfg.Seed}
	pick := func(k int) []int {
		if first+k >= steps {
			return nil
		}
		return order.batchOf(first + k)
	}
	err = eachBatch(ctx, data, pick, func(_ int, b *batch) error { return r.step(b) })
	stopped := ctx.Err() != nil && errors.Is(err, ctx.Err())
	if err != nil && !stopped {
		return nil, err
	}
	if stopped && cfg.Checkpoint != nil {
		if err := cfg.Checkpoint(t.state(r.done)); err != nil {
			return nil, fmt.Errorf("finetune: checkpoint: %w", err)
		}
	}
	if err := t.store(); err != nil {
		return nil, err
	}
	return &Result{Model: m, Steps: r.done, Planned: steps, Losses: r.losses, Stopped: stopped}, nil
}

// tuning is one call of Tune.
type tuning struct {
	*trainer
	teacher     *teacher
	steps, done int
	first       int // step this call began with
	start       time.Time
	losses      []float64
}

// step trains on one batch.
func (r *tuning) step(b *batch) error {
	t := r.trainer
	copy(t.x, b.x)
	if t.labels != nil {
		for i, l := range b.labels {
			t.labels[i] = float32(l)
		}
	}
	if r.teacher != nil {
		if err := r.teacher.ask(b, t.teacher); err != nil {
			return err
		}
	}
	share := rateShare(r.done, r.steps, t.cfg.Warmup)
	loss, err := t.step(share)
	if err != nil {
		return fmt.Errorf("finetune: step %d: %w", r.done+1, err)
	}
	r.done++
	r.losses = append(r.losses, loss)
	if err := r.cluster(); err != nil {
		return fmt.Errorf("finetune: step %d: %w", r.done, err)
	}
	if r.cfg.Progress != nil {
		r.cfg.Progress(Progress{
			Step: r.done, Steps: r.steps, Loss: loss, Accuracy: r.accuracy(b), Rate: share * r.cfg.Rate,
			ImagesPerSecond: float64((r.done-r.first)*r.cfg.Batch) / time.Since(r.start).Seconds(),
		})
	}
	if r.cfg.Checkpoint != nil && r.done%r.cfg.CheckpointEvery == 0 && r.done < r.steps {
		if err := r.cfg.Checkpoint(t.state(r.done)); err != nil {
			return fmt.Errorf("finetune: checkpoint: %w", err)
		}
	}
	return nil
}

// cluster does what the schedule wants after a step.
func (r *tuning) cluster() error {
	if r.done == r.steps {
		return nil // what comes last is done when the model is finished
	}
	switch r.cfg.Schedule {
	case ScheduleForward:
		if r.cfg.Refit > 0 && r.done%r.cfg.Refit == 0 && 2*r.done <= r.steps {
			return r.books.fit(warmIterations)
		}
	case SchedulePeriodic:
		period := r.cfg.Period
		if period == 0 {
			period = min(max(1, r.steps/8), 1000)
		}
		if r.done%period == 0 {
			if err := r.books.fit(0); err != nil {
				return err
			}
			r.books.snap()
		}
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
	classes := len(z) / len(b.indices)
	right, counted := 0, 0
	for i, label := range b.labels {
		if label < 0 && r.trainer.teacher != nil {
			label = argmax(r.trainer.teacher[i*classes:][:classes])
		}
		if label < 0 {
			continue
		}
		counted++
		if argmax(z[i*classes:][:classes]) == label {
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
func (o *order) batchOf(k int) []int {
	out := make([]int, o.batch)
	for i := range out {
		at := k*o.batch + i
		if e := at / o.n; o.perm == nil || e != o.epoch {
			o.epoch = e
			o.perm = rand.New(rand.NewPCG(o.seed, uint64(e))).Perm(o.n)
		}
		out[i] = o.perm[at%o.n]
	}
	return out
}

// checkLabels says which sample lacks a label that the loss needs, or has one that is no class.
func checkLabels(data Data, cfg Config, task Task, headValue *onnx.Value) error {
	if task != TaskClasses {
		return nil
	}
	classes := headValue.Shape.Elems()
	any := false
	for i := range data.Len() {
		l := data.Label(i)
		if l >= classes {
			return fmt.Errorf("finetune: data: sample %d has class %d, the network has %d classes", i, l, classes)
		}
		if l < 0 && cfg.Loss == LossLabels {
			return fmt.Errorf("finetune: data: sample %d has no label, loss %q needs one (loss %q does not)", i, cfg.Loss, LossTeacher)
		}
		any = any || l >= 0
	}
	if !any && cfg.Loss == LossBoth {
		return fmt.Errorf("finetune: data: no sample has a label, loss %q needs some (loss %q does not)", cfg.Loss, LossTeacher)
	}
	return nil
}
