package quant

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"qconv/onnx"
)

// pixelNet is a network of two convolutions, of which the first has weights of the given size: what lies before and behind it is up
// to the caller.
type pixelNet struct {
	rng   *rand.Rand
	graph *onnx.Graph
	last  *onnx.Value
}

func newPixelNet(shape ...int) *pixelNet {
	in := &onnx.Value{Name: "input", Type: onnx.Float, Shape: append(onnx.Shape{onnx.Batch}, shape...)}
	return &pixelNet{rand.New(rand.NewPCG(4, 0)), &onnx.Graph{Opset: 17, Inputs: []*onnx.Value{in}}, in}
}

func (p *pixelNet) constant(name string, values []float32, shape ...int) *onnx.Value {
	return &onnx.Value{Name: name, Type: onnx.Float, Shape: shape, Const: &onnx.Tensor{Type: onnx.Float, Shape: shape, Floats: values}}
}

func (p *pixelNet) add(t *testing.T, name string, op onnx.Op, operands ...*onnx.Value) *pixelNet {
	t.Helper()
	in := append([]*onnx.Value{p.last}, operands...)
	var shapes []onnx.Shape
	for _, v := range in {
		shapes = append(shapes, v.Shape)
	}
	out, err := op.InferShape(shapes)
	if err != nil {
		t.Fatal(err)
	}
	p.last = &onnx.Value{Name: name + ".out", Type: onnx.Float, Shape: out[0]}
	p.graph.Nodes = append(p.graph.Nodes, &onnx.Node{Name: name, Op: op, Inputs: in, Outputs: []*onnx.Value{p.last}})
	p.graph.Outputs = []*onnx.Value{p.last}
	return p
}

func (p *pixelNet) conv(t *testing.T, name string, size float64, out int) *pixelNet {
	in := p.last.Shape[1]
	w := make([]float32, out*in*9)
	for i := range w {
		w[i] = float32(p.rng.NormFloat64() * size / math.Sqrt(float64(9*in)))
	}
	op := &onnx.Conv{Kernel: []int{3, 3}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{1, 1, 1, 1}, Groups: 1}
	return p.add(t, name, op, p.constant(name+".w", w, out, in, 3, 3))
}

// norm adds a BatchNormalization that saw pixels of a mean and deviation through the convolution before it.
func (p *pixelNet) norm(t *testing.T, mean, deviation float64) *pixelNet {
	w := p.graph.Nodes[len(p.graph.Nodes)-1].Inputs[1].Const
	channels := w.Shape[0]
	means, variances, ones, zeros := make([]float32, channels), make([]float32, channels), make([]float32, channels), make([]float32, channels)
	for ch := range channels {
		kernel := w.Floats[ch*len(w.Floats)/channels:][:len(w.Floats)/channels]
		sum := 0.0
		for _, x := range kernel {
			sum += float64(x)
		}
		means[ch] = float32(sum * mean)
		variances[ch] = float32(deviation * deviation * correlated(kernel, 3, 3, correlations(3, 3)))
		ones[ch], zeros[ch] = -2, 0.5
	}
	return p.add(t, "norm", &onnx.BatchNormalization{Epsilon: 1e-5}, p.constant("scale", ones, channels), p.constant("shift", zeros, channels),
		p.constant("means", means, channels), p.constant("variances", variances, channels))
}

// rest adds what all have.
func (p *pixelNet) rest(t *testing.T) *onnx.Graph {
	return p.add(t, "relu", &onnx.Relu{}).conv(t, "second", 1, 8).add(t, "relu2", &onnx.Relu{}).conv(t, "third", 1.5, 4).graph
}

// TestPixelsOf gives networks that tell the range of their pixels in every way there is, and some that do not.
func TestPixelsOf(t *testing.T) {
	number := func(p *pixelNet, name string, v float32) *onnx.Value { return p.constant(name, []float32{v}, 1) }
	for _, c := range []struct {
		name   string
		make   func() *onnx.Graph
		want   [2]float64 // zeros for no hint
		reason string
	}{
		{"small weights", func() *onnx.Graph { return newPixelNet(3, 8, 8).conv(t, "first", 0.01, 8).rest(t) }, asBytes, "the first layer's weights are 0.0"},
		{"weights as large", func() *onnx.Graph { return newPixelNet(3, 8, 8).conv(t, "first", 1, 8).rest(t) }, asUnit, "the first layer's weights"},
		{"weights in between", func() *onnx.Graph { return newPixelNet(3, 8, 8).conv(t, "first", 0.12, 8).rest(t) }, [2]float64{}, ""},
		{"statistics of bytes", func() *onnx.Graph { return newPixelNet(3, 8, 8).conv(t, "first", 1, 8).norm(t, 120, 64).rest(t) }, asBytes, `"norm" behind the first layer saw pixels of about mean 1.2e+02 and deviation 64`},
		{"statistics of 0..1", func() *onnx.Graph { return newPixelNet(3, 8, 8).conv(t, "first", 0.01, 8).norm(t, 0.45, 0.25).rest(t) }, asUnit, "mean 0.45 and deviation 0.25"},
		{"statistics of -1..1", func() *onnx.Graph { return newPixelNet(1, 8, 8).conv(t, "first", 1, 8).norm(t, -0.1, 0.5).rest(t) }, asSigned, "mean -0.1 and deviation 0.5"},
		{"statistics of normalized pixels", func() *onnx.Graph { return newPixelNet(3, 8, 8).conv(t, "first", 1, 8).norm(t, 0, 1).rest(t) }, asSigned, "deviation 1"},
		{"divided", func() *onnx.Graph {
			p := newPixelNet(3, 8, 8)
			return p.add(t, "div", &onnx.Div{}, number(p, "c", 255)).conv(t, "first", 1, 8).rest(t)
		}, asBytes, "the network itself makes x*0.00392"},
		{"subtracted and multiplied", func() *onnx.Graph {
			p := newPixelNet(3, 8, 8)
			p.add(t, "sub", &onnx.Sub{}, number(p, "c", 127.5))
			return p.add(t, "mul", &onnx.Mul{}, number(p, "d", 1/127.5)).conv(t, "first", 1, 8).norm(t, 0, 0.5).rest(t)
		}, asBytes, "the network itself makes x*0.00784-1 of a pixel x"},
		{"to -1..1", func() *onnx.Graph {
			p := newPixelNet(3, 8, 8)
			p.add(t, "mul", &onnx.Mul{}, number(p, "d", 2))
			return p.add(t, "sub", &onnx.Sub{}, number(p, "c", 1)).conv(t, "first", 1, 8).rest(t)
		}, asUnit, "the network itself makes x*2-1"},
		{"no picture", func() *onnx.Graph { return newPixelNet(16, 8, 8).conv(t, "first", 0.01, 8).rest(t) }, [2]float64{}, ""},
		{"nonlinear first", func() *onnx.Graph {
			return newPixelNet(3, 8, 8).add(t, "tanh", &onnx.Tanh{}).conv(t, "first", 0.01, 8).rest(t)
		}, [2]float64{}, ""},
	} {
		g := c.make()
		h := PixelsOf(g)
		if h == nil {
			if c.want != ([2]float64{}) {
				t.Errorf("%s: nothing is suggested, want %v", c.name, c.want)
			}
			continue
		}
		if got := [2]float64{h.Low, h.High}; got != c.want || !strings.Contains(h.Reason, c.reason) {
			t.Errorf("%s: got %v (%s), want %v and %q", c.name, got, h.Reason, c.want, c.reason)
		}
		if err := h.check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if normed := strings.HasPrefix(c.name, "statistics"); normed && (h.Value != "norm.out" || h.Mean[0] != 0.5 || h.Deviation[0] != 2) {
			t.Errorf("%s: what was seen of the first layer is %q, %v, %v", c.name, h.Value, h.Mean, h.Deviation)
		}
	}
}

// TestPixelHintStored demands that a hint goes with the model, although BatchNormalization is folded, and that a broken one is refused.
func TestPixelHintStored(t *testing.T) {
	g := newPixelNet(3, 8, 8).conv(t, "first", 1, 8).norm(t, 120, 64).rest(t)
	m, err := FromGraph(g)
	if err != nil {
		t.Fatal(err)
	}
	file, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := onnx.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	again, err := FromGraph(read)
	if err != nil {
		t.Fatal(err)
	}
	if again.Pixels == nil || again.Pixels.High != 255 || len(again.Pixels.Mean) != 8 || again.Pixels.Reason != m.Pixels.Reason {
		t.Errorf("got %+v, want %+v", again.Pixels, m.Pixels)
	}
	m.Pixels.Mean = m.Pixels.Mean[:3]
	if file, err = m.Encode(); err != nil {
		t.Fatal(err)
	}
	if read, err = onnx.Decode(file); err != nil {
		t.Fatal(err)
	}
	if _, err := FromGraph(read); err == nil || !strings.Contains(err.Error(), "3 means and 8 deviations") {
		t.Errorf("a broken hint: got %v", err)
	}
}
