package ortfuzz

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"

	"qconv/finetune"
	"qconv/internal/testtool"
	"qconv/onnx"
	"qconv/quant"
)

// tolerance is how far values may be apart, relative to the largest of the output.
const tolerance = 1e-4

// verdict is what became of one network.
type verdict struct {
	rejected string            // why ONNX Runtime does not take it
	refused  error             // why qconv does not
	found    error             // a difference
	onnx     *quant.Model      // the imported network, nil if refused
	inputs   map[string]tensor // what it was run on
}

// difference says that two results differ where they must not.
type difference struct{ stage, text string }

func (d *difference) Error() string { return d.stage + ": " + d.text }

// feed draws the inputs of a network: multiples of 1/4, so that ties and equal numbers happen.
func (n *network) feed(rng *rand.Rand) map[string]tensor {
	feed := map[string]tensor{}
	for _, v := range n.inputs {
		x := make([]float64, size(v.shape))
		for i := range x {
			x[i] = float64(rng.IntN(17)-8) / 4
		}
		feed[v.name] = newTensor(v.kind, v.shape, x)
	}
	return feed
}

// judge runs a network with ONNX Runtime and with qconv, as a file and imported.
func judge(r *testtool.ORT, n *network, feed map[string]tensor) (v verdict) {
	v.inputs = feed
	defer func() {
		if p := recover(); p != nil {
			v.found = &difference{"panic", fmt.Sprintf("%v\n%s", p, debug.Stack())}
		}
	}()
	file := n.encode()
	runs, err := r.Run(file, feed)
	var rejected testtool.Rejection
	if errors.As(err, &rejected) {
		v.rejected = string(rejected)
		// Even so, reading it must not crash.
		onnx.DecodeWith(file, onnx.ReadOptions{Dims: n.dims})
		return v
	}
	if err != nil {
		v.found = err
		return v
	}
	want := runs[0]
	g, err := onnx.DecodeWith(file, onnx.ReadOptions{Dims: n.dims})
	if err != nil {
		v.refused = err
		return v
	}
	if v.found = n.compare("read", g, feed, want); v.found != nil {
		return v
	}
	if _, err := onnx.Simplify(g); err != nil {
		v.found = &difference{"simplify", err.Error()}
		return v
	}
	if v.found = n.compare("simplified", g, feed, want); v.found != nil {
		return v
	}
	m, err := quant.FromGraph(g)
	if err != nil {
		var unsupported *onnx.UnsupportedError
		if errors.As(err, &unsupported) {
			v.refused = err
		} else {
			v.found = &difference{"model", err.Error()}
		}
		return v
	}
	data, err := m.Encode()
	if err != nil {
		v.found = &difference{"encode", err.Error()}
		return v
	}
	imported, err := onnx.Decode(data)
	if err != nil {
		v.found = &difference{"imported", err.Error()}
		return v
	}
	if v.onnx, err = quant.FromGraph(imported); err != nil {
		v.found = &difference{"imported", err.Error()}
		return v
	}
	if v.found = n.compare("imported", v.onnx.Graph, feed, want); v.found != nil {
		return v
	}
	runs, err = r.Run(data, feed)
	if err != nil {
		v.found = &difference{"ONNX Runtime on the imported file", err.Error()}
		return v
	}
	for _, out := range n.outputs {
		got, ok := runs[0][out.name]
		if !ok {
			v.found = &difference{"ONNX Runtime on the imported file", "no output " + out.name}
			return v
		}
		if text := differ(got.Dims, valuesOf(got), want[out.name]); text != "" {
			v.found = &difference{"ONNX Runtime on the imported file", out.name + ": " + text}
			return v
		}
	}
	return v
}

// compare runs a graph and says where its outputs are not those wanted.
func (n *network) compare(stage string, g *onnx.Graph, feed, want map[string]tensor) error {
	samples := 1
	var inputs [][]float32
	for _, in := range g.Inputs {
		x := valuesOf(feed[in.Name])
		samples = len(x) / in.Shape.Elems()
		f := make([]float32, len(x))
		for i := range x {
			f[i] = float32(x[i])
		}
		inputs = append(inputs, f)
	}
	e, err := finetune.NewExecutor(g, samples, finetune.ExecOptions{})
	if err != nil {
		return &difference{stage, err.Error()}
	}
	outs, err := e.Run(inputs...)
	if err != nil {
		return &difference{stage, err.Error()}
	}
	if len(outs) != len(n.outputs) {
		return &difference{stage, fmt.Sprintf("%d outputs, want %d", len(outs), len(n.outputs))}
	}
	for i, v := range g.Outputs {
		if v.Name != n.outputs[i].name {
			return &difference{stage, fmt.Sprintf("output %d is %q, want %q", i, v.Name, n.outputs[i].name)}
		}
		got := outs[i]
		if !(len(v.Shape) > 0 && v.Shape[0] == onnx.Batch) {
			got = got[:v.Shape.Elems()]
		}
		x := make([]float64, len(got))
		for k := range got {
			x[k] = float64(got[k])
		}
		if text := differ(v.Shape.WithBatch(samples), x, want[v.Name]); text != "" {
			return &difference{stage, fmt.Sprintf("output %q: %s", v.Name, text)}
		}
	}
	return nil
}

// differ says where a tensor is not the one wanted.
func differ(shape []int, got []float64, want tensor) string {
	if !slices.Equal(shape, want.Dims) {
		return fmt.Sprintf("shape %v, want %v", shape, want.Dims)
	}
	values := valuesOf(want)
	if len(got) != len(values) {
		return fmt.Sprintf("%d elements, want %d", len(got), len(values))
	}
	largest := 1e-30
	for _, w := range values {
		if !math.IsInf(w, 0) {
			largest = max(largest, math.Abs(w)) // NaN is never larger
		}
	}
	if math.IsNaN(largest) {
		largest = 1
	}
	for i, w := range values {
		if got[i] == w || got[i] != got[i] && w != w || math.Abs(got[i]-w) <= tolerance*largest {
			continue
		}
		return fmt.Sprintf("element %d of %v is %g, want %g", i, shape, got[i], w)
	}
	return ""
}
