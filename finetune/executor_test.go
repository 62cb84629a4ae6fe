package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qconv/onnx"

	"github.com/sbinet/npyio/npz"
)

// models are the shared reference networks.
var models = []string{
	"ad_autoencoder", "mnist_autoencoder", "mnist_conv_autoencoder", "mnist_lenet", "mnist_mlp",
	"mnist_mlp_tanh", "resnet8_cifar10", "vww_mobilenetv1_025",
}

// sharedFile is the path of a shared file; the test is skipped when it is not there.
func sharedFile(t testing.TB, name string) string {
	t.Helper()
	for _, up := range []string{"../../shared", "../../../shared"} {
		path := filepath.Join(up, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("shared file %s is not there", name)
	return ""
}

// reference reads the inputs and outputs that come with a model.
func reference(t testing.TB, model string) (x, y []float32) {
	t.Helper()
	f, err := npz.Open(sharedFile(t, "models/"+model+".ref.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Read("x0.npy", &x); err != nil {
		t.Fatal(err)
	}
	if err := f.Read("y0.npy", &y); err != nil {
		t.Fatal(err)
	}
	return x, y
}

func readModel(t testing.TB, model string) *onnx.Graph {
	t.Helper()
	g, err := onnx.Read(sharedFile(t, "models/"+model+".onnx"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// largestDifference compares relative to the size of what is wanted.
func largestDifference(got, want []float32) float64 {
	worst := 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]-w)) / math.Max(1, math.Abs(float64(w)))
		if !(d <= worst) {
			worst = d
		}
	}
	return worst
}

func TestExecutorReference(t *testing.T) {
	for _, model := range models {
		for _, simplify := range []bool{false, true} {
			name := model
			if simplify {
				name += "/simplified"
			}
			t.Run(name, func(t *testing.T) {
				x, y := reference(t, model)
				g := readModel(t, model)
				if simplify {
					if _, err := onnx.Simplify(g); err != nil {
						t.Fatal(err)
					}
				}
				e, err := NewExecutor(g, 5, ExecOptions{})
				if err != nil {
					t.Fatal(err)
				}
				// Eight samples: a full batch and a partial one.
				in, out := len(x)/8, len(y)/8
				for _, part := range [][2]int{{0, 5}, {5, 8}} {
					got, err := e.Run(x[part[0]*in : part[1]*in])
					if err != nil {
						t.Fatal(err)
					}
					want := y[part[0]*out : part[1]*out]
					if len(got) != 1 || len(got[0]) != len(want) {
						t.Fatalf("got %d outputs of %d values, want 1 of %d", len(got), len(got[0]), len(want))
					}
					if d := largestDifference(got[0], want); !(d < 1e-4) {
						t.Errorf("samples %v: largest difference %g", part, d)
					}
				}
			})
		}
	}
}

// TestExecutorWithoutBatch runs a graph whose input has a fixed first dimension.
func TestExecutorWithoutBatch(t *testing.T) {
	in := &onnx.Value{Name: "x", Shape: onnx.Shape{1, 2}}
	out := &onnx.Value{Name: "y", Shape: onnx.Shape{1, 2}}
	g := &onnx.Graph{
		Inputs: []*onnx.Value{in}, Outputs: []*onnx.Value{out},
		Nodes: []*onnx.Node{{Name: "neg", Op: &onnx.Neg{}, Inputs: []*onnx.Value{in}, Outputs: []*onnx.Value{out}}},
	}
	e, err := NewExecutor(g, 3, ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Run([]float32{1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{-1, -2, -3, -4, -5, -6}; !slices.Equal(got[0], want) {
		t.Errorf("got %v, want %v", got[0], want)
	}
}

func TestExecutorErrors(t *testing.T) {
	g := smallNet(t)
	if _, err := NewExecutor(g, 0, ExecOptions{}); err == nil {
		t.Error("no error for batch 0")
	}
	e, err := NewExecutor(g, 2, ExecOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if e.Value("relu1.out") != nil {
		t.Error("a value before the first run")
	}
	for _, inputs := range [][][]float32{{}, {make([]float32, 63)}, {make([]float32, 3*64)}, {{}}, {make([]float32, 64), make([]float32, 64)}} {
		if _, err := e.Run(inputs...); err == nil {
			t.Errorf("no error for %d inputs", len(inputs))
		}
	}
	if _, err := e.Run(make([]float32, 64)); err != nil {
		t.Error(err)
	}
	if got := len(e.Value("relu1.out")); got != 8*64 {
		t.Errorf("the value of one sample has %d elements, want %d", got, 8*64)
	}
	if e.Value("nowhere") != nil {
		t.Error("a value that is not in the graph")
	}
	g.Nodes[0].Op = unknownOp{}
	if _, err := NewExecutor(g, 1, ExecOptions{}); err == nil || !strings.Contains(err.Error(), `node "conv1"`) || !strings.Contains(err.Error(), "Unknown") {
		t.Errorf("got error %v, want one that names node and operator", err)
	}
}

type unknownOp struct{}

func (unknownOp) Type() string                                     { return "Unknown" }
func (unknownOp) InferShape(in []onnx.Shape) ([]onnx.Shape, error) { return in[:1], nil }

// TestOutputsOnly runs networks with and without values that are kept, twice: the outputs are the same, and
// a chain takes the memory of a few values.
func TestOutputsOnly(t *testing.T) {
	branches := func() *onnx.Graph {
		g := newGraphOf(9, 2, 6, 6)
		g.conv(t, "first", 4, 3, 1)
		left := g.last
		g.add(t, "relu", &onnx.Relu{}).conv(t, "second", 4, 3, 1).add(t, "sum", &onnx.Add{}, left)
		g.Outputs = []*onnx.Value{g.last, left}
		g.add(t, "view", &onnx.Flatten{Axis: 1})
		g.Outputs = []*onnx.Value{g.last, left}
		return g.Graph
	}
	chain := func() *onnx.Graph {
		g := newGraphOf(9, 100)
		for i := range 30 {
			g.add(t, fmt.Sprint("tanh", i), &onnx.Tanh{})
		}
		return g.Graph
	}
	for name, g := range map[string]*onnx.Graph{"branches": branches(), "chain": chain()} {
		all, err := NewExecutor(g, 3, ExecOptions{})
		if err != nil {
			t.Fatal(err)
		}
		few, err := NewExecutor(g, 3, ExecOptions{OutputsOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 2 {
			x := make([]float32, 3*g.Inputs[0].Shape.Elems())
			for i := range x {
				x[i] = rng.Float32()
			}
			want, err := all.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			got, err := few.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if !slices.Equal(got[i], want[i]) {
					t.Errorf("%s: output %d differs", name, i)
				}
			}
		}
		if few.Value(g.Nodes[0].Outputs[0].Name) != nil || all.Value(g.Nodes[0].Outputs[0].Name) == nil {
			t.Errorf("%s: values inside are kept where they should not be, or the other way round", name)
		}
		buffers := map[*float32]bool{}
		for _, s := range few.builder.steps {
			buffers[&s.op.out.Float32s()[0]] = true
		}
		if name == "chain" && len(buffers) > 3 {
			t.Errorf("a chain of 30 takes the memory of %d values", len(buffers))
		}
	}
}
