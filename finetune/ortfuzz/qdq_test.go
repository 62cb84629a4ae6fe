package ortfuzz

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"qconv/internal/testtool"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// qdq writes a network as exporters of quantized ones do: constants as codes with DequantizeLinear behind them, and around every operator a
// QuantizeLinear and DequantizeLinear.
type qdq struct {
	network
	rng    *rand.Rand
	powers bool // all scales are powers of two
	names  int
	last   float64 // scale of the latest activation
}

func (n *qdq) scale(around float64) float64 {
	if n.powers {
		return math.Exp2(math.Round(math.Log2(around) + n.rng.Float64()*2 - 1))
	}
	return float64(float32(around * (0.5 + n.rng.Float64())))
}

func (n *qdq) name() string {
	n.names++
	return fmt.Sprint("v", n.names)
}

func (n *qdq) constant(k kind, shape []int, values ...float64) string {
	c := &constant{name: n.name(), kind: k, shape: shape, values: values}
	n.constants = append(n.constants, c)
	return c.name
}

func (n *qdq) node(op, out string, in []string, attrs ...attr) string {
	n.nodes = append(n.nodes, &node{op: op, in: in, out: []string{out}, attrs: attrs})
	return out
}

// weights are codes of int8 with a scale for each of so many channels, dimension 0, or one for all. It returns their scales too.
func (n *qdq) weights(channels int, shape ...int) (name string, scales []float64) {
	codes := make([]float64, size(shape))
	for i := range codes {
		codes[i] = float64(n.rng.IntN(256) - 128)
	}
	zeros, dims := make([]float64, channels), []int{channels}
	for range channels {
		scales = append(scales, n.scale(1.0/512))
	}
	if channels == 1 {
		dims = nil
	}
	return n.node("DequantizeLinear", n.name(), []string{n.constant(int8s, shape, codes...), n.constant(float32s, dims, scales...), n.constant(int8s, dims, zeros...)}, attr{"axis", 0}), scales
}

// bias are codes of int32 whose scale is the product of those of the layer's input and weights.
func (n *qdq) bias(channels int, input float64, weights []float64) string {
	codes, zeros, scales := make([]float64, channels), make([]float64, channels), make([]float64, channels)
	for i := range codes {
		codes[i], scales[i] = float64(n.rng.IntN(20001)-10000), float64(float32(input*weights[i%len(weights)]))
	}
	return n.node("DequantizeLinear", n.name(), []string{n.constant(int32s, []int{channels}, codes...), n.constant(float32s, []int{channels}, scales...), n.constant(int32s, []int{channels}, zeros...)}, attr{"axis", 0})
}

// round is a QuantizeLinear with a DequantizeLinear behind it; n.last is its scale.
func (n *qdq) round(x string, k kind, around, zero float64) string {
	n.last = n.scale(around)
	s, z := n.constant(float32s, nil, n.last), n.constant(k, nil, zero)
	return n.node("DequantizeLinear", n.name(), []string{n.node("QuantizeLinear", n.name(), []string{x, s, z}), s, z})
}

// draw is a network with convolutions by tensor, by channel and depthwise, a sum of two grids, pooling, and a dense layer.
func (n *qdq) draw(channels int) {
	by := func(outputs int) int {
		if n.rng.IntN(3) == 0 {
			return 1
		}
		return outputs
	}
	n.opset, n.ir = 13, 8
	n.inputs = []*value{{name: "x", kind: float32s, shape: []int{1, 3, 8, 8}}}
	x := n.round("x", uint8s, 1.0/64, 128)
	conv := func(x string, outputs, inputs, kernel, groups int) string {
		input := n.last
		w, scales := n.weights(by(outputs), outputs, inputs/groups, kernel, kernel)
		return n.node("Conv", n.name(), []string{x, w, n.bias(outputs, input, scales)}, attr{"pads", []int{kernel / 2, kernel / 2, kernel / 2, kernel / 2}}, attr{"group", groups})
	}
	a := n.round(n.node("Relu", n.name(), []string{conv(x, channels, 3, 3, 1)}), uint8s, 1.0/64, 0)
	b := n.round(conv(a, channels, channels, 3, channels), int8s, 1.0/64, 3)
	c := n.round(conv(b, channels, channels, 1, 1), int8s, 1.0/64, -5)
	d := n.round(n.node("Add", n.name(), []string{a, c}), int8s, 1.0/32, -20)
	e := n.round(n.node("Concat", n.name(), []string{d, b}, attr{"axis", 1}), uint8s, 1.0/32, 100)
	f := n.round(n.node("GlobalAveragePool", n.name(), []string{e}), int8s, 1.0/64, 0)
	g := n.node("Flatten", n.name(), []string{f})
	input := n.last
	w, scales := n.weights(by(5), 5, 2*channels)
	h := n.node("Gemm", n.name(), []string{g, w, n.bias(5, input, scales)}, attr{"transB", 1})
	n.outputs = nil
	for _, out := range []string{n.round(conv(e, 4, 2*channels, 3, 1), int8s, 1.0/32, 0), n.round(h, int8s, 1.0/64, 7)} {
		n.outputs = append(n.outputs, &value{name: out, kind: float32s, shape: map[bool][]int{true: {1, 4, 8, 8}, false: {1, 5}}[len(n.outputs) == 0]})
	}
}

// TestQuantizedNetworks compares the codes that programs compute with those of ONNX Runtime, which computes the same networks in float32. With powers of two
// as scales float32 has no rounding, and all are equal; with others a sum that float32 takes across the middle of two codes may become the code beside,
// and what is computed from it may be off by a code as well: 1 in 1000 at most.
func TestQuantizedNetworks(t *testing.T) {
	r := testtool.NewORT(t)
	for _, powers := range []bool{true, false} {
		differing, total, distinct := 0, 0, map[int32]bool{}
		for s := range uint64(12) {
			n := &qdq{rng: rand.New(rand.NewPCG(s, 5)), powers: powers}
			n.draw(4 + int(s)%3)
			file := n.encode()
			g, err := onnx.Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := quant.FromGraph(g)
			if err != nil {
				t.Fatal(err)
			}
			if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
				t.Fatal(err)
			}
			if !m.Carried() {
				t.Fatalf("seed %d: levels or weights are not the network's", s)
			}
			p, err := quant.Compile(m)
			if err != nil {
				t.Fatal(err)
			}
			runner, err := runtime.NewRunner(p, runtime.Options{})
			if err != nil {
				t.Fatal(err)
			}
			levels := m.Levels["x"]
			var raws [][]byte
			var runs []map[string]tensor
			for range 6 {
				raw, real := make([]byte, 3*8*8), make([]float64, 3*8*8)
				for i := range raw {
					raw[i] = byte(n.rng.IntN(levels.Size()))
					real[i] = levels.Value(int(raw[i]))
				}
				raws, runs = append(raws, raw), append(runs, map[string]tensor{"x": newTensor(float32s, []int{1, 3, 8, 8}, real)})
			}
			wants, err := r.Run(file, runs...)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range wants {
				got, err := runner.RunLevels(raws[i])
				if err != nil {
					t.Fatal(err)
				}
				for o, out := range n.outputs {
					l := p.Tensors[p.Outputs[o].Tensor]
					for k, v := range valuesOf(want[out.name]) {
						code := int32(math.Round(v/l.Scale.Float())) + int32(l.Zero)
						distinct[code] = true
						total++
						if code != got[o][k] {
							differing++
						}
					}
				}
			}
		}
		t.Logf("powers of two %v: %d of %d codes differ", powers, differing, total)
		if powers && differing > 0 || differing > total/1000 {
			t.Errorf("%d of %d codes differ from ONNX Runtime's", differing, total)
		}
		if len(distinct) < 100 {
			t.Errorf("%d different codes: they show little", len(distinct))
		}
	}
}
