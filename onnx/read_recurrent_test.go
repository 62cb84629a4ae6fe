package onnx

import (
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"qconv/internal/testtool"
	"qconv/onnx/internal/pb"
)

// TestRecurrentErrors checks that what is wrong with a recurrent operator, or more than is read, is said in one line.
func TestRecurrentErrors(t *testing.T) {
	lstm := func(change func(c *recurrentFile)) *pb.ModelProto {
		c := recurrentFile{op: "LSTM", opset: 14, steps: 5, hidden: 4, inputs: 3, outs: "Y", batch: "N"}
		change(&c)
		return c.build()
	}
	x, y := in("x", 5, "N", 3), out("y")
	lens := tensorProto("lens", &Tensor{Type: Int, Shape: Shape{1}, Ints: []int64{4}})
	for _, c := range []struct {
		name        string
		m           *pb.ModelProto
		unsupported bool
		want        string
	}{
		{"direction", lstm(func(c *recurrentFile) { c.direction = "up" }), false, `direction is "up", want forward, reverse or bidirectional`},
		{"activation", lstm(func(c *recurrentFile) {
			c.attrs = []*pb.AttributeProto{textsAttr("activations", "Sigmoid", "Sine", "Tanh")}
		}), true, `activation "Sine" is not supported`},
		{"activations", lstm(func(c *recurrentFile) { c.attrs = []*pb.AttributeProto{textsAttr("activations", "Tanh")} }), false, `"activations" has 1 entries, want 3`},
		{"clip", lstm(func(c *recurrentFile) { c.attrs = []*pb.AttributeProto{attr("clip", -1.0)} }), false, "clip is -1, want a positive number"},
		{"unknown attribute", lstm(func(c *recurrentFile) { c.attrs = []*pb.AttributeProto{attr("twist", 1)} }), true, `unknown attribute "twist"`},
		{"old", lstm(func(c *recurrentFile) { c.opset = 6 }), true, "want opset 7 or newer"},
		{"the batch in front", file(14, in("x", "N", 5, 3), y, floats("w", 1, 8, 3), floats("r", 1, 8, 2), call("Relu", "x", "z"), call("Sigmoid", "z", "u"), call("Softplus", "u", "v"),
			call("LSTM", "v w r", "y", attr("hidden_size", 2))), true, "dimension 0 of X (operand 0) [N,5,3] is the batch, want dimension 1"},
		{"rank of X", file(14, in("x", 5, "N", 3, 1), y, floats("w", 1, 8, 3), floats("r", 1, 8, 2), call("LSTM", "x w r", "y", attr("hidden_size", 2))), false, "X (operand 0) has shape"},
		{"W", file(14, x, y, floats("w", 1, 8, 4), floats("r", 1, 8, 2), call("LSTM", "x w r", "y", attr("hidden_size", 2))), false, "W (operand 1) has shape [1,8,4] and elements of type float, want [1,8,3]"},
		{"R", file(14, x, y, floats("w", 1, 8, 3), floats("r", 1, 8, 3), call("LSTM", "x w r", "y", attr("hidden_size", 2))), false, "R (operand 2) has shape [1,8,3] and elements of type float, want [1,8,2]"},
		{"B", file(14, x, y, floats("w", 1, 8, 3), floats("r", 1, 8, 2), floats("b", 1, 8), call("LSTM", "x w r b", "y", attr("hidden_size", 2))), false, "B (operand 3) has shape [1,8] and elements of type float, want [1,16]"},
		{"P", file(14, x, y, floats("w", 1, 8, 3), floats("r", 1, 8, 2), floats("p", 1, 2), call("LSTM", "x w r - - - - p", "y", attr("hidden_size", 2))), false, "P (operand 7) has shape [1,2] and elements of type float, want [1,6]"},
		{"huge", file(14, x, y, floats("w", 1, 8, 3), floats("r", 1, 8, 2), call("LSTM", "x w r", "y", attr("hidden_size", 1<<30))), false, "hidden_size is 1073741824"},
		{"computed weights", file(14, x, in("w", 1, 8, 3), y, floats("r", 1, 8, 2), call("Transpose", "x", "q", attr("perm", []int{1, 0, 2})), call("LSTM", "x w r", "y", attr("hidden_size", 2))), true, `W (operand 1, "w") is computed when the network runs, want a constant`},
		{"lengths", file(14, x, y, lens, floats("w", 1, 8, 3), floats("r", 1, 8, 2), call("LSTM", "x w r - lens", "y", attr("hidden_size", 2))), true, "sequence_lens (operand 4) says that a sequence has 4 of 5 steps, want all of them; export the network without sequence_lens"},
		{"computed lengths", file(14, x, typedIn("n", pb.TensorProto_INT32, "N"), y, floats("w", 1, 8, 3), floats("r", 1, 8, 2), call("LSTM", "x w r - n", "y", attr("hidden_size", 2))), true, `sequence_lens (operand 4, "n") is computed when the network runs, want the constant 5`},
		{"state", file(14, x, in("h", 1, "N", 3), y, floats("w", 1, 8, 3), floats("r", 1, 8, 2), call("LSTM", "x w r - - h", "y", attr("hidden_size", 2))), false, "initial_h (operand 5) has shape [1,N,3], want [1,1,2]"},
		{"operands", file(14, x, y, floats("w", 1, 8, 3), call("LSTM", "x w", "y")), false, "got 2 inputs, want 3 to 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(marshal(t, c.m))
			var format *FormatError
			var unsupported *UnsupportedError
			if errors.As(err, &unsupported) != c.unsupported || errors.As(err, &format) == c.unsupported || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v of type %T, want %q", err, err, c.want)
			}
		})
	}
}

// TestLayouts compares the layout that has the batch in front, which ONNX Runtime does not run, with the other.
func TestLayouts(t *testing.T) {
	ort := testtool.NewORT(t)
	const batch, steps, inputs, hidden = 2, 5, 3, 4
	r := rand.New(rand.NewPCG(5, 6))
	numbers := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(r.NormFloat64())
		}
		return out
	}
	for _, direction := range []string{"forward", "bidirectional"} {
		d := 1
		if direction == "bidirectional" {
			d = 2
		}
		c := recurrentFile{op: "LSTM", opset: 14, steps: steps, hidden: hidden, inputs: inputs, direction: direction, states: "input", outs: "Y Y_h Y_c", batch: "N"}
		other := c
		other.layout = true
		x, h, m := numbers(batch*steps*inputs), numbers(batch*d*hidden), numbers(batch*d*hidden)
		// Sequences and states with the batch in front, as the second layout and the graph have them.
		feed := map[string]testtool.Tensor{"x": ortTensor("float32", []int{batch, steps, inputs}, x),
			"h0": ortTensor("float32", []int{batch, d, hidden}, h), "c0": ortTensor("float32", []int{batch, d, hidden}, m)}
		turned := map[string]testtool.Tensor{}
		for name, v := range feed {
			turned[name] = ortTensor("float32", []int{v.Dims[1], v.Dims[0], v.Dims[2]}, moved(v.Dims, ortFloats(v), 1))
		}
		wants, err := ort.Run(marshal(t, c.build()), turned)
		if err != nil {
			t.Fatal(err)
		}
		g := decodeFile(t, other.build())
		if _, err := Simplify(g); err != nil {
			t.Fatal(err)
		}
		written, err := Encode(g)
		if err != nil {
			t.Fatal(err)
		}
		gots, err := ort.Run(written, feed)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range gots[0] {
			want := wants[0][name]
			dims, from := want.Dims, ortFloats(want)
			if name == "Y" { // [steps][directions][batch][hidden] becomes [batch][steps][directions][hidden]
				from = transpose(from, Shape(dims), []int{2, 0, 1, 3})
			} else {
				from = transpose(from, Shape(dims), []int{1, 0, 2})
			}
			if !sameElements(from, ortFloats(got)) {
				t.Errorf("%s, %s %v: got %v, want %v", direction, name, got.Dims, head(ortFloats(got)), head(from))
			}
		}
	}
}

// TestLongSequence reads a sequence of many steps: nothing of it may be there once for each.
func TestLongSequence(t *testing.T) {
	c := recurrentFile{op: "GRU", opset: 14, steps: 10000, hidden: 4, inputs: 3, outs: "Y_h", batch: "N", linear: true}
	started := time.Now()
	g := decodeFile(t, c.build())
	if _, err := Simplify(g); err != nil {
		t.Fatal(err)
	}
	if len(g.Nodes) > 25 || time.Since(started) > 10*time.Second {
		t.Errorf("%d nodes after %v", len(g.Nodes), time.Since(started))
	}
}

// TestRecurrentShapes checks that the graph has the batch in front, whatever the file has.
func TestRecurrentShapes(t *testing.T) {
	c := recurrentFile{op: "GRU", opset: 14, steps: 5, hidden: 4, inputs: 3, states: "input", outs: "Y Y_h", batch: "N"}
	g := decodeFile(t, c.build())
	for _, v := range slices.Concat(g.Inputs, g.Outputs) {
		want := map[string]Shape{"x": {Batch, 5, 3}, "h0": {Batch, 1, 4}, "Y": {Batch, 5, 1, 4}, "Y_h": {Batch, 1, 4}}[v.Name]
		if !v.Shape.Equal(want) {
			t.Errorf("%s has shape %v, want %v", v.Name, v.Shape, want)
		}
		if said := slices.ContainsFunc(g.Warnings, func(w string) bool { return strings.Contains(w, `put "`+v.Name+`" is [`) }); !said {
			t.Errorf("that %s has another shape than in the file is not said: %q", v.Name, g.Warnings)
		}
	}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			if !v.Shape.batched() {
				t.Errorf("%s has shape %v, which has no batch", title(n), v.Shape)
			}
		}
	}
	if _, err := Simplify(g); err != nil {
		t.Fatal(err)
	}
	if err := g.CheckLoops(); err != nil {
		t.Error(err)
	}
	// Weights of gates with one activation are one matrix.
	var linear []string
	for _, n := range g.Nodes {
		if _, ok := n.Op.(*Gemm); ok {
			linear = append(linear, n.Name+n.Inputs[1].Shape.String())
		}
	}
	if want := []string{"GRU_0/zr.x[8,3]", "GRU_0/zr.h[8,4]", "GRU_0/n.x[4,3]", "GRU_0/n.h[4,4]"}; !slices.Equal(linear, want) {
		t.Errorf("linear maps %v, want %v", linear, want)
	}
}

// TestRealRecurrentNetworks compares networks from the field.
func TestRealRecurrentNetworks(t *testing.T) {
	ort := testtool.NewORT(t)
	for _, c := range []struct {
		file string
		dims map[string]int
	}{
		{"silero-vad__silero_vad_16k_op15", map[string]int{"sequence": 512}},
		{"silero-vad__silero_vad_openvino_16k", nil},
		{"auto_commemorative_coin_booking__model", map[string]int{"image_wdith": 160}},
	} {
		t.Run(c.file, func(t *testing.T) {
			data, err := os.ReadFile(shared(t, "real-models/"+c.file+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			agree(t, ort, data, ReadOptions{Dims: c.dims}, 1)
		})
	}
}
