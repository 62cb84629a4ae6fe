package finetune

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qconv/onnx"

	"google.golang.org/protobuf/encoding/protowire"
)

// The tolerances are those of the runner that comes with the ONNX project: a value may
// differ from the wanted one by absolute + relative*|wanted|. Integers must be equal.
const (
	relativeTolerance = 1e-3
	absoluteTolerance = 1e-7
)

// conformanceManifest lists the cases that do not pass, with the reason of each.
const conformanceManifest = "testdata/conformance.txt"

// conformanceCase is a model with inputs and the outputs wanted for them.
type conformanceCase struct {
	name            string
	model           []byte
	inputs, outputs []*onnx.Tensor
}

// TestConformance runs the node cases of the ONNX backend test suite.
func TestConformance(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(sharedFile(t, "onnx-node-tests"), "test_*"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []conformanceCase
	broken := map[string]error{}
	for _, folder := range folders {
		c, err := readCase(folder)
		if err != nil {
			broken[c.name] = err
		}
		cases = append(cases, c)
	}
	checkConformance(t, "onnx-node-tests", cases, broken, 330)
}

// checkConformance runs cases against their section of the manifest: a case passes if and
// only if it is not listed. broken are cases whose data could not be read.
func checkConformance(t *testing.T, section string, cases []conformanceCase, broken map[string]error, atLeast int) {
	t.Helper()
	listed := readManifest(t, section)
	passed := 0
	for _, c := range cases {
		err := broken[c.name]
		if err == nil {
			err = runCase(c)
		}
		reason, excluded := listed[c.name]
		delete(listed, c.name)
		switch {
		case err == nil && excluded:
			t.Errorf("%s passes, but the manifest excludes it: %s", c.name, reason)
		case err != nil && !excluded:
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			passed++
		}
	}
	for name := range listed {
		t.Errorf("the manifest excludes %s, which is not a case of %s", name, section)
	}
	t.Logf("%s: %d of %d cases pass", section, passed, len(cases))
	if passed < atLeast {
		t.Errorf("%d cases of %s pass, want at least %d", passed, section, atLeast)
	}
}

// readManifest reads the lines "name: reason" of one [section] of the manifest.
func readManifest(t *testing.T, section string) map[string]string {
	t.Helper()
	f, err := os.Open(conformanceManifest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	listed := map[string]string{}
	in, at := "", 0
	for s := bufio.NewScanner(f); s.Scan(); {
		at++
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			in = strings.Trim(line, "[]")
			continue
		}
		name, reason, _ := strings.Cut(line, ":")
		reason = strings.TrimSpace(reason)
		if reason == "" {
			t.Errorf("%s:%d: case %s has no reason", conformanceManifest, at, name)
		}
		if in != section {
			continue
		}
		if _, ok := listed[name]; ok {
			t.Errorf("%s:%d: case %s is listed twice", conformanceManifest, at, name)
		}
		listed[name] = reason
	}
	return listed
}

// readCase reads the folder of a case; the name is set even when it fails.
func readCase(folder string) (conformanceCase, error) {
	c := conformanceCase{name: filepath.Base(folder)}
	var err error
	if c.model, err = os.ReadFile(filepath.Join(folder, "model.onnx")); err != nil {
		return c, err
	}
	if c.inputs, err = readTensors(folder, "input"); err != nil {
		return c, err
	}
	c.outputs, err = readTensors(folder, "output")
	return c, err
}

// readTensors reads the files of one kind in their order.
func readTensors(folder, kind string) ([]*onnx.Tensor, error) {
	var all []*onnx.Tensor
	for i := 0; ; i++ {
		data, err := os.ReadFile(filepath.Join(folder, "test_data_set_0", fmt.Sprintf("%s_%d.pb", kind, i)))
		if os.IsNotExist(err) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		v, err := onnx.DecodeTensor(data)
		if err != nil {
			return nil, fmt.Errorf("%s %d: %w", kind, i, err)
		}
		all = append(all, v)
	}
}

// runCase executes a case and compares its outputs.
func runCase(c conformanceCase) error {
	g, err := decodeCase(c)
	if err != nil {
		return err
	}
	names := inputNames(c.model)
	batch := 1
	for _, v := range g.Inputs {
		if t := c.inputs[slices.Index(names, v.Name)]; len(v.Shape) > 0 && v.Shape[0] == onnx.Batch {
			batch = t.Shape[0]
		}
	}
	e, err := NewExecutor(g, batch, ExecOptions{})
	if err != nil {
		return err
	}
	var inputs [][]float32
	for _, v := range g.Inputs {
		t := c.inputs[slices.Index(names, v.Name)]
		if !v.Shape.WithBatch(batch).Equal(t.Shape) {
			return fmt.Errorf("input %q has shape %v, the case gives %v", v.Name, v.Shape, t.Shape)
		}
		values := constFloats(t)
		if len(values) == v.Shape.Elems() {
			values = slices.Repeat(values, batch) // the same for all samples
		}
		inputs = append(inputs, values)
	}
	got, err := e.Run(inputs...)
	if err != nil {
		return err
	}
	if len(got) != len(c.outputs) {
		return fmt.Errorf("got %d outputs, want %d", len(got), len(c.outputs))
	}
	for i, want := range c.outputs {
		v := g.Outputs[i]
		if !v.Shape.WithBatch(batch).Equal(want.Shape) || v.Type != want.Type {
			return fmt.Errorf("output %q is %v %v, want %v %v", v.Name, v.Type, v.Shape, want.Type, want.Shape)
		}
		if v.Shape.Equal(want.Shape) {
			got[i] = got[i][:v.Shape.Elems()] // once is enough of what all samples share
		}
		if err := compareTensor(got[i], want); err != nil {
			return fmt.Errorf("output %q: %w", v.Name, err)
		}
	}
	return nil
}

// decodeCase reads the model of a case. Operands that must be constants are known only to
// the operators, so more and more of the inputs are made constants until the model is
// accepted: none, those that are integers, all but the first.
func decodeCase(c conformanceCase) (*onnx.Graph, error) {
	names := inputNames(c.model)
	if len(names) < len(c.inputs) {
		return nil, fmt.Errorf("model has %d inputs, the case gives %d", len(names), len(c.inputs))
	}
	var err error
	for _, constant := range []func(i int, t *onnx.Tensor) bool{
		func(int, *onnx.Tensor) bool { return false },
		func(_ int, t *onnx.Tensor) bool { return t.Type == onnx.Int },
		func(i int, _ *onnx.Tensor) bool { return i > 0 },
	} {
		o := onnx.ReadOptions{Constants: map[string]*onnx.Tensor{}}
		for i, t := range c.inputs {
			if constant(i, t) {
				o.Constants[names[i]] = t
			}
		}
		var g *onnx.Graph
		if g, err = onnx.DecodeWith(c.model, o); err == nil {
			return g, nil
		}
	}
	return nil, err
}

// Numbers of the fields that lead to the names of a model's inputs, in onnx.proto.
const (
	fieldGraph = 7  // of ModelProto
	fieldInput = 11 // of GraphProto
	fieldName  = 1  // of ValueInfoProto
)

// inputNames are the names of a model's inputs, which are needed before it can be read.
func inputNames(model []byte) []string {
	var names []string
	for _, graph := range messageFields(model, fieldGraph) {
		for _, input := range messageFields(graph, fieldInput) {
			for _, name := range messageFields(input, fieldName) {
				names = append(names, string(name))
			}
		}
	}
	return names
}

// messageFields are the contents of all length-delimited fields of one number.
func messageFields(data []byte, number protowire.Number) [][]byte {
	var all [][]byte
	for len(data) > 0 {
		num, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return all
		}
		data = data[n:]
		n = protowire.ConsumeFieldValue(num, kind, data)
		if n < 0 {
			return all
		}
		if num == number && kind == protowire.BytesType {
			content, _ := protowire.ConsumeBytes(data)
			all = append(all, content)
		}
		data = data[n:]
	}
	return all
}

// compareTensor says where values differ from the wanted ones by more than the tolerance.
func compareTensor(got []float32, want *onnx.Tensor) error {
	if len(got) != want.Shape.Elems() {
		return fmt.Errorf("got %d elements, want %d", len(got), want.Shape.Elems())
	}
	for i, v := range got {
		if want.Type != onnx.Float {
			if float64(v) != float64(want.Ints[i]) {
				return fmt.Errorf("element %d is %g, want %d", i, v, want.Ints[i])
			}
			continue
		}
		w := want.Floats[i]
		limit := absoluteTolerance + relativeTolerance*math.Abs(float64(w))
		if v == w || v != v && w != w || math.Abs(float64(v)-float64(w)) <= limit && !math.IsInf(limit, 0) {
			continue
		}
		return fmt.Errorf("element %d is %g, want %g", i, v, w)
	}
	return nil
}
