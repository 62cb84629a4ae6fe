// Package quant turns a float network into an integer one: it decides where levels
// stand, brings channels of very different range together (see [Balancing]), clusters weights, and lowers the
// result to a [runtime.Program].
//
// Begin with [FromGraph], which makes a [Model] of a simplified graph. Package finetune fills its levels and clusters its weights;
// [Compile] then makes the program.
package quant

import (
	"fmt"
	"math"

	"qconv/onnx"
)

// Model is a simplified float graph together with all that makes it integer. It is
// stored as an ONNX file whose weights are already multiples of their codebook's
// unit and whose metadata hold the rest; see [Model.Encode].
type Model struct {
	Graph *onnx.Graph
	// Sites are the values that carry levels, in graph order: every one is computed in
	// float by its node and then rounded to Levels[name].
	Sites []Site
	// Levels by value name; filled by calibration, refined by fine-tuning.
	Levels map[string]Levels
	// Codebooks are integer centres, ascending; Weights refer to them by position.
	Codebooks [][]int32
	// Weights by initializer name: how a weight tensor is drawn from its codebook.
	Weights map[string]WeightCode
	// Balance says by which powers of two the channels of values are larger than in the network that was
	// imported, by value name; see [Balancing]. Values that are not in it are as they were.
	Balance map[string][]int
	// Exact says that a trainer elsewhere counts on the levels and weights as they are: the program loses nothing that it can keep. Without it, the units
	// that meet in an accumulator are brought together at the price of a small part of a level.
	Exact bool
	// Input is how pixels become the network's input.
	Input Preprocess
	// Pixels is what the network that was imported tells of its pixels; nil where that is nothing.
	Pixels *PixelHint
	// Labels are class names, by output index; may be empty.
	Labels []string
	// Source is the SHA-256 of the file that was imported.
	Source [32]byte
	// Producer names the program that made the model.
	Producer string
	// clustered says that [Cluster] chose the codebooks; changed are the weights, by name, that it did not leave as they were.
	clustered bool
	changed   []string
}

// WeightCode says that every element of a weight tensor is Unit times a centre of
// Codebooks[Codebook].
type WeightCode struct {
	Codebook int     `json:"codebook"`
	Unit     float64 `json:"unit"` // larger than 0
	// Units, one for each output channel, are in place of Unit, which is the largest of them then. Nil where all channels
	// have the same: only networks that come quantized by channel have others.
	Units []float64 `json:"units,omitempty"`
}

// NewModel finds the sites of a simplified graph. It fails with [onnx.UnsupportedError],
// naming all nodes concerned, when an operator has no integer form.
func NewModel(g *onnx.Graph) (*Model, error) {
	if err := checkGraph(g); err != nil {
		return nil, err
	}
	a := analyze(g)
	m := &Model{
		Graph:   g,
		Sites:   a.sites(),
		Levels:  map[string]Levels{},
		Weights: map[string]WeightCode{},
		Source:  g.SHA256,
	}
	for _, s := range m.Sites {
		if levels, ok := a.carried(s.Value); ok {
			m.Levels[s.Value.Name] = levels
		}
	}
	return m, nil
}

// WeightValues are the constants that are clustered, in graph order, each once.
func (m *Model) WeightValues() []*onnx.Value { return m.operands(1) }

// BiasValues are the biases of linear nodes, in graph order, each once.
func (m *Model) BiasValues() []*onnx.Value { return m.operands(2) }

// operands collects operand i of every node that has clustered weights.
func (m *Model) operands(i int) []*onnx.Value {
	var out []*onnx.Value
	seen := map[*onnx.Value]bool{}
	for _, n := range m.Graph.Nodes {
		switch n.Op.(type) {
		case *onnx.Conv, *onnx.ConvTranspose, *onnx.Gemm:
			if i < len(n.Inputs) && n.Inputs[i] != nil && !seen[n.Inputs[i]] {
				seen[n.Inputs[i]] = true
				out = append(out, n.Inputs[i])
			}
		}
	}
	return out
}

// indices finds the centre of every element of weights w among the given ones. A weight that is no centre, up to float32
// rounding, is an error: the weights were changed after they were clustered.
func (m *Model) indices(w *onnx.Value, centres []int32, code WeightCode) ([]uint16, error) {
	weights := w.Const.Floats
	units, channel := []float64{code.Unit}, func(int) int { return 0 }
	if code.Units != nil {
		var n int
		if channel, n = m.WeightChannels(w); n != len(code.Units) {
			return nil, fmt.Errorf("%d units for %d output channels", len(code.Units), n)
		}
		units = code.Units
	}
	values := make([][]float64, len(units))
	for ch, unit := range units {
		values[ch] = Expand(centres, unit)
	}
	out := make([]uint16, len(weights))
	for i, w := range weights {
		v := values[channel(i)]
		n := Nearest(v, float64(w))
		if tolerance := 1e-5 * math.Max(math.Abs(v[0]), math.Abs(v[len(v)-1])); math.Abs(v[n]-float64(w)) > tolerance {
			return nil, fmt.Errorf("element %d is %g, which is none of the %d centres; the weights were changed after they were clustered", i, w, len(centres))
		}
		out[i] = uint16(n)
	}
	return out, nil
}
