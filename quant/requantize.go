package quant

import (
	"fmt"
	"math"
	"sort"

	"qconv/runtime"
)

// scan is how many equal parts of the accumulator's range are looked at one by one when a
// step function is made. Within one part the function is taken to rise or fall throughout.
const scan = 4096

// stepFunction is the requantization of one layer as a table: for every accumulator acc in
// [lo, hi],
//
//	Level(acc) = levels.Index(f(acc*unit + offset))
//
// where f applies funcs, as they are for channel, in order. Breaks are found by bisection, so they are exact for any
// function that does not turn around within a part of [scan].
func stepFunction(funcs []*function, channel int, unit, offset float64, levels Levels, lo, hi int64) (runtime.Step, error) {
	level := func(acc int64) int {
		return levels.Index(evaluate(funcs, channel, float64(acc)*unit+offset))
	}
	step := runtime.Step{Values: []uint8{uint8(level(lo))}}
	// Divide before multiplying: hi-lo may have 32 bits.
	part := max((hi-lo)/scan, 1)
	for from := lo; from < hi; {
		to := min(from+part, hi)
		for a, b := level(from), level(to); a != b; a = level(from) {
			// The first accumulator in (from, to] whose level is not a any more.
			n := sort.Search(int(to-from-1), func(i int) bool { return level(from+1+int64(i)) != a })
			from += 1 + int64(n)
			step.Breaks = append(step.Breaks, int32(from))
			step.Values = append(step.Values, uint8(level(from)))
		}
		from = to
	}
	if len(step.Breaks) > maxBreaks {
		return step, fmt.Errorf("the function changes its level %d times, want at most %d", len(step.Breaks), maxBreaks)
	}
	return step, nil
}

// maxBreaks bounds a step function: a function may run through all 256 levels a few times.
const maxBreaks = 4096

// lookup is the table of a function between two sets of levels.
func lookup(funcs []*function, channel int, in, out Levels) []uint8 {
	table := make([]uint8, in.Size())
	for i := range table {
		table[i] = uint8(out.Index(evaluate(funcs, channel, in.Value(i))))
	}
	return table
}

// inputTables map pixel values to levels, one table per channel, or one for all where
// neither preprocessing nor shifts, the powers of two that a step is larger by in each channel, tell channels apart. Funcs are applied before the levels are taken.
func inputTables(p Preprocess, levels Levels, channels int, shifts []int8, funcs []*function) [][]uint8 {
	if len(p.Scale) <= 1 && len(p.Mean) <= 1 && len(p.Std) <= 1 && shifts == nil {
		channels = 1
	}
	tables := make([][]uint8, channels)
	for c := range tables {
		tables[c] = make([]uint8, 256)
		for pixel := range tables[c] {
			x := p.Apply(c, float64(pixel))
			if shifts != nil {
				x = math.Ldexp(x, -int(shifts[c]))
			}
			tables[c][pixel] = uint8(levels.Index(evaluate(funcs, c, x)))
		}
	}
	return tables
}

// InputLevels are the levels that hold all values pixels can take after preprocessing.
func InputLevels(p Preprocess, channels, count int) (Levels, error) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for c := range channels {
		for _, pixel := range []float64{0, 255} {
			lo = math.Min(lo, p.Apply(c, pixel))
			hi = math.Max(hi, p.Apply(c, pixel))
		}
	}
	return NewLevels(count, lo, hi)
}
