package finetune

import (
	"math"
	"testing"

	"qconv/onnx"
	"qconv/quant"
)

// TestPatches holds the rows that layers read, times their weights as a matrix, against what the executor computes.
func TestPatches(t *testing.T) {
	conv := func(kernel, strides, dilations, pads []int, groups int) *onnx.Conv {
		return &onnx.Conv{Kernel: kernel, Strides: strides, Dilations: dilations, Pads: pads, Groups: groups}
	}
	up := func(kernel, strides, dilations, pads, output []int, groups int) *onnx.ConvTranspose {
		return &onnx.ConvTranspose{Kernel: kernel, Strides: strides, Dilations: dilations, Pads: pads, OutputPadding: output, Groups: groups}
	}
	for name, c := range map[string]struct {
		op     onnx.Op
		sample []int
		shape  []int // of the weights
		out    int
	}{
		"plain":              {conv([]int{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1, 1, 1}, 1), []int{4, 6, 7}, []int{5, 4, 3, 3}, 5},
		"strides, dilations": {conv([]int{3, 2}, []int{2, 1}, []int{1, 2}, []int{0, 1, 2, 0}, 1), []int{3, 7, 8}, []int{4, 3, 3, 2}, 4},
		"grouped":            {conv([]int{3, 3}, []int{2, 2}, []int{1, 1}, []int{0, 0, 1, 1}, 2), []int{4, 6, 6}, []int{6, 2, 3, 3}, 6},
		"depthwise":          {conv([]int{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1, 1, 1}, 4), []int{4, 5, 5}, []int{4, 1, 3, 3}, 4},
		"one dimension":      {conv([]int{5}, []int{2}, []int{1}, []int{2, 1}, 1), []int{3, 16}, []int{4, 3, 5}, 4},
		"transposed":         {up([]int{3, 3}, []int{2, 2}, []int{1, 1}, []int{1, 1, 1, 1}, []int{1, 1}, 1), []int{3, 4, 5}, []int{3, 2, 3, 3}, 2},
		"transposed, groups": {up([]int{4, 3}, []int{2, 1}, []int{1, 2}, []int{1, 0, 0, 1}, []int{0, 0}, 2), []int{4, 4, 5}, []int{4, 3, 4, 3}, 6},
		"dense":              {&onnx.Gemm{TransB: true, Alpha: 1, Beta: 1}, []int{9}, []int{4, 9}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGraphOf(3, c.sample...)
			g.add(t, "layer", c.op, g.random("w", 1, c.shape...), g.random("b", 0, c.out))
			m := modelOf(t, g.Graph)
			layer := m.Layers()[0]
			p, ok := patchesOf(layer)
			if !ok {
				t.Fatal("the layer has no patches")
			}
			const samples = 2
			exec, err := NewExecutor(g.Graph, samples, ExecOptions{})
			if err != nil {
				t.Fatal(err)
			}
			x := g.random("x", 1, samples, size(c.sample)).Const.Floats
			y, err := exec.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			row := make([]float32, p.inputs())
			for s := range samples {
				for group := range p.groups {
					w := p.matrix(layer.Weights.Const.Floats, group)
					for at := range p.area() {
						p.gather(row, x[s*size(c.sample):][:size(c.sample)], group, at)
						for o := range p.perOut {
							got := 0.0
							for i, v := range row {
								got += float64(v) * float64(w[o*p.inputs()+i])
							}
							want := float64(y[0][(s*p.out[0]+group*p.perOut+o)*p.area()+at])
							if math.Abs(got-want) > 1e-4 {
								t.Fatalf("sample %d, group %d, output %d, position %d: got %g, want %g", s, group, o, at, got, want)
							}
						}
					}
				}
			}
		})
	}
	g := newGraphOf(3, 4)
	g.add(t, "layer", &onnx.Gemm{Alpha: 1, Beta: 1}, g.random("w", 1, 4, 2), g.random("b", 0, 2))
	n := g.Nodes[0]
	if _, ok := patchesOf(quant.Layer{Node: n, Weights: n.Inputs[1]}); ok {
		t.Error("weights that are not transposed have no patches, got some")
	}
}
