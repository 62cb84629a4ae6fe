package differential

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"qconv/internal/testtool"
	"qconv/quant"
	"qconv/runtime"
)

// TestONNX draws networks, writes them as ONNX files of integers, and demands of ONNX Runtime what the definition says.
func TestONNX(t *testing.T) {
	ort := testtool.NewORT(t)
	n := 150
	if testing.Short() {
		n = 40
	}
	kinds := map[string]int{}
	for seed := *seedFlag; seed < *seedFlag+uint64(n); seed++ {
		p := newSource(seed).network()
		if p.Validate() != nil {
			continue
		}
		for o := range p.Outputs {
			p.Outputs[o].Name = fmt.Sprint("output ", o) // no name of an input
		}
		for _, i := range p.Instrs {
			kinds[fmt.Sprintf("%T", i)]++
		}
		if what := compareONNX(ort, p); what != "" {
			t.Errorf("seed %d: %s", seed, what)
		}
	}
	for _, i := range []runtime.Instr{&runtime.Linear{}, &runtime.MaxPool{}, &runtime.Map{}, &runtime.Map2{}, &runtime.Copy{}, &runtime.ArgMax{}} {
		if kind := fmt.Sprintf("%T", i); kinds[kind] == 0 {
			t.Errorf("no %s was drawn", kind)
		}
	}
}

// compareONNX runs two samples at once, and says what differs.
func compareONNX(ort *testtool.ORT, p *runtime.Program) string {
	data, err := quant.ProgramONNX(p)
	if err != nil {
		return err.Error()
	}
	const samples = 2
	feed := map[string]testtool.Tensor{}
	want := make([][]int32, len(p.Outputs))
	runner, err := runtime.NewRunner(p, runtime.Options{Limits: runtime.NoLimits})
	if err != nil {
		return err.Error()
	}
	defer runner.Close()
	var inputs [samples][][]byte
	for i := range p.Inputs {
		in, t := &p.Inputs[i], &p.Tensors[p.Inputs[i].Tensor]
		levels := 256
		if in.Tables == nil {
			levels = t.Levels
		}
		dims := []int{samples, t.Shape[0], t.Shape[1], t.Shape[2]}
		if in.Interleaved {
			dims = []int{samples, t.Shape[1], t.Shape[2], t.Shape[0]}
		}
		name := in.Name
		if name == "" {
			name = "input"
		}
		var all []byte
		for s := range samples {
			bytes := make([]byte, t.Elems())
			runtime.GenerateInput(uint32(7*s+i+1), bytes, levels)
			inputs[s] = append(inputs[s], bytes)
			all = append(all, bytes...)
		}
		feed[name] = testtool.Tensor{Type: "uint8", Dims: dims, Data: all}
	}
	for s := range samples {
		outs, err := runner.Run(inputs[s]...)
		if err != nil {
			return err.Error()
		}
		for o, values := range outs {
			want[o] = append(want[o], values...)
		}
	}
	answers, err := ort.Run(data, feed)
	if err != nil {
		return fmt.Sprintf("ONNX Runtime: %v", err)
	}
	for o, out := range p.Outputs {
		name, shape := out.Name, p.Tensors[out.Tensor].Shape
		got := answers[0][name]
		if dims := []int{samples, shape[0], shape[1], shape[2]}; !slices.Equal(got.Dims, dims) || got.Type != "int32" {
			return fmt.Sprintf("output %q is %s %v, want int32 %v", name, got.Type, got.Dims, dims)
		}
		for i, v := range want[o] {
			if g := int32(binary.NativeEndian.Uint32(got.Data[4*i:])); g != v {
				return fmt.Sprintf("output %q has %d at %d, want %d", name, g, i, v)
			}
		}
	}
	return ""
}
