package quant_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
)

// TestQDQ writes a model with units for each channel in operators of eight bits, reads the file, and demands the model's outputs.
func TestQDQ(t *testing.T) {
	input := onnx.Shape{onnx.Batch, 3, 6, 6}
	data := drawn(input, 1, 32)
	quantized := func(levels int) *quant.Model {
		g := graphOf(t, input, func(n *net, x *onnx.Value) []*onnx.Value {
			y := n.add(&onnx.Tanh{}, n.add(conv(3, 1, 1, 1), x, n.constant(0, 8, 3, 3, 3), n.constant(0.1, 8)))
			y = n.add(&onnx.Relu{}, n.add(&onnx.ConvTranspose{Kernel: []int{3, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{1, 1, 1, 1},
				OutputPadding: []int{0, 0}, Groups: 1}, y, n.constant(0, 8, 5, 3, 3)))
			return one(n.add(conv(6, 1, 0, 1), y, n.constant(0, 4, 5, 6, 6)))
		})
		m, err := quant.NewModel(g)
		if err != nil {
			t.Fatal(err)
		}
		calibration := finetune.DefaultCalibrateConfig()
		calibration.Levels = levels
		if _, err := finetune.Calibrate(context.Background(), m, data, calibration); err != nil {
			t.Fatal(err)
		}
		cfg := quant.DefaultClusterConfig()
		cfg.Weights, cfg.Codebook, cfg.Units = 8, quant.KindInteger, quant.UnitChannel
		if err := quant.Cluster(m, cfg); err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := quantized(32)
	q, err := m.QDQ()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.QDQ(); err != nil || !bytes.Equal(again.File, q.File) {
		t.Errorf("a second time: %v, other bytes", err)
	}
	if q.Weights != 3 || len(q.Floats) != 0 {
		t.Errorf("%d weight tensors in int8, %q in float32, want 3 and none", q.Weights, q.Floats)
	}
	g, err := onnx.Decode(q.File)
	if err != nil {
		t.Fatal(err)
	}
	want := outputsOf(t, m.Graph, m.Levels, data)[0]
	if loss := nrmse(outputsOf(t, g, nil, data)[0], want); !(loss < 1e-3) {
		t.Errorf("the file differs from the model by %.2g of the spread", loss)
	}

	var unsupported *onnx.UnsupportedError
	if _, err := quantized(2).QDQ(); !errors.As(err, &unsupported) || len(unsupported.Nodes) != 1 {
		t.Errorf("two signed levels: got %v, want a refusal that names one value", err)
	}
}

// TestQDQLoops does so with a loop whose states begin with an input, with what a layer computes, and with zeros.
func TestQDQLoops(t *testing.T) {
	input := onnx.Shape{onnx.Batch, 5, 3}
	data := drawn(input, 1, 24)
	g := graphOf(t, input, func(n *net, x *onnx.Value) []*onnx.Value {
		begin := n.add(&onnx.Tanh{}, n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, n.add(&onnx.Flatten{Axis: 1}, x), n.constant(0, 4, 15)))
		loop := &onnx.Loop{Name: "decoder", Steps: 5}
		op := &onnx.LoopState{Loop: loop, Batched: false}
		h := n.add(op, begin)
		next := n.add(&onnx.Tanh{}, n.gates(4, n.add(&onnx.LoopTake{Loop: loop, Axis: 1}, x), h))
		last := n.add(&onnx.LoopNext{Loop: loop, State: op}, next)
		all, _ := n.recurrent(n.add(&onnx.LoopPut{Loop: loop, Axis: 1}, next), 4, 1, true, func(x *onnx.Value, states []*onnx.Value) []*onnx.Value {
			return []*onnx.Value{n.add(&onnx.Tanh{}, n.gates(4, x, states[0]))}
		})
		return []*onnx.Value{all, last}
	})
	if err := g.OrderLoops(); err != nil {
		t.Fatal(err)
	}
	m, err := quant.NewModel(g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := finetune.Calibrate(context.Background(), m, data, finetune.DefaultCalibrateConfig()); err != nil {
		t.Fatal(err)
	}
	cfg := quant.DefaultClusterConfig()
	cfg.Codebook = quant.KindInteger
	if err := quant.Cluster(m, cfg); err != nil {
		t.Fatal(err)
	}
	q, err := m.QDQ()
	if err != nil {
		t.Fatal(err)
	}
	read, err := onnx.Decode(q.File)
	if err != nil {
		t.Fatal(err)
	}
	want, got := outputsOf(t, m.Graph, m.Levels, data), outputsOf(t, read, nil, data)
	for i := range want {
		if loss := nrmse(got[i], want[i]); !(loss < 1e-3) {
			t.Errorf("output %d of the file differs from the model's by %.2g of the spread", i, loss)
		}
	}
}
