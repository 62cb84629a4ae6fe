package dataset

import (
	"math"
	"slices"
)

// Split divides a set by seed into train and val, which get 1-fraction and fraction of
// the samples (rounded), of every class in proportion. Both keep the order of set. A
// fraction outside 0..1 counts as the nearer end. Windows of recordings are divided by files or stretches of time, see [Divide].
func Split(set *Set, fraction float64, seed uint64) (train, val *Set) {
	train, val, _ = Divide(set, fraction, seed)
	return train, val
}

// Division says how a set was divided.
type Division string

const (
	// BySample divides samples one by one.
	BySample Division = "samples"
	// ByFile keeps the windows of a file together.
	ByFile Division = "files"
	// ByTime keeps the windows of a stretch of time together, and leaves out of the first part those that overlap one of the second.
	ByTime Division = "stretches of time"
)

// Divide is Split, and says how: windows of recordings, which neighbours in time are nearly alike and may overlap, by whole files where there are enough, and otherwise by
// stretches of time.
func Divide(set *Set, fraction float64, seed uint64) (train, val *Set, how Division) {
	if !(fraction > 0) {
		fraction = 0
	}
	fraction = min(fraction, 1)
	units, how := set.units()
	inVal := chooseUnits(set, units, fraction, seed)
	var t, v []int
	for i, in := range inVal {
		if in {
			v = append(v, i)
		} else {
			t = append(t, i)
		}
	}
	if how == ByTime {
		t = set.apartFrom(t, v)
	}
	return set.Subset(t), set.Subset(v), how
}

// chooseUnits chooses, by seed, which samples are the fraction that is held out, of every class in proportion. Those of a unit go the same way; nil are units of
// one sample each.
func chooseUnits(set *Set, units [][]int, fraction float64, seed uint64) []bool {
	n := set.Len()
	if units != nil {
		return chooseLarge(set, units, fraction, seed)
	}
	groups := make([][]int, max(len(set.Classes), 1))
	for _, i := range permutation(n, seed) {
		g := 0
		if set.Labels != nil {
			g = set.Labels[i]
		}
		groups[g] = append(groups[g], i)
	}

	// Every class gives the whole part of its share; what is missing in the sum comes
	// from the classes with the largest remainders.
	take, rest := make([]int, len(groups)), make([]int, len(groups))
	missing := int(math.Round(fraction * float64(n)))
	for g, group := range groups {
		take[g] = int(fraction * float64(len(group)))
		missing -= take[g]
		rest[g] = g
	}
	remainder := func(g int) float64 { return fraction*float64(len(groups[g])) - float64(take[g]) }
	slices.SortStableFunc(rest, func(a, b int) int {
		switch ra, rb := remainder(a), remainder(b); {
		case ra > rb:
			return -1
		case ra < rb:
			return 1
		}
		return 0
	})
	more := make([]int, len(groups))
	for _, g := range rest {
		if missing > 0 && take[g] < len(groups[g]) {
			more[g]++
			missing--
		}
	}
	inVal := make([]bool, n)
	for g, group := range groups {
		for _, i := range group[:take[g]+more[g]] {
			inVal[i] = true
		}
	}
	return inVal
}
