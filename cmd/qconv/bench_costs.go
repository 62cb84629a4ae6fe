package main

import (
	"math"

	qrt "qconv/runtime"
)

// unevenInstructions are those of an output whose step function is not even, as that of tanh: its level is searched for.
const unevenInstructions = 50

// uneven says that the steps between a Linear's breaks differ by more than rounding.
func uneven(p *qrt.Program, i qrt.Instr) bool {
	l, ok := i.(*qrt.Linear)
	if !ok {
		return false
	}
	for _, s := range l.Steps {
		breaks := p.Steps[s].Breaks
		for k := 2; k < len(breaks); k++ {
			if d := int64(breaks[k]) - 2*int64(breaks[k-1]) + int64(breaks[k-2]); d < -2 || d > 2 {
				return true
			}
		}
	}
	return false
}

// instructionCost says how many instructions a kernel takes: for each unit of its own cost, and for each element that it delivers.
type instructionCost struct{ cost, output float64 }

func (k instructionCost) of(l targetLayer) int64 {
	return int64(math.Round(k.cost*float64(l.Cost) + k.output*float64(l.Outputs)))
}

// Instructions for each level that an output holds, which becomes an int32, and for each call of a layer.
const (
	widenInstructions = 8
	callInstructions  = 200
)

// instructionCosts are by GOARCH and kernel. They come close to the layers of six networks with 16 and 256 weights, counted by
// qconv bench --target; those of copies, maps and ArgMax over the networks that the differential suite draws, those of MatMul to the two
// of an attention block of 4 heads over 16 positions.
var instructionCosts = map[string]map[string]instructionCost{
	"arm": {
		"grouped": {2.1, 6}, "sorted": {2.3, 0}, "patched": {2.3, 0}, "products": {2.1, 8}, "pooled": {5.8, 121}, "generic": {2.1, 40},
		"maxpool": {10.2, 2.6}, "map": {8, 0}, "map2": {31, 0}, "copy": {5, 0}, "argmax": {28, 0}, "matmul": {8.9, 42},
	},
	"arm64": {
		"grouped": {1.16, 1.3}, "sorted": {1.3, 0}, "patched": {1.3, 0}, "depthwise": {1.54, 1.9}, "products": {2.2, 10}, "pooled": {1.8, 118}, "generic": {2.1, 50},
		"maxpool": {0.57, 0.14}, "map": {1, 0}, "map2": {17.7, 0}, "copy": {2, 0}, "argmax": {21, 0}, "matmul": {10.6, 36},
	},
}

// aroundLayers are the instructions that bring a sample in and the results out.
func aroundLayers(p *qrt.Program, costs map[string]instructionCost) (n int64) {
	for i := range p.Inputs {
		if in := &p.Inputs[i]; in.Tables != nil {
			n += costs["map"].of(targetLayer{Cost: int64(p.Tensors[in.Tensor].Elems())})
		}
	}
	for _, o := range p.Outputs {
		if t := &p.Tensors[o.Tensor]; t.Levels > 0 {
			n += widenInstructions * int64(t.Elems())
		}
	}
	return n
}
