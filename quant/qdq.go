package quant

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"qconv/onnx"
)

// QDQ is a tuned model as an ONNX file for other runtimes, see [Model.QDQ].
type QDQ struct {
	File []byte
	// Weights counts the weight tensors in int8, Floats names those that stay float32, as their centres take more than eight bits.
	Weights int
	Floats  []string
}

// QDQ writes a model whose sites have levels and whose weights have codebooks in operators that other runtimes know: floating point
// with QuantizeLinear and DequantizeLinear of uint8 at every value that carries levels, and weights in int8 times a scale where
// their centres fit. It computes what the model does, but for halves: those that an integer program rounds up, QuantizeLinear
// rounds to the even level. Two signed levels have no such form and are an [*onnx.UnsupportedError].
func (m *Model) QDQ() (*QDQ, error) {
	var refused []onnx.UnsupportedNode
	for _, s := range m.Sites {
		l, ok := m.Levels[s.Value.Name]
		switch {
		case !ok:
			return nil, fmt.Errorf("quant: value %q has no levels; calibrate the model first", s.Value.Name)
		case l.Stride != 1:
			refused = append(refused, onnx.UnsupportedNode{Name: s.Value.Name, Op: "QuantizeLinear", Reason: "carries two signed levels without a zero, which no code of uint8 stands for"})
		}
	}
	if len(refused) > 0 {
		return nil, &onnx.UnsupportedError{Nodes: refused}
	}
	q := &QDQ{}
	byName := map[string]onnx.Codes{}
	for _, w := range m.WeightValues() {
		codes, err := m.weightCodes(w)
		if err != nil {
			return nil, fmt.Errorf("quant: weights %q: %w", w.Name, err)
		}
		if codes == nil {
			q.Floats = append(q.Floats, w.Name)
			continue
		}
		q.Weights++
		byName[w.Name] = *codes
	}
	g := m.Graph.Clone()
	g.Producer = m.Producer
	maps.DeleteFunc(g.Meta, func(key, _ string) bool { return strings.HasPrefix(key, "qconv.") })
	codes := map[*onnx.Value]onnx.Codes{}
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			if v != nil && v.Const != nil {
				if c, ok := byName[v.Name]; ok {
					codes[v] = c
				}
			}
		}
	}
	if err := m.insertLevels(g); err != nil {
		return nil, err
	}
	var err error
	q.File, err = onnx.EncodeQDQ(g, codes)
	return q, err
}

// weightCodes are weights as bytes; nil where they are none.
func (m *Model) weightCodes(w *onnx.Value) (*onnx.Codes, error) {
	code, ok := m.Weights[w.Name]
	if !ok {
		return nil, fmt.Errorf("have no codebook; fine-tune the model first")
	}
	centres := m.Codebooks[code.Codebook]
	indices, err := m.indices(w, centres, code)
	if err != nil {
		return nil, err
	}
	unit, largest := int32(0), int32(1) // what all centres in use are multiples of, and the largest multiple
	for _, i := range indices {
		unit = divisor(unit, centres[i])
	}
	unit = max(unit, 1)
	for _, i := range indices {
		v := centres[i] / unit
		largest = max(largest, v, -v)
	}
	if largest > math.MaxInt8 {
		return nil, nil
	}
	// Runtimes round biases to the scale of weights times that of activations: the finer, the better.
	times := math.MaxInt8 / largest
	finer := func(u float64) float32 { return float32(u * float64(unit) / float64(times)) }
	c := &onnx.Codes{Scales: []float32{finer(code.Unit)}}
	for _, i := range indices {
		c.Values = append(c.Values, int8(centres[i]/unit*times))
	}
	if code.Units != nil {
		c.Scales = nil
		for _, u := range code.Units {
			c.Scales = append(c.Scales, finer(u))
		}
		for _, n := range m.Graph.Nodes {
			if op, ok := n.Op.(*onnx.ConvTranspose); ok && n.Inputs[1] == w {
				if op.Groups > 1 { // channels of several groups share a position
					return nil, nil
				}
				c.Axis = 1
			}
		}
	}
	return c, nil
}

// divisor is the greatest common one; 0 has all.
func divisor(a, b int32) int32 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, -a)
}

// insertLevels puts a Quantize node behind every site of g, a copy of m's graph, and in front of what begins with the levels of another. Names of outputs stay.
func (m *Model) insertLevels(g *onnx.Graph) error {
	names := map[string]bool{}
	for _, n := range g.Nodes {
		names[n.Name] = true
		for _, v := range append(slices.Clone(n.Inputs), n.Outputs...) {
			if v != nil {
				names[v.Name] = true
			}
		}
	}
	fresh := func(name string) string {
		for names[name] {
			name += "_"
		}
		names[name] = true
		return name
	}
	quantized := func(v, rounded *onnx.Value, l Levels) *onnx.Node {
		return &onnx.Node{Name: fresh(rounded.Name + ".quantize"), Inputs: []*onnx.Value{v}, Outputs: []*onnx.Value{rounded},
			Op: &onnx.Quantize{Scale: l.Step, Zero: l.Zero, Hi: l.Count - 1}}
	}
	var nodes []*onnx.Node
	after := func(v *onnx.Value, computed bool) {
		l, ok := m.Levels[v.Name]
		if !ok || !slices.ContainsFunc(m.Sites, func(s Site) bool { return s.Value.Name == v.Name }) {
			return
		}
		rounded := &onnx.Value{Name: v.Name, Shape: v.Shape, Type: v.Type}
		if computed {
			v.Name = fresh(v.Name + ".real")
		} else {
			rounded.Name = fresh(v.Name + ".levels")
		}
		for _, n := range g.Nodes {
			for i, in := range n.Inputs {
				if in == v {
					n.Inputs[i] = rounded
				}
			}
		}
		for i, out := range g.Outputs {
			if out == v && computed {
				g.Outputs[i] = rounded
			}
		}
		nodes = append(nodes, quantized(v, rounded, l))
	}
	for _, v := range g.Inputs {
		after(v, false)
	}
	shared := map[string]Levels{}
	for v, site := range SharedLevels(m.Graph) {
		shared[v.Name] = m.Levels[site.Name]
	}
	for _, n := range g.Nodes {
		if _, ok := n.Op.(*onnx.LoopState); ok {
			if l, ok := shared[n.Outputs[0].Name]; ok {
				begin := n.Inputs[0]
				rounded := &onnx.Value{Name: fresh(n.Outputs[0].Name + ".begin"), Shape: begin.Shape, Type: begin.Type}
				nodes = append(nodes, quantized(begin, rounded, l))
				n.Inputs[0] = rounded
			}
		}
		nodes = append(nodes, n)
		if _, own := n.Op.(*onnx.Quantize); own {
			continue // it rounds to its levels itself
		}
		for _, v := range n.Outputs {
			after(v, true)
		}
	}
	g.Nodes = nodes
	return g.OrderLoops()
}
