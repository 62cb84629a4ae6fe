package finetune

import (
	"context"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// TestWholeSamples calibrates, trains, compiles and compares a network whose leading dimension is no
// batch: it moves and joins it.
func TestWholeSamples(t *testing.T) {
	g := newGraphOf(3, 1, 8, 8)
	g.last.Shape[0] = 1
	g.conv(t, "conv", 3, 3, 2).add(t, "relu", &onnx.Relu{})
	g.add(t, "move", &onnx.Transpose{Perm: []int{1, 0, 2, 3}}).add(t, "join", &onnx.Reshape{Dims: []int{-1}})
	data := newPictures(5, 40)
	m := calibrated(t, g.Graph, data, 256)
	clustered := m.Graph.Clone()
	if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
		t.Fatal(err)
	}
	if err := CorrectBias(context.Background(), m, clustered, data, 20); err != nil {
		t.Fatal(err)
	}
	cfg := tuneConfig()
	cfg.Steps, cfg.Task, cfg.Loss = 6, TaskValues, LossTeacher
	if _, err := Tune(context.Background(), m, unlabelled{data}, cfg); err != nil {
		t.Fatal(err)
	}
	p, err := quant.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	exec, err := NewModelExecutor(m, 4)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 3*64)
	for i := range 3 {
		if err := data.Input(i, x[i*64:][:64]); err != nil {
			t.Fatal(err)
		}
	}
	outs, err := exec.Run(x)
	if err != nil {
		t.Fatal(err)
	}
	elems := m.Graph.Outputs[0].Shape.Elems()
	if len(outs[0]) != 3*elems {
		t.Fatalf("3 samples have %d results, want %d", len(outs[0]), 3*elems)
	}
	levels := m.Levels["input"]
	out := p.Tensors[p.Outputs[0].Tensor]
	for s := range 3 {
		indices := make([]byte, 64)
		for i, v := range x[s*64:][:64] {
			indices[i] = uint8(levels.Index(float64(v)))
		}
		got, err := quant.Simulate(p, indices)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got[0] {
			if have, want := out.Scale.Float()*float64(int(v)-out.Zero), float64(outs[0][s*elems+i]); have < want-0.1 || have > want+0.1 {
				t.Fatalf("sample %d, element %d: the program says %g, the network %g", s, i, have, want)
			}
		}
	}
}
