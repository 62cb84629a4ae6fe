package onnx

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

func TestReadOptions(t *testing.T) {
	m := file(13, in("x", "N", "c", nil), in("limit"), out("y"), call("Clip", "x - limit", "y"))
	data := marshal(t, m)
	limit := &Tensor{Type: Float, Shape: Shape{}, Floats: []float32{6}}
	dims := map[string]int{"c": 3, "x:2": 5}
	g, err := DecodeWith(data, ReadOptions{Dims: dims, Constants: map[string]*Tensor{"limit": limit}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Shape{Batch, 3, 5}); len(g.Inputs) != 1 || !g.Inputs[0].Shape.Equal(want) || !g.Outputs[0].Shape.Equal(want) {
		t.Errorf("got %s, want one input %v", dump(g), want)
	}
	if op := g.Nodes[0].Op.(*Clip); op.Max != 6 {
		t.Errorf("got %+v, want the constant as bound", op)
	}
	for want, o := range map[string]ReadOptions{
		`no graph input has a dimension "height"`: {Dims: map[string]int{"c": 3, "x:2": 5, "height": 1}},
		`there is no graph input "w"`:             {Dims: dims, Constants: map[string]*Tensor{"w": limit}},
		"has 2 elements":                          {Dims: dims, Constants: map[string]*Tensor{"limit": {Shape: Shape{}, Floats: []float32{1, 2}}}},
		"dimension 1 is 0":                        {Dims: map[string]int{"c": 0, "x:2": 5}},
	} {
		if _, err := DecodeWith(data, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestReadBatch checks which leading dimensions become the batch.
func TestReadBatch(t *testing.T) {
	for _, c := range []struct {
		dim  any
		bind map[string]int
		want int
	}{
		{"N", nil, Batch}, {nil, nil, Batch}, {1, nil, Batch}, {0, nil, Batch}, {-1, nil, Batch}, {7, nil, Batch},
		{"N", map[string]int{"N": 1}, Batch}, {"N", map[string]int{"N": 5}, Batch},
	} {
		g, err := DecodeWith(marshal(t, file(13, in("x", c.dim, 3), out("y"), call("Relu", "x", "y"))), ReadOptions{Dims: c.bind})
		if err != nil || g.Inputs[0].Shape[0] != c.want {
			t.Errorf("dimension %v bound by %v: got %v, %v, want %d", c.dim, c.bind, g, err, c.want)
		}
	}
}

// TestReadWhole checks that a leading dimension of a fixed size that is treated as any other
// is no batch.
func TestReadWhole(t *testing.T) {
	swap := call("Transpose", "x", "y", attr("perm", []int{1, 0}))
	for name, c := range map[string]struct {
		m    *pb.ModelProto
		want Shape // of the output
	}{
		"moved":      {file(13, in("x", 2, 3), out("y"), swap), Shape{3, 2}},
		"moved, one": {file(13, in("x", 1, 3), out("y"), swap), Shape{3, 1}},
		"joined":     {file(13, in("x", 4, 6), out("y"), call("Reshape", "x s", "y"), integers("s", -1, 3)), Shape{8, 3}},
		"cut":        {file(11, in("x", 4, 6), out("y"), call("Split", "x", "y z", attr("axis", 0))), Shape{2, 6}},
		"reduced":    {file(13, in("x", 4, 6), out("y"), call("ReduceMean", "x", "y", attr("axes", []int{0}), attr("keepdims", 0))), Shape{6}},
		"no batch":   {file(13, in("x", 6), out("y"), call("Unsqueeze", "x a", "y"), integers("a", 0)), Shape{1, 6}},
		"unequal":    {file(13, in("x", 4, 6), in("z", 1, 6), out("y"), call("Add", "x z", "y")), Shape{4, 6}},
		"kept":       {file(13, in("x", 4, 6), out("y"), call("Reshape", "x s", "y"), integers("s", 4, 2, 3)), Shape{Batch, 2, 3}},
	} {
		g, err := Decode(marshal(t, c.m))
		if err != nil || !g.Outputs[0].Shape.Equal(c.want) {
			t.Errorf("%s: got %v, %v, want %v", name, g, err, c.want)
		}
	}
	// Both readings fail: the report is that of the batch.
	_, err := Decode(marshal(t, file(13, in("x", 2, 3), out("y"), call("Nothing", "x", "y"))))
	if u := (*UnsupportedError)(nil); !errors.As(err, &u) || len(u.Nodes) != 1 {
		t.Errorf("got %v, want one unsupported node", err)
	}
}

// TestReadGraph checks names, order, constants and what else a graph keeps of its file.
func TestReadGraph(t *testing.T) {
	m := file(13, in("x", "N", 2), in("w", 2), out("y"), floats("w", 2), floats("idle", 2),
		call("Add", "b w", "y"),
		named("same", call("Mul", "a w", "b")),
		named("same", call("Relu", "x", "a")),
		call("Relu", "x", "dead"))
	m.ProducerName, m.ProducerVersion = proto.String("tool"), proto.String("1.2")
	m.MetadataProps = []*pb.StringStringEntryProto{{Key: proto.String("k"), Value: proto.String("v")}}
	data := marshal(t, m)
	g, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range g.Nodes {
		names = append(names, n.Name)
	}
	if want := []string{"same_2", "same", "Add_0"}; !slices.Equal(names, want) {
		t.Errorf("nodes are %q, want %q", names, want)
	}
	if len(g.Inputs) != 1 || g.Inputs[0].Name != "x" || g.Nodes[1].Inputs[1] != g.Nodes[2].Inputs[1] || !reflect.DeepEqual(g.Nodes[1].Inputs[1].Const, counting(2)) {
		t.Errorf("the initializer is not the one constant of both nodes: %s", dump(g))
	}
	if g.Producer != "tool 1.2" || g.Opset != 13 || g.Meta["k"] != "v" || g.Name != "g" || g.SHA256 == [32]byte{} {
		t.Errorf("got %+v", g)
	}
}
