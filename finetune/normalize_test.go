package finetune

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"qconv/quant"

	G "gorgonia.org/gorgonia"
)

func TestNormGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	own := &normalized{runningMean: make([]float32, 2), runningSquare: make([]float32, 2)}
	checkGradients(t, [][]float32{spaced(rng, 24, -3, 3), {0.5, 2}, {-1, 1}}, func(tp *tape, in []*G.Node) *G.Node {
		return weighted(tp, own.node(tp, 2, 3, in[0], in[1], in[2]), rng)
	})
}

// TestNormalize trains with normalization: it must start with what the network does, and be gone from the result, whose outputs are those of the
// trained network with the running statistics in place of the batch's.
func TestNormalize(t *testing.T) {
	data := newPictures(2, 256)
	m := calibrated(t, trainedNet(t), data, 4)
	cfg := DefaultConfig()
	cfg.Cluster.Weights, cfg.Cluster.Codebook, cfg.Cluster.Units, cfg.Normalize = 2, quant.KindInteger, quant.UnitChannel, true
	cfg.Steps, cfg.Batch, cfg.Loss, cfg.Rate = 150, 32, LossLabels, 1e-2
	norms, err := newNorms(context.Background(), m, cfg, data)
	if err != nil {
		t.Fatal(err)
	}
	for n, own := range norms {
		gamma := math.Exp(float64(own.logGamma[0]))
		if len(norms) != 2 || math.Abs(gamma*gamma/float64(own.runningSquare[0])-1) > 1e-3 || own.beta[0] != own.runningMean[0] {
			t.Errorf("%d layers; %q starts with factor %g and offset %g of deviation %g and mean %g", len(norms), n.Name, gamma,
				own.beta[0], math.Sqrt(float64(own.runningSquare[0])), own.runningMean[0])
		}
	}
	r, err := Tune(context.Background(), m, data, cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkCodes(t, m, 2)
	trained := meanLoss(r.Accuracies[len(r.Accuracies)-20:])
	if a := accuracyOf(t, m, data); a < 0.9 || math.Abs(a-trained) > 0.05 {
		t.Errorf("accuracy is %g, in training it was %g, want them alike and above 0.9", a, trained)
	}

	plain := calibrated(t, trainedNet(t), data, 4)
	cfg.Cluster.Units = quant.UnitTensor
	if _, err := Tune(context.Background(), plain, data, cfg); err == nil {
		t.Error("units of layers cannot take normalizations up, and nothing is said")
	}
}
