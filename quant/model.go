// Package quant turns a float network into an integer one: it decides where levels
// stand, clusters weights, and lowers the result to a [runtime.Program].
package quant

import "qconv/onnx"

// Model is a simplified float graph together with all that makes it integer. It is
// stored as an ONNX file whose weights are already multiples of their codebook's
// unit and whose metadata hold the rest.
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
	// Input is how pixels become the network's input.
	Input Preprocess
	// Labels are class names, by output index; may be empty.
	Labels []string
}

// WeightCode says that every element of a weight tensor is Unit times a centre of
// Codebooks[Codebook].
type WeightCode struct {
	Codebook int     `json:"codebook"`
	Unit     float64 `json:"unit"`
}
