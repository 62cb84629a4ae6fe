package finetune

import (
	"context"
	"fmt"
)

// Network computes outputs for some samples at a time, as [Executor] does.
type Network interface {
	Batch() int
	Run(inputs ...[]float32) ([][]float32, error)
}

// EvaluateConfig says what [Evaluate] measures. The zero value measures all samples.
type EvaluateConfig struct {
	// Limit is how many samples are looked at, evenly picked; 0 means all.
	Limit int
	// Against is another network to compare with, or nil.
	Against Network
	// Progress, unless nil, is called after every batch.
	Progress func(done, all int)
}

// Metrics are what [Evaluate] measured. Accuracies are shares, 0..1.
type Metrics struct {
	Samples  int
	Labelled int // samples with a label
	// Answers is the number of different outputs that were the highest of a sample.
	Answers int
	// Accuracy and Top5 are the shares of the labelled samples whose class has the
	// highest, or one of the five highest, outputs.
	Accuracy, Top5 float64
	// MSE is the mean squared difference between outputs and the only input, where both have the
	// same size; HasMSE says so.
	MSE    float64
	HasMSE bool
	// Agreement is the share of all samples whose highest output is the same as that of
	// EvaluateConfig.Against, Distance the mean squared difference of their outputs.
	Agreement, Distance float64
}

// Evaluate measures the first output of a network on data.
func Evaluate(ctx context.Context, net Network, data Data, cfg EvaluateConfig) (Metrics, error) {
	indices := evenly(data.Len(), cfg.Limit)
	if len(indices) == 0 {
		return Metrics{}, fmt.Errorf("finetune: data: no samples")
	}
	size := net.Batch()
	if cfg.Against != nil {
		size = min(size, cfg.Against.Batch())
	}
	m := Metrics{Samples: len(indices)}
	var right, top5, same int
	var mse, distance float64
	answers := map[int]bool{}
	done := 0
	err := eachBatch(ctx, data, inOrder(indices, size), func(_ int, b *batch) error {
		out, err := outputs(net, b)
		if err != nil {
			return err
		}
		var other []float32
		if cfg.Against != nil {
			if other, err = outputs(cfg.Against, b); err != nil {
				return err
			}
			if len(other) != len(out) {
				return fmt.Errorf("finetune: evaluate: the networks have %d and %d outputs per sample", len(out)/len(b.indices), len(other)/len(b.indices))
			}
		}
		n := len(out) / len(b.indices)
		m.HasMSE = len(b.inputs) == 1 && len(out) == len(b.inputs[0])
		for i, label := range b.labels {
			y := out[i*n:][:n]
			answers[argmax(y)] = true
			if label >= 0 {
				m.Labelled++
				if inTop(y, label, 1) {
					right++
				}
				if inTop(y, label, 5) {
					top5++
				}
			}
			if m.HasMSE {
				mse += squaredDistance(y, b.inputs[0][i*n:][:n]) / float64(n)
			}
			if other != nil {
				o := other[i*n:][:n]
				if argmax(o) == argmax(y) {
					same++
				}
				distance += squaredDistance(y, o) / float64(n)
			}
		}
		done += len(b.indices)
		if cfg.Progress != nil {
			cfg.Progress(done, len(indices))
		}
		return nil
	})
	if err != nil {
		return Metrics{}, err
	}
	m.Answers = len(answers)
	m.Accuracy = float64(right) / float64(max(m.Labelled, 1))
	m.Top5 = float64(top5) / float64(max(m.Labelled, 1))
	m.MSE = mse / float64(m.Samples)
	m.Agreement = float64(same) / float64(m.Samples)
	m.Distance = distance / float64(m.Samples)
	return m, nil
}

// outputs runs a batch and returns the first output, valid until the
// network's next run.
func outputs(net Network, b *batch) ([]float32, error) {
	out, err := net.Run(b.inputs...)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 || len(out[0])%len(b.indices) != 0 {
		return nil, fmt.Errorf("finetune: evaluate: the network has no output per sample")
	}
	return out[0], nil
}
