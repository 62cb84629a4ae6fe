package finetune

import (
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// benchmarkModel is a shared model with levels, as training meets it.
func benchmarkModel(b *testing.B, name string) (*quant.Model, Config, Task, *onnx.Value) {
	g := readModel(b, name)
	if _, err := onnx.Simplify(g); err != nil {
		b.Fatal(err)
	}
	m := modelOf(b, g)
	for _, s := range m.Sites {
		m.Levels[s.Value.Name] = quant.Levels{Count: 32, Step: 0.1, Stride: 1}
	}
	v, task := head(g)
	cfg := DefaultConfig()
	cfg.Cluster.Weights = 64
	return m, cfg, task, v
}

func BenchmarkTrainingStep(b *testing.B) {
	for _, name := range []string{"mnist_lenet", "resnet8_cifar10", "mnist_conv_autoencoder", "ad_autoencoder"} {
		b.Run(name+"/batch=64", func(b *testing.B) {
			m, cfg, task, v := benchmarkModel(b, name)
			t, err := newTrainer(m, cfg, task, v, nil)
			if err != nil {
				b.Fatal(err)
			}
			for i := range t.inputs[0] {
				t.inputs[0][i] = float32(i%17) / 17
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := t.step(1e-6); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*cfg.Batch)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func BenchmarkExecutor(b *testing.B) {
	for _, name := range models {
		b.Run(name+"/batch=50", func(b *testing.B) {
			g := readModel(b, name)
			if _, err := onnx.Simplify(g); err != nil {
				b.Fatal(err)
			}
			e, err := NewExecutor(g, 50, ExecOptions{})
			if err != nil {
				b.Fatal(err)
			}
			x := make([]float32, 50*inputElems(g))
			for i := range x {
				x[i] = float32(i%17) / 17
			}
			for b.Loop() {
				if _, err := e.Run(x); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*50)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
