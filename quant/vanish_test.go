package quant

import (
	"math"
	"math/rand/v2"
	"testing"

	"qconv/onnx"
)

// TestVanishing has a layer whose weights are a thousand times smaller than those of the next.
func TestVanishing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	weights := func(name string, size float64, out, in int) *onnx.Value {
		c := &onnx.Tensor{Type: onnx.Float, Shape: onnx.Shape{out, in}, Floats: make([]float32, out*in)}
		for i := range c.Floats {
			c.Floats[i] = float32(rng.NormFloat64() * size)
		}
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: c.Shape, Const: c}
	}
	value := func(name string, n int) *onnx.Value {
		return &onnx.Value{Name: name, Type: onnx.Float, Shape: onnx.Shape{onnx.Batch, n}}
	}
	gemm := &onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}
	x, h, r, y := value("x", 20), value("h", 30), value("r", 30), value("y", 4)
	small, large := weights("small", 1e-3, 30, 20), weights("large", 1, 4, 30)
	g := &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}, Outputs: []*onnx.Value{y}, Nodes: []*onnx.Node{
		{Name: "first", Op: gemm, Inputs: []*onnx.Value{x, small}, Outputs: []*onnx.Value{h}},
		{Name: "relu", Op: &onnx.Relu{}, Inputs: []*onnx.Value{h}, Outputs: []*onnx.Value{r}},
		{Name: "second", Op: gemm, Inputs: []*onnx.Value{r, large}, Outputs: []*onnx.Value{y}},
	}}
	m, err := NewModel(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scope   Scope
		weights int
		want    int
	}{{ScopeLayer, 2, 0}, {ScopeLayer, 16, 0}, {ScopeNetwork, 4, 0}, {ScopeGlobal, 2, 1}, {ScopeGlobal, 5, 1}, {ScopeGlobal, 16, 1}} {
		cfg := DefaultClusterConfig()
		cfg.Scope, cfg.Weights = c.scope, c.weights
		list, err := Vanishing(m, cfg)
		if err != nil || len(list) != c.want {
			t.Fatalf("%s, %d weights: got %+v (%v), want %d layers", c.scope, c.weights, list, err, c.want)
		}
		if c.want > 0 && (list[0].Weights != small || !(list[0].Largest < 0.01) || !(list[0].Next > list[0].Largest)) {
			t.Errorf("got %+v, want the first layer, whose weights are smaller than the least centre", list[0])
		}
		if small.Const.Floats[0] == 0 {
			t.Fatal("the weights were changed")
		}
		// What is said is what clustering does.
		copied, err := NewModel(g.Clone())
		if err != nil {
			t.Fatal(err)
		}
		if err := Cluster(copied, cfg); err != nil {
			t.Fatal(err)
		}
		for _, v := range copied.WeightValues() {
			same := true
			for _, x := range v.Const.Floats {
				same = same && x == v.Const.Floats[0]
			}
			if v.Name == "small" && c.want > 0 && (!same || math.Abs(float64(v.Const.Floats[0])-list[0].Centre) > 1e-6) || v.Name == "large" && same {
				t.Errorf("%s, %d weights: all of %s are the same: %v, the first is %g", c.scope, c.weights, v.Name, same, v.Const.Floats[0])
			}
		}
	}
	clear(small.Const.Floats)
	cfg := DefaultClusterConfig()
	cfg.Scope, cfg.Weights = ScopeGlobal, 5
	if list, err := Vanishing(m, cfg); err != nil || len(list) != 0 {
		t.Errorf("weights that are zero already: got %+v (%v)", list, err)
	}
}
