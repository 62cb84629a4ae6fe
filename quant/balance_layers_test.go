package quant_test

import (
	"context"
	"math"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
)

// TestEvenLayers makes layers of very different weights with a residual sum and a function among them: their sizes must come
// closer together, and the network must compute what it did.
func TestEvenLayers(t *testing.T) {
	input := onnx.Shape{onnx.Batch, 3, 6, 6}
	sized := func(n *net, f float64, shape ...int) *onnx.Value {
		c := n.constant(0, shape...)
		for i := range c.Const.Floats {
			c.Const.Floats[i] *= float32(f)
		}
		return c
	}
	g := graphOf(t, input, func(n *net, x *onnx.Value) []*onnx.Value {
		y := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), x, sized(n, 0.01, 8, 3, 3, 3), sized(n, 1, 8)))
		z := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), y, sized(n, 4, 8, 8, 3, 3)))
		z = n.add(&onnx.Relu{}, n.add(&onnx.Add{}, n.add(conv(3, 1, 1, 1), z, sized(n, 0.02, 8, 8, 3, 3)), y))
		z = n.add(&onnx.Tanh{}, n.add(conv(3, 1, 1, 1), z, sized(n, 1, 8, 8, 3, 3)))
		return one(n.add(conv(6, 1, 0, 1), z, sized(n, 3, 4, 8, 6, 6)))
	})
	float := g.Clone()
	m, err := quant.NewModel(g)
	if err != nil {
		t.Fatal(err)
	}
	data := drawn(input, 1, 32)
	for i := range data.data {
		for k := range data.data[i] {
			data.data[i][k] *= 100
		}
	}
	cfg := finetune.DefaultCalibrateConfig()
	cfg.EvenLayers = true
	before := sizeSpread(m)
	found, err := finetune.Calibrate(context.Background(), m, data, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Balanced) == 0 {
		t.Fatal("no value has a gain")
	}
	if after := sizeSpread(m); !(after < 0.6*before) {
		t.Errorf("sizes of layers spread over %.1f bits, before over %.1f", after, before)
	}
	want := outputsOf(t, float, nil, data)[0]
	if loss := nrmse(outputsOf(t, m.Graph, nil, data)[0], want); !(loss < 1e-5) {
		t.Errorf("the network is off by %g of its spread", loss)
	}
	clustering := quant.DefaultClusterConfig()
	clustering.Scope = quant.ScopeGlobal
	if err := quant.Cluster(m, clustering); err != nil {
		t.Fatal(err)
	}
	p, err := quant.Compile(reread(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if loss := nrmse(programOutputs(t, p, data)[0], want); !(loss < 0.2) {
		t.Errorf("the program is off by %.2g of the spread", loss)
	}
	if len(quant.NewBalancing(m).Even(nil)) > 0 {
		t.Error("values with levels get gains")
	}
}

// sizeSpread is the deviation of the layers' root mean squares in bits; that of the first layer is for an input that reaches to 1.
func sizeSpread(m *quant.Model) float64 {
	var logs []float64
	mean := 0.0
	for i, v := range m.WeightValues() {
		sum := 0.0
		for _, w := range v.Const.Floats {
			sum += float64(w) * float64(w)
		}
		l := math.Log2(sum/float64(len(v.Const.Floats))) / 2
		if i == 0 {
			l += math.Log2(100)
		}
		logs, mean = append(logs, l), mean+l/5
	}
	sum := 0.0
	for _, l := range logs {
		sum += (l - mean) * (l - mean)
	}
	return math.Sqrt(sum / 5)
}
