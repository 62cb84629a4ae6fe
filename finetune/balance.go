package finetune

import (
	"context"
	"math"
	"slices"

	"qconv/finetune/internal/kernel"
	"qconv/onnx"
	"qconv/quant"
)

// balanceSamples is how many samples the spread of channels is taken from.
const balanceSamples = 256

// balance rewrites a model whose channels differ in range, see [quant.Balancing], and returns the names
// of the values that it balanced. A model with codebooks is left as it is.
func balance(ctx context.Context, m *quant.Model, data Data, cfg CalibrateConfig) ([]string, error) {
	if len(m.Codebooks) > 0 || cfg.Unbalanced {
		return nil, nil
	}
	balanced, err := balanceChannels(ctx, m, data, cfg)
	if err != nil || !cfg.EvenLayers {
		return balanced, err
	}
	var inputs []*onnx.Value
	for _, s := range m.Sites {
		if s.Role == quant.RoleInput {
			inputs = append(inputs, s.Value)
		}
	}
	spreads, err := spreadOf(ctx, m.Graph, inputs, data, cfg.Batch)
	if err != nil || spreads == nil {
		return balanced, err
	}
	if names := quant.NewBalancing(m).Even(spreads); names != nil {
		return slices.Compact(slices.Sorted(slices.Values(append(balanced, names...)))), nil
	}
	return balanced, nil
}

// balanceChannels does so for the channels of each value.
func balanceChannels(ctx context.Context, m *quant.Model, data Data, cfg CalibrateConfig) ([]string, error) {
	b := quant.NewBalancing(m)
	values := b.Values()
	if len(values) == 0 {
		return nil, nil
	}
	spreads, err := spreadOf(ctx, m.Graph, values, data, cfg.Batch)
	if err != nil || spreads == nil {
		return nil, err
	}
	return b.Apply(spreads, cfg.count), nil
}

// spreadOf measures values on some samples; nil where one of them is not finite.
func spreadOf(ctx context.Context, g *onnx.Graph, values []*onnx.Value, data Data, batchSize int) (map[*onnx.Value]quant.Spread, error) {
	exec, err := NewExecutor(g, batchSize, ExecOptions{})
	if err != nil {
		return nil, err
	}
	spreads := make([]quant.Spread, len(values))
	for i, v := range values {
		n := quant.Channels(v)
		spreads[i] = quant.Spread{Low: make([]float64, n), High: make([]float64, n), MeanSquare: make([]float64, n)}
	}
	indices := evenly(data.Len(), balanceSamples)
	err = eachBatch(ctx, data, inOrder(indices, batchSize), func(_ int, b *batch) error {
		if _, err := exec.Run(b.inputs...); err != nil {
			return err
		}
		taken := make([][]float32, len(values))
		for i, v := range values {
			taken[i] = exec.Value(v.Name)
		}
		kernel.Parallel(len(values), func(i int) { addSpread(&spreads[i], taken[i], len(b.indices), values[i].Shape.Elems()) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := map[*onnx.Value]quant.Spread{}
	for i, v := range values {
		for c := range spreads[i].MeanSquare {
			spreads[i].MeanSquare[c] /= float64(len(indices))
			if m := spreads[i].MeanSquare[c]; math.IsNaN(m) || math.IsInf(m, 0) {
				return nil, nil
			}
		}
		out[v] = spreads[i]
	}
	return out, nil
}

// addSpread adds the values of some samples, of so many elems each, in all iterations where they are those of a loop's body; MeanSquare becomes a sum over samples of means.
func addSpread(s *quant.Spread, values []float32, samples, elems int) {
	channels := len(s.Low)
	per := elems / channels
	rows := len(values) / max(elems, 1) // of samples and iterations
	share := float64(samples) / float64(max(rows, 1))
	for i := range rows * channels {
		c, sum := i%channels, 0.0
		for _, x := range values[i*per:][:per] {
			v := float64(x)
			s.Low[c], s.High[c] = math.Min(s.Low[c], v), math.Max(s.High[c], v)
			sum += v * v
		}
		s.MeanSquare[c] += sum / float64(max(per, 1)) * share
	}
}
