package finetune

import (
	"context"
	"slices"
	"testing"

	"qconv/quant"
)

// TestFrozenLayer tunes a network twice; the second time one layer, which has its codebook by
// then, must not change by a bit, and neither must its bias.
func TestFrozenLayer(t *testing.T) {
	data := newPictures(2, 200)
	for _, schedule := range []Schedule{ScheduleForward, SchedulePeriodic} {
		m := calibrated(t, smallNet(t), data, 16)
		cfg := DefaultConfig()
		cfg.Cluster.Weights, cfg.Steps, cfg.Batch, cfg.Schedule = 8, 20, 16, schedule
		teacher := m.Graph.Clone()
		if _, err := Tune(context.Background(), m, data, cfg); err != nil {
			t.Fatal(err)
		}
		layers := m.Layers()
		frozen, other := layers[1], layers[0]
		if frozen.Site == nil || frozen.Site.Name != "relu2.out" {
			t.Fatalf("the accumulator of %q ends in %v, want relu2.out", frozen.Name, frozen.Site)
		}
		code := m.Weights[frozen.Weights.Name]
		centres := slices.Clone(m.Codebooks[code.Codebook])
		weights, bias, moved := slices.Clone(frozen.Weights.Const.Floats), slices.Clone(frozen.Bias.Const.Floats), slices.Clone(other.Weights.Const.Floats)

		cfg.Teacher = teacher
		cfg.Cluster.Weights = 4
		cfg.Cluster.Layers = map[string]quant.LayerCodebook{frozen.Weights.Name: {Weights: 8, Frozen: true}}
		if _, err := Tune(context.Background(), m, data, cfg); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(frozen.Weights.Const.Floats, weights) || !slices.Equal(frozen.Bias.Const.Floats, bias) {
			t.Errorf("%s: the frozen layer has changed", schedule)
		}
		again := m.Weights[frozen.Weights.Name]
		if again.Unit != code.Unit || !slices.Equal(m.Codebooks[again.Codebook], centres) {
			t.Errorf("%s: the frozen layer's codebook is %v times %g, was %v times %g", schedule, m.Codebooks[again.Codebook], again.Unit, centres, code.Unit)
		}
		if slices.Equal(other.Weights.Const.Floats, moved) {
			t.Errorf("%s: the other layers have not been trained", schedule)
		}
		checkCodes(t, m, 8)
	}
}

// TestFrozenUnits freezes a layer whose channels have units of their own, in a run that gives channels none.
func TestFrozenUnits(t *testing.T) {
	data := newPictures(2, 200)
	m := calibrated(t, smallNet(t), data, 16)
	cfg := DefaultConfig()
	cfg.Cluster.Weights, cfg.Cluster.Codebook, cfg.Cluster.Units, cfg.Steps, cfg.Batch = 4, quant.KindInteger, quant.UnitChannel, 10, 16
	cfg.Teacher = m.Graph.Clone()
	if _, err := Tune(context.Background(), m, data, cfg); err != nil {
		t.Fatal(err)
	}
	frozen := m.Layers()[0]
	weights, units := slices.Clone(frozen.Weights.Const.Floats), slices.Clone(m.Weights[frozen.Weights.Name].Units)
	cfg.Cluster = quant.DefaultClusterConfig()
	cfg.Cluster.Layers = map[string]quant.LayerCodebook{frozen.Weights.Name: {Frozen: true}}
	if _, err := Tune(context.Background(), m, data, cfg); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(frozen.Weights.Const.Floats, weights) || !slices.Equal(m.Weights[frozen.Weights.Name].Units, units) || len(units) != 8 {
		t.Errorf("the frozen layer has changed: units are %v, were %v", m.Weights[frozen.Weights.Name].Units, units)
	}
}

// TestPrunedTraining wants the share of zeros that was asked for, layer by layer.
func TestPrunedTraining(t *testing.T) {
	data := newPictures(2, 200)
	for _, schedule := range []Schedule{ScheduleForward, SchedulePeriodic} {
		m := calibrated(t, smallNet(t), data, 16)
		cfg := DefaultConfig()
		cfg.Cluster.Weights, cfg.Cluster.Prune, cfg.Steps, cfg.Batch, cfg.Schedule = 8, 0.5, 30, 16, schedule
		if _, err := Tune(context.Background(), m, data, cfg); err != nil {
			t.Fatal(err)
		}
		checkCodes(t, m, 8)
		for _, l := range m.Layers() {
			zeros := 0
			for _, w := range l.Weights.Const.Floats {
				if w == 0 {
					zeros++
				}
			}
			// The threshold is that of the last fit; training has moved weights since.
			if share := float64(zeros) / float64(len(l.Weights.Const.Floats)); share < 0.4 || share > 0.85 {
				t.Errorf("%s: %.0f %% of layer %q are zero, want about half", schedule, 100*share, l.Name)
			}
		}
	}
}
