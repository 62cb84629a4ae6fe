package runtime

import (
	"math/rand"
	"testing"
)

// BenchmarkRun times whole networks with every kernel option.
func BenchmarkRun(b *testing.B) {
	for _, n := range []struct {
		name string
		p    *Program
	}{
		{"lenet/small-integers", lenetProgram(rand.New(rand.NewSource(1)), 32, evenCentres(-8, 7))},
		{"lenet/8-bit", lenetProgram(rand.New(rand.NewSource(1)), 32, evenCentres(-128, 127))},
		{"resnet8/small-integers", resnetProgram(rand.New(rand.NewSource(1)), 32, evenCentres(-8, 7))},
		{"resnet8/8-bit", resnetProgram(rand.New(rand.NewSource(1)), 32, evenCentres(-128, 127))},
	} {
		in := &n.p.Tensors[n.p.Inputs[0].Tensor]
		sample := make([]byte, in.Elems())
		GenerateInput(1, sample, in.Levels)
		for _, o := range kernelOptions {
			name := o.Kernel
			if name == "" {
				name = "best"
			}
			b.Run(n.name+"/"+name, func(b *testing.B) {
				r := mustRunner(b, n.p, o)
				for b.Loop() {
					if _, err := r.RunLevels(sample); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n.p.MACs())*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
			})
		}
	}
}
