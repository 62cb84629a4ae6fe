package quant

import (
	"fmt"
	"math"
)

// Levels are the equally spaced values an activation may take. Index i, a multiple of
// Stride in [0, Size()), stands for the value Step*(i-Zero); zero is always on the grid.
//
// Stride is 1 but for two signed levels, -Step and +Step: they are the indices 0 and 2
// of a grid of three whose middle, Zero, is what padding holds.
type Levels struct {
	Count  int     `json:"count"` // 2..256 values
	Step   float64 `json:"step"`  // > 0
	Zero   int     `json:"zero"`
	Stride int     `json:"stride"`
}

// NewLevels spaces count levels over [lo, hi]. The range is first widened to include
// zero, then shifted by less than half a step so that zero is one of the levels.
func NewLevels(count int, lo, hi float64) (Levels, error) {
	if count < 2 || count > 256 {
		return Levels{}, fmt.Errorf("quant: levels: got %d, want 2..256", count)
	}
	lo, hi = math.Min(lo, 0), math.Max(hi, 0)
	if !(hi > lo) || math.IsInf(hi-lo, 0) {
		return Levels{}, fmt.Errorf("quant: levels: range [%g, %g] is empty or not finite", lo, hi)
	}
	if count == 2 && lo < 0 && hi > 0 {
		return Levels{Count: 2, Step: math.Max(-lo, hi), Zero: 1, Stride: 2}, nil
	}
	step := (hi - lo) / float64(count-1)
	zero := int(math.Floor(-lo/step + 0.5))
	return Levels{Count: count, Step: step, Zero: zero, Stride: 1}, nil
}

// Size is the number of indices: the largest index plus one.
func (l Levels) Size() int { return (l.Count-1)*l.Stride + 1 }

// Value is the real value of index i.
func (l Levels) Value(i int) float64 { return l.Step * float64(i-l.Zero) }

// Min and Max are the outermost values.
func (l Levels) Min() float64 { return l.Value(0) }
func (l Levels) Max() float64 { return l.Value(l.Size() - 1) }

// Index is the index of the level nearest to v; halfway cases take the upper level.
// NaN becomes the lowest level.
func (l Levels) Index(v float64) int {
	k := math.Floor((v/l.Step+float64(l.Zero))/float64(l.Stride) + 0.5)
	if !(k > 0) {
		return 0
	}
	if k >= float64(l.Count-1) {
		return (l.Count - 1) * l.Stride
	}
	return int(k) * l.Stride
}

// Round is the value of the level nearest to v.
func (l Levels) Round(v float64) float64 { return l.Value(l.Index(v)) }
