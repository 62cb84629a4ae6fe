package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shared returns the path of a file of the shared folder beside the repository; the test
// is skipped if it is not there.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "shared", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared file %s is not there", name)
	}
	return path
}

// TestModels reads, simplifies, writes and reads the reference models.
func TestModels(t *testing.T) {
	for _, c := range []struct {
		name          string
		params, macs  int // as read; macs 0: more than 32 bits, not compared
		simplified    int // parameters
		nodes, folded int
		in, out       Shape
	}{
		{"mnist_mlp", 235146, 234752, 235146, 6, 6, Shape{Batch, 1, 28, 28}, Shape{Batch, 10}},
		{"mnist_mlp_tanh", 235146, 234752, 235146, 6, 6, Shape{Batch, 1, 28, 28}, Shape{Batch, 10}},
		{"mnist_lenet", 117226, 1697280, 117066, 12, 10, Shape{Batch, 1, 28, 28}, Shape{Batch, 10}},
		{"mnist_autoencoder", 209968, 208896, 209968, 8, 8, Shape{Batch, 784}, Shape{Batch, 784}},
		{"mnist_conv_autoencoder", 110097, 630336, 110097, 12, 12, Shape{Batch, 1, 28, 28}, Shape{Batch, 1, 28, 28}},
		{"resnet8_cifar10", 78666, 12501632, 77706, 32, 23, Shape{Batch, 3, 32, 32}, Shape{Batch, 10}},
		{"vww_mobilenetv1_025", 221794, 7489664, 210850, 85, 58, Shape{Batch, 3, 96, 96}, Shape{Batch, 2}},
		{"ad_autoencoder", 269992, 264192, 265864, 28, 19, Shape{Batch, 640}, Shape{Batch, 640}},
		{"light/light_bvlc_alexnet", 60965224, 0, 60965230, 24, 36, Shape{Batch, 3, 224, 224}, Shape{Batch, 1000}},
		{"light/light_resnet50", 25530472 + 3*26560, 0, 25530472, 176, 123, Shape{Batch, 3, 224, 224}, Shape{Batch, 1000}},
		{"light/light_squeezenet", 1235496, 349151936, 1235496, 66, 65, Shape{Batch, 3, 224, 224}, Shape{Batch, 1000, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && strings.HasPrefix(c.name, "light/") {
				t.Skip("a large model, left out in short tests")
			}
			g, err := Read(shared(t, "models/"+c.name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			if len(g.Nodes) != c.nodes || !g.Inputs[0].Shape.Equal(c.in) || !g.Outputs[0].Shape.Equal(c.out) {
				t.Errorf("got %d nodes, %v -> %v, want %d, %v -> %v", len(g.Nodes), g.Inputs[0].Shape, g.Outputs[0].Shape, c.nodes, c.in, c.out)
			}
			params, macs := costs(g)
			if params != c.params || macs != c.macs && c.macs != 0 {
				t.Errorf("got %d parameters and %d MACs, want %d and %d", params, macs, c.params, c.macs)
			}
			if _, err := Simplify(g); err != nil {
				t.Fatal(err)
			}
			params, macs = costs(g)
			if params != c.simplified || macs != c.macs && c.macs != 0 || len(g.Nodes) != c.folded {
				t.Errorf("simplified: got %d parameters, %d MACs, %d nodes, want %d, %d, %d", params, macs, len(g.Nodes), c.simplified, c.macs, c.folded)
			}
			if slices.ContainsFunc(g.Nodes, func(n *Node) bool { _, is := n.Op.(*BatchNormalization); return is }) {
				t.Error("a BatchNormalization is left")
			}
			if params > 1<<25 {
				return // writing it would only take time
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
		})
	}
}

func costs(g *Graph) (params, macs int) {
	cost := Costs(g)
	for _, n := range g.Nodes {
		p, m := cost(n)
		params += p
		macs += m
	}
	return params, macs
}

// nodeTests is the smallest number of the shared operator tests that must be readable.
const nodeTests = 442

// TestNodeTests reads the operator tests of ONNX, all but the first input given as
// constants, and compares the inferred shapes with those of the expected outputs.
func TestNodeTests(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(shared(t, "onnx-node-tests"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	tensor := func(path string) *Tensor {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		x, err := DecodeTensor(data)
		if err != nil {
			return nil
		}
		return x
	}
	read := 0
	for _, dir := range dirs {
		data, err := os.ReadFile(filepath.Join(dir, "model.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		o := ReadOptions{Constants: map[string]*Tensor{}}
		for i, name := range inputNames(t, data) {
			if c := tensor(filepath.Join(dir, "test_data_set_0", fmt.Sprintf("input_%d.pb", i))); i > 0 && c != nil && !holdsBits(dir) {
				o.Constants[name] = c
			}
		}
		g, err := DecodeWith(data, o)
		var unsupported *UnsupportedError
		if errors.As(err, &unsupported) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(dir), err)
			continue
		}
		read++
		for _, when := range []string{"read", "simplified"} {
			for i, v := range g.Outputs {
				want := tensor(filepath.Join(dir, "test_data_set_0", fmt.Sprintf("output_%d.pb", i)))
				if holdsBits(dir) {
					want.Type = Float
				}
				if !v.Shape.Equal(want.Shape) && !v.Shape.WithBatch(want.Shape[0]).Equal(want.Shape) || v.Type != want.Type {
					t.Errorf("%s, %s: output %q is %v of %v, want %v of %v", filepath.Base(dir), when, v.Name, v.Shape, v.Type, want.Shape, want.Type)
				}
			}
			if _, err := Simplify(g); err != nil {
				t.Errorf("%s: %v", filepath.Base(dir), err)
			}
		}
	}
	if read < nodeTests {
		t.Errorf("%d of %d tests can be read, want %d or more", read, len(dirs), nodeTests)
	}
}

// holdsBits tells the tests whose tensors hold the bits of numbers as integers.
func holdsBits(dir string) bool {
	return strings.HasSuffix(dir, "to_BFLOAT16") || strings.HasSuffix(dir, "to_BFLOAT16_expanded")
}

func BenchmarkRead(b *testing.B) {
	path := shared(b, "models/resnet8_cifar10.onnx")
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(path); err != nil {
			b.Fatal(err)
		}
	}
}
