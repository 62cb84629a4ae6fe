package finetune

import (
	"context"

	"qconv/onnx"
)

// Tensors that share a codebook are not equally sensitive: a bias acts on every position of its channel, a weight of a
// wide layer on next to nothing. The loss rises by about h*d^2 when a value is moved by d, with h the mean square of
// its gradient (the diagonal of the Fisher matrix), so h is how much a squared error counts in the fit of a shared codebook. One
// number for each tensor is enough, and steadier than one for each weight.

// sensitivityBatches is how many batches the gradient is measured on before the first step. After
// it the solver's moments say the same.
const sensitivityBatches = 16

// prepare fits the first codebooks, once it is known how sensitive their tensors are, and
// checks that they leave something of every layer.
func (r *tuning) prepare(ctx context.Context, data Data) error {
	if r.books == nil || r.done > 0 {
		return nil
	}
	if r.books.shared() {
		if err := r.measure(ctx, data); err != nil {
			return err
		}
		if err := r.books.fit(0, r.importance()); err != nil {
			return err
		}
		return r.books.checkSize()
	}
	if r.cfg.Schedule == SchedulePeriodic {
		if err := r.books.fit(0, nil); err != nil {
			return err
		}
	}
	return r.books.checkSize()
}

// measure sets the sensitivity of all trained values of the network with unclustered weights, on the samples of the first steps.
func (r *tuning) measure(ctx context.Context, data Data) error {
	t := r.trainer
	t.sensitivity = map[string]float64{}
	t.books.open = true
	defer func() { t.books.open = false }()
	order := order{n: data.Len(), batch: r.cfg.Batch, seed: r.cfg.Seed}
	pick := func(k int) []visit {
		if k >= min(sensitivityBatches, r.steps) {
			return nil
		}
		return order.batchOf(k)
	}
	return eachBatch(ctx, data, pick, func(_ int, b *batch) error {
		if err := r.feed(b); err != nil {
			return err
		}
		if err := t.builder.run(); err != nil {
			return err
		}
		for _, p := range t.params {
			if p.direct != nil {
				continue
			}
			grad, err := p.Grad()
			if err != nil {
				return err
			}
			t.sensitivity[p.name] += energy(floats(grad))
		}
		return nil
	})
}

// importance is the sensitivity of weights and biases as it is known by now, from the solver once
// that has done a step; nil where no codebook is shared.
func (t *trainer) importance() map[*onnx.Value]float64 {
	if !t.books.shared() {
		return nil
	}
	byName := t.sensitivity
	if t.solver.Steps > 0 && len(t.solver.Square) == len(t.params) {
		byName = map[string]float64{}
		for i, p := range t.params {
			sum := 0.0
			for _, s := range t.solver.Square[i] {
				sum += float64(s)
			}
			byName[p.name] = sum / float64(max(len(t.solver.Square[i]), 1))
		}
	}
	out := map[*onnx.Value]float64{}
	for name, v := range t.values() {
		if s, ok := byName[name]; ok {
			out[v] = s
		}
	}
	return out
}

// energy is the mean square of values.
func energy(v []float32) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return sum / float64(max(len(v), 1))
}
