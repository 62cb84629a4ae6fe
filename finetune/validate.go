package finetune

import (
	"context"
	"fmt"
	"slices"

	"qconv/onnx"

	G "gorgonia.org/gorgonia"
)

// Validation is how the network does that would be stored after a step. It is compared with the
// teacher: Metrics.Agreement and Metrics.Distance. Teacher is how that does on the same samples.
type Validation struct {
	Step             int
	Metrics, Teacher Metrics
}

// Criterion is the metric that the best of several networks is chosen by.
type Criterion string

const (
	// ByAccuracy: the accuracy, where labels are learnt from.
	ByAccuracy Criterion = "accuracy"
	// ByAgreement: the agreement with the teacher on classes.
	ByAgreement Criterion = "agreement"
	// ByMSE: the mean squared difference between outputs and inputs.
	ByMSE Criterion = "MSE"
	// ByDistance: the mean squared difference to the teacher's outputs.
	ByDistance Criterion = "distance"
)

// CriterionOf is the criterion for what was measured, when a network is trained with a loss.
func CriterionOf(m Metrics, task Task, loss LossKind) Criterion {
	switch {
	case task == TaskClasses && loss != LossTeacher && m.Labelled > 0:
		return ByAccuracy
	case task == TaskClasses:
		return ByAgreement
	case m.HasMSE:
		return ByMSE
	}
	return ByDistance
}

// Value is the metric of the criterion.
func (c Criterion) Value(m Metrics) float64 {
	switch c {
	case ByAccuracy:
		return m.Accuracy
	case ByAgreement:
		return m.Agreement
	case ByMSE:
		return m.MSE
	}
	return m.Distance
}

// prefers says whether a is at least as good as b.
func (c Criterion) prefers(a, b Metrics) bool {
	if c == ByMSE || c == ByDistance {
		return c.Value(a) <= c.Value(b)
	}
	return c.Value(a) >= c.Value(b)
}

// validationBatch is how many samples are validated at a time.
const validationBatch = 64

// validator measures a network in training as it would be stored.
type validator struct {
	trainer *trainer
	data    Data
	every   int // steps between two measurements
	exec    *Executor
	steps   map[string][]float32 // of the levels that exec rounds to, by site name
	teacher Network
}

// newValidator prepares the measurement of a trainer's network during steps.
func newValidator(t *trainer, teacher *Executor, steps int) (*validator, error) {
	if err := checkData(t.model.Graph, t.cfg.Validation); err != nil {
		return nil, fmt.Errorf("finetune: validation: %w", err)
	}
	v := &validator{
		trainer: t, data: t.cfg.Validation, every: t.cfg.validateEvery(steps), steps: map[string][]float32{},
		teacher: &remembered{Network: teacher.On(t.cfg.Validation), known: map[int][]float64{}, room: keepValues},
	}
	for name, l := range t.model.Levels {
		v.steps[name] = []float32{float32(l.Step)}
	}
	round := func(tp *tape, x *onnx.Value, y *G.Node) *G.Node {
		if l, ok := t.model.Levels[x.Name]; ok {
			return roundNode(tp, l, tp.input("step", v.steps[x.Name]), y)
		}
		return y
	}
	var err error
	v.exec, err = newExecutor(t.model.Graph, BatchFor(t.model.Graph, validationBatch), plan{round: round})
	return v, err
}

// measure evaluates the network, and the teacher, and returns the network as it would be stored. The network in training
// is left as it was.
func (v *validator) measure(ctx context.Context) (own, teacher Metrics, network *Snapshot, err error) {
	t := v.trainer
	training := t.snapshot()
	defer t.load(training)
	if err := t.settle(); err != nil {
		return own, teacher, nil, err
	}
	for name := range t.trained {
		v.steps[name][0] = trainedStep(t.logSteps[name][0])
	}
	own, teacher, err = Compare(ctx, v.exec.On(v.data), v.teacher, v.data, EvaluateConfig{Limit: t.cfg.ValidateSamples, Steps: t.steps})
	return own, teacher, t.snapshot(), err
}

// validateEvery is the number of steps between two measurements in a run of steps.
func (c Config) validateEvery(steps int) int {
	if c.ValidateEvery > 0 {
		return c.ValidateEvery
	}
	measured := len(evenly(c.Validation.Len(), c.ValidateSamples))
	times := max(1, min(8, steps*c.Batch/4/measured))
	return (steps + times - 1) / times
}

// remembered is a network that is asked about the same samples again and again: it runs each once, and keeps the
// outputs as far as there is room.
type remembered struct {
	Network
	known map[int][]float64 // by sample
	room  int               // for values
}

func (r *remembered) Predict(ctx context.Context, samples []int, dst [][]float64) error {
	var missing []int
	var answers [][]float64
	for k, i := range samples {
		if known, ok := r.known[i]; ok {
			copy(dst[k], known)
		} else {
			missing, answers = append(missing, i), append(answers, dst[k])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := r.Network.Predict(ctx, missing, answers); err != nil {
		return err
	}
	for k, i := range missing {
		if r.room -= len(answers[k]); r.room < 0 {
			break
		}
		r.known[i] = slices.Clone(answers[k])
	}
	return nil
}
