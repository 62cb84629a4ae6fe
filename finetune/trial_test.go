package finetune

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"testing"

	"qconv/quant"
)

func trialsConfig() TrialConfig {
	cfg := TrialConfig{Levels: []int{4, 64}, Weights: []int{2, 64}, Codebooks: []quant.Kind{quant.KindFree, quant.KindInteger}, Cluster: quant.DefaultClusterConfig(), Calibrate: DefaultCalibrateConfig()}
	return cfg
}

// TestTrials wants a row for everything that can be made few, with more values costing less and taking more bytes, and the network as it was.
func TestTrials(t *testing.T) {
	data, fresh := newPictures(2, 200), newPictures(5, 100)
	m := modelOf(t, mixedNet(t))
	before := encoded(t, m)
	got, float, err := Trials(context.Background(), m, data, fresh, trialsConfig())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, encoded(t, m)) {
		t.Error("the model has changed")
	}
	if float.SNR != 150 || float.Divergence != 0 {
		t.Errorf("the float network is off by %+v from itself", float)
	}
	layers, sites := len(m.Layers()), len(m.Sites)
	if want := 4*layers + 2*sites; len(got) != want {
		t.Fatalf("%d trials, want %d", len(got), want)
	}
	// In the order of the layers: 2 free, 2 integer, 64 free, 64 integer.
	for l, layer := range m.Layers() {
		for kind := range 2 {
			few, many := got[4*l+kind], got[4*l+2+kind]
			if few.Of != OfWeights || few.Tensor != layer.Weights.Name || many.Tensor != few.Tensor || few.Codebook != many.Codebook || few.Count != 2 || many.Count != 64 {
				t.Fatalf("layer %q: got %+v and %+v", layer.Name, few, many)
			}
			if !(many.Divergence < few.Divergence/4) || !(many.SNR > few.SNR+6) || many.Bytes <= few.Bytes {
				t.Errorf("layer %q: 64 weights %+v, 2 weights %+v", layer.Name, many, few)
			}
		}
	}
	for s, site := range m.Sites {
		few, many := got[4*layers+2*s], got[4*layers+2*s+1]
		if few.Of != OfLevels || few.Tensor != site.Value.Name || !(many.Divergence < few.Divergence/4) {
			t.Errorf("value %q: 4 levels %+v, 64 levels %+v", site.Value.Name, few, many)
		}
	}
}

// TestTrialsSame wants the same figures whatever the number of processors, and tuning to make up for some of the loss of a layer.
func TestTrialsSame(t *testing.T) {
	data, fresh := newPictures(2, 200), newPictures(5, 100)
	cfg := trialsConfig()
	cfg.Levels, cfg.Weights, cfg.Codebooks = nil, []int{3}, cfg.Codebooks[1:]
	net := trainedNet(t)
	result := func(procs, steps int) ([]Trial, string) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		cfg := cfg
		if steps > 0 {
			tune := DefaultConfig()
			tune.Steps, tune.Batch = steps, 16
			cfg.Tune = &tune
		}
		got, _, err := Trials(context.Background(), modelOf(t, net.Clone()), data, fresh, cfg)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		return got, string(text)
	}
	plain, one := result(1, 0)
	if _, four := result(4, 0); one != four {
		t.Errorf("on 4 processors %s, on 1 %s", four, one)
	}
	tuned, _ := result(2, 60)
	better := 0
	for i := range plain {
		if tuned[i].Divergence < plain[i].Divergence {
			better++
		}
	}
	if better*2 <= len(plain) {
		t.Errorf("tuning made %d of %d layers better: %v, before %v", better, len(plain), tuned, plain)
	}
}
