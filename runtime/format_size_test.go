package runtime

import (
	"fmt"
	"math"
	"math/rand"
	"testing"
)

// network makes a program of convolutions (output channels, input channels, kernel side)
// whose weights are Laplacian indices of a codebook of size centres per layer, with 31
// thresholds per layer as a rounded ReLU has them. It is as long as a real one, but its
// tensors do not follow from one another: only its file is of interest.
func network(size int, layers [][3]int) (p *Program, entropy float64) {
	r := rand.New(rand.NewSource(1))
	p = &Program{
		Inputs:   []Input{{}},
		Tensors:  []Tensor{{Shape: [3]int{layers[0][1], 1, 1}, Levels: 256, Scale: ScaleOf(1)}},
		Outputs:  []Output{{Name: "output"}},
		Producer: "qconv",
	}
	p.Source[0] = 1
	for k, layer := range layers {
		out, in, side := layer[0], layer[1], layer[2]
		if p.Tensors[k].Shape[0] != in {
			p.Tensors = append(p.Tensors, Tensor{})
			panic(fmt.Sprintf("BUG: layer %d has %d inputs, want %d", k, in, p.Tensors[k].Shape[0]))
		}
		t := Tensor{Shape: [3]int{out, 1, 1}, Levels: 32, Scale: ScaleOf(r.Float64())}
		l := &Linear{Out: k + 1, Steps: []int{k}}
		step := Step{Values: make([]uint8, 32)}
		gap := 100 + 900*r.Float64()
		for i := range step.Values {
			step.Values[i] = uint8(i)
			if i > 0 {
				step.Breaks = append(step.Breaks, int32(math.Round(gap*(float64(i)-0.5))))
			}
		}
		if k == len(layers)-1 {
			t.Levels, l.Steps = 0, nil
		} else {
			p.Steps = append(p.Steps, step)
		}
		p.Tensors = append(p.Tensors, t)
		centres := make([]int32, size)
		for i := range centres {
			centres[i] = int32((i-size/2)*600 + r.Intn(100))
		}
		p.Codebooks = append(p.Codebooks, Codebook{Centres: centres})
		indices := make([]uint16, out*in*side*side)
		counts := make([]float64, size)
		for i := range indices {
			v := size/2 + int(math.Round(math.Copysign(r.ExpFloat64(), r.Float64()-0.5)*float64(size)/8))
			indices[i] = uint16(min(max(v, 0), size-1))
			counts[indices[i]]++
		}
		for _, c := range counts {
			if c > 0 {
				entropy -= c * math.Log2(c/float64(len(indices))) / 8
			}
		}
		l.Terms = []Term{fullyConnected(k, k, [2]int{side, side}, PackWeights(indices, size))}
		for range out {
			l.Bias = append(l.Bias, int32(2000*r.NormFloat64()))
		}
		p.Instrs = append(p.Instrs, l)
	}
	p.Outputs[0].Tensor = len(layers)
	return p, entropy
}

var (
	lenet   = [][3]int{{16, 1, 5}, {32, 16, 5}, {128, 32, 5}, {10, 128, 1}}
	resnet8 = [][3]int{{16, 3, 3}, {16, 16, 3}, {16, 16, 3}, {32, 16, 3}, {32, 32, 3}, {64, 32, 3}, {64, 64, 3}, {10, 64, 1}}
)

// TestFileOverhead holds whole files against the zero-order entropy of their weights:
// biases, codebooks, thresholds, tables of frequencies and structure together.
func TestFileOverhead(t *testing.T) {
	for _, tt := range []struct {
		name    string
		layers  [][3]int
		size    int
		percent float64
	}{
		{"lenet W=16", lenet, 16, 2},
		{"lenet W=256", lenet, 256, 3},
		{"resnet8 W=16", resnet8, 16, 4},
	} {
		p, entropy := network(tt.size, tt.layers)
		data := mustEncode(t, p)
		if over := 100 * (float64(len(data))/entropy - 1); over > tt.percent {
			t.Errorf("%s: %d bytes, %.2f %% more than the entropy of the weights, %.0f; want at most %g %%", tt.name, len(data), over, entropy, tt.percent)
		} else {
			t.Logf("%s: %d bytes, %.2f %% more than the entropy", tt.name, len(data), over)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range []int{16, 256} {
		p, _ := network(size, lenet)
		data := mustEncode(b, p)
		b.Run(fmt.Sprintf("lenet/W=%d", size), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	p, _ := network(16, lenet)
	b.SetBytes(int64(len(mustEncode(b, p))))
	for b.Loop() {
		if _, err := Encode(p); err != nil {
			b.Fatal(err)
		}
	}
}
