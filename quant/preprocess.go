package quant

import (
	"fmt"

	"qconv/onnx"
)

// Preprocess turns pixels (0..255) into the network's input, per channel:
//
//	x = (pixel*Scale - Mean) / Std
//
// Each list has one entry for all channels or one per channel; an empty Scale, Mean or
// Std means 1, 0 or 1. It is chosen once and then travels with the model.
type Preprocess struct {
	Scale []float64 `json:"scale,omitempty"`
	Mean  []float64 `json:"mean,omitempty"`
	Std   []float64 `json:"std,omitempty"`
	// Resize is the height and width pictures are scaled to; zero keeps the network's.
	Resize [2]int `json:"resize,omitempty"`
	// Features says which features of sound enter the network, as package features of finetune describes them; empty where sound enters as it is.
	Features string `json:"features,omitempty"`
	// Given says that the user (or an earlier stage) chose the values; without it the
	// defaults above are only an assumption.
	Given bool `json:"given,omitempty"`
}

// Apply is the input value of pixel in channel c.
func (p Preprocess) Apply(c int, pixel float64) float64 {
	return (pixel*at(p.Scale, c, 1) - at(p.Mean, c, 0)) / at(p.Std, c, 1)
}

// checkGraph reports a list that fits neither one nor all of the channels, or a zero in Std.
func (p Preprocess) Check(channels int) error {
	for _, l := range []struct {
		name string
		v    []float64
	}{{"scale", p.Scale}, {"mean", p.Mean}, {"std", p.Std}} {
		if n := len(l.v); n > 1 && n != channels {
			return fmt.Errorf("quant: preprocessing: %s has %d entries, want 1 or %d (the channels of the input)", l.name, n, channels)
		}
	}
	for _, s := range p.Std {
		if s == 0 {
			return fmt.Errorf("quant: preprocessing: std has an entry 0, want a positive number")
		}
	}
	return nil
}

// at is entry c of a list that holds one value for all channels, one per channel, or none.
func at(list []float64, c int, otherwise float64) float64 {
	switch {
	case len(list) == 0:
		return otherwise
	case len(list) == 1:
		return list[0]
	}
	return list[c]
}

// TakesPixels says whether pixels enter the network through input v of g, and so are preprocessed: the only input
// always, of several those that are pictures, [C,H,W].
func (p Preprocess) TakesPixels(g *onnx.Graph, v *onnx.Value) bool {
	shape := SampleShape(v.Shape)
	return len(g.Inputs) == 1 || len(shape) == 3 && p.Check(shape[0]) == nil
}
