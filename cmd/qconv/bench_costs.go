package main

import "math"

// instructionCost says how many instructions a kernel takes: for each unit of its own cost, and for each element that it delivers.
type instructionCost struct{ cost, output float64 }

func (k instructionCost) of(l targetLayer) int64 {
	return int64(math.Round(k.cost*float64(l.Cost) + k.output*float64(l.Outputs)))
}

// inputInstructions are those of a byte of input.
const inputInstructions = 6

// instructionCosts are by GOARCH and kernel.
var instructionCosts = map[string]map[string]instructionCost{
	"arm":   {"grouped": {1, 0}},
	"arm64": {"grouped": {1, 0}},
}
