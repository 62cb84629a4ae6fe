package onnx

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"qconv/onnx/internal/pb"
)

func TestReadExternalData(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model", "m.onnx")
	if err := os.MkdirAll(filepath.Join(dir, "model", "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	values := counting(2, 3)
	raw := tensorProto("w", values).RawData
	for name, data := range map[string][]byte{"secret": raw, "model/data/w": append([]byte{1, 2, 3, 4}, raw...)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../../secret", filepath.Join(dir, "model", "data", "link")); err != nil {
		t.Fatal(err)
	}
	tensor := func(name, entries string) *pb.TensorProto {
		p := &pb.TensorProto{Name: proto.String(name), Dims: []int64{2, 3}, DataType: proto.Int32(1), DataLocation: pb.TensorProto_EXTERNAL.Enum()}
		for _, e := range strings.Fields(entries) {
			key, value, _ := strings.Cut(e, "=")
			p.ExternalData = append(p.ExternalData, &pb.StringStringEntryProto{Key: proto.String(key), Value: proto.String(value)})
		}
		return p
	}
	read := func(parts ...any) (*Graph, error) {
		parts = append(parts, in("x", "N", 3), out("y"))
		if err := os.WriteFile(model, marshal(t, file(13, parts...)), 0o644); err != nil {
			t.Fatal(err)
		}
		return Read(model)
	}
	for _, c := range []struct{ entries, want string }{
		{"location=data/w offset=4 length=24", ""},
		{`location=data\w offset=4`, ""},
		{"location=data/w offset=5", "has 28 bytes, want 24 from byte 5 on"},
		{"location=data/w offset=-1", `offset is "-1"`},
		{"location=data/w offset=x", `offset is "x"`},
		{"location=data/w length=4", "length of 4 bytes, the shape wants 24"},
		{"location=data", "has"},
		{"location=data/none", "is missing"},
		{"location=data/link", "escapes"},
		{"location=../secret", "want a file in the model's folder"},
		{"location=" + filepath.Join(dir, "secret"), "want a file in the model's folder"},
		{"", "want a file in the model's folder"},
	} {
		g, err := read(call("Gemm", "x w", "y", attr("transB", 1)), tensor("w", c.entries))
		switch {
		case c.want == "" && (err != nil || !reflect.DeepEqual(g.Nodes[0].Inputs[1].Const, values)):
			t.Errorf("%s: got %v, want the data", c.entries, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %q", c.entries, err, c.want)
		}
	}

	// A small file must not become a large graph.
	var many []any
	names := "x"
	for i := range 6 {
		name := fmt.Sprintf("w%d", i)
		many = append(many, tensor(name, "location=data/w offset=4"))
		names += " " + name
	}
	many = append(many, call("Concat", strings.TrimPrefix(names, "x "), "c", attr("axis", 0)), call("Gemm", "x c", "y", attr("transB", 1)))
	if _, err := read(many...); err == nil || !strings.Contains(err.Error(), "more than 4 times over") {
		t.Errorf("data used often: got %v", err)
	}
}
