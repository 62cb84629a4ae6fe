package kernel

import "unsafe"

// stripColumns is the number of columns (words of two digits per byte) of a strip: with
// vectors, the rows of a [Sorted] kernel are cut into strips instead of pairs of columns. A
// strip of a row is one vector; 0: vectors do not help.
func (v Vector) stripColumns() int {
	switch {
	case v.strips():
		return maxStripColumns
	case v.looks():
		return lookColumns
	}
	return 0
}

// maxStripColumns is the largest number of columns of a strip.
const maxStripColumns = 8

// stripSums are the sums of a strip: those of the low nibbles of every byte, then those of
// the high ones.
type stripSums [16 * maxStripColumns]int32

// strip adds the share of a strip to acc.
func (p *sortedPart) strip(acc []int32, streams []stream, base unsafe.Pointer, list []uint32, ends *[257]uint32) {
	var sums stripSums
	vectorStrip(&sums, base, list, ends, p)
	addStreams(acc, &sums, streams, 8*maxStripColumns)
}

// addStreams adds sums of digits to accumulators: those of even streams start at the first
// of sums, those of odd streams at sums[high].
//
//	acc[streams[i].acc+j] += sums[i/2*8 + i%2*high + j] << streams[i].shift,  0 <= j < 8
func addStreams(acc []int32, sums *stripSums, streams []stream, high int) {
	lows, highs := sums[:], sums[high:]
	for i, s := range streams {
		from := lows
		if i&1 != 0 {
			from = highs
			lows, highs = lows[8:], highs[8:]
		}
		out, shift := (*[8]int32)(acc[s.acc:]), s.shift&31
		for j, v := range (*[8]int32)(from) {
			out[j] += v << shift
		}
	}
}
