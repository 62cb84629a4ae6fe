package finetune

import (
	"fmt"
	"math"
	"slices"
)

// DivergedError says that training went wrong for good: a smaller learning rate may help.
type DivergedError struct {
	// Step is the step in which that was found.
	Step   int
	Reason string
	// Best is the measurement of the network that the model now is, the best one before;
	// nil when none was measured: the model is then of no use.
	Best *Validation
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("finetune: step %d: training diverged: %s; lower the learning rate", e.Step, e.Reason)
}

func diverged(step int, format string, args ...any) error {
	return &DivergedError{Step: step, Reason: fmt.Sprintf(format, args...)}
}

// A network has diverged when for collapseSteps on end the loss is both collapseFactor times
// the least of the first firstSteps and half of that of a network that knows nothing; or when,
// with a loss that has risen, it gives all of the validation samples the same class.
const (
	firstSteps     = 10
	collapseSteps  = 50
	collapseFactor = 4
)

// firstLoss is the loss that training began with.
func (r *tuning) firstLoss() float64 { return slices.Min(r.losses[:firstSteps]) }

// watch looks at the loss of the step that was just done; blind is what a network that knows
// nothing would have had.
func (r *tuning) watch(blind float64) error {
	if r.done < firstSteps {
		return nil
	}
	first := r.firstLoss()
	limit := max(collapseFactor*first, blind/2)
	if !(r.losses[r.done-1] > limit) {
		r.strikes = 0
		return nil
	}
	if r.strikes++; r.strikes < collapseSteps {
		return nil
	}
	return diverged(r.done, "the loss rose from %.3g to more than %.3g for %d steps", first, limit, collapseSteps)
}

// watchAnswers looks at a validation.
func (r *tuning) watchAnswers(m Metrics) error {
	if r.task != TaskClasses || m.Answers > 1 || m.Agreement == 1 || r.done < firstSteps+collapseSteps {
		return nil
	}
	first, last := r.firstLoss(), mean(r.losses[r.done-collapseSteps:])
	if last <= first {
		return nil
	}
	return diverged(r.done, "all %d validation samples get the same class, and the loss rose from %.3g to %.3g", m.Samples, first, last)
}

// blind is the loss that a network that knows nothing would have for the present batch: one with equal
// scores for all classes, or with the mean of all targets for every value.
func (t *trainer) blind() float64 {
	fromTeacher, fromLabels := t.cfg.shares()
	if t.task == TaskClasses {
		l := t.classLoss()
		equal, grad := make([]float32, l.classes), make([]float32, l.classes)
		sum := 0.0
		for s := range l.n {
			if t.teacher != nil {
				sum += l.distil(grad, equal, t.teacher[s*l.classes:][:l.classes])
			}
			if t.labels != nil && t.labels[s] >= 0 {
				sum += l.crossEntropy(grad, equal, int(t.labels[s]))
			}
		}
		return sum / float64(l.n)
	}
	sum := 0.0
	if t.teacher != nil {
		sum += fromTeacher * variance(t.teacher)
	}
	if t.targets != nil {
		sum += fromLabels * variance(t.targets)
	} else if t.cfg.Loss != LossTeacher {
		sum += fromLabels * variance(t.inputs[0])
	}
	return sum
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / math.Max(float64(len(v)), 1)
}

// variance is the mean squared distance from the mean.
func variance(v []float32) float64 {
	sum, squares := 0.0, 0.0
	for _, x := range v {
		sum += float64(x)
		squares += float64(x) * float64(x)
	}
	n := math.Max(float64(len(v)), 1)
	return math.Max(squares/n-sum/n*(sum/n), 0)
}
