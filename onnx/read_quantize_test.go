package onnx

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// typed is an initializer of whole numbers of one of the small types.
func typed(name string, kind pb.TensorProto_DataType, dims []int, v ...int) *pb.TensorProto {
	p := &pb.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(kind)), Dims: toInt64(dims)}
	for _, n := range v {
		p.Int32Data = append(p.Int32Data, int32(n))
	}
	return p
}

// real is an initializer of floating-point numbers: one if dims is nil.
func real(name string, dims []int, v ...float32) *pb.TensorProto {
	return tensorProto(name, &Tensor{Type: Float, Shape: Shape(dims), Floats: v})
}

const (
	u8  = pb.TensorProto_UINT8
	i8  = pb.TensorProto_INT8
	i32 = pb.TensorProto_INT32
)

// TestReadCodes reads models that hold integer codes.
func TestReadCodes(t *testing.T) {
	x, y := in("x", "N", 2, 2, 2), out("y")
	half, three := real("s", nil, 0.5), typed("z", u8, nil, 3)
	quantize := &Quantize{Scale: 0.5, Zero: 3, Lo: 0, Hi: 255}
	for _, c := range []struct {
		name string
		m    *pb.ModelProto
		want []Op
	}{
		{"pair", file(13, x, y, half, three, call("QuantizeLinear", "x s z", "q"), call("DequantizeLinear", "q s z", "d"), call("Relu", "d", "y")),
			[]Op{quantize, &Relu{}}},
		{"two readers", file(13, x, y, half, three, call("QuantizeLinear", "x s z", "q"), call("DequantizeLinear", "q s z", "d"),
			call("DequantizeLinear", "q s z", "e"), call("Add", "d e", "y")), []Op{quantize, &Add{}}},
		{"output", file(13, x, y, half, three, call("QuantizeLinear", "x s z", "q"), call("DequantizeLinear", "q s z", "y")), []Op{quantize}},
		{"default zero point", file(10, x, y, half, call("QuantizeLinear", "x s", "q"), call("DequantizeLinear", "q s", "y")),
			[]Op{&Quantize{Scale: 0.5, Hi: 255}}},
		{"signed", file(21, x, y, half, typed("z", i8, nil, -3), call("QuantizeLinear", "x s z", "q"), call("DequantizeLinear", "q s z", "y")),
			[]Op{&Quantize{Scale: 0.5, Zero: -3, Lo: -128, Hi: 127}}},
		{"moved", file(13, x, y, half, three, call("QuantizeLinear", "x s z", "q"), call("Transpose", "q", "t", attr("perm", []int{0, 2, 3, 1})),
			call("Pad", "t p", "u"), integers("p", 0, 0, 1, 0, 0, 0, 0, 0), call("DequantizeLinear", "u s z", "y")),
			[]Op{quantize, &Transpose{Perm: []int{0, 2, 3, 1}}, &Pad{Pads: []int{0, 0, 1, 0, 0, 0, 0, 0}, Mode: "constant", Value: -1.5}}},
		{"convolution", file(13, x, y, half, three, call("QuantizeLinear", "x s z", "q"),
			call("QLinearConv", "q s z w ws wz ys yz b", "c"), typed("w", i8, []int{2, 2, 1, 1}, 1, -2, 3, 4), real("ws", []int{2}, 0.25, 2),
			typed("wz", i8, []int{2}, 0, 1), real("ys", nil, 4), typed("yz", u8, nil, 7), typed("b", i32, []int{2}, 8, -8),
			call("DequantizeLinear", "c ys yz", "y")),
			[]Op{quantize, &Conv{Kernel: []int{1, 1}, Strides: []int{1, 1}, Dilations: []int{1, 1}, Pads: []int{0, 0, 0, 0}, Groups: 1},
				&Quantize{Scale: 4, Zero: 7, Hi: 255}}},
		{"product", file(13, in("x", "N", 2), y, half, three, call("QuantizeLinear", "x s z", "q"),
			call("QLinearMatMul", "q s z w ws wz s z", "c"), typed("w", u8, []int{2, 2}, 1, 2, 3, 4), real("ws", nil, 0.25), typed("wz", u8, nil, 2),
			call("DequantizeLinear", "c s z", "y")), []Op{quantize, &MatMul{}, quantize}},
		{"constants", file(13, x, y, typed("w", i8, []int{2, 1, 1}, 1, -2), real("ws", []int{2}, 0.25, 2), call("DequantizeLinear", "w ws", "d", attr("axis", 0)),
			half, three, real("k", nil, 0.8), call("QuantizeLinear", "k s z", "kq"), call("DequantizeLinear", "kq s z", "kd"),
			call("Mul", "x d", "m"), call("Add", "m kd", "y")), []Op{&Mul{}, &Add{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := decodeFile(t, c.m)
			var got []Op
			for _, n := range g.Nodes {
				got = append(got, n.Op)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got %s", dump(g))
			}
			if g.Outputs[0].Name != "y" || len(g.Warnings) != 0 {
				t.Errorf("output is %q, warnings %q", g.Outputs[0].Name, g.Warnings)
			}
			values := map[string][]float32{}
			for _, n := range g.Nodes {
				for _, v := range n.Inputs {
					if v.Const != nil {
						values[v.Name] = v.Const.Floats
					}
				}
			}
			want := map[string]map[string][]float32{
				"convolution": {"w.float": {0.25, -0.5, 4, 6}, "b.float": {1, -8}},
				"product":     {"w.float": {-0.25, 0, 0.25, 0.5}},
				"constants":   {"d": {0.25, -4}, "kd": {1}},
			}[c.name]
			if want != nil && !reflect.DeepEqual(values, want) {
				t.Errorf("constants are %v, want %v", values, want)
			}
		})
	}
}

func TestReadCodesErrors(t *testing.T) {
	x, y := in("x", "N", 2, 2, 2), out("y")
	half, three, q := real("s", nil, 0.5), typed("z", u8, nil, 3), call("QuantizeLinear", "x s z", "q")
	for _, c := range []struct {
		name        string
		m           *pb.ModelProto
		unsupported bool
		want        string
	}{
		{"arithmetic", file(13, x, y, half, three, q, call("Add", "q q", "y")), true, "arithmetic with integer codes"},
		{"other scale", file(13, x, y, half, three, q, real("s2", nil, 1), call("DequantizeLinear", "q s2 z", "y")), true, "holds codes of scale 0.5 and zero point 3, taken for scale 1"},
		{"no codes", file(13, x, y, half, three, call("DequantizeLinear", "x s z", "y")), true, "holds no integers"},
		{"mixed", file(13, x, y, half, three, q, call("Concat", "q x", "y", attr("axis", 1))), true, "codes of different kinds"},
		{"channels", file(13, x, y, real("s", []int{2}, 1, 2), typed("z", u8, []int{2}, 0, 1), q), true, "zero points that differ by channel"},
		{"channels of another number", file(13, x, y, real("s", []int{3}, 1, 2, 3), typed("z", u8, []int{3}, 0, 0, 0), q, call("DequantizeLinear", "q s z", "y")), false, "3 scales or zero points along axis 1"},
		{"channels, scale 0", file(13, x, y, real("s", []int{2}, 1, 0), typed("z", u8, []int{2}, 0, 0), q, call("DequantizeLinear", "q s z", "y")), false, "scale 0 in channel 1"},
		{"channels, taken for one", file(13, x, y, real("s", []int{2}, 1, 2), typed("z", u8, []int{2}, 0, 0), q, real("t", nil, 2), typed("tz", u8, nil, 0), call("DequantizeLinear", "q t tz", "y")), true, "taken for scale 2"},
		{"wide codes", file(13, x, y, half, typed("z", i32, nil, 3), q, call("DequantizeLinear", "q s z", "y")), true, "codes of type int32"},
		{"scale 0", file(13, x, y, real("s", nil, 0), three, q, call("DequantizeLinear", "q s z", "y")), false, "scale 0 and zero point 3"},
		{"not a number", file(13, x, y, half, three, real("k", nil, float32(math.NaN())), call("QuantizeLinear", "k s z", "kq"), call("Cast", "kq", "f", attr("to", 1)), call("Add", "x f", "y")), false, "is NaN"},
		{"scales per row", file(13, x, y, typed("w", i8, []int{3}, 1, 2, 3), real("ws", []int{2}, 1, 2), call("DequantizeLinear", "w ws", "d", attr("axis", 0)), call("Add", "x d", "y")), false, "2 scales for axis 0"},
	} {
		if c.name == "channels" {
			c.m.Graph.Node = append(c.m.Graph.Node, call("DequantizeLinear", "q s z", "y"))
		}
		_, err := Decode(marshal(t, c.m))
		var unsupported *UnsupportedError
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &unsupported) != c.unsupported {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// TestWarnings reads what is accepted with a warning.
func TestWarnings(t *testing.T) {
	relu := call("Relu", "x", "y")
	newIR := file(13, in("x", "N", 2), out("y"), relu)
	newIR.IrVersion = proto.Int64(12)
	for want, m := range map[string]*pb.ModelProto{
		"opset 24, checked are opsets up to 23":             file(24, in("x", "N", 2), out("y"), relu),
		"IR version 12, checked are files up to":            newIR,
		"the real numbers they stand for: 0.5 * (code - 0)": file(13, in("x", "N", 2), out("y"), real("s", nil, 0.5), call("QuantizeLinear", "x s", "y")),
	} {
		g := decodeFile(t, m)
		if len(g.Warnings) != 1 || !strings.Contains(g.Warnings[0], want) {
			t.Errorf("got %q, want %q", g.Warnings, want)
		}
	}
}
