package quant

import (
	"math"
	"slices"

	"qconv/onnx"
)

// Even are whole numbers Low, Low+Stride, ... High.
type Even struct{ Low, High, Stride float64 }

// EvenlySpaced describes the ascending integers of a [KindInteger] codebook.
func EvenlySpaced(ints []int32) Even {
	e := Even{Low: float64(ints[0]), High: float64(ints[len(ints)-1]), Stride: 1}
	if len(ints) > 1 {
		e.Stride = float64(ints[1] - ints[0])
	}
	return e
}

// Nearest is the one nearest to v, the upper one of two equally near.
func (e Even) Nearest(v float64) float64 {
	return math.Min(math.Max(e.Low+e.Stride*math.Floor((v-e.Low)/e.Stride+0.5), e.Low), e.High)
}

// Range is where every v is at most half a stride from the nearest.
func (e Even) Range() (lo, hi float64) { return e.Low - e.Stride/2, e.High + e.Stride/2 }

// UnitChannels says to which unit each element of clustered weights belongs where channels have units of their own, and how many there
// are; 0 where all elements share one: those of nodes whose accumulator is an output, and of nodes that disagree about channels.
func (m *Model) UnitChannels(w *onnx.Value, cfg ClusterConfig) (channel func(i int) int, channels int) {
	if cfg.For(w.Name).Units != UnitChannel {
		return nil, 0
	}
	for _, l := range m.Layers() {
		if l.Weights == w && l.Site == nil {
			return nil, 0
		}
	}
	return m.WeightChannels(w)
}

// FitUnits finds the integers of a [KindInteger] codebook and, for each channel of weights, the unit of least squared error.
func (c ClusterConfig) FitUnits(weights []float32, channel func(i int) int, channels int) Fitted {
	rows := make([][]float32, channels)
	for i, w := range weights {
		rows[channel(i)] = append(rows[channel(i)], w)
	}
	f := Fitted{Ints: integersAround(c.Weights), Units: make([]float64, channels)}
	for ch, row := range rows {
		if slices.ContainsFunc(row, func(v float32) bool { return v != 0 }) {
			_, f.Units[ch] = integerCentres(row, c.Weights)
		}
	}
	largest := math.Max(slices.Max(f.Units), 1e-30)
	for ch, unit := range f.Units {
		if !(unit > 0) { // all its weights are zero
			f.Units[ch] = largest * deadUnit
		}
	}
	f.Unit = slices.Max(f.Units)
	f.Centres = Expand(f.Ints, f.Unit)
	return f
}

// deadUnit is the unit of a channel whose weights are all zero, as a part of the largest: as good as none where zero is no centre.
const deadUnit = 1e-3

// AssignUnits replaces weights by the nearest of the evenly spaced integers times the unit of their channel. dst may be w.
func AssignUnits(dst, w []float32, ints []int32, units []float64, channel func(i int) int) {
	even := EvenlySpaced(ints)
	for i, v := range w {
		unit := units[channel(i)]
		dst[i] = float32(unit * even.Nearest(float64(v)/unit))
	}
}
