package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/internal/testtool"
	"qconv/onnx/internal/pb"
)

// Recurrent networks are compared with ONNX Runtime: what the file computes there, and what the file that is written of the graph does, as it was read
// and simplified.

// ortTensor makes random numbers for an input, or the numbers given.
func ortTensor(kind string, dims []int, data []float32) testtool.Tensor {
	t := testtool.Tensor{Type: kind, Dims: dims}
	for _, v := range data {
		switch kind {
		case "int64":
			t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(v))
		case "uint8":
			t.Data = append(t.Data, byte(v))
		default:
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
		}
	}
	return t
}

func ortFloats(t testtool.Tensor) []float32 {
	out := make([]float32, len(t.Data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return out
}

// moved permutes the elements of a tensor of some dimensions so that dimension at comes first.
func moved(dims []int, data []float32, at int) []float32 {
	perm := []int{at}
	for i := range dims {
		if i != at {
			perm = append(perm, i)
		}
	}
	return transpose(data, Shape(dims), perm)
}

// agree compares a file in ONNX Runtime with the graph that is read of it. Symbolic dimensions have the sizes given, the batch where there is none.
func agree(t *testing.T, ort *testtool.ORT, data []byte, o ReadOptions, batch int) *Graph {
	t.Helper()
	g, err := DecodeWith(data, o)
	if err != nil {
		t.Error(err)
		return nil
	}
	m := new(pb.ModelProto)
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	places := batchPlaces(m.GetGraph())
	r := rand.New(rand.NewPCG(1, 2))
	fileFeed, feed := map[string]testtool.Tensor{}, map[string]testtool.Tensor{}
	for _, info := range m.GetGraph().GetInput() {
		k := slices.IndexFunc(g.Inputs, func(v *Value) bool { return v.Name == info.GetName() })
		if k < 0 {
			continue
		}
		v := g.Inputs[k]
		at := 0
		if v.Shape.batched() {
			at = places[v.Name]
		}
		dims := slices.Clone([]int(v.Shape))
		if v.Shape.batched() {
			dims = slices.Clone([]int(v.Shape.back(at)))
			dims[at] = batch
			if fixed := info.GetType().GetTensorType().GetShape().GetDim()[at].GetDimValue(); fixed > 0 {
				dims[at] = int(fixed)
			}
		}
		inFile, kind := "float32", "float32"
		x := make([]float32, product(dims))
		for i := range x {
			x[i] = float32(r.NormFloat64())
			if v.Type == Int {
				x[i] = float32(r.IntN(50))
			}
		}
		switch pb.TensorProto_DataType(info.GetType().GetTensorType().GetElemType()) {
		case pb.TensorProto_INT64:
			inFile, kind = "int64", "int64"
		case pb.TensorProto_UINT8:
			inFile, kind = "uint8", "int64"
		}
		fileFeed[v.Name] = ortTensor(inFile, dims, x)
		if feed[v.Name] = ortTensor(kind, dims, x); at > 0 {
			feed[v.Name] = ortTensor(kind, Shape(dims).front(at), moved(dims, x, at))
		}
	}
	wants, err := ort.Run(data, fileFeed)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, g *Graph) {
		t.Helper()
		written, err := Encode(g)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		gots, err := ort.Run(written, feed)
		if err != nil {
			if dir := os.Getenv("QCONV_DEBUG_DIR"); dir != "" {
				os.WriteFile(filepath.Join(dir, "bad.onnx"), written, 0o666)
			}
			t.Errorf("%s: %v", what, err)
			return
		}
		for i, v := range g.Outputs {
			want, got := wants[0][v.Name], gots[0][v.Name]
			w, h := ortFloats(want), ortFloats(got)
			if v.Shape.batched() && !slices.Equal(want.Dims, got.Dims) || len(w) == len(h) && !sameElements(w, h) && v.Shape.batched() {
				for at := range want.Dims {
					if fits := slices.Equal([]int(Shape(want.Dims).front(at)), got.Dims); fits && sameElements(moved(want.Dims, w, at), h) {
						w = moved(want.Dims, w, at)
						break
					}
				}
			}
			if !sameElements(w, h) {
				t.Errorf("%s: output %d (%s) %v of the file is %v, of the graph %v %v", what, i, v.Name, want.Dims, head(w), got.Dims, head(h))
			}
		}
		if what == "simplified" {
			roundTrip(t, what, g, written)
		}
	}
	check("as read", g)
	if _, err := Simplify(g); err != nil {
		t.Error(err)
		return nil
	}
	check("simplified", g)
	return g
}

func head(x []float32) []float32 { return x[:min(len(x), 8)] }

func sameElements(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !(math.Abs(float64(a[i]-b[i])) <= 1e-4*math.Max(1, math.Abs(float64(a[i])))) {
			return false
		}
	}
	return true
}

// roundTrip reads what has been written and compares it with the graph.
func roundTrip(t *testing.T, what string, g *Graph, written []byte) {
	t.Helper()
	back, err := Decode(written)
	if err != nil {
		t.Errorf("%s: read again: %v", what, err)
		return
	}
	if a, b := describe(g), describe(back); a != b {
		la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
		for i := range la {
			if i >= len(lb) || la[i] != lb[i] {
				t.Errorf("%s: line %d\n  written    %s\n  read again %s", what, i, la[i], append(lb, make([]string, len(la))...)[i])
				break
			}
		}
	}
}

// describe lists all of a graph but its constants' elements.
func describe(g *Graph) string {
	var b strings.Builder
	name := func(vs []*Value) (out []string) {
		for _, v := range vs {
			if v == nil {
				out = append(out, "-")
			} else {
				out = append(out, fmt.Sprintf("%s%v", v.Name, v.Shape))
			}
		}
		return out
	}
	for _, n := range g.Nodes {
		op := fmt.Sprintf("%+v", n.Op)
		switch o := n.Op.(type) {
		case *LoopTake:
			op = fmt.Sprintf("%+v %d %v", *o.Loop, o.Axis, o.Reverse)
		case *LoopPut:
			op = fmt.Sprintf("%+v %d %v", *o.Loop, o.Axis, o.Reverse)
		case *LoopState:
			op = fmt.Sprintf("%+v %v", *o.Loop, o.Batched)
		case *LoopNext:
			op = fmt.Sprintf("%+v", *o.Loop)
		case *Gather:
			op = fmt.Sprint(o.Axis, *o.Indices)
		}
		fmt.Fprintln(&b, n.Name, n.Op.Type(), op, name(n.Inputs), "->", name(n.Outputs))
	}
	return b.String()
}

// TestSequenceNetworks compares networks of many exporters.
func TestSequenceNetworks(t *testing.T) {
	ort := testtool.NewORT(t)
	files, _ := filepath.Glob(filepath.Join(shared(t, "sequences"), "*.onnx"))
	if len(files) == 0 {
		t.Skip("there are no networks")
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".onnx")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			o := ReadOptions{}
			if strings.HasPrefix(name, "tract") {
				o.Dims = map[string]int{"length": 9}
			}
			agree(t, ort, data, o, 3)
		})
	}
}

// recurrentFile is a file of one recurrent operator in the layout that the attributes say, with random weights.
type recurrentFile struct {
	op                               string
	opset, steps, hidden, inputs     int
	direction, states, lengths, outs string
	linear, layout, coupled, peep    bool
	noBias                           bool
	batch                            any
	attrs                            []*pb.AttributeProto
}

// build returns the file. states is "", "zero", "constant", "input" or "computed".
func (c recurrentFile) build() *pb.ModelProto {
	r := rand.New(rand.NewPCG(3, 4))
	random := func(name string, dims ...int) *pb.TensorProto {
		x := counting(dims...)
		for i := range x.Floats {
			x.Floats[i] = float32(r.NormFloat64()) * 0.5
		}
		return tensorProto(name, x)
	}
	gates := cells[c.op].gates
	d := 1
	if c.direction == "bidirectional" {
		d = 2
	}
	attrs := append(slices.Clone(c.attrs), attr("hidden_size", c.hidden))
	if c.direction != "" {
		attrs = append(attrs, attr("direction", c.direction))
	}
	if c.linear {
		attrs = append(attrs, attr("linear_before_reset", 1))
	}
	if c.coupled {
		attrs = append(attrs, attr("input_forget", 1))
	}
	if c.layout {
		attrs = append(attrs, attr("layout", 1))
	}
	dims, state, fixed := []any{c.steps, c.batch, c.inputs}, []any{d, c.batch, c.hidden}, []int{d, 1, c.hidden}
	if c.layout {
		dims, state, fixed = []any{c.batch, c.steps, c.inputs}, []any{c.batch, d, c.hidden}, []int{1, d, c.hidden}
	}
	if b, ok := c.batch.(int); ok {
		at := 1
		if c.layout {
			at = 0
		}
		fixed[at] = b
	}
	parts := []any{in("x", dims...), random("w", d, gates*c.hidden, c.inputs), random("r", d, gates*c.hidden, c.hidden)}
	operands := []string{"x", "w", "r", "-", "-"}
	if !c.noBias {
		parts = append(parts, random("b", d, 2*gates*c.hidden))
		operands[3] = "b"
	}
	switch c.lengths {
	case "constant":
		lens := &pb.TensorProto{Name: proto.String("lens"), Dims: []int64{int64(c.batch.(int))}, DataType: proto.Int32(int32(pb.TensorProto_INT32))}
		for range c.batch.(int) {
			lens.RawData = binary.LittleEndian.AppendUint32(lens.RawData, uint32(c.steps))
		}
		parts = append(parts, lens)
		operands[4] = "lens"
	}
	for _, name := range []string{"h0", "c0"}[:len(cells[c.op].states)] {
		switch c.states {
		case "":
			operands = append(operands, "-")
		case "constant":
			parts = append(parts, random(name, fixed...))
			operands = append(operands, name)
		case "input", "computed":
			parts = append(parts, in(name, state...))
			operands = append(operands, name)
			if c.states == "computed" {
				parts = append(parts, call("Tanh", name, name+".t"))
				operands[len(operands)-1] = name + ".t"
			}
		}
	}
	if c.peep {
		parts = append(parts, random("p", d, 3*c.hidden))
		operands = append(operands, "p")
	}
	for len(operands) > 3 && operands[len(operands)-1] == "-" {
		operands = operands[:len(operands)-1]
	}
	outs := strings.Fields(c.outs)
	results := "-"
	for k, name := range []string{"Y", "Y_h", "Y_c"}[:1+len(cells[c.op].states)] {
		if slices.Contains(outs, name) {
			parts = append(parts, out(name))
		} else {
			name = "-"
		}
		if k == 0 {
			results = name
		} else {
			results += " " + name
		}
	}
	results = strings.TrimRight(results, " -")
	if results == "" {
		results = "-"
	}
	return file(c.opset, append(parts, call(c.op, strings.Join(operands, " "), results, attrs...))...)
}

func textsAttr(name string, v ...string) *pb.AttributeProto {
	w := &nodeWriter{p: &pb.NodeProto{}}
	a := w.attr(name, pb.AttributeProto_STRINGS)
	for _, s := range v {
		a.Strings = append(a.Strings, []byte(s))
	}
	return a
}

func floatsAttr(name string, v ...float32) *pb.AttributeProto {
	w := &nodeWriter{p: &pb.NodeProto{}}
	a := w.attr(name, pb.AttributeProto_FLOATS)
	a.Floats = v
	return a
}

// TestRecurrentForms compares every form of the operators.
func TestRecurrentForms(t *testing.T) {
	ort := testtool.NewORT(t)
	base := func(op string) recurrentFile {
		outs := "Y Y_h"
		if op == "LSTM" {
			outs += " Y_c"
		}
		return recurrentFile{op: op, opset: 14, steps: 5, hidden: 4, inputs: 3, outs: outs, batch: "N"}
	}
	type change struct {
		name string
		do   func(c *recurrentFile)
	}
	common := []change{
		{"plain", func(*recurrentFile) {}},
		{"reverse", func(c *recurrentFile) { c.direction = "reverse" }},
		{"bidirectional", func(c *recurrentFile) { c.direction = "bidirectional" }},
		{"batch of one", func(c *recurrentFile) { c.batch = 1 }},
		{"batch of three", func(c *recurrentFile) { c.batch = 3 }},
		{"opset 7", func(c *recurrentFile) { c.opset = 7 }},
		{"opset 22", func(c *recurrentFile) { c.opset = 22 }},
		{"no bias", func(c *recurrentFile) { c.noBias = true }},
		{"one step", func(c *recurrentFile) { c.steps = 1 }},
		{"one step, states", func(c *recurrentFile) { c.steps, c.states = 1, "input" }},
		{"one step, constant states", func(c *recurrentFile) { c.steps, c.states, c.batch = 1, "constant", 1 }},
		{"one step, bidirectional", func(c *recurrentFile) { c.steps, c.direction = 1, "bidirectional" }},
		{"states", func(c *recurrentFile) { c.states = "input" }},
		{"states of two directions", func(c *recurrentFile) { c.states, c.direction = "input", "bidirectional" }},
		{"computed states", func(c *recurrentFile) { c.states = "computed" }},
		{"constant states", func(c *recurrentFile) { c.states, c.batch = "constant", 1 }},
		{"constant states of two directions", func(c *recurrentFile) { c.states, c.batch, c.direction = "constant", 1, "bidirectional" }},
		{"constant states of samples", func(c *recurrentFile) { c.states, c.batch = "constant", 3 }},
		{"lengths", func(c *recurrentFile) { c.batch, c.lengths = 1, "constant" }},
		{"only Y", func(c *recurrentFile) { c.outs = "Y" }},
		{"only Y_h", func(c *recurrentFile) { c.outs = "Y_h" }},
		{"clip", func(c *recurrentFile) { c.attrs = append(c.attrs, attr("clip", 0.4)) }},
		{"clip, one step", func(c *recurrentFile) { c.steps = 1; c.attrs = append(c.attrs, attr("clip", 0.4)) }},
	}
	of := map[string][]change{
		"LSTM": {
			{"peepholes", func(c *recurrentFile) { c.peep = true }},
			{"peepholes of two directions", func(c *recurrentFile) { c.peep, c.direction = true, "bidirectional" }},
			{"peepholes, coupled", func(c *recurrentFile) { c.peep, c.coupled = true, true }},
			{"peepholes, one step", func(c *recurrentFile) { c.peep, c.steps = true, 1 }},
			{"coupled", func(c *recurrentFile) { c.coupled = true }},
			{"only Y_c", func(c *recurrentFile) { c.outs = "Y_c" }},
			{"activations", func(c *recurrentFile) {
				c.attrs = []*pb.AttributeProto{textsAttr("activations", "HardSigmoid", "Softsign", "LeakyRelu"), floatsAttr("activation_alpha", 0.3, 0.2), floatsAttr("activation_beta", 0.4)}
			}},
			{"activations of two directions", func(c *recurrentFile) {
				c.direction = "bidirectional"
				c.attrs = []*pb.AttributeProto{textsAttr("activations", "Sigmoid", "Affine", "ScaledTanh", "HardSigmoid", "Elu", "Softplus"), floatsAttr("activation_alpha", 0.3, 0.2, 0.25, 0.7), floatsAttr("activation_beta", 0.4, 0.6, 0.45)}
			}},
		},
		"GRU": {
			{"linear before reset", func(c *recurrentFile) { c.linear = true }},
			{"linear before reset, one step", func(c *recurrentFile) { c.linear, c.steps = true, 1 }},
			{"linear before reset, one step, states", func(c *recurrentFile) { c.linear, c.steps, c.states = true, 1, "input" }},
			{"linear before reset, bidirectional", func(c *recurrentFile) { c.linear, c.direction = true, "bidirectional" }},
			{"linear before reset, clip", func(c *recurrentFile) { c.linear = true; c.attrs = append(c.attrs, attr("clip", 0.4)) }},
			{"activations", func(c *recurrentFile) {
				c.attrs = []*pb.AttributeProto{textsAttr("activations", "HardSigmoid", "Relu")}
			}},
		},
		"RNN": {
			{"relu", func(c *recurrentFile) { c.attrs = []*pb.AttributeProto{textsAttr("activations", "Relu")} }},
			{"thresholded", func(c *recurrentFile) {
				c.attrs = []*pb.AttributeProto{textsAttr("activations", "ThresholdedRelu"), floatsAttr("activation_alpha", 0.1)}
			}},
			{"two activations", func(c *recurrentFile) {
				c.direction = "bidirectional"
				c.attrs = []*pb.AttributeProto{textsAttr("activations", "Relu", "Tanh")}
			}},
		},
	}
	for _, op := range []string{"LSTM", "GRU", "RNN"} {
		for _, change := range slices.Concat(common, of[op]) {
			t.Run(op+", "+change.name, func(t *testing.T) {
				c := base(op)
				change.do(&c)
				agree(t, ort, marshal(t, c.build()), ReadOptions{}, 3)
			})
			t.Run(op+", "+change.name+", rows of one sample", func(t *testing.T) {
				c := base(op)
				change.do(&c)
				c.batch = 3
				agree(t, ort, marshal(t, c.build()), ReadOptions{Samples: 1}, 3)
			})
		}
	}
}
