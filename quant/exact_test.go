package quant_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
)

// quantized builds networks as exporters of quantized ones write them, once read: weights that are integers times a scale, and roundings to codes.
type quantized struct {
	*net
	powers bool // all scales are powers of two: float32 computes without rounding, and halves occur
}

// scale is a scale around the given one.
func (n *quantized) scale(around float64) float64 {
	if n.powers {
		return math.Exp2(math.Round(math.Log2(around) + n.rng.Float64()*2 - 1))
	}
	return float64(float32(around * (0.5 + n.rng.Float64())))
}

// ints are codes lo..hi but for those that are none of a set, with one scale for each of so many channels, which come first in shape.
func (n *quantized) ints(lo, hi, channels int, shape ...int) *onnx.Value {
	v := n.constant(0, shape...)
	scales := make([]float32, channels)
	for i := range scales {
		scales[i] = float32(n.scale(1 / float64(hi-lo) / 2))
	}
	for i := range v.Const.Floats {
		k := lo + n.rng.IntN(hi-lo+1)
		if hi-lo == 2 { // bipolar
			k = 2*n.rng.IntN(2) - 1
		}
		v.Const.Floats[i] = float32(k) * scales[i*channels/len(v.Const.Floats)]
	}
	return v
}

// faded are weights of which those of the first channel, of so many, are next to nothing: training let it die.
func (n *quantized) faded(channels int, w *onnx.Value) *onnx.Value {
	for i := range w.Const.Floats[:len(w.Const.Floats)/channels] {
		w.Const.Floats[i] *= 1.0 / (1 << 60)
	}
	return w
}

// bias is in integers of the products' scale, which is not known here: as float networks write it, with any fraction.
func (n *quantized) bias(channels int) *onnx.Value {
	v := n.constant(0, channels)
	if n.powers {
		for i, b := range v.Const.Floats {
			v.Const.Floats[i] = float32(math.Round(float64(b)*256) / 256)
		}
	}
	return v
}

// u8 and s8 round to codes of one byte that reach from 0, or from -reach, to reach.
func (n *quantized) u8(reach float64, x *onnx.Value) *onnx.Value {
	return n.add(&onnx.Quantize{Scale: n.scale(reach / 255), Lo: 0, Hi: 255}, x)
}

func (n *quantized) s8(reach float64, x *onnx.Value) *onnx.Value {
	return n.add(&onnx.Quantize{Scale: n.scale(reach / 127), Zero: 0, Lo: -128, Hi: 127}, x)
}

var image = onnx.Shape{onnx.Batch, 4, 7, 6}

// exacts are patterns of networks that come quantized.
var exacts = []struct {
	name  string
	input onnx.Shape
	build func(n *quantized, x *onnx.Value) *onnx.Value
}{
	{"convolution, one scale", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		return n.u8(2, n.add(conv(3, 1, 1, 1), n.u8(1, x), n.ints(-128, 127, 1, 6, 4, 3, 3), n.bias(6)))
	}},
	{"convolution, scales by channel", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		y := n.u8(2, n.add(&onnx.Relu{}, n.add(conv(3, 2, 1, 1), n.u8(1, x), n.ints(-128, 127, 6, 6, 4, 3, 3), n.bias(6))))
		return n.s8(2, n.add(conv(1, 1, 0, 1), y, n.ints(-127, 127, 5, 5, 6, 1, 1)))
	}},
	{"a channel without weights to speak of", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		y := n.u8(2, n.add(conv(3, 1, 1, 1), n.u8(1, x), n.faded(6, n.ints(-128, 127, 6, 6, 4, 3, 3)), n.bias(6)))
		return n.s8(2, n.add(conv(1, 1, 0, 1), y, n.ints(-127, 127, 5, 5, 6, 1, 1)))
	}},
	{"residual of a channel without weights to speak of", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		x = n.s8(1, x)
		y := n.add(conv(3, 1, 1, 1), x, n.faded(4, n.ints(-127, 127, 4, 4, 4, 3, 3)), n.bias(4))
		return n.u8(2, n.add(&onnx.Relu{}, n.add(&onnx.Add{}, x, y)))
	}},
	{"weights of uint8 around a zero point", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		return n.s8(3, n.add(conv(3, 1, 1, 1), n.s8(1, x), n.ints(-200, 55, 3, 3, 4, 3, 3), n.bias(3)))
	}},
	{"depthwise", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		y := n.u8(2, n.add(&onnx.Clip{Min: 0, Max: 6}, n.add(conv(3, 1, 1, 4), n.s8(1, x), n.ints(-127, 127, 4, 4, 1, 3, 3), n.bias(4))))
		return n.u8(2, n.add(conv(1, 1, 0, 1), y, n.ints(-127, 127, 1, 3, 4, 1, 1), n.bias(3)))
	}},
	{"transposed convolution", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		k, s, d, p := window(2, 2, 0)
		op := &onnx.ConvTranspose{Kernel: k, Strides: s, Dilations: d, Pads: p, OutputPadding: []int{0, 0}, Groups: 1}
		w := n.ints(-127, 127, 3, 3, 4, 2, 2) // to be [4][3][2][2]
		turned := make([]float32, len(w.Const.Floats))
		for i, v := range w.Const.Floats {
			o, c, k := i/16, i/4%4, i%4
			turned[(c*3+o)*4+k] = v
		}
		w.Const.Floats, w.Const.Shape, w.Shape = turned, onnx.Shape{4, 3, 2, 2}, onnx.Shape{4, 3, 2, 2}
		return n.u8(2, n.add(op, n.u8(1, x), w, n.bias(3)))
	}},
	{"dense layers", onnx.Shape{onnx.Batch, 12}, func(n *quantized, x *onnx.Value) *onnx.Value {
		y := n.u8(2, n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, n.s8(1, x), n.ints(-127, 127, 9, 9, 12), n.bias(9)))
		return n.s8(2, n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, y, n.ints(-128, 127, 1, 5, 9), n.bias(5)))
	}},
	{"residual of two grids", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		x = n.s8(1, x)
		y := n.s8(2, n.add(conv(3, 1, 1, 1), x, n.ints(-127, 127, 4, 4, 4, 3, 3), n.bias(4)))
		return n.u8(2, n.add(&onnx.Relu{}, n.add(&onnx.Add{}, x, y)))
	}},
	{"residual in the accumulators", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		x = n.s8(1, x)
		y := n.add(conv(3, 1, 1, 1), x, n.ints(-127, 127, 4, 4, 4, 3, 3), n.bias(4))
		return n.u8(2, n.add(&onnx.Relu{}, n.add(&onnx.Add{}, x, y)))
	}},
	{"shortcut with weights", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		x = n.s8(1, x)
		y := n.add(conv(3, 1, 1, 1), x, n.ints(-127, 127, 5, 5, 4, 3, 3), n.bias(5))
		return n.u8(2, n.add(&onnx.Add{}, y, n.add(conv(1, 1, 0, 1), x, n.ints(-7, 7, 5, 5, 4, 1, 1))))
	}},
	{"concatenation of two grids", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		x = n.u8(1, x)
		y := n.u8(2, n.add(conv(3, 1, 1, 1), x, n.ints(-127, 127, 3, 3, 4, 3, 3), n.bias(3)))
		return n.u8(2, n.add(&onnx.Concat{Axis: 1}, x, y))
	}},
	{"concatenation before the rounding", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		x = n.u8(1, x)
		y := n.add(conv(3, 1, 1, 1), x, n.ints(-127, 127, 3, 3, 4, 3, 3), n.bias(3))
		return n.u8(2, n.add(&onnx.Concat{Axis: 1}, n.add(conv(1, 1, 0, 1), x, n.ints(-127, 127, 1, 2, 4, 1, 1)), y))
	}},
	{"concatenation of one grid", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		x = n.u8(1, x)
		q := &onnx.Quantize{Scale: n.scale(0.01), Zero: 3, Lo: 0, Hi: 255}
		a := n.add(q, n.add(conv(1, 1, 0, 1), x, n.ints(-127, 127, 3, 3, 4, 1, 1)))
		b := n.add(q, n.add(conv(3, 1, 1, 1), x, n.ints(-127, 127, 3, 3, 4, 3, 3)))
		return n.u8(2, n.add(conv(1, 1, 0, 1), n.add(&onnx.Concat{Axis: 1}, a, b), n.ints(-127, 127, 4, 4, 6, 1, 1)))
	}},
	{"movement before a cut and the rounding", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		y := n.add(conv(3, 1, 1, 1), n.s8(1, x), n.ints(-127, 127, 4, 4, 4, 3, 3), n.bias(4))
		y = n.add(&onnx.DepthToSpace{Block: 2}, y)
		return n.s8(2, n.add(&onnx.Clip{Min: -0.7, Max: 0.9}, y))
	}},
	{"average pooling", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		k, s, d, p := window(2, 1, 0)
		y := n.u8(1, n.add(&onnx.AveragePool{Kernel: k, Strides: s, Dilations: d, Pads: p}, n.u8(1, x)))
		k, s, d, p = window(3, 1, 1)
		y = n.u8(1, n.add(&onnx.AveragePool{Kernel: k, Strides: s, Dilations: d, Pads: p}, y)) // other divisors at the border
		y = n.u8(1, n.add(&onnx.GlobalAveragePool{}, y))
		return n.s8(1, n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, n.add(&onnx.Flatten{Axis: 1}, y), n.ints(-8, 7, 5, 5, 4), n.bias(5)))
	}},
	{"largest of windows, then a Relu of codes", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		k, s, d, p := window(2, 2, 0)
		y := n.add(&onnx.Relu{}, n.add(&onnx.MaxPool{Kernel: k, Strides: s, Dilations: d, Pads: p}, n.s8(1, x)))
		return n.s8(2, n.add(conv(3, 1, 1, 1), y, n.ints(-127, 127, 3, 3, 4, 3, 3), n.bias(3)))
	}},
	{"weights of 2, 3 and 4 bits", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		signed := func(around float64, x *onnx.Value) *onnx.Value {
			return n.add(&onnx.Quantize{Scale: n.scale(around), Lo: -8, Hi: 7}, x)
		}
		y := signed(0.5, n.add(conv(3, 1, 1, 1), n.s8(1, x), n.ints(-2, 1, 1, 6, 4, 3, 3), n.bias(6)))
		y = signed(0.5, n.add(conv(3, 1, 1, 1), y, n.ints(-4, 3, 5, 5, 6, 3, 3), n.bias(5)))
		return signed(0.5, n.add(conv(1, 1, 0, 1), y, n.ints(-7, 7, 4, 4, 5, 1, 1)))
	}},
	{"bipolar weights", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		y := n.add(&onnx.Quantize{Scale: n.scale(1), Lo: -1, Hi: 1}, n.add(conv(3, 1, 1, 1), n.s8(1, x), n.ints(-1, 1, 1, 6, 4, 3, 3), n.bias(6)))
		return n.s8(9, n.add(conv(1, 1, 0, 1), y, n.ints(-1, 1, 3, 3, 6, 1, 1), n.bias(3)))
	}},
	{"a function between roundings", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		y := n.s8(3, n.add(conv(3, 1, 1, 1), n.s8(1, x), n.ints(-127, 127, 4, 4, 4, 3, 3), n.bias(4)))
		return n.u8(1, n.add(&onnx.HardSigmoid{Alpha: 0.25, Beta: 0.5}, y))
	}},
	{"product of two values", image, func(n *quantized, x *onnx.Value) *onnx.Value {
		x = n.s8(1, x)
		y := n.s8(2, n.add(conv(3, 1, 1, 1), x, n.ints(-127, 127, 4, 4, 4, 3, 3), n.bias(4)))
		return n.s8(2, n.add(&onnx.Mul{}, x, y))
	}},
}

// TestQuantizedExactly compares the program of networks that come quantized with the networks themselves, computed in floating point. Their results
// are codes, and all must be equal. With powers of two as scales float32 has no rounding, and values halfway between two codes occur, which
// go to the even one; with other scales a value within the rounding of float32 of such a half may become either code (none does here).
func TestQuantizedExactly(t *testing.T) {
	for _, powers := range []bool{true, false} {
		for _, c := range exacts {
			name := c.name + ", any scales"
			if powers {
				name = c.name + ", powers of two"
			}
			t.Run(name, func(t *testing.T) {
				differing, total, seen := 0, 0, map[int]int{}
				for seed := range uint64(4) {
					differing += differingCodes(t, c.input, powers, seed, c.build, seen)
				}
				most := 0
				for _, n := range seen {
					total, most = total+n, max(most, n)
				}
				if differing > 0 {
					t.Errorf("%d of %d codes differ from the network's", differing, total)
				}
				if most > total*3/4 {
					t.Errorf("%d of %d results are the same code: they show little", most, total)
				}
			})
		}
	}
}

// TestQuantizedScores delivers accumulators of weights with scales by channel: one scale has to do for all of them, and the largest error of
// a score is 4e-6, where scores are of the order of 1.
func TestQuantizedScores(t *testing.T) {
	for name, faded := range map[string]bool{"alike": false, "one next to nothing": true} {
		t.Run(name, func(t *testing.T) { checkScores(t, faded) })
	}
}

func checkScores(t *testing.T, faded bool) {
	x := &onnx.Value{Name: "x", Shape: onnx.Shape{onnx.Batch, 20}}
	n := &quantized{net: &net{t: t, graph: &onnx.Graph{Name: "scores", Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(12, 1))}}
	w := n.ints(-127, 127, 6, 6, 20)
	if faded {
		w = n.faded(6, w)
	}
	y := n.add(&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, n.s8(1, x), w, n.bias(6))
	n.graph.Outputs = []*onnx.Value{y}
	float, err := finetune.NewExecutor(n.graph.Clone(), 1, finetune.ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := quant.NewModel(n.graph)
	if err != nil {
		t.Fatal(err)
	}
	if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
		t.Fatal(err)
	}
	// What a file holds of the model has to do.
	file, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if m, err = quant.FromGraph(g); err != nil {
		t.Fatal(err)
	}
	if code := m.Weights[m.WeightValues()[0].Name]; len(code.Units) != 6 {
		t.Fatalf("weights are %+v, want 6 units", code)
	}
	p, err := quant.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	levels := m.Levels[m.Sites[0].Value.Name]
	scale := p.Tensors[p.Outputs[0].Tensor].Scale.Float()
	for range 20 {
		raw, real := make([]byte, 20), make([]float32, 20)
		for i := range raw {
			raw[i] = byte(n.rng.IntN(levels.Size()))
			real[i] = float32(levels.Value(int(raw[i])))
		}
		want, err := float.Run(real)
		if err != nil {
			t.Fatal(err)
		}
		got, err := quant.Simulate(p, raw)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want[0] {
			if d := math.Abs(float64(w) - scale*float64(got[0][i])); d > 4e-6 {
				t.Errorf("score %d is %g, want %g", i, scale*float64(got[0][i]), w)
			}
		}
	}
}

// differingCodes counts results of a program that are not those of the network, whose codes it adds to seen.
func differingCodes(t *testing.T, input onnx.Shape, powers bool, seed uint64, build func(*quantized, *onnx.Value) *onnx.Value, seen map[int]int) (differing int) {
	t.Helper()
	x := &onnx.Value{Name: "x", Shape: input}
	n := &quantized{powers: powers, net: &net{t: t, graph: &onnx.Graph{Name: "exact", Opset: 17, Inputs: []*onnx.Value{x}}, rng: rand.New(rand.NewPCG(11, seed))}}
	out := build(n, x)
	n.graph.Outputs = []*onnx.Value{out}
	float, err := finetune.NewExecutor(n.graph.Clone(), 1, finetune.ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := quant.NewModel(n.graph)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Sites {
		if _, ok := m.Levels[s.Value.Name]; !ok {
			t.Fatalf("site %q has no levels of the network's", s.Value.Name)
		}
	}
	if err := quant.Cluster(m, quant.DefaultClusterConfig()); err != nil {
		t.Fatal(err)
	}
	if !m.Carried() {
		t.Fatal("the weights were clustered")
	}
	p, err := quant.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	for i, instr := range p.Instrs {
		if table, ok := instr.(*runtime.Map); ok && len(table.Tables) == 1 && slices.IsSorted(table.Tables[0]) && len(slices.Compact(slices.Clone(table.Tables[0]))) == 256 {
			t.Errorf("instruction %d maps all levels to themselves", i)
		}
	}
	runner, err := runtime.NewRunner(p, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	levels := m.Levels["x"]
	codes := out.Shape.Elems()
	rounded := n.graph.Producers()[out].Op.(*onnx.Quantize)
	for range 8 {
		raw, real := make([]byte, input.Elems()), make([]float32, input.Elems())
		for i := range raw {
			raw[i] = byte(n.rng.IntN(levels.Size()))
			real[i] = float32(levels.Value(int(raw[i])))
		}
		want, err := float.Run(real)
		if err != nil {
			t.Fatal(err)
		}
		got, err := runner.RunLevels(raw)
		if err != nil {
			t.Fatal(err)
		}
		for i := range codes {
			code := int(math.Round(float64(want[0][i])/rounded.Scale)) + rounded.Zero - rounded.Lo
			seen[code]++
			if code != int(got[0][i]) {
				differing++
			}
		}
	}
	return differing
}
