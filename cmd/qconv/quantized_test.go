package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// quantizedModel is a dense layer of weights with a scale for each of two channels, between two roundings to codes of the given type.
// Weights are of int8, or of int16 if one is given.
func quantizedModel(t *testing.T, codes, weights int) string {
	t.Helper()
	m := &modelText{input: "1,4"}
	round := func(in, out string) {
		m.node("QuantizeLinear", in+" s z", out+"q")
		m.node("DequantizeLinear", out+"q s z", out)
	}
	m.floats("s", 0.03)
	fmt.Fprintf(&m.rest, "initializer{name:'z' data_type:%d int32_data:0}\n", codes)
	first := "-128,5,77,127,3,-90,64,1"
	kind := 3
	if weights > 0 {
		first, kind = fmt.Sprint(weights, ",5,77,-127,3,-90,-1001,1"), 5
	}
	fmt.Fprintf(&m.rest, "initializer{name:'w' data_type:%d dims:[2,4] int32_data:[%s]}\n", kind, first)
	m.rest.WriteString("initializer{name:'ws' data_type:1 dims:2 float_data:[0.003,0.0171]}\n")
	m.node("DequantizeLinear", "w ws", "wf", "axis=0")
	round("x", "a")
	m.node("Gemm", "a wf", "b", "transB=1")
	round("b", "y")
	m.output("y")
	return writeFile(t, "quantized.onnx", string(modelFile(t, modelMessage(t, m.String()))))
}

// TestConvertQuantized converts networks that come quantized: without data where a program can hold them as they are, and saying what it cannot hold.
func TestConvertQuantized(t *testing.T) {
	out := filepath.Join(t.TempDir(), "q.qlut")
	model := quantizedModel(t, 3, 0)
	if code, _, stderr := call("convert", model, "-o", out); code != 0 || strings.Contains(stderr, "warning") {
		t.Fatalf("exit %d, %q", code, stderr)
	}
	if code, _, stderr := call("convert", model, "-o", out, "--weights", "4"); code != 2 || !strings.Contains(stderr, "weights of this quantized model are not kept with --weights 4: give --calib") {
		t.Errorf("4 weights: exit %d, %q", code, stderr)
	}
	large := quantizedModel(t, 3, 30001)
	if code, _, stderr := call("convert", large, "-o", out, "--weights", "65536"); code != 0 || strings.Contains(stderr, "warning") {
		t.Errorf("weights of 16 bits, kept: exit %d, %q", code, stderr)
	}
	wide := quantizedModel(t, 5, 0)
	if code, _, stderr := call("convert", wide, "-o", out); code != 2 || !strings.Contains(stderr, "give --calib") {
		t.Errorf("16 bits without data: exit %d, %q", code, stderr)
	}
	var rows strings.Builder
	rows.WriteString("a,b,c,d,label\n")
	for i := range 24 {
		for k := range 4 {
			fmt.Fprintf(&rows, "%g,", float64((i*7+k*5)%31-15)/8)
		}
		rows.WriteString("0\n")
	}
	data := writeFile(t, "rows.csv", rows.String())
	if code, _, stderr := call("convert", large, "-o", out, "--calib", data, "--no-labels"); code != 0 || !strings.Contains(stderr, "--weights 65536 keeps integers of up to 16: wf") {
		t.Errorf("weights of 16 bits: exit %d, %q", code, stderr)
	}
	code, _, stderr := call("convert", wide, "-o", out, "--calib", data, "--no-labels")
	if want := `warning: codes of more than 8 bits are not kept, as a program's values have at most 256 levels: those of aq, y are chosen from the data`; code != 0 || !strings.Contains(stderr, want) {
		t.Errorf("16 bits: exit %d, %q, want %q", code, stderr, want)
	}
	byChannel := func(outputs ...string) (code int, stderr string) {
		text := &modelText{input: "1,4"}
		text.rest.WriteString("initializer{name:'s' data_type:1 dims:4 float_data:[0.03,0.02,0.011,0.07]}\ninitializer{name:'z' data_type:3 dims:4 int32_data:[0,0,0,0]}\n")
		text.node("QuantizeLinear", "x s z", "xq", "axis=1")
		text.node("DequantizeLinear", "xq s z", "a", "axis=1")
		text.floats("w", 0.5, 4, 2)
		text.node("MatMul", "a w", "b")
		for _, name := range outputs {
			text.output(name)
		}
		model := writeFile(t, "bychannel.onnx", string(modelFile(t, modelMessage(t, text.String()))))
		code, _, stderr = call("convert", model, "-o", out, "--calib", data, "--no-labels")
		return code, stderr
	}
	const lost = "warning: codes with a scale for each channel are not kept, as a program's tensor has one step: the levels of a are chosen from the data"
	if code, stderr := byChannel("b"); code != 0 || strings.Contains(stderr, "not kept") {
		t.Errorf("scales by channel that go into weights: exit %d, %q", code, stderr)
	}
	if code, stderr := byChannel("b", "a"); code != 0 || !strings.Contains(stderr, lost) {
		t.Errorf("scales by channel: exit %d, %q, want %q", code, stderr, lost)
	}
}
