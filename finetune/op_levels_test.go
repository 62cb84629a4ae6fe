package finetune

import (
	"context"
	"math"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// TestDivisorOfLevels normalizes samples some of which hardly vary, so that their deviation is rounded to zero: biases are
// corrected, the network is trained, and the program gives these samples zero, as the float network does nearly.
func TestDivisorOfLevels(t *testing.T) {
	w := tensorFile("w", typeFloat, []int{4, 2}, 1, -0.5, 0.25, 2, -1, 0.75, 0.5, 1)
	g, err := graphFile{nodes: []message{nodeFile("LayerNormalization", "x s b", "n", nil), nodeFile("MatMul", "n w", "y", nil)},
		constants: []message{w, tensorFile("s", typeFloat, []int{4}, 1, 1, 1, 1), tensorFile("b", typeFloat, []int{4}, 0, 0, 0, 0)},
		inputs:    []message{portFile("x", typeFloat, 0, 4)}, outputs: []message{portFile("y", typeFloat)}}.decode(17)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := onnx.Simplify(g); err != nil {
		t.Fatal(err)
	}
	data := gridData{}
	for i := range 32 {
		size := 8.0
		if i%4 == 0 {
			size = 0
		}
		row := make([]float32, 4)
		for k := range row {
			row[k] = float32(size * math.Sin(float64(5*i+3*k)))
		}
		data.rows = append(data.rows, row)
	}
	m, err := quant.NewModel(g.Clone())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Calibrate(context.Background(), m, data, DefaultCalibrateConfig()); err != nil {
		t.Fatal(err)
	}
	if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
		t.Fatal(err)
	}
	if err := CorrectBias(context.Background(), m, g, data, 32); err != nil {
		t.Fatal(err)
	}
	exec, err := NewExecutor(m.Graph, 1, ExecOptions{Levels: m.Levels})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Run(data.rows[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range out[0] {
		if !(math.Abs(float64(v)) < 0.2) {
			t.Errorf("a sample without variation gives %v, want about 0", out[0])
		}
	}
}
