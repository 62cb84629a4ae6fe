package quant

import (
	"math"

	"qconv/onnx"
)

// Vanished is a tensor of weights that a codebook has no room for: all of its elements would become the same number, zero or so near it that
// most of what they are is lost.
type Vanished struct {
	Weights *onnx.Value
	Centre  float64 // that they would become
	Largest float64 // magnitude among the weights
	Next    float64 // magnitude of the smallest centre beside that one, in the unit of the weights; 0 where there is none
}

// vanishedShare is the share of the squared weights that is lost at least.
const vanishedShare = 0.75

// Vanishing lists the tensors that [Cluster] would make nothing of. The model stays as it is.
func Vanishing(m *Model, cfg ClusterConfig) ([]Vanished, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	var list []Vanished
	for _, group := range Groups(m, cfg.Scope) {
		own := cfg.For(group.Values[0].Name)
		if _, frozen := m.Frozen(group, cfg); frozen {
			continue
		}
		if ints, _ := m.channelGrids(group, own, cfg.Scope); ints != nil {
			continue
		}
		book := own.Fit(group.Pool(), nil, 0)
		for i, w := range group.Values[:group.Weights] {
			centres := Expand(book.Ints, book.Unit*group.Scales[i])
			if v, gone := vanished(w, centres, book.Threshold*group.Scales[i]); gone {
				list = append(list, v)
			}
		}
	}
	return list, nil
}

// vanished says whether all weights, which are not all zero, go to the same of the ascending centres, far from them.
func vanished(w *onnx.Value, centres []float64, threshold float64) (v Vanished, gone bool) {
	v = Vanished{Weights: w}
	of := func(x float64) float64 {
		if math.Abs(x) <= threshold {
			return 0
		}
		return centres[Nearest(centres, x)]
	}
	squares, errors := 0.0, 0.0
	for i, element := range w.Const.Floats {
		x := float64(element)
		centre := of(x)
		if i > 0 && centre != v.Centre {
			return v, false
		}
		v.Centre = centre
		v.Largest = math.Max(v.Largest, math.Abs(x))
		squares += x * x
		errors += (x - centre) * (x - centre)
	}
	for _, c := range centres {
		if size := math.Abs(c); c != v.Centre && (v.Next == 0 || size < v.Next) {
			v.Next = size
		}
	}
	return v, v.Largest > 0 && errors >= vanishedShare*squares
}
