package onnx

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// twoLayers is a small network with everything that a file can hold.
func twoLayers() *Graph {
	x, w, h := &Value{Name: "x", Shape: Shape{Batch, 6}}, &Value{Name: "w"}, &Value{Name: "h"}
	w.setConst(counting(6, 6))
	relu, clipped, mish, sum := &Value{Name: "r"}, &Value{Name: "c"}, &Value{Name: "m"}, &Value{Name: "y"}
	g := &Graph{Name: "net", Producer: "qconv test", Opset: writeOpset, Inputs: []*Value{x}, Outputs: []*Value{sum, h},
		Meta: map[string]string{"qconv.b": "{}", "qconv.a": "", "author": "x"}}
	g.Nodes = []*Node{
		{Name: "fc1", Op: &Gemm{Alpha: 1, Beta: 1, TransB: true}, Inputs: []*Value{x, w}, Outputs: []*Value{h}},
		{Name: "relu", Op: &Relu{}, Inputs: []*Value{h}, Outputs: []*Value{relu}},
		{Name: "clip", Op: &Clip{Min: math.Inf(-1), Max: 6}, Inputs: []*Value{relu}, Outputs: []*Value{clipped}},
		{Name: "mish", Op: &Mish{}, Inputs: []*Value{clipped}, Outputs: []*Value{mish}},
		{Name: "fc2", Op: &Gemm{Alpha: 1, Beta: 1}, Inputs: []*Value{mish, w}, Outputs: []*Value{sum}},
	}
	return g
}

func TestEncode(t *testing.T) {
	g := twoLayers()
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	data, err := Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, err := Encode(g.Clone()); err != nil || string(again) != string(data) {
			t.Fatalf("the same graph gives other bytes (error %v)", err)
		}
	}
	m := new(pb.ModelProto)
	if err := proto.Unmarshal(data, m); err != nil {
		t.Fatal(err)
	}
	if m.GetIrVersion() != 8 || m.OpsetImport[0].GetVersion() != 17 || m.OpsetImport[1].GetDomain() != "qconv" {
		t.Errorf("got IR %d, opsets %v", m.GetIrVersion(), m.OpsetImport)
	}
	if len(m.Functions) != 1 || m.Functions[0].GetName() != "Mish" {
		t.Errorf("got functions %v, want Mish alone", m.Functions)
	}
	var keys []string
	for _, e := range m.MetadataProps {
		keys = append(keys, e.GetKey())
	}
	if got := strings.Join(keys, " "); got != "author qconv.a qconv.b" {
		t.Errorf("metadata keys are %q, want them sorted", got)
	}
	if d := m.Graph.Output[1].Type.TensorType.Shape.Dim; d[0].GetDimParam() != "N" || d[1].GetDimValue() != 6 {
		t.Errorf("output has dimensions %v, want [N,6]", d)
	}
	if n := len(m.Graph.Initializer); n != 2 {
		t.Errorf("got %d initializers, want w once and the bound of clip", n)
	}
	if got := m.Graph.Node[2].Input; len(got) != 3 || got[1] != "" || got[2] != "clip.max" {
		t.Errorf("clip has inputs %q", got)
	}
}

func TestEncodeErrors(t *testing.T) {
	for want, change := range map[string]func(*Graph){
		`two values have the name "h"`:     func(g *Graph) { g.Nodes[1].Outputs[0].Name = "h" },
		"a value has no name":              func(g *Graph) { g.Nodes[1].Outputs[0].Name = "" },
		`constant "w" has 35 elements`:     func(g *Graph) { c := g.Nodes[0].Inputs[1].Const; c.Floats = c.Floats[1:] },
		"type onnx.stranger":               func(g *Graph) { g.Nodes[1].Op = stranger{} },
		`node "relu" (AveragePool): dilat`: func(g *Graph) { g.Nodes[1].Op = &AveragePool{Dilations: []int{2}} },
	} {
		g := twoLayers()
		change(g)
		_, err := Encode(g)
		if err == nil || !strings.HasPrefix(err.Error(), "onnx: encode: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// stranger is an operator that only the test knows.
type stranger struct{}

func (stranger) Type() string                           { return "Stranger" }
func (stranger) InferShape(in []Shape) ([]Shape, error) { return sameShape(in) }

// TestEncodeNames checks that operands made by an operator get names of their own.
func TestEncodeNames(t *testing.T) {
	g := twoLayers()
	g.Nodes[0].Inputs[1].Name = "clip.max"
	if err := g.InferShapes(); err != nil {
		t.Fatal(err)
	}
	data, err := Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	requireEqual(t, back, g)
}

// TestEncodeStranger wants an error, not a file, of a graph that cannot be written.
func TestEncodeStranger(t *testing.T) {
	bad := twoLayers()
	bad.Nodes[1].Op = stranger{}
	if _, err := Encode(bad); err == nil {
		t.Error("an unknown operator: got no error")
	}
}

// TestFunctions checks that our functions compute what the operators do.
func TestFunctions(t *testing.T) {
	for _, name := range sortedKeys(functionOps) {
		op := functionOps[name]().(Scalar)
		body := functionBodies[name]
		for x := -6.0; x <= 6; x += 0.25 {
			values := map[string]float64{"x": x}
			for c, v := range body.constants {
				values[c] = float64(v)
			}
			for _, n := range body.nodes {
				var operands []float64
				for _, in := range n.in {
					v, ok := values[in]
					if !ok {
						t.Fatalf("function %q: %q is not computed before it is used", name, in)
					}
					operands = append(operands, v)
				}
				values[n.out] = ElementFunc(ops[n.op].read(nil))(operands)
			}
			if got, want := values["y"], op.Apply(x); math.Abs(got-want) > 1e-6 {
				t.Errorf("function %q of %g: got %g, want %g", name, x, got, want)
			}
		}
	}
}
