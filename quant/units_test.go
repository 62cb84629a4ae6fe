package quant_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
)

// TestUnitsByChannel clusters layers whose channels differ in size: the units must follow them, but for the layer that
// makes an output, and the program must do what the model says.
func TestUnitsByChannel(t *testing.T) {
	input := onnx.Shape{onnx.Batch, 3, 6, 6}
	for _, weights := range []int{2, 3, 4, 8} {
		g := graphOf(t, input, func(n *net, x *onnx.Value) []*onnx.Value {
			y := n.add(&onnx.Relu{}, n.add(conv(3, 1, 1, 1), x, n.constant(0, 8, 3, 3, 3), n.constant(0.1, 8)))
			y = n.add(&onnx.Relu{}, n.add(&onnx.Add{}, n.add(conv(3, 1, 1, 1), y, n.constant(0, 8, 8, 3, 3)), y))
			return one(n.add(conv(6, 1, 0, 1), y, n.constant(0, 4, 8, 6, 6)))
		})
		first := g.Nodes[0].Inputs[1].Const.Floats
		for i := range first {
			first[i] *= float32(math.Ldexp(1, i/27%4)) // of channel i/27
		}
		m, err := quant.NewModel(g)
		if err != nil {
			t.Fatal(err)
		}
		data := drawn(input, 1, 32)
		if _, err := finetune.Calibrate(context.Background(), m, data, finetune.DefaultCalibrateConfig()); err != nil {
			t.Fatal(err)
		}
		cfg := quant.DefaultClusterConfig()
		cfg.Weights, cfg.Codebook, cfg.Units = weights, quant.KindInteger, quant.UnitChannel
		if err := quant.Cluster(m, cfg); err != nil {
			t.Fatal(err)
		}
		values := m.WeightValues()
		code := m.Weights[values[0].Name]
		if len(code.Units) != 8 || code.Unit != slices.Max(code.Units) || !(code.Units[3] > 3*code.Units[0]) {
			t.Errorf("W=%d: units are %v with the largest %g", weights, code.Units, code.Unit)
		}
		if len(m.Codebooks[code.Codebook]) != weights {
			t.Errorf("W=%d: %d centres", weights, len(m.Codebooks[code.Codebook]))
		}
		if last := m.Weights[values[2].Name]; last.Units != nil {
			t.Errorf("W=%d: the channels of the output have units %v", weights, last.Units)
		}
		p, err := quant.Compile(reread(t, m))
		if err != nil {
			t.Fatal(err)
		}
		want := outputsOf(t, m.Graph, m.Levels, data)[0]
		if loss := nrmse(programOutputs(t, p, data)[0], want); !(loss < 0.05) {
			t.Errorf("W=%d: the program differs from the model by %.2g of the spread", weights, loss)
		}
	}
}

// TestUnitsOfZero wants a channel of zeros to stay as good as zero where zero is no centre.
func TestUnitsOfZero(t *testing.T) {
	cfg := quant.DefaultClusterConfig()
	cfg.Weights, cfg.Codebook, cfg.Units = 2, quant.KindInteger, quant.UnitChannel
	w := []float32{1, -1, 2, 0, 0, 0}
	channel := func(i int) int { return i / 3 }
	f := cfg.FitUnits(w, channel, 2)
	quant.AssignUnits(w, w, f.Ints, f.Units, channel)
	if !(w[0] > 1 && w[1] == -w[0] && w[2] == w[0]) || !(math.Abs(float64(w[3])) < 0.01) || !(f.Units[1] > 0) {
		t.Errorf("weights are %v with units %v", w, f.Units)
	}
}
