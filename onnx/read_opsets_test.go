package onnx

import (
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// TestReadOpsets reads operators whose operands and attributes changed between opsets.
func TestReadOpsets(t *testing.T) {
	x, y := in("x", "N", 4, 9, 8), out("y")
	list := func(name string, v ...int) *pb.TensorProto { return integers(name, v...) }
	scales := real("s", []int{4}, 1, 1, 2, 2)
	twice := []int{Batch, 4, 18, 16}
	up := func(mode ResizeMode) *Resize {
		return &Resize{Mode: mode, CoordMode: "asymmetric", Scales: []float64{1, 1, 2, 2}, Sizes: twice}
	}
	nearest := up("nearest")
	nearest.NearestMode = "floor"
	cut := &Slice{Starts: []int{1, 8}, Ends: []int{3, 0}, Axes: []int{1, 2}, Steps: []int{1, -2}}
	floatsAttr := &pb.AttributeProto{Name: proto.String("scales"), Type: pb.AttributeProto_FLOATS.Enum(), Floats: []float32{1, 1, 2, 2}}
	for _, c := range []struct {
		name string
		m    *pb.ModelProto
		want Op
	}{
		{"Slice 9", file(9, x, y, call("Slice", "x", "y", attr("starts", []int{0, -3}), attr("ends", []int{1 << 30, 3}), attr("axes", []int{2, 1}))),
			&Slice{Starts: []int{1}, Ends: []int{3}, Axes: []int{1}, Steps: []int{1}}},
		{"Slice 13", file(13, x, y, call("Slice", "x a b c d", "y"), list("a", 100, -3), list("b", 0, -1), list("c", -2, 1), list("d", -2, 1)), cut},
		{"Slice whole batch", file(13, x, y, call("Slice", "x a b", "y"), list("a", 0, 1), list("b", maxDim, 3)),
			&Slice{Starts: []int{1}, Ends: []int{3}, Axes: []int{1}, Steps: []int{1}}},
		{"Reduce 11", file(11, x, y, call("ReduceSum", "x", "y", attr("axes", []int{-1, 1}), attr("keepdims", 0))), &Reduce{Kind: "ReduceSum", Axes: []int{1, 3}}},
		{"Reduce 13", file(13, x, y, call("ReduceSum", "x a", "y"), list("a", -1, 1)), &Reduce{Kind: "ReduceSum", Axes: []int{1, 3}, KeepDims: true}},
		{"Reduce 17", file(17, x, y, call("ReduceMean", "x", "y", attr("axes", []int{2}))), &Reduce{Kind: "ReduceMean", Axes: []int{2}, KeepDims: true}},
		{"Reduce 18", file(18, x, y, call("ReduceMean", "x a", "y"), list("a", 2)), &Reduce{Kind: "ReduceMean", Axes: []int{2}, KeepDims: true}},
		{"Reduce nothing", file(18, x, y, call("ReduceMean", "x", "y", attr("noop_with_empty_axes", 1))), &Identity{}},
		{"Split 11", file(11, x, y, call("Split", "x", "y z", attr("axis", 1), attr("split", []int{1, 3}))), &Split{Axis: 1, Sizes: []int{1, 3}}},
		{"Split 13", file(13, x, y, call("Split", "x s", "y -", attr("axis", -3)), list("s", 1, 3)), &Split{Axis: 1, Sizes: []int{1, 3}}},
		{"Split equal", file(13, x, y, call("Split", "x", "y z", attr("axis", 1))), &Split{Axis: 1, Sizes: []int{2, 2}}},
		{"Split 18", file(18, x, y, call("Split", "x", "a y", attr("axis", 2), attr("num_outputs", 2))), &Split{Axis: 2, Sizes: []int{5, 4}}},
		{"Upsample 7", file(7, x, y, call("Upsample", "x", "y", floatsAttr)), nearest},
		{"Upsample 9", file(9, x, y, call("Upsample", "x s", "y", attr("mode", "linear")), scales), up("linear")},
		{"Resize 10", file(10, x, y, call("Resize", "x s", "y"), scales), nearest},
		{"Resize 11", file(11, x, y, call("Resize", "x r s", "y", attr("coordinate_transformation_mode", "asymmetric"), attr("nearest_mode", "floor")), scales, real("r", []int{0})), nearest},
		{"Resize of axes", file(18, x, y, call("Resize", "x - - s", "y", attr("axes", []int{3, 2}), attr("mode", "linear"), attr("coordinate_transformation_mode", "asymmetric")), list("s", 16, 18)), up("linear")},
		{"Resize to a ratio", file(18, x, y, call("Resize", "x - - s", "y", attr("axes", []int{2, 3}), attr("mode", "linear"), attr("coordinate_transformation_mode", "asymmetric"),
			attr("keep_aspect_ratio_policy", "not_larger")), list("s", 18, 30)), up("linear")},
		{"Gather", file(13, x, y, call("Gather", "x i", "y", attr("axis", 2)), list("i", -1, 0)), &Gather{Axis: 2, Indices: &Tensor{Type: Int, Shape: Shape{2}, Ints: []int64{8, 0}}}},
		{"Expand to the batch", file(13, in("x", "N", 4), y, call("Shape", "x", "s"), call("Expand", "x s", "y")), &Expand{Dims: []int{1, 4}}},
		{"Swish", file(24, x, y, call("Swish", "x", "y")), &Swish{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := decodeFile(t, c.m)
			if len(g.Nodes) != 1 || !reflect.DeepEqual(g.Nodes[0].Op, c.want) {
				t.Fatalf("got %s\nwant %T%+v", dump(g), c.want, c.want)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	g := decodeFile(t, file(18, in("x", "N", 7), out("a"), out("c"), call("Split", "x", "a b c", attr("axis", 1), attr("num_outputs", 3))))
	var shapes []string
	for _, v := range g.Nodes[0].Outputs {
		shapes = append(shapes, v.Shape.String())
	}
	if !slices.Equal(shapes, []string{"[N,3]", "[N,3]", "[N,1]"}) {
		t.Errorf("got %v", shapes)
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

// TestFoldWhenRead checks that constants computed from constants can be operands.
func TestFoldWhenRead(t *testing.T) {
	g := decodeFile(t, file(13, in("x", "N", 4, 6, 6), out("y"), real("two", nil, 2),
		call("Shape", "x", "s"), call("Slice", "s from to", "hw"), integers("from", 2), integers("to", 4), call("Cast", "hw", "f", attr("to", 1)),
		call("Mul", "f two", "g"), call("Floor", "g", "h"), call("Cast", "h", "i", attr("to", 7)), call("Split", "i", "a b"),
		call("Concat", "first a b", "target", attr("axis", 0)), integers("first", 1, 4), call("Resize", "x - - target", "y")))
	if len(g.Nodes) != 1 || !g.Outputs[0].Shape.Equal(Shape{Batch, 4, 12, 12}) {
		t.Errorf("got %s", dump(g))
	}
}

func TestOperatorList(t *testing.T) {
	list := Operators()
	info := map[string]OperatorInfo{}
	for i, o := range list {
		if i > 0 && list[i-1].Name >= o.Name {
			t.Errorf("%q stands behind %q", o.Name, list[i-1].Name)
		}
		if o.Since == 0 && o.Note == "" || o.Until < o.Since {
			t.Errorf("got %+v", o)
		}
		info[o.Name] = o
	}
	if o := info["Upsample"]; o.Since != 1 || o.Until != 9 {
		t.Errorf("got %+v", o)
	}
	if o := info["RoiAlign"]; o.Since != 0 || o.Note != refused["RoiAlign"] {
		t.Errorf("got %+v", o)
	}
}
