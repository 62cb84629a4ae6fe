package quant

import (
	"math"

	"qconv/onnx"
)

// Vanished is a tensor of weights that a codebook has no room for: all of its elements, which are not all zero, would become zero.
type Vanished struct {
	Weights  *onnx.Value
	Largest  float64 // magnitude among the weights
	Smallest float64 // magnitude among the centres that are not zero, in the unit of the weights; 0 where there are none
}

// Vanishing lists the tensors that [Cluster] would make zero. The model stays as it is.
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

// vanished says whether the nearest of the ascending centres is zero for all weights.
func vanished(w *onnx.Value, centres []float64, threshold float64) (v Vanished, gone bool) {
	v = Vanished{Weights: w}
	gone = true
	for _, x := range w.Const.Floats {
		size := math.Abs(float64(x))
		v.Largest = math.Max(v.Largest, size)
		gone = gone && (size <= threshold || centres[Nearest(centres, float64(x))] == 0)
	}
	for _, c := range centres {
		if size := math.Abs(c); size > 0 && (v.Smallest == 0 || size < v.Smallest) {
			v.Smallest = size
		}
	}
	return v, gone && v.Largest > 0
}
