package quant

import (
	"math"
	"slices"

	"qconv/onnx"
)

// Weights that come quantized are whole multiples of one number for a tensor, or of one for each output channel. Then
// these integers are the centres, and the numbers their units: nothing is clustered, and nothing lost. They are
// found in the real weights, so it does not matter in which of its spellings a file quantizes, nor what was folded into channels since.

// byteReach is the largest magnitude of codes of one byte less their zero point.
const byteReach = 255

// reach is the largest integer that weights on a grid may have.
func (c ClusterConfig) reach() int {
	reach := 1<<(c.CentreBits()-1) - 1
	if c.Bits == 0 {
		reach = max(reach, byteReach)
	}
	return reach
}

// gridTolerance is how far off a grid a centre may lie, as a part of the largest: the rounding of float32.
const gridTolerance = 1e-6

// grid finds the coarsest unit of which all values are whole multiples, the greatest at most the given one; 0 where there is none.
// Where float32 products of the integers and a float32 unit are the values to the bit, that is the unit.
func grid(values []float32, reach int) (unit float64) {
	largest := 0.0
	for _, v := range values {
		largest = math.Max(largest, math.Abs(float64(v)))
	}
	if largest == 0 || math.IsInf(largest, 0) {
		return 0
	}
next:
	for top := 1; top <= reach; top++ {
		unit = largest / float64(top)
		for _, v := range values {
			if math.Abs(float64(v)-math.Round(float64(v)/unit)*unit) > gridTolerance*largest {
				continue next
			}
		}
		return exactUnit(values, unit)
	}
	return 0
}

// exactUnit is the float32 number next to unit whose float32 products with integers are the values; unit where there is none.
func exactUnit(values []float32, unit float64) float64 {
	near := float32(unit)
	for _, u := range []float32{near, math.Nextafter32(near, 0), math.Nextafter32(near, math.MaxFloat32)} {
		if !slices.ContainsFunc(values, func(v float32) bool { return float32(math.Round(float64(v)/unit))*u != v }) {
			return float64(u)
		}
	}
	return unit
}

// channelGrids finds a unit for each output channel of clustered weights: integers of a magnitude of at most reach, of which there are
// at most so many, times these are the weights. Nil where there are none, or where as many channels as weights prove nothing.
func channelGrids(weights []float32, channel func(i int) int, channels, reach, most int) (ints []int32, units []float64) {
	if channels < 2 || len(weights) <= channels {
		return nil, nil
	}
	rows := make([][]float32, channels)
	for i, w := range weights {
		rows[channel(i)] = append(rows[channel(i)], w)
	}
	units = make([]float64, channels)
	seen := map[int32]bool{}
	for ch, row := range rows {
		unit := grid(row, reach)
		if unit == 0 && slices.ContainsFunc(row, func(w float32) bool { return w != 0 }) {
			return nil, nil
		}
		units[ch] = unit
		for _, w := range row {
			k := int32(0)
			if unit > 0 {
				k = int32(math.Round(float64(w) / unit))
			}
			if !seen[k] {
				seen[k] = true
				ints = append(ints, k)
			}
			if len(ints) > most {
				return nil, nil
			}
		}
	}
	largest := slices.Max(units)
	if largest == 0 {
		return nil, nil
	}
	for ch, unit := range units {
		if unit == 0 {
			units[ch] = largest // all its weights are zero
		}
	}
	slices.Sort(ints)
	return ints, units
}

// channelGrids are those of the one tensor of a group, where the configuration leaves weights that come quantized as they are and no
// single unit does for all channels.
func (m *Model) channelGrids(g Group, own ClusterConfig, scope Scope) (ints []int32, units []float64) {
	if scope != ScopeLayer || own.Codebook == KindInteger || own.Prune > 0 {
		return nil, nil
	}
	w := g.Values[0]
	channel, channels := m.WeightChannels(w)
	if channels < 2 || grid(w.Const.Floats, own.reach()) != 0 {
		return nil, nil
	}
	return channelGrids(w.Const.Floats, channel, channels, own.reach(), own.Weights)
}

// WeightChannels says to which output channel each element of clustered weights belongs, and how many there are; 0 where nodes
// that share them differ in that.
func (m *Model) WeightChannels(w *onnx.Value) (channel func(i int) int, channels int) {
	type layout struct {
		transposed      bool
		outputs, groups int
	}
	var l layout
	for _, n := range m.Graph.Nodes {
		if len(n.Inputs) < 2 || n.Inputs[1] != w {
			continue
		}
		own := layout{outputs: imageShape(n.Outputs[0].Shape)[0], groups: 1}
		switch op := n.Op.(type) {
		case *onnx.ConvTranspose:
			own.transposed, own.groups = true, op.Groups
		case *onnx.Conv:
		case *onnx.Gemm:
			if !op.TransB {
				return nil, 0
			}
			own.outputs = w.Shape[0]
		default:
			return nil, 0
		}
		if l.outputs != 0 && l != own {
			return nil, 0
		}
		l = own
	}
	size := len(w.Const.Floats)
	if l.outputs == 0 || size%l.outputs != 0 {
		return nil, 0
	}
	if !l.transposed {
		row := size / l.outputs
		return func(i int) int { return i / row }, l.outputs
	}
	// [C][O/g][kernel]: the outputs of a group follow each other in every input.
	perOut, inputs := l.outputs/l.groups, w.Shape[0]/l.groups
	area := size / (w.Shape[0] * perOut)
	return func(i int) int { return i/(area*perOut)/inputs*perOut + i/area%perOut }, l.outputs
}
