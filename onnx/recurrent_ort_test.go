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
		if kind == "int64" {
			t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(v))
		} else {
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
	places := batchPlaces(m.GetGraph().GetNode())
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
		kind := "float32"
		x := make([]float32, product(dims))
		for i := range x {
			x[i] = float32(r.NormFloat64())
			if v.Type == Int {
				x[i] = float32(r.IntN(50))
			}
		}
		inFile := kind
		if info.GetType().GetTensorType().GetElemType() == int32(pb.TensorProto_INT64) {
			inFile, kind = "int64", "int64"
		}
		fileFeed[v.Name] = ortTensor(inFile, dims, x)
		feed[v.Name] = ortTensor(kind, Shape(dims).front(at), moved(dims, x, at))
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
		roundTrip(t, what, g, written)
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
