package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// What ONNX Runtime makes of corners that the operators' definitions leave open.

func TestAntialiasClamps(t *testing.T) {
	// 3 elements become 2: the kernel reaches over the border, whose element stands for those beyond.
	op := &Resize{Mode: ResizeLinear, CoordMode: HalfPixel, Antialias: true, Scales: []float64{2.0 / 3}, Sizes: []int{2}}
	weights := make([]float64, 3)
	tap := op.Taps(0, 3, 2)[0]
	for i, from := range tap.From {
		weights[from] += tap.Weights[i]
	}
	for i, want := range []float64{2.0 / 3, 1.0 / 3, 0} {
		if math.Abs(weights[i]-want) > 1e-6 {
			t.Errorf("weights %.4f, want [0.6667 0.3333 0]", weights)
			break
		}
	}
}

func TestResizeInSinglePrecision(t *testing.T) {
	// 1.5/0.6 - 0.5 is 2 in single precision, and less than that in double precision of the same 0.6.
	op := &Resize{Mode: ResizeNearest, CoordMode: HalfPixel, NearestMode: RoundFloor, Scales: []float64{float64(float32(0.6))}, Sizes: []int{5}}
	if from := op.Taps(0, 9, 5)[1].From[0]; from != 2 {
		t.Errorf("element 1 comes from %d, want 2", from)
	}
}

func TestResizeToTheSameShape(t *testing.T) {
	g := decodeFile(t, file(13, in("x", "N", 3, 2), call("Resize", "x - scales", "y", attr("mode", "linear")), out("y"),
		tensorProto("scales", &Tensor{Type: Float, Shape: Shape{3}, Floats: []float32{1, 1, 1.3}})))
	if _, ok := g.Nodes[0].Op.(*Identity); !ok {
		t.Errorf("got %T, want Identity", g.Nodes[0].Op)
	}
}

func TestAntialiasIsWritten(t *testing.T) {
	g := decodeFile(t, file(18, in("x", "N", 3, 8, 8), call("Resize", "x - scales", "r", attr("mode", "linear"), attr("antialias", 1)),
		call("ReduceMean", "r axes", "y"), out("y"), integers("axes", 2, 3),
		tensorProto("scales", &Tensor{Type: Float, Shape: Shape{4}, Floats: []float32{1, 1, 0.5, 0.5}})))
	data, err := Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if op, ok := again.Nodes[0].Op.(*Resize); !ok || !op.Antialias {
		t.Errorf("got %#v, want antialiasing", again.Nodes[0].Op)
	}
}

func TestWrapAfterCropping(t *testing.T) {
	op := &Pad{Mode: PadWrap, Pads: []int{1, -1}}
	if got := op.Moves(Shape{4}, []Shape{{4}})[0].Axes[0]; !slices.Equal(got, []int{2, 0, 1, 2}) {
		t.Errorf("positions %v, want [2 0 1 2]", got)
	}
}

func TestCeilOnlyWhereItAdds(t *testing.T) {
	for _, c := range []struct {
		kernel, stride int
		want           bool
	}{{1, 3, false}, {2, 3, false}, {3, 2, true}, {2, 2, false}} {
		g := decodeFile(t, file(11, in("x", "N", 2, 8), call("AveragePool", "x", "y", attr("kernel_shape", []int{c.kernel}),
			attr("strides", []int{c.stride}), attr("ceil_mode", 1)), out("y")))
		if got := g.Nodes[0].Op.(*AveragePool).Ceil; got != c.want {
			t.Errorf("kernel %d, stride %d: ceil is %v, want %v", c.kernel, c.stride, got, c.want)
		}
	}
}

func TestNoLargestInPadding(t *testing.T) {
	for _, m := range []*MaxPool{
		{Kernel: []int{2}, Strides: []int{2}, Dilations: []int{2}, Pads: []int{1, 1}}, // at -1 and 1
		{Kernel: []int{2}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{2, 0}}, // before the input
		{Kernel: []int{2}, Strides: []int{1}, Dilations: []int{1}, Pads: []int{0, 2}}, // behind it
	} {
		if _, err := m.InferShape([]Shape{{Batch, 1, 1}}); err == nil || !strings.Contains(err.Error(), "padding alone") {
			t.Errorf("%+v: got %v, want a refusal", m, err)
		}
	}
}

func TestReshapeJoinsBatchOfManySamples(t *testing.T) {
	g := decodeFile(t, file(13, in("x", 9), call("Reshape", "x shape", "y"), out("y"), integers("shape", 1, -1)))
	if got := g.Outputs[0].Shape; !got.Equal(Shape{1, 9}) {
		t.Errorf("shape %v, want [1,9]", got)
	}
}

func TestSizesOfTheBatch(t *testing.T) {
	g := decodeFile(t, file(13, in("x", 3, 2, 4, 4), call("Resize", "x - - sizes", "y"), out("y"), integers("sizes", 3, 2, 8, 8)))
	if got := g.Outputs[0].Shape; !got.Equal(Shape{Batch, 2, 8, 8}) {
		t.Errorf("shape %v, want [N,2,8,8]", got)
	}
}

// A network that contradicts itself only while its leading axis is the batch is refused for what it has besides.
func TestRefusedForItsOwnReason(t *testing.T) {
	_, err := Decode(marshal(t, file(13, in("x", 5, 3), call("Add", "x w", "s"), call("NonZero", "s", "y"), out("y"), floats("w", 5, 3))))
	if err == nil || !strings.Contains(err.Error(), "NonZero") || strings.Contains(err.Error(), "broadcast") {
		t.Errorf("got %v, want NonZero refused", err)
	}
}
