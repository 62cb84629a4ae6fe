package quant_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// TestSoftmaxInside compares a Softmax inside of a network, of rows of several lengths and peaks, with one in floating point of the same
// levels of its operand. The bounds are those of 256 levels of the result, of the logarithm and of the differences.
func TestSoftmaxInside(t *testing.T) {
	for _, c := range []struct {
		length        int
		spread        float64
		largest, mean float64 // errors of probabilities, at most
	}{
		{4, 0.5, 0.004, 0.001}, {16, 0.1, 0.001, 0.0003}, {16, 1, 0.005, 0.0009}, {16, 3, 0.0075, 0.0011}, {16, 8, 0.0075, 0.0005},
		{28, 2, 0.0075, 0.0012}, {64, 0.5, 0.001, 0.0002}, {64, 1, 0.003, 0.0005}, {64, 4, 0.008, 0.0005},
	} {
		shape := onnx.Shape{onnx.Batch, 2, 8, c.length}
		x := &onnx.Value{Name: "x", Shape: shape}
		n := &net{t: t, graph: &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(5, 5))}
		n.graph.Outputs = []*onnx.Value{n.add(&onnx.Relu{}, n.add(&onnx.Softmax{Axis: 3}, x))}
		m, err := quant.FromGraph(n.graph)
		if err != nil {
			t.Fatal(err)
		}
		data := samples{shape: shape}
		for range 40 {
			v := make([]float32, shape.Elems())
			for i := range v {
				v[i] = float32(c.spread * n.rng.NormFloat64())
			}
			data.data = append(data.data, v)
		}
		cfg := finetune.DefaultCalibrateConfig()
		cfg.Method = finetune.RangeMax // nothing is cut off
		if _, err := finetune.Calibrate(context.Background(), m, data, cfg); err != nil {
			t.Fatal(err)
		}
		p, err := quant.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		runner, err := runtime.NewRunner(p, runtime.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := runner.SelfTest(); err != nil {
			t.Error(err)
		}
		in, out := m.Levels[m.Sites[0].Value.Name], &p.Tensors[p.Outputs[0].Tensor]
		largest, sum, count := 0.0, 0.0, 0
		indices, row := make([]byte, shape.Elems()), make([]float64, c.length)
		for _, v := range data.data {
			for i, x := range v {
				indices[i] = byte(in.Index(float64(x)))
			}
			got, err := runner.RunLevels(indices)
			if err != nil {
				t.Fatal(err)
			}
			for at := 0; at < len(indices); at += c.length {
				total := 0.0
				for k := range row {
					row[k] = math.Exp(in.Value(int(indices[at+k])))
					total += row[k]
				}
				for k := range row {
					e := math.Abs(out.Scale.Float()*float64(int(got[0][at+k])-out.Zero) - row[k]/total)
					largest, sum, count = max(largest, e), sum+e, count+1
				}
			}
		}
		t.Logf("rows of %d, spread %g: errors of probabilities up to %.4f, %.5f on average", c.length, c.spread, largest, sum/float64(count))
		if mean := sum / float64(count); largest > c.largest || mean > c.mean {
			t.Errorf("rows of %d, spread %g: errors up to %g, %g on average; want at most %g and %g", c.length, c.spread, largest, mean, c.largest, c.mean)
		}
	}
}

// TestSoftmaxMasked hides scores from a Softmax, by a triangle as in attention to what was before, and wants the levels of the scores to be
// those of what is not hidden.
func TestSoftmaxMasked(t *testing.T) {
	const size = 8
	shape := onnx.Shape{onnx.Batch, size, size}
	x := &onnx.Value{Name: "x", Shape: shape}
	n := &net{t: t, graph: &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(5, 6))}
	mask := n.constant(0, size, size)
	for i := range mask.Const.Floats {
		if mask.Const.Floats[i] = 0; i%size > i/size {
			mask.Const.Floats[i] = onnx.MaskValue
		}
	}
	scores := n.add(&onnx.Add{}, x, mask)
	n.graph.Outputs = []*onnx.Value{n.add(&onnx.Relu{}, n.add(&onnx.Softmax{Axis: 2}, scores))}
	m, err := quant.FromGraph(n.graph)
	if err != nil {
		t.Fatal(err)
	}
	data := samples{shape: shape}
	for range 40 {
		v := make([]float32, shape.Elems())
		for i := range v {
			v[i] = float32(2 * n.rng.NormFloat64())
		}
		data.data = append(data.data, v)
	}
	for _, method := range []finetune.RangeMethod{finetune.RangeMax, finetune.RangeMSE, finetune.RangePercentile} {
		m.Levels = nil
		cfg := finetune.DefaultCalibrateConfig()
		cfg.Method = method
		if _, err := finetune.Calibrate(context.Background(), m, data, cfg); err != nil {
			t.Fatal(err)
		}
		l := m.Levels[scores.Name]
		if l.Min() < -30 || l.Min() > -11 {
			t.Errorf("%s: the lowest level of the scores is %g, want one 11 or so below those of at least -8", method, l.Min())
		}
		p, err := quant.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		runner, err := runtime.NewRunner(p, runtime.Options{})
		if err != nil {
			t.Fatal(err)
		}
		in, out := m.Levels["x"], &p.Tensors[p.Outputs[0].Tensor]
		indices, worst := make([]byte, shape.Elems()), 0.0
		for _, v := range data.data {
			for i, x := range v {
				indices[i] = byte(in.Index(float64(x)))
			}
			got, err := runner.RunLevels(indices)
			if err != nil {
				t.Fatal(err)
			}
			for row := range size {
				total := 0.0
				for k := range row + 1 {
					total += math.Exp(in.Value(int(indices[row*size+k])))
				}
				for k := range size {
					want := 0.0
					if k <= row {
						want = math.Exp(in.Value(int(indices[row*size+k]))) / total
					}
					worst = max(worst, math.Abs(out.Scale.Float()*float64(int(got[0][row*size+k])-out.Zero)-want))
				}
			}
		}
		if worst > 0.05 {
			t.Errorf("%s: probabilities are off by up to %g", method, worst)
		}
	}
}

// TestSoftmaxSites wants levels just where the values of a Softmax and of a normalization need them.
func TestSoftmaxSites(t *testing.T) {
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 6, 8}}
	n := &net{t: t, graph: &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(5, 5))}
	y := n.add(&onnx.LayerNormalization{Axis: 2, Epsilon: 1e-5}, x, n.constant(1, 8))
	p := n.add(&onnx.Softmax{Axis: 2}, n.add(&onnx.MatMul{}, y, n.add(&onnx.Transpose{Perm: []int{0, 2, 1}}, y)))
	n.graph.Outputs = []*onnx.Value{n.add(&onnx.MatMul{}, p, x)}
	m, err := quant.FromGraph(n.graph)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]int{}
	fine := 0
	for _, s := range m.Sites {
		if s.Role == quant.RolePooled {
			fine++
		}
		for _, node := range m.Graph.Nodes {
			if node.Outputs[0] == s.Value {
				made[node.Op.Type()]++
			}
		}
	}
	// Means, differences to them and roots; scaled quotients; products; differences to the largest, logarithms and exponentials.
	want := map[string]int{"GlobalAveragePool": 1, "Sub": 2, "Sqrt": 1, "Div": 1, "Mul": 1, "MatMul": 1, "Log": 1, "Exp": 1}
	for op, count := range want {
		if made[op] != count {
			t.Errorf("%d sites are made by %s, want %d; all are %v", made[op], op, count, made)
		}
		delete(made, op)
	}
	if len(made) > 0 || fine != 6 {
		t.Errorf("other sites are made by %v, and %d are finer than others, want none and 6", made, fine)
	}
}
