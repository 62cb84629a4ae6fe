package finetune

import (
	"context"
	"slices"
	"strings"
	"testing"

	"qconv/quant"
)

// TestAdjust tunes by the paper's schedule: at the end every weight, and in scope global every bias, must be one of the codebook's
// values, and the loss must fall once the centres are trained.
func TestAdjust(t *testing.T) {
	data := newPictures(2, 200)
	for _, scope := range []quant.Scope{quant.ScopeGlobal, quant.ScopeNetwork, quant.ScopeLayer} {
		m := calibrated(t, trainedNet(t), data, 16)
		cfg := DefaultConfig()
		cfg.Cluster.Weights, cfg.Cluster.Scope, cfg.Schedule, cfg.Steps, cfg.Batch = 8, scope, SchedulePeriodic, 200, 32
		r, err := Tune(context.Background(), m, data, cfg)
		if err != nil {
			t.Fatal(err)
		}
		checkCodes(t, m, 8)
		if scope == quant.ScopeGlobal {
			unit := m.Weights["conv2.w"].Unit
			if len(m.Codebooks) != 1 {
				t.Fatalf("%d codebooks, want 1", len(m.Codebooks))
			}
			centres := quant.Expand(m.Codebooks[0], unit)
			for _, v := range m.BiasValues() {
				for _, b := range v.Const.Floats {
					if !slices.ContainsFunc(centres, func(c float64) bool { return float32(c) == b }) {
						t.Fatalf("bias %g of %q is none of the values %v", b, v.Name, centres)
					}
				}
			}
		}
		n := cfg.adjustSteps(cfg.Steps)
		at := len(r.Losses) - n
		if first, last := meanLoss(r.Losses[at:][:5]), meanLoss(r.Losses[len(r.Losses)-5:]); n != 50 || !(last < first) {
			t.Errorf("scope %s: the loss goes from %g to %g in the %d steps that train centres", scope, first, last, n)
		}
	}
}

func meanLoss(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// TestTooSmallCodebook wants layers named that a shared codebook leaves nothing of, before the first step.
func TestTooSmallCodebook(t *testing.T) {
	data := newPictures(2, 50)
	m := calibrated(t, smallNet(t), data, 16)
	for i, w := range m.Layers()[1].Weights.Const.Floats {
		m.Layers()[1].Weights.Const.Floats[i] = w / 1e5
	}
	cfg := DefaultConfig()
	cfg.Cluster.Weights, cfg.Cluster.Scope, cfg.Steps, cfg.Batch = 65, quant.ScopeGlobal, 5, 16
	cfg.Progress = func(Progress) { t.Error("a step is done") }
	_, err := Tune(context.Background(), m, data, cfg)
	if want := `the codebook is too small: all weights of "conv2.w" (of 6`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
}
