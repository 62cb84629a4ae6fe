package finetune

import (
	"context"
	"fmt"
	"slices"
)

// Network computes the first output for samples of data that it knows: a program, or an [Executor] ([Executor.On]).
// Samples are given by number.
type Network interface {
	// Sizes are the elements of one sample: of the only input, 0 where there are several, and of the output.
	Sizes() (input, output int)
	// Predict writes the outputs of samples to dst, one slice for each.
	Predict(ctx context.Context, samples []int, dst [][]float64) error
	// Target writes what the output of a sample should be if it is to equal the input. Both have the same size.
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
}

// Metrics are what [Evaluate] measured. Accuracies are shares, 0..1.
type Metrics struct {
	Samples  int
	Labelled int // samples with a label
	// Answers is the number of different outputs that were the highest of a sample.
	Answers int
	// Accuracy and Top5 are the shares of the labelled samples whose class has the
	// highest, or one of the five highest, outputs. Of equal outputs the first counts as higher; one that is no
	// number is the lowest.
	Accuracy, Top5 float64
	// MSE is the mean squared difference between outputs and inputs, where both have the
	// same size; HasMSE says so.
	MSE    float64
	HasMSE bool
	// Agreement is the share of all samples whose highest output is the same as that of
	// the network compared with, Distance the mean squared difference of their outputs.
	Agreement, Distance float64
}

// Evaluate measures the first output of a network.
func Evaluate(ctx context.Context, net Network, labels Labels, cfg EvaluateConfig) (Metrics, error) {
	m, _, err := Compare(ctx, net, nil, labels, cfg)
	return m, err
}

// evaluated is how many samples are measured at a time.
const evaluated = 256

// Compare measures a network, and another one on the same samples, unless it is nil. Each is measured against the other.
func Compare(ctx context.Context, net, against Network, labels Labels, cfg EvaluateConfig) (own, other Metrics, err error) {
	samples := evenly(labels.Len(), cfg.Limit)
	if len(samples) == 0 {
		return own, other, fmt.Errorf("finetune: data: no samples")
	}
	scores := []*score{newScore(net)}
	if against != nil {
		scores = append(scores, newScore(against))
		if a, b := len(scores[0].want), len(scores[1].want); a != b {
			return own, other, fmt.Errorf("finetune: evaluate: the networks have %d and %d outputs per sample", a, b)
		}
	}
	done := 0
	for part := range slices.Chunk(samples, evaluated) {
		for _, s := range scores {
			if err := s.measure(ctx, part, labels); err != nil {
				return own, other, err
			}
		}
		if against != nil {
			scores[0].compare(scores[1], len(part))
		}
		if done += len(part); cfg.Progress != nil {
			cfg.Progress(done, len(samples))
		}
	}
	own = scores[0].metrics()
	if against != nil {
		other = scores[1].metrics()
		other.Agreement, other.Distance = own.Agreement, own.Distance
	}
	return own, other, nil
}

// score is what was counted of a network so far.
type score struct {
	net     Network
	outputs [][]float64 // of the latest samples
	want    []float64

	Metrics                   // Samples, Labelled, HasMSE
	right, top5, same int     // of samples
	squares, distance float64 // sums over samples
	answers           map[int]bool
}

func newScore(net Network) *score {
	in, out := net.Sizes()
	s := &score{net: net, want: make([]float64, out), answers: map[int]bool{}}
	s.HasMSE = in == out
	return s
}

// measure adds some samples.
func (s *score) measure(ctx context.Context, samples []int, labels Labels) error {
	for len(s.outputs) < len(samples) {
		s.outputs = append(s.outputs, make([]float64, len(s.want)))
	}
	if err := s.net.Predict(ctx, samples, s.outputs[:len(samples)]); err != nil {
		return err
	}
	for k, i := range samples {
		y := s.outputs[k]
		s.Samples++
		s.answers[argmax(y)] = true
		if label := labels.Label(i); label >= 0 {
			s.Labelled++
			if inTop(y, label, 1) {
				s.right++
			}
			if inTop(y, label, 5) {
				s.top5++
			}
		}
		if s.HasMSE {
			if err := s.net.Target(i, s.want); err != nil {
				return err
			}
			s.squares += meanSquare(y, s.want)
		}
	}
	return nil
}

// compare adds the comparison of the latest n samples.
func (s *score) compare(other *score, n int) {
	for k, y := range s.outputs[:n] {
		if argmax(y) == argmax(other.outputs[k]) {
			s.same++
		}
		s.distance += meanSquare(y, other.outputs[k])
	}
}

// metrics are the results; there must be samples.
func (s *score) metrics() Metrics {
	m, n := s.Metrics, float64(s.Samples)
	m.Answers = len(s.answers)
	m.Accuracy = float64(s.right) / float64(max(m.Labelled, 1))
	m.Top5 = float64(s.top5) / float64(max(m.Labelled, 1))
	m.MSE = s.squares / n
	m.Agreement, m.Distance = float64(s.same)/n, s.distance/n
	return m
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
