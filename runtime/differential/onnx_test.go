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
		p := drawn(newSource(seed), seed)
		if p.Validate() != nil {
			continue
		}
		if len(p.Loops) > 0 {
			kinds["loop"]++
		}
		if p.Stream != nil {
			kinds["stream"]++
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
	if kinds["loop"] < n/8 || kinds["stream"] < n/8 {
		t.Errorf("%d networks with loops and %d steps of streams were drawn of %d", kinds["loop"], kinds["stream"], n)
	}
	for _, i := range []runtime.Instr{&runtime.Linear{}, &runtime.MaxPool{}, &runtime.Map{}, &runtime.Map2{}, &runtime.Copy{}, &runtime.ArgMax{}} {
		if kind := fmt.Sprintf("%T", i); kinds[kind] == 0 {
			t.Errorf("no %s was drawn", kind)
		}
	}
}

// compareONNX runs two samples at once, two steps of a stream each, and says what differs.
func compareONNX(ort *testtool.ORT, p *runtime.Program) string {
	data, err := quant.ProgramONNX(p)
	if err != nil {
		return err.Error()
	}
	const samples = 2
	var runners [samples]*runtime.Runner
	for s := range runners {
		if runners[s], err = runtime.NewRunner(p, runtime.Options{Limits: runtime.NoLimits}); err != nil {
			return err.Error()
		}
		defer runners[s].Close()
	}
	feed := map[string]testtool.Tensor{}
	steps := 1
	if p.Stream != nil {
		steps = 2
		for i, state := range p.Stream.States {
			t := &p.Tensors[state.To]
			var all []byte
			for range samples * t.Elems() {
				all = append(all, state.Initial[min(len(all)%t.Elems(), len(state.Initial)-1)])
			}
			feed[fmt.Sprint("state", i)] = testtool.Tensor{Type: "uint8", Dims: []int{samples, t.Shape[0], t.Shape[1], t.Shape[2]}, Data: all}
		}
	}
	for step := range steps {
		want := make([][]int32, len(p.Outputs))
		for s, inputs := range drawInputs(p, feed, samples, step) {
			outs, err := runners[s].Step(inputs...)
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
					return fmt.Sprintf("step %d: output %q has %d at %d, want %d", step, name, g, i, v)
				}
			}
		}
		if p.Stream != nil {
			for i := range p.Stream.States {
				name := fmt.Sprint("state", i)
				next := answers[0][name+".next"]
				if !slices.Equal(next.Dims, feed[name].Dims) || next.Type != "uint8" {
					return fmt.Sprintf("output %q is %s %v, want uint8 %v", name+".next", next.Type, next.Dims, feed[name].Dims)
				}
				feed[name] = next
			}
		}
	}
	return ""
}

// drawInputs draws the inputs of samples, and lays those of all samples into feed.
func drawInputs(p *runtime.Program, feed map[string]testtool.Tensor, samples, step int) [][][]byte {
	inputs := make([][][]byte, samples)
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
			runtime.GenerateInput(uint32(101*step+7*s+i+1), bytes, levels)
			inputs[s] = append(inputs[s], bytes)
			all = append(all, bytes...)
		}
		feed[name] = testtool.Tensor{Type: "uint8", Dims: dims, Data: all}
	}
	return inputs
}
