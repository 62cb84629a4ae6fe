package finetune

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"qconv/onnx"
	"qconv/quant"
)

// Schedule says when weights are clustered during training.
type Schedule string

const (
	// ScheduleForward clusters in every forward pass: a float master copy takes the gradient
	// unchanged, and the codebook follows it now and then (Config.Refit). Free codebooks that layers share are trained
	// themselves in the last quarter, in which every weight stays with its centre.
	ScheduleForward Schedule = "forward"
	// SchedulePeriodic trains unconstrained and replaces all weights by their centres every
	// Config.Period steps. In the last quarter every weight stays with its centre, and free centres are trained; others are
	// clustered until the end.
	SchedulePeriodic Schedule = "periodic"
	// ScheduleNone leaves weights as they are: only activations take few values.
	ScheduleNone Schedule = "none"
)

// LossKind says what the network learns from.
type LossKind string

const (
	// LossTeacher: the float network's outputs; no labels needed.
	LossTeacher LossKind = "teacher"
	// LossLabels: the classes of the data, or, for values, its targets ([Targeted]) or else the network's input.
	LossLabels LossKind = "labels"
	// LossBoth: both, see Config.LabelShare.
	LossBoth LossKind = "both"
)

// Config says how [Tune] trains. Start from [DefaultConfig].
type Config struct {
	// Cluster says how weights become few.
	Cluster quant.ClusterConfig
	// Schedule says when.
	Schedule Schedule
	// Refit is the number of steps between two fits of the codebooks of ScheduleForward; 0
	// keeps the first. There is none in the second half of training, which needs centres
	// that stay where they are.
	Refit int
	// Period is the number of steps between two clusterings of SchedulePeriodic; 0 means a
	// fiftieth of all steps, at most 1000.
	Period int

	// Normalize puts a batch normalization behind every layer whose channels have units of their own
	// (quant.UnitChannel), which takes it up in the end: two to four weights need that.
	Normalize bool

	// Loss says what is learnt from.
	Loss LossKind
	// Task says what outputs mean; TaskAuto decides as [taskFor].
	Task Task
	// Temperature softens the scores that teacher and network are compared by. > 0
	Temperature float64
	// LabelShare is the part of the labels in LossBoth, 0..1; the rest is the teacher's.
	LabelShare float64
	// Teacher is the float network; nil means the model's graph as it is when Tune is called.
	Teacher *onnx.Graph

	// Rate is the learning rate of weights and biases after the warm-up, as a part of each
	// tensor's root mean square when training starts: the folding of normalizations
	// leaves layers of very different size. ScheduleForward multiplies it by 16/W for fewer
	// than 16 centres W: with few, the way from one to the next is long.
	Rate float64
	// RangeRate is the learning rate of the logarithm of each site's step, multiplied by
	// 16/A for fewer than 16 levels A, and, in ScheduleForward, of the units of each layer's
	// integer codebook; 0 keeps the calibrated ranges and fits units like other codebooks.
	RangeRate float64
	// Warmup is the number of steps in which the rate rises to its full size; it then
	// falls to zero along half a cosine.
	Warmup int
	// Batch is the number of samples of a step.
	Batch int
	// Epochs is how often each sample is seen. Steps, unless 0, is used instead.
	Epochs float64
	// Steps is the number of steps; 0 means Epochs.
	Steps int
	// Seed decides the order of the samples.
	Seed uint64

	// Validation, unless nil, is measured every ValidateEvery steps and after the last, on at most
	// ValidateSamples samples, evenly picked. No samples means all; no steps means eight times,
	// but with at most a quarter as many samples as are trained on. What is stored in the end is the best network measured, the last of equals. Training
	// itself is the same with and without. The best of several figures flatters the network: report one of other samples.
	Validation      Data
	ValidateEvery   int
	ValidateSamples int
	// Validated, unless nil, is called after every measurement.
	Validated func(Validation)

	// Progress, unless nil, is called after every step.
	Progress func(Progress)
	// Resume continues an interrupted run; the model, data and configuration must be the same.
	Resume *State
	// Checkpoint, unless nil, is called after the first step and every CheckpointEvery steps, where those
	// take minutes also in between, but not in steps in which training seems to diverge; and
	// when the context is cancelled. The state may be kept.
	Checkpoint      func(*State) error
	CheckpointEvery int

	targeted bool // the data say what outputs should be, see Targeted
}

// Progress tells how training goes.
type Progress struct {
	Step, Steps int // steps done, of all
	// Loss is that of the last batch.
	Loss float64
	// Accuracy is the share of the last batch whose class is the label, or where a sample has
	// none, the teacher's. 0 for values.
	Accuracy float64
	// Rate is Config.Rate as it stands in this step.
	Rate            float64
	ImagesPerSecond float64 // since the start
}

// DefaultConfig trains 1000 steps of 64 samples without labels: what is enough for the
// accuracy of the float network in most cases.
func DefaultConfig() Config {
	return Config{
		Cluster:         quant.DefaultClusterConfig(),
		Schedule:        ScheduleForward,
		Refit:           100,
		Loss:            LossTeacher,
		Temperature:     2,
		LabelShare:      0.5,
		Rate:            5e-3,
		RangeRate:       3e-3,
		Warmup:          20,
		Batch:           64,
		Steps:           1000,
		Seed:            1,
		ValidateSamples: 2000,
		CheckpointEvery: 100,
	}
}

// Validate reports every field that is out of range.
func (c Config) Validate() error {
	var p problems
	if c.Schedule != ScheduleNone {
		if err := c.Cluster.Validate(); err != nil {
			p.add("%s", strings.TrimPrefix(err.Error(), "quant: "))
		}
	}
	p.oneOf("schedule", string(c.Schedule), string(ScheduleForward), string(SchedulePeriodic), string(ScheduleNone))
	p.oneOf("loss", string(c.Loss), string(LossTeacher), string(LossLabels), string(LossBoth))
	p.oneOf("task", string(c.Task), string(TaskAuto), string(TaskClasses), string(TaskValues))
	p.check(c.Refit >= 0, "refit: got %d steps, want 0 or more", c.Refit)
	p.check(c.Period >= 0, "period: got %d steps, want 0 or more", c.Period)
	p.check(!c.Normalize || c.Schedule == ScheduleForward && c.Cluster.Units == quant.UnitChannel && c.RangeRate > 0,
		"normalize: needs schedule forward, units by channel and a range rate above 0")
	p.check(c.Temperature > 0, "temperature: got %g, want more than 0", c.Temperature)
	p.check(c.LabelShare >= 0 && c.LabelShare <= 1, "label share: got %g, want 0..1", c.LabelShare)
	p.check(c.Rate > 0 && c.Rate < 1, "rate: got %g, want more than 0 and less than 1", c.Rate)
	p.check(c.RangeRate >= 0 && c.RangeRate < 1, "range rate: got %g, want 0 or more and less than 1", c.RangeRate)
	p.check(c.Warmup >= 0, "warm-up: got %d steps, want 0 or more", c.Warmup)
	p.check(c.Batch >= 1, "batch: got %d, want at least 1", c.Batch)
	p.check(c.Steps >= 0, "steps: got %d, want 0 or more", c.Steps)
	p.check(c.Steps > 0 || c.Epochs > 0, "epochs: got %g, want more than 0 where no steps are given", c.Epochs)
	p.check(c.ValidateEvery >= 0, "validate every: got %d steps, want 0 or more", c.ValidateEvery)
	p.check(c.ValidateSamples >= 0, "validation samples: got %d, want 0 or more", c.ValidateSamples)
	p.check(c.Checkpoint == nil || c.CheckpointEvery >= 1, "checkpoint every: got %d steps, want at least 1", c.CheckpointEvery)
	return p.err("finetune: configuration")
}

// shares are the weights of the teacher and of the labels in the loss.
func (c Config) shares() (teacher, labels float64) {
	if c.Loss == LossBoth {
		return 1 - c.LabelShare, c.LabelShare
	}
	return 1, 1
}

// problems collects what is wrong with a configuration.
type problems []string

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		p.add(format, args...)
	}
}

func (p *problems) oneOf(name, got string, want ...string) {
	if !slices.Contains(want, got) {
		p.add("%s: got %q, want one of %q", name, got, want)
	}
}

func (p problems) err(where string) error {
	if len(p) == 0 {
		return nil
	}
	return errors.New(where + ": " + strings.Join(p, "; "))
}
