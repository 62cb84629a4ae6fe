package quant

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"qconv/onnx"
)

// alexNetShapes are the weights of AlexNet with two groups: 61 million.
var alexNetShapes = [][]int{
	{96, 3, 11, 11}, {256, 48, 5, 5}, {384, 256, 3, 3}, {384, 192, 3, 3}, {256, 192, 3, 3}, {4096, 9216}, {4096, 4096}, {1000, 4096},
}

// BenchmarkCluster clusters all weights of AlexNet.
func BenchmarkCluster(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 0))
	var tensors [][]float32
	total := 0
	for _, s := range alexNetShapes {
		w := make([]float32, onnx.Shape(s).Elems())
		for i := range w {
			w[i] = float32(rng.NormFloat64() * (0.2 + rng.ExpFloat64()))
		}
		tensors = append(tensors, w)
		total += len(w)
	}
	for _, scope := range []Scope{ScopeLayer, ScopeNetwork} {
		for _, k := range []int{16, 256, 1000} {
			b.Run(fmt.Sprintf("alexnet/scope=%s/W=%d", scope, k), func(b *testing.B) {
				cfg := DefaultClusterConfig()
				cfg.Weights, cfg.Scope = k, scope
				for b.Loop() {
					b.StopTimer()
					g := &onnx.Graph{}
					for i, w := range tensors {
						v := &onnx.Value{Name: fmt.Sprint(i), Shape: alexNetShapes[i], Const: &onnx.Tensor{Shape: alexNetShapes[i], Floats: append([]float32(nil), w...)}}
						g.Nodes = append(g.Nodes, &onnx.Node{Op: &onnx.Gemm{}, Inputs: []*onnx.Value{{}, v}})
					}
					b.StartTimer()
					if err := Cluster(&Model{Graph: g}, cfg); err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(4 * total))
			})
		}
	}
}
