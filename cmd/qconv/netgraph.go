package main

import (
	"fmt"
	"image/color"
	"strings"

	"qconv/cmd/qconv/internal/page"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
)

// mostBoxes bounds the boxes of a drawn network: beyond it a drawing tells nobody anything.
const mostBoxes = 3000

// addGraph adds the drawing of a network.
func addGraph(s *page.Section, g page.Graph) error {
	if len(g.Boxes) > mostBoxes {
		s.Text("The network has %d parts, too many to draw (at most %d).", len(g.Boxes), mostBoxes)
		return nil
	}
	d, err := page.DrawGraph(g)
	if err != nil {
		return err
	}
	s.Scroll(page.Figure{Image: d})
	return nil
}

// programGraph draws the instructions of a program, which info describes.
func programGraph(p *qrt.Program, info *programInfo) page.Graph {
	var g page.Graph
	box := map[int]int{} // by tensor
	shape := func(t *qrt.Tensor) string {
		if t.Levels == 0 {
			return fmt.Sprintf("%s, 32 bits", dims(t.Shape[:]))
		}
		return fmt.Sprintf("%s, %d levels", dims(t.Shape[:]), t.Levels)
	}
	for i := range p.Inputs {
		t := p.Inputs[i].Tensor
		box[t] = len(g.Boxes)
		name := p.Inputs[i].Name
		if name == "" {
			name = "input"
		}
		g.Boxes = append(g.Boxes, page.Box{Title: name, Lines: []string{shape(&p.Tensors[t]), ""}, Color: page.Gray})
	}
	for i, instr := range p.Instrs {
		at := len(g.Boxes)
		for _, t := range instr.Srcs() {
			if from, ok := box[t]; ok {
				g.Arrows = append(g.Arrows, [2]int{from, at})
			}
		}
		box[instr.Dst()] = at
		l := &info.Layers[i]
		hover := fmt.Sprintf("%s\n%s MACs, %s weights in %s bytes", l.Name, grouped(l.MACs), grouped(l.Weights), grouped(l.CodedBytes))
		g.Boxes = append(g.Boxes, page.Box{Title: fmt.Sprintf("%d %s", i, instrTitle(p, instr)), Lines: []string{shape(&p.Tensors[instr.Dst()]), l.Kernel},
			Hover: hover, Color: instrColor(instr)})
	}
	for _, o := range p.Outputs {
		g.Arrows = append(g.Arrows, [2]int{box[o.Tensor], len(g.Boxes)})
		g.Boxes = append(g.Boxes, page.Box{Title: o.Name, Lines: []string{shape(&p.Tensors[o.Tensor]), ""}, Color: page.Gray})
	}
	return g
}

// instrTitle says what an instruction does: the kind and windows of its maps.
func instrTitle(p *qrt.Program, instr qrt.Instr) string {
	switch i := instr.(type) {
	case *qrt.Linear:
		var terms []string
		for k := range i.Terms {
			terms = append(terms, termTitle(p, i.Out, &i.Terms[k]))
		}
		return strings.Join(terms, " + ")
	case *qrt.MaxPool:
		return "max pool " + window(i.Kernel, i.Stride)
	case *qrt.Map:
		return "table"
	case *qrt.Map2:
		return "table of two"
	case *qrt.ArgMax:
		return "position of the largest"
	case *qrt.MatMul:
		return "product of matrices"
	case *qrt.Copy:
		return "move"
	}
	return opName(instr)
}

func termTitle(p *qrt.Program, out int, t *qrt.Term) string {
	in, result := p.Tensors[t.In].Shape, p.Tensors[out].Shape
	kind := "conv"
	switch {
	case t.Up != [2]int{1, 1}:
		kind = "transposed conv"
	case t.Groups > 1 && t.Groups == in[0] && in == result && t.Kernel == [2]int{1, 1}:
		return "input as it is"
	case t.Groups > 1 && t.Groups == in[0]:
		kind = "depthwise"
	case t.Groups == 1 && result[1] == 1 && result[2] == 1 && t.Kernel == [2]int{in[1], in[2]}:
		return "dense"
	case t.Groups > 1:
		kind = fmt.Sprintf("conv of %d groups", t.Groups)
	}
	return kind + " " + window(t.Kernel, t.Stride)
}

// window is a kernel and, where it is not 1, its stride: 3x3/2.
func window(kernel, stride [2]int) string {
	text := fmt.Sprintf("%dx%d", kernel[0], kernel[1])
	switch {
	case stride == [2]int{1, 1}:
	case stride[0] == stride[1]:
		text += fmt.Sprintf("/%d", stride[0])
	default:
		text += fmt.Sprintf("/%dx%d", stride[0], stride[1])
	}
	return text
}

func instrColor(instr qrt.Instr) color.RGBA {
	switch instr.(type) {
	case *qrt.Linear, *qrt.MatMul:
		return page.Blue
	case *qrt.MaxPool:
		return page.Teal
	case *qrt.Map, *qrt.Map2:
		return page.Orange
	case *qrt.ArgMax:
		return page.Purple
	}
	return page.Green
}

// dims is a shape: 16x8x8.
func dims(shape []int) string {
	var parts []string
	for _, d := range shape {
		if d == onnx.Batch {
			parts = append(parts, "N")
			continue
		}
		parts = append(parts, fmt.Sprint(d))
	}
	return strings.Join(parts, "x")
}

// modelGraph draws the nodes of an ONNX network, with the levels of a model's values.
func modelGraph(g *onnx.Graph, levels map[string]quant.Levels) page.Graph {
	var out page.Graph
	box, cost := map[*onnx.Value]int{}, onnx.Costs(g)
	shape := func(v *onnx.Value) string {
		text := dims(v.Shape)
		if l, ok := levels[v.Name]; ok {
			text += fmt.Sprintf(", %d levels", l.Count)
		}
		return text
	}
	for _, v := range g.Inputs {
		box[v] = len(out.Boxes)
		out.Boxes = append(out.Boxes, page.Box{Title: v.Name, Lines: []string{shape(v), ""}, Color: page.Gray})
	}
	for _, n := range g.Nodes {
		at := len(out.Boxes)
		for _, v := range n.Inputs {
			if v == nil {
				continue
			}
			if from, ok := box[v]; ok {
				out.Arrows = append(out.Arrows, [2]int{from, at})
			}
		}
		for _, v := range n.Outputs {
			if v != nil {
				box[v] = at
			}
		}
		parameters, macs := cost(n)
		hover := fmt.Sprintf("%s\n%s parameters, %s MACs", n.Outputs[0].Name, grouped(parameters), grouped(macs))
		out.Boxes = append(out.Boxes, page.Box{Title: n.Op.Type(), Lines: []string{shape(n.Outputs[0]), n.Name}, Hover: hover, Color: nodeColor(n.Op)})
	}
	for _, v := range g.Outputs {
		if from, ok := box[v]; ok {
			out.Arrows = append(out.Arrows, [2]int{from, len(out.Boxes)})
		}
		out.Boxes = append(out.Boxes, page.Box{Title: v.Name, Lines: []string{shape(v), ""}, Color: page.Gray})
	}
	return out
}

func nodeColor(op onnx.Op) color.RGBA {
	switch op.(type) {
	case *onnx.Conv, *onnx.ConvTranspose, *onnx.Gemm:
		return page.Blue
	case *onnx.MaxPool, *onnx.AveragePool, *onnx.GlobalAveragePool, *onnx.Reduce:
		return page.Teal
	case onnx.Scalar:
		return page.Orange
	case onnx.Pair:
		return page.Purple
	}
	return page.Green
}
