package quant_test

import (
	"strings"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
)

// TestExactSums compiles residual sums of two units that have no common multiple. A model that counts on its levels gets them exactly; the test shows
// that another would not.
func TestExactSums(t *testing.T) {
	input := onnx.Shape{onnx.Batch, 4, 5, 5}
	differing := map[bool]int{}
	for _, exact := range []bool{false, true} {
		for seed := range 8 {
			m := exactModel(t, input, exact)
			data := onGrid(m, drawn(input, 2+float64(seed)/3, 16))
			want := outputsOf(t, m.Graph, m.Levels, data)
			p, err := quant.Compile(m)
			if err != nil {
				t.Fatal(err)
			}
			samples := map[int]bool{}
			for i, got := range programOutputs(t, p, data) {
				for k, v := range got {
					if d := float64(v - want[i][k]); d > 1e-4 || d < -1e-4 {
						samples[k/input.Elems()] = true
					}
				}
			}
			differing[exact] += len(samples)
		}
	}
	// A sum of float32 nearest to the middle between two levels may differ in one sample.
	if differing[true] > 1 || differing[false] < 10 {
		t.Errorf("%d samples differ in exact models, want 1 at most, and %d in others, want 10 at least", differing[true], differing[false])
	}
}

// onGrid rounds samples to the input's levels, which programs and networks may else round differently.
func onGrid(m *quant.Model, data samples) samples {
	for _, sample := range data.data {
		for i, v := range sample {
			sample[i] = float32(m.Levels[m.Sites[0].Value.Name].Round(float64(v)))
		}
	}
	return data
}

// exactModel has a convolution and a value with levels in one accumulator, which a sigmoid ends.
func exactModel(t *testing.T, input onnx.Shape, exact bool) *quant.Model {
	t.Helper()
	g := graphOf(t, input, func(n *net, x *onnx.Value) []*onnx.Value {
		layer := func(x *onnx.Value) *onnx.Value {
			return n.add(conv(3, 1, 1, 1), x, n.constant(0, 4, 4, 3, 3), n.constant(0, 4))
		}
		a := n.add(&onnx.Relu{}, layer(x))
		return one(n.add(&onnx.Sigmoid{}, n.add(&onnx.Add{}, layer(a), a)))
	})
	m, err := quant.NewModel(g)
	if err != nil {
		t.Fatal(err)
	}
	cfg := finetune.DefaultCalibrateConfig()
	cfg.Levels = 64
	if _, err := finetune.Calibrate(t.Context(), m, drawn(input, 2, 32), cfg); err != nil {
		t.Fatal(err)
	}
	if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
		t.Fatal(err)
	}
	m.Exact = exact
	return m
}

// TestExactSites reads exact models whose levels do not stand where the program has them.
func TestExactSites(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(m *quant.Model, site string)
		want   string
	}{
		{"as written", func(*quant.Model, string) {}, ""},
		{"no levels", func(m *quant.Model, site string) { delete(m.Levels, site) }, "qconv.levels: the file has none for %q"},
		{"levels too many", func(m *quant.Model, site string) { m.Levels["else"] = m.Levels[site] }, `qconv.levels: the file has some for "else"`},
		{"no codebook", func(m *quant.Model, _ string) { delete(m.Weights, m.WeightValues()[1].Name) }, "qconv.weights: the file has no codebook for"},
	} {
		m := exactModel(t, onnx.Shape{onnx.Batch, 4, 5, 5}, true)
		site := m.Sites[1].Value.Name
		tt.change(m, site)
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		g, err := onnx.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		read, err := quant.FromGraph(g)
		switch want := strings.ReplaceAll(tt.want, "%q", `"`+site+`"`); {
		case want == "" && (err != nil || !read.Exact):
			t.Errorf("%s: %v, exact %v", tt.name, err, read != nil && read.Exact)
		case want == "":
			if read.Exact = false; reread(t, read).Exact {
				t.Error("a model that was exact stays so in its file")
			}
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got error %v, want %q", tt.name, err, want)
		}
	}
}
