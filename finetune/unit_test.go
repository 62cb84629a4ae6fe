package finetune

import (
	"context"
	"slices"
	"testing"

	"qconv/quant"
)

// TestTrainedUnit wants the units of integer codebooks to follow their gradient, and not to
// where ranges are not trained either.
func TestTrainedUnit(t *testing.T) {
	data := newPictures(2, 200)
	for _, rangeRate := range []float64{0, 1e-2} {
		m := calibrated(t, smallNet(t), data, 16)
		cfg := DefaultConfig()
		cfg.Cluster.Weights, cfg.Cluster.Codebook, cfg.Refit = 8, quant.KindInteger, 0
		cfg.Steps, cfg.Batch, cfg.RangeRate = 20, 16, rangeRate
		first := map[string]float64{}
		for _, w := range m.WeightValues() {
			first[w.Name] = cfg.Cluster.Fit(w.Const.Floats, nil, 0).Unit
		}
		if _, err := Tune(context.Background(), m, data, cfg); err != nil {
			t.Fatal(err)
		}
		checkCodes(t, m, 8)
		for name, unit := range first {
			code := m.Weights[name]
			if moved := code.Unit != unit; moved != (rangeRate > 0) {
				t.Errorf("range rate %g: the unit of %q went from %g to %g", rangeRate, name, unit, code.Unit)
			}
			if want := []int32{-4, -3, -2, -1, 0, 1, 2, 3}; !slices.Equal(m.Codebooks[code.Codebook], want) {
				t.Errorf("centres of %q are %v, want %v", name, m.Codebooks[code.Codebook], want)
			}
		}
	}
}
