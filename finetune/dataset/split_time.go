package dataset

import (
	"math"
	"slices"
)

// How windows are divided.
const (
	leastFiles = 10 // fewer do not divide well by whole files
	stretches  = 20 // of time, at most, that the windows of fewer files are put together in
	overlaps   = 4  // times as many windows in a stretch as overlap one
)

// timed is the store of a set, or of one of its further inputs, whose samples are parts of recordings, as a function of the sample; nil where there is none.
func (s *Set) timed() func(i int) (file, from, to int) {
	for _, in := range s.Inputs() {
		if st, ok := in.store.(timed); ok {
			return func(i int) (file, from, to int) { return st.span(int(in.index[i])) }
		}
	}
	return nil
}

// units are the samples that have to stay together when some are held out.
func (s *Set) units() ([][]int, Division) {
	span := s.timed()
	if span == nil || s.Len() == 0 {
		return nil, BySample
	}
	order := identityInts(s.Len())
	slices.SortStableFunc(order, func(a, b int) int {
		fa, ta, _ := span(a)
		fb, tb, _ := span(b)
		if fa != fb {
			return fa - fb
		}
		return ta - tb
	})
	var files [][]int
	before := -1
	for _, i := range order {
		file, _, _ := span(i)
		if len(files) == 0 || file != before {
			files = append(files, nil)
		}
		files[len(files)-1] = append(files[len(files)-1], i)
		before = file
	}
	if len(files) == len(order) {
		return nil, BySample // every sample is a recording
	}
	if len(files) >= leastFiles {
		return files, ByFile
	}
	var units [][]int
	for _, windows := range files {
		// A stretch is as many windows as there are in a share of all stretches, but long beside those that overlap at its ends; and every file has two.
		size := max((s.Len()+stretches-1)/stretches, overlaps*overlapping(windows, span))
		size = max(1, min(size, (len(windows)+1)/2))
		for len(windows) > 0 {
			n := min(size, len(windows))
			units, windows = append(units, windows[:n]), windows[n:]
		}
	}
	return units, ByTime
}

// overlapping is how many windows of a file overlap its first one, which is among them.
func overlapping(windows []int, span func(i int) (file, from, to int)) int {
	_, _, end := span(windows[0])
	n := 0
	for _, i := range windows {
		if _, from, _ := span(i); from >= end {
			break
		}
		n++
	}
	return n
}

// chooseLarge chooses which units are held out: they are taken in an order by seed, each where it brings the samples of its classes, and of all, nearer to the
// fraction.
func chooseLarge(set *Set, units [][]int, fraction float64, seed uint64) []bool {
	classOf := func(i int) int { return 0 }
	if set.Labels != nil {
		classOf = func(i int) int { return set.Labels[i] }
	}
	have, want := make([]float64, max(len(set.Classes), 1)), make([]float64, max(len(set.Classes), 1))
	for i := range set.Len() {
		want[classOf(i)] += fraction
	}
	total, all := 0.0, math.Round(fraction*float64(set.Len()))
	chosen := make([]bool, set.Len())
	for _, u := range permutation(len(units), seed) {
		gain, n := 0.0, float64(len(units[u]))
		for _, i := range units[u] {
			if c := classOf(i); have[c]+0.5 <= want[c] {
				gain++
			}
		}
		if gain < n/2 || math.Abs(total+n-all) >= math.Abs(total-all) {
			continue
		}
		total += n
		for _, i := range units[u] {
			chosen[i] = true
			have[classOf(i)]++
		}
	}
	return chosen
}

// apartFrom are the samples of a list that share no step with those of another.
func (s *Set) apartFrom(list, others []int) []int {
	span := s.timed()
	type interval struct{ from, to int }
	taken := map[int][]interval{}
	for _, i := range others {
		file, from, to := span(i)
		taken[file] = append(taken[file], interval{from, to})
	}
	for file, list := range taken {
		slices.SortFunc(list, func(a, b interval) int { return a.from - b.from })
		merged := list[:0]
		for _, v := range list {
			if n := len(merged); n > 0 && v.from <= merged[n-1].to {
				merged[n-1].to = max(merged[n-1].to, v.to)
			} else {
				merged = append(merged, v)
			}
		}
		taken[file] = merged
	}
	return slices.DeleteFunc(slices.Clone(list), func(i int) bool {
		file, from, to := span(i)
		stretches := taken[file]
		k, _ := slices.BinarySearchFunc(stretches, from, func(v interval, from int) int {
			if v.to > from {
				return 1
			}
			return -1
		})
		return k < len(stretches) && stretches[k].from < to
	})
}
