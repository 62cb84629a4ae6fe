package finetune

import (
	"context"
	"fmt"
	"math"
)

// Network computes the first output for samples of data that it knows: a program, or an [Executor] ([Executor.On]).
// Samples are given by number.
type Network interface {
	// Sizes are the elements of one sample: of the only input, 0 where there are several, and of the output.
	Sizes() (input, output int)
	// Predict writes the outputs of samples to dst, one slice for each.
	Predict(ctx context.Context, samples []int, dst [][]float64) error
	// Target writes what the output of a sample should be if it is to equal the input. Both have the same size. It is not asked
	// where the data say themselves what the output should be, see [Targeted].
	Target(sample int, dst []float64) error
}

// Labels are the classes of samples, as [Data] have them.
type Labels interface {
	// Len is the number of samples.
	Len() int
	// Label is the class of sample i, or -1 when it has none.
	Label(i int) int
}

// EvaluateConfig says what [Evaluate] and [Compare] measure. The zero value measures all samples.
type EvaluateConfig struct {
	// Limit is how many samples are looked at, evenly picked; 0 means all.
	Limit int
	// Progress, unless nil, is called after every part of the samples.
	Progress func(done, all int)
	// Each, unless nil, is called for every sample in order, with the outputs of the network and of the one compared with, nil for none. They
	// are valid until it returns.
	Each func(sample int, own, other []float64)
	// Steps is how many steps of a sample have a class each, see [ClassSteps]; 0 means as many as the data have classes for ([Stepped]), or 1.
	Steps int
	// Part is the part of the samples that [Measure] looks at. The zero value means all.
	Part Part
}

// Metrics are what [Evaluate] measured. Accuracies are shares, 0..1.
type Metrics struct {
	Samples int
	// Steps is how many steps of a sample have a class each, 1 but for sequences of classes. What is said below of samples holds for their steps, then.
	Steps    int
	Labelled int // samples with a label
	// Answers is the number of different outputs that were the highest of a sample.
	Answers int
	// Accuracy and Top5 are the shares of the labelled samples whose class has the
	// highest, or one of the five highest, outputs. Of equal outputs the first counts as higher; one that is no
	// number is the lowest.
	Accuracy, Top5 float64
	// Most is the share of the samples whose highest output is that of class MostClass, the most frequent one; MostLabel is the share
	// of the labelled samples that the most frequent label has.
	Most, MostLabel float64
	MostClass       int
	// MSE is the mean squared difference between outputs and what they should be: the targets of the data ([Targeted]), or else the
	// inputs, where both have the same size. HasMSE says that there is one. MSEError is its standard error.
	MSE, MSEError float64
	HasMSE        bool
	// R2 is the coefficient of determination against the targets of the data, which HasTargets says: the mean over the outputs
	// of 1 - sum((y-target)²)/sum((target-mean target)²), without those whose targets do not vary; NaN where none does.
	R2         float64
	HasTargets bool
	// Agreement is the share of all samples whose highest output is the same as that of
	// the network compared with, Distance the mean squared difference of their outputs, DistanceError its standard error, and Spread
	// the standard deviation of the outputs of the network compared with, over samples and elements.
	Agreement, Distance, DistanceError, Spread float64
}

// SNR is the ratio of the variance of the outputs of the network compared with to the mean squared difference, in decibels, at most that of float32 rounding. It is
// NaN where those outputs do not vary.
func (m Metrics) SNR() float64 {
	if !(m.Spread > 0) {
		return math.NaN()
	}
	return math.Min(10*math.Log10(m.Spread*m.Spread/m.Distance), 150)
}

// Evaluate measures the first output of a network.
func Evaluate(ctx context.Context, net Network, labels Labels, cfg EvaluateConfig) (Metrics, error) {
	m, _, err := Compare(ctx, net, nil, labels, cfg)
	return m, err
}

// Compare measures a network, and another one on the same samples, unless it is nil. Each is measured against the other.
func Compare(ctx context.Context, net, against Network, labels Labels, cfg EvaluateConfig) (own, other Metrics, err error) {
	if cfg.Part.Count > 1 {
		return own, other, fmt.Errorf("finetune: evaluate: a part of the samples has no metrics, want all; see Measure")
	}
	t, err := Measure(ctx, net, against, labels, cfg)
	if err != nil {
		return own, other, err
	}
	own, other = t.Metrics()
	return own, other, nil
}

// evaluated is how many samples are measured at a time.
const evaluated = 256

// Measure adds up what [Compare] needs, over the samples of a part.
func Measure(ctx context.Context, net, against Network, labels Labels, cfg EvaluateConfig) (*Tally, error) {
	count, all := labels.Len(), labels.Len()
	if cfg.Limit > 0 {
		count = min(count, cfg.Limit)
	}
	if count == 0 {
		return nil, fmt.Errorf("finetune: data: no samples")
	}
	if err := cfg.Part.check(); err != nil {
		return nil, err
	}
	targets, steps := targetsOf(labels), cfg.Steps
	if stepped := steppedOf(labels); steps == 0 && stepped != nil {
		steps = len(stepped.StepLabel(0))
	}
	if _, outputs := net.Sizes(); steps < 1 {
		steps = 1
	} else if outputs%steps > 0 {
		return nil, fmt.Errorf("finetune: evaluate: the network has %d outputs per sample, want as many for each of %d steps", outputs, steps)
	}
	scores := []*score{newScore(net, targets, 0, steps)}
	if against != nil {
		scores = append(scores, newScore(against, targets, 0, steps))
		if a, b := len(scores[0].want), len(scores[1].want); a != b {
			return nil, fmt.Errorf("finetune: evaluate: the networks have %d and %d outputs per sample", a, b)
		}
	}
	from, to := cfg.Part.Positions(count)
	for at := from; at < to; at += evaluated {
		part := make([]int, min(evaluated, to-at))
		for k := range part {
			part[k] = (at + k) * all / count // as evenly has it
		}
		for _, s := range scores {
			if at%blockSize(count) == 0 {
				s.open()
			}
			if err := s.measure(ctx, part, labels); err != nil {
				return nil, err
			}
		}
		if against != nil {
			scores[0].compare(scores[1], len(part))
		}
		for k, i := range part {
			switch {
			case cfg.Each == nil:
			case against == nil:
				cfg.Each(i, scores[0].outputs[k], nil)
			default:
				cfg.Each(i, scores[0].outputs[k], scores[1].outputs[k])
			}
		}
		if cfg.Progress != nil {
			cfg.Progress(at+len(part)-from, to-from)
		}
	}
	t := &Tally{Own: &scores[0].tally}
	if against != nil {
		t.Other = &scores[1].tally
	}
	return t, nil
}

// score is what was counted of a network so far.
type score struct {
	net     Network
	targets Targeted    // nil where the data have none
	outputs [][]float64 // of the latest samples
	want    []float64
	first   []float32 // the targets of the first of all samples
	tally   NetworkTally
}

func newScore(net Network, targets Targeted, first, steps int) *score {
	in, out := net.Sizes()
	s := &score{net: net, targets: targets, want: make([]float64, out)}
	s.tally = NetworkTally{Steps: steps, Answers: counts{}, Labels: counts{}, HasTargets: targets != nil}
	s.tally.HasMSE = in == out || targets != nil
	if targets != nil {
		s.first = targets.Target(first)
	}
	return s
}

// open begins the next block.
func (s *score) open() {
	b := Sums{}
	if s.targets != nil {
		b.Fits = newFits(s.first)
	}
	s.tally.Blocks = append(s.tally.Blocks, b)
}

// block is the block that is being added to.
func (s *score) block() *Sums { return &s.tally.Blocks[len(s.tally.Blocks)-1] }

// measure adds some samples.
func (s *score) measure(ctx context.Context, samples []int, labels Labels) error {
	for len(s.outputs) < len(samples) {
		s.outputs = append(s.outputs, make([]float64, len(s.want)))
	}
	if err := s.net.Predict(ctx, samples, s.outputs[:len(samples)]); err != nil {
		return err
	}
	t, block := &s.tally, s.block()
	for k, i := range samples {
		y := s.outputs[k]
		t.Samples++
		classes, err := labelsOf(labels, i, t.Steps)
		if err != nil {
			return err
		}
		for step, label := range classes {
			y := t.step(y, step)
			t.Answers[Argmax(y)]++
			if label < 0 {
				continue
			}
			t.Labelled++
			t.Labels[label]++
			if inTop(y, label, 1) {
				t.Right++
			}
			if inTop(y, label, 5) {
				t.Top5++
			}
		}
		if t.HasMSE {
			if err := s.should(i); err != nil {
				return err
			}
			block.Errors.add(meanSquare(y, s.want))
			for e := range block.Fits {
				block.Fits[e].add(y[e], s.want[e])
			}
		}
	}
	return nil
}

// step are the outputs of a step.
func (t *NetworkTally) step(y []float64, step int) []float64 {
	n := len(y) / t.Steps
	return y[step*n:][:n]
}

// should writes to want what the output of a sample should be.
func (s *score) should(sample int) error {
	if s.targets == nil {
		return s.net.Target(sample, s.want)
	}
	target := s.targets.Target(sample)
	if len(target) != len(s.want) {
		return fmt.Errorf("finetune: data: sample %d has %d targets, the network has %d outputs", sample, len(target), len(s.want))
	}
	for e, v := range target {
		s.want[e] = float64(v)
	}
	return nil
}

// compare adds the comparison of the latest n samples.
func (s *score) compare(other *score, n int) {
	block := s.block()
	for k, y := range s.outputs[:n] {
		for step := range s.tally.Steps {
			if Argmax(s.tally.step(y, step)) == Argmax(s.tally.step(other.outputs[k], step)) {
				s.tally.Same++
			}
		}
		block.Distances.add(meanSquare(y, other.outputs[k]))
		for _, v := range other.outputs[k] {
			block.Compared.add(v)
		}
	}
}

// meanSquare is the mean squared difference.
func meanSquare(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += (v - b[i]) * (v - b[i])
	}
	return sum / float64(max(len(a), 1))
}

// On is the executor's network on data.
func (e *Executor) On(data Data) Network { return &onData{e, data} }

type onData struct {
	exec *Executor
	data Data
}

func (n *onData) Sizes() (input, output int) {
	if in := n.exec.graph.Inputs; len(in) == 1 {
		input = in[0].Shape.Elems()
	}
	return input, n.exec.graph.Outputs[0].Shape.Elems()
}

func (n *onData) Predict(ctx context.Context, samples []int, dst [][]float64) error {
	return eachBatch(ctx, n.data, inOrder(samples, n.exec.Batch()), func(_ int, b *batch) error {
		outs, err := n.exec.Run(b.inputs...)
		if err != nil {
			return err
		}
		size := len(outs[0]) / len(b.indices)
		for k := range b.indices {
			for i, v := range outs[0][k*size:][:size] {
				dst[0][i] = float64(v)
			}
			dst = dst[1:]
		}
		return nil
	})
}

func (n *onData) Target(sample int, dst []float64) error {
	x := make([]float32, len(dst))
	if err := n.data.Input(sample, x); err != nil {
		return fmt.Errorf("finetune: data: sample %d: %w", sample, err)
	}
	for i, v := range x {
		dst[i] = float64(v)
	}
	return nil
}
