package onnx

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

// hostileModels ask for far more than their size, one each in its own way.
func hostileModels() map[string]*pb.ModelProto {
	x, y := in("x", "N", 1, 1, 1), out("y")
	doubling := func(first string, parts ...any) *pb.ModelProto {
		last := first
		for i := range 30 {
			next := fmt.Sprint("c", i)
			parts = append(parts, call("Concat", last+" "+last, next, attr("axis", 0)))
			last = next
		}
		return file(13, append(parts, in("b", "N", 4), call("Shape", last, "s"), call("Identity", last, "y"), y)...)
	}
	empty := func(last *pb.FunctionProto) *pb.ModelProto {
		m := file(13, in("x", "N", 4), own("F0", "x", "a"), call("Relu", "x", "y"), y)
		for i := range 40 {
			next := fmt.Sprint("F", i+1)
			m.Functions = append(m.Functions, function(fmt.Sprint("F", i), "x", "y", own(next, "x", "a"), own(next, "x", "b")))
		}
		m.Functions = append(m.Functions, last)
		return m
	}
	one := floats("w", 1, 1, 1, 1)
	const big = 1 << 27
	return map[string]*pb.ModelProto{
		"dimension":       file(13, in("x", "N", 1000000000), y, call("Relu", "x", "y")),
		"product":         file(13, in("x", "N", 60000, 60000), y, call("Relu", "x", "y")),
		"dimensions":      file(13, in("x", "N", 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2), y, call("Relu", "x", "y")),
		"pads of Conv":    file(13, x, y, one, call("Conv", "x w", "y", attr("pads", []int{0, big, 0, 0}))),
		"Pad":             file(13, x, y, integers("p", 0, 0, 0, 0, 0, 0, 0, big), call("Pad", "x p", "y")),
		"Expand":          file(13, x, y, integers("s", 1, 1, 1, big), call("Expand", "x s", "y")),
		"Expand constant": file(13, x, y, one, integers("s", 1, 1, 1, big), call("Expand", "w s", "e"), call("Add", "x e", "y")),
		"Tile":            file(13, x, y, integers("r", 1, 1, 1, big), call("Tile", "x r", "y")),
		"Resize":          file(13, x, y, integers("s", 1, 1, 1, big), call("Resize", "x - - s", "y")),
		"ConvTranspose":   file(13, x, y, one, call("ConvTranspose", "x w", "y", attr("output_padding", []int{0, big - 1}), attr("strides", []int{1, big}))),
		"ConstantOfShape": file(13, x, y, integers("s", 1, 1, 1, big), call("ConstantOfShape", "s", "c"), call("Add", "x c", "y")),
		"Range":           file(13, x, y, number("a", 0), number("b", big), number("d", 1), call("Range", "a b d", "r"), call("Cast", "r", "f", attr("to", 1)), call("Add", "x f", "y")),
		"doubled":         doubling("k", floats("k", 2)),
		"empty functions": empty(function("F40", "x", "y")),
		"self call":       empty(function("F40", "x", "y", own("F40", "x", "y"))),
		"mutual calls":    empty(function("F40", "x", "y", own("F3", "x", "y"))),
	}
}

func TestHostileModels(t *testing.T) {
	for name, m := range hostileModels() {
		data := marshal(t, m)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(data)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 200<<20 {
			t.Errorf("%s: took %d MB", name, used>>20)
		}
		var format *FormatError
		var unsupported *UnsupportedError
		if !errors.As(err, &format) && !errors.As(err, &unsupported) {
			t.Errorf("%s: got error %v, want one of the package's kinds", name, err)
		}
	}
}

// TestMaxMemory vouches for a model that is too large for its file, and gives one too little.
func TestMaxMemory(t *testing.T) {
	m := marshal(t, file(13, in("x", "N", 1<<24), out("y"), call("Relu", "x", "y")))
	var limit *LimitError
	if _, err := Decode(m); !errors.As(err, &limit) || limit.Given || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %v, want one of the limit of a small file", err)
	}
	if _, err := DecodeWith(m, ReadOptions{MaxMemory: 1 << 30}); err != nil {
		t.Error(err)
	}
	if _, err := DecodeWith(m, ReadOptions{MaxMemory: 1 << 20}); !errors.As(err, &limit) || !limit.Given {
		t.Errorf("got error %v, want one of the limit given", err)
	}
}

func TestCheckWeights(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	constant := func(v ...float32) *pb.TensorProto {
		return tensorProto("w", &Tensor{Type: Float, Shape: Shape{1, len(v)}, Floats: v})
	}
	for _, c := range []struct {
		name string
		op   *pb.NodeProto
		w    *pb.TensorProto
		want string // empty if it is fine
	}{
		{"NaN", call("Mul", "x w", "y"), constant(1, nan), `the constant "w", has NaN at [0 1]`},
		{"Inf", call("Mul", "x w", "y"), constant(-inf, 1), `the constant "w", has -Inf at [0 0]`},
		{"large", call("Add", "x w", "y"), constant(0, 2e31), "has 2e+31 at [0 1]"},
		{"largest", call("Mul", "x w", "y"), constant(1, 1e31), ""},
		{"mask", call("Add", "x w", "y"), constant(0, -math.MaxFloat32), ""},
		{"mask of infinities", call("Add", "x w", "y"), constant(0, -inf), ""},
		{"all masked", call("Add", "x w", "y"), constant(-inf, -inf), "has -Inf at [0 0]"},
		{"bound", call("Max", "x w", "y"), constant(-inf, -math.MaxFloat32), ""},
		{"NaN as a bound", call("Min", "x w", "y"), constant(1, nan), "has NaN at [0 1]"},
		{"moved NaN", call("Concat", "x w", "y", attr("axis", 0)), constant(nan, 1), "NaN"},
		{"Clip", call("Clip", "x", "y"), nil, ""},
		{"attribute", call("LeakyRelu", "x", "y", attr("alpha", math.Inf(1))), nil, `attribute "alpha" is +Inf`},
	} {
		parts := []any{in("x", 4, 2), out("y"), c.op}
		if c.w != nil {
			parts = append(parts, c.w)
		}
		_, err := Decode(marshal(t, file(13, parts...)))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestFoldedOverflow refuses what becomes infinite when constants are folded.
func TestFoldedOverflow(t *testing.T) {
	big := tensorProto("b", &Tensor{Type: Float, Shape: Shape{2, 2}, Floats: []float32{1e29, 1, 1, 1}})
	_, err := Decode(marshal(t, file(13, in("x", "N", 2), out("y"), big, call("Mul", "b b", "w"), named("product", call("MatMul", "x w", "y")))))
	if err == nil || !strings.Contains(err.Error(), `node "product"`) {
		t.Errorf("got error %v, want one that names the node", err)
	}
}

// TestForgedNames puts what hides or forges text into every name of a model that is refused.
func TestForgedNames(t *testing.T) {
	const evil = "a\n\x1b[31m\u202eb"
	m := file(13, in(evil, evil, evil), out(evil+"y"), named(evil, call("Relu", "-", evil+"y")))
	n := m.Graph.Node[0]
	n.Input = []string{evil}
	for _, change := range []func(){
		func() {},
		func() { n.OpType = proto.String(evil) },
		func() { n.Domain = proto.String(evil) },
		func() { n.Attribute = []*pb.AttributeProto{attr(evil, 1)} },
		func() { n.Input = []string{evil + "none"} },
	} {
		m.Graph.Input[0] = in(evil, evil, 3, evil).ValueInfoProto
		m.Graph.Output[0] = out(evil + "y").ValueInfoProto
		n.Output = []string{evil + "y"}
		change()
		_, err := Decode(marshal(t, m))
		if err == nil || strings.ContainsAny(strings.ReplaceAll(err.Error(), "\n  ", ""), "\n\x1b\u202e") {
			t.Errorf("got error %q, want one without control characters", fmt.Sprint(err))
		}
	}
}

// TestLongLists refuses lists that make no sense, in a text of bounded length.
func TestLongLists(t *testing.T) {
	perm := make([]int, 1<<20)
	_, err := Decode(marshal(t, file(13, in("x", "N", 4), out("y"), call("Transpose", "x", "y", attr("perm", perm)))))
	if err == nil || len(err.Error()) > 3*maxText {
		t.Errorf("got an error of %d bytes, want one of at most %d", len(fmt.Sprint(err)), 3*maxText)
	}
}
