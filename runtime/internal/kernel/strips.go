package kernel

import "unsafe"

// stripColumns is the number of columns (words of two digits per byte) of a strip: with
// vectors, the rows of a [Sorted] kernel are cut into strips instead of pairs of columns.
const stripColumns = 8

// stripBytes is the size of a strip of one row.
const stripBytes = stripColumns * wordBytes

// minStripColumns is the number of columns from which strips pay.
const minStripColumns = 4

// strip adds the share of a strip to acc.
func (p *sortedPart) strip(acc []int32, streams []stream, base unsafe.Pointer, list []uint32, ends *[257]uint32) {
	var sums [16 * stripColumns]int32
	vectorStrip(&sums, base, list, ends, p)
	low, high := sums[:8*stripColumns], sums[8*stripColumns:]
	for i, s := range streams {
		from := low
		if i&1 != 0 {
			from = high
			low, high = low[8:], high[8:]
		}
		out, shift := (*[8]int32)(acc[s.acc:]), s.shift&31
		for j, v := range (*[8]int32)(from) {
			out[j] += v << shift
		}
	}
}
