package finetune

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// clustered makes a model with levels and clustered weights, and biases corrected, and the float network of the same nodes.
func clustered(t *testing.T, g *onnx.Graph, data Data, cfg quant.ClusterConfig) (*quant.Model, *onnx.Graph) {
	t.Helper()
	m := modelOf(t, g.Clone())
	calibration := DefaultCalibrateConfig()
	calibration.Unbalanced = true
	if _, err := Calibrate(context.Background(), m, data, calibration); err != nil {
		t.Fatal(err)
	}
	float := m.Graph.Clone()
	if err := quant.Cluster(m, cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.Scope != quant.ScopeGlobal {
		if err := CorrectBias(context.Background(), m, float, data, calibration.Samples); err != nil {
			t.Fatal(err)
		}
	}
	return m, float
}

// encoded is a model as a file.
func encoded(t *testing.T, m *quant.Model) []byte {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// mixedNet has a layer of every kind: a grouped, a depthwise, a transposed convolution, a residual sum, and dense layers, some without a bias.
func mixedNet(t *testing.T) *onnx.Graph {
	g := newGraphOf(9, 1, 8, 8).conv(t, "conv1", 8, 3, 1).add(t, "relu1", &onnx.Relu{})
	skip := g.last
	window := func(groups int) *onnx.Conv {
		return &onnx.Conv{Kernel: []int{3, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{1, 1, 1, 1}, Groups: groups}
	}
	g.add(t, "grouped", window(2), g.random("grouped.w", 0.2, 8, 4, 3, 3), g.random("grouped.b", 0.1, 8)).add(t, "join", &onnx.Add{}, skip).add(t, "relu2", &onnx.Relu{})
	g.add(t, "depthwise", window(8), g.random("depthwise.w", 0.4, 8, 1, 3, 3)).add(t, "relu3", &onnx.Relu{})
	g.conv(t, "down", 6, 3, 2).add(t, "tanh", &onnx.Tanh{})
	up := &onnx.ConvTranspose{Kernel: []int{2, 2}, Strides: []int{2, 2}, Dilations: []int{1, 1}, Pads: make([]int, 4), OutputPadding: []int{0, 0}, Groups: 1}
	g.add(t, "up", up, g.random("up.w", 0.3, 6, 4, 2, 2)).add(t, "relu4", &onnx.Relu{})
	return g.add(t, "flat", &onnx.Flatten{Axis: 1}).dense(t, "hidden", 16).add(t, "relu5", &onnx.Relu{}).dense(t, "values", 3).Graph
}

// TestPostTrain wants less to be lost than by clustering alone, on samples that it has not seen either, and the codebooks asked for.
func TestPostTrain(t *testing.T) {
	data, fresh := newPictures(2, 300), newPictures(5, 200)
	all := evenly(fresh.Len(), 0)
	for _, c := range []struct {
		name  string
		graph *onnx.Graph
		set   func(cfg *quant.ClusterConfig)
	}{
		{"classes, free", trainedNet(t), func(cfg *quant.ClusterConfig) { cfg.Weights = 4 }},
		{"classes, integer", trainedNet(t), func(cfg *quant.ClusterConfig) { cfg.Weights, cfg.Codebook = 4, quant.KindInteger }},
		{"values, free", mixedNet(t), func(cfg *quant.ClusterConfig) { cfg.Weights = 8 }},
		{"values, integer", mixedNet(t), func(cfg *quant.ClusterConfig) { cfg.Weights, cfg.Codebook = 8, quant.KindInteger }},
		{"values, cheap", mixedNet(t), func(cfg *quant.ClusterConfig) { cfg.Weights, cfg.Codebook = 16, quant.KindCheap }},
		{"values, one codebook", mixedNet(t), func(cfg *quant.ClusterConfig) { cfg.Weights, cfg.Scope = 8, quant.ScopeNetwork }},
		{"values, pruned", mixedNet(t), func(cfg *quant.ClusterConfig) { cfg.Weights, cfg.Prune = 8, 0.4 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := quant.DefaultClusterConfig()
			c.set(&cfg)
			m, float := clustered(t, c.graph, data, cfg)
			zeros := zerosOf(m)
			before, err := lossOf(context.Background(), float, m, fresh, all)
			if err != nil {
				t.Fatal(err)
			}
			found, err := PostTrain(context.Background(), m, float, data, PostTrainConfig{Cluster: cfg, Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			after, err := lossOf(context.Background(), float, m, fresh, all)
			if err != nil {
				t.Fatal(err)
			}
			if found.Kept == StageClustered || !(after < 0.85*before) {
				t.Errorf("the loss on other samples went from %g to %g; %+v", before, after, found)
			}
			if found.Held != 30 || !(found.Loss[found.Kept] < found.Loss[StageClustered]) {
				t.Errorf("found %+v", found)
			}
			checkCodes(t, m, cfg.Weights)
			if cfg.Prune > 0 && zerosOf(m) < zeros {
				t.Errorf("%d weights are zero, %d were", zerosOf(m), zeros)
			}
			if _, err := quant.Compile(m); err != nil {
				t.Errorf("the model has no program any more: %v", err)
			}
		})
	}
}

// zerosOf counts the weights that are zero.
func zerosOf(m *quant.Model) int {
	count := 0
	for _, v := range m.WeightValues() {
		for _, w := range v.Const.Floats {
			if w == 0 {
				count++
			}
		}
	}
	return count
}

// TestPostTrainSame wants the same bytes from the same seed, whatever the number of processors.
func TestPostTrainSame(t *testing.T) {
	data := newPictures(2, 100)
	cfg := quant.DefaultClusterConfig()
	cfg.Weights = 8
	net := mixedNet(t)
	result := func(procs int) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		m, float := clustered(t, net, data, cfg)
		if _, err := PostTrain(context.Background(), m, float, data, PostTrainConfig{Cluster: cfg, Seed: 1}); err != nil {
			t.Fatal(err)
		}
		return encoded(t, m)
	}
	if !bytes.Equal(result(1), result(4)) {
		t.Error("another result on 4 processors than on 1")
	}
}

// TestPostTrainLeaves wants networks that are not to be changed as they were: with biases in the codebook, and of frozen layers the weights.
func TestPostTrainLeaves(t *testing.T) {
	data := newPictures(2, 60)
	cfg := quant.DefaultClusterConfig()
	cfg.Scope = quant.ScopeGlobal
	m, float := clustered(t, mixedNet(t), data, cfg)
	before := encoded(t, m)
	found, err := PostTrain(context.Background(), m, float, data, PostTrainConfig{Cluster: cfg, Seed: 1})
	if err != nil || found.Kept != StageClustered || !bytes.Equal(before, encoded(t, m)) {
		t.Errorf("a codebook with biases in it: %+v, %v, or the model changed", found, err)
	}

	cfg = quant.DefaultClusterConfig()
	cfg.Weights = 8
	cfg.Layers = map[string]quant.LayerCodebook{"down.w": {Frozen: true}}
	m, float = clustered(t, mixedNet(t), data, cfg)
	weights := func(name string) []float32 {
		for _, v := range m.WeightValues() {
			if v.Name == name {
				return append([]float32(nil), v.Const.Floats...)
			}
		}
		t.Fatalf("no weights %q", name)
		return nil
	}
	frozen, free := weights("down.w"), weights("grouped.w")
	if _, err := PostTrain(context.Background(), m, float, data, PostTrainConfig{Cluster: cfg, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if largestDifference(weights("down.w"), frozen) != 0 {
		t.Error("the weights of a frozen layer changed")
	}
	if largestDifference(weights("grouped.w"), free) == 0 {
		t.Error("no weight of another layer changed")
	}
}

// TestPostTrainKeeps wants a stage undone that loses more, to the bit.
func TestPostTrainKeeps(t *testing.T) {
	data := newPictures(2, 60)
	cfg := quant.DefaultClusterConfig()
	cfg.Weights = 8
	m, float := clustered(t, mixedNet(t), data, cfg)
	before := encoded(t, m)
	old := keep(m)
	if err := reconstructLayers(context.Background(), m, float, data, PostTrainConfig{Cluster: cfg, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if sane, err := distil(context.Background(), m, float, data, PostTrainConfig{Cluster: cfg, Seed: 1}); err != nil || !sane {
		t.Fatal(sane, err)
	}
	if bytes.Equal(before, encoded(t, m)) {
		t.Error("nothing changed")
	}
	old.restore(m)
	if !bytes.Equal(before, encoded(t, m)) {
		t.Error("the model is not what it was")
	}
}

// TestPostTrainStops wants a cancelled context to end it, and small sets of samples to do.
func TestPostTrainStops(t *testing.T) {
	cfg := quant.DefaultClusterConfig()
	cfg.Weights = 8
	data := newPictures(2, 60)
	m, float := clustered(t, mixedNet(t), data, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	layers := 0
	_, err := PostTrain(ctx, m, float, data, PostTrainConfig{Cluster: cfg, Progress: func(work string, done, all int) {
		layers = max(layers, done)
		if cancel(); all != 7 || work != "reconstruct" {
			t.Errorf("%s: %d of %d, want 7 layers to be reconstructed", work, done, all)
		}
	}})
	if !errors.Is(err, context.Canceled) || layers != 1 {
		t.Errorf("got %v after %d layers, want a cancellation after one", err, layers)
	}
	for _, n := range []int{1, 9, 11} {
		few := newPictures(3, n)
		m, float := clustered(t, mixedNet(t), few, cfg)
		found, err := PostTrain(context.Background(), m, float, few, PostTrainConfig{Cluster: cfg})
		if err != nil || found.Held != n/10 || math.IsNaN(found.Loss[found.Kept]) || found.Loss[found.Kept] > found.Loss[StageClustered] {
			t.Errorf("%d samples: %+v, %v", n, found, err)
		}
		if n < 10 && found.Kept != StageClustered {
			t.Errorf("%d samples: %+v, want the model as it was", n, found)
		}
	}
}
