package onnx

import "testing"

// TestClone changes everything a clone holds and looks whether the original notices.
func TestClone(t *testing.T) {
	g := twoLayers()
	g.Nodes[1].Op = &Conv{Kernel: []int{1, 1}}
	c := g.Clone()
	requireEqual(t, c, g)
	if c.Nodes[0].Inputs[1] != c.Nodes[4].Inputs[1] || c.Nodes[0].Outputs[0] != c.Outputs[1] {
		t.Error("a value that the graph shares is not shared in the clone")
	}
	c.Meta["author"] = "y"
	c.Nodes[0].Op.(*Gemm).Alpha = 7
	c.Nodes[1].Op.(*Conv).Kernel[0] = 7
	c.Nodes[0].Inputs[1].Const.Floats[0] = 7
	c.Nodes[0].Inputs[1].Const.Shape[0] = 7
	c.Nodes[0].Inputs[0] = nil
	c.Inputs[0].Name = "z"
	c.Inputs[0].Shape[1] = 7
	fresh := twoLayers()
	fresh.Nodes[1].Op = &Conv{Kernel: []int{1, 1}}
	requireEqual(t, g, fresh)
}
