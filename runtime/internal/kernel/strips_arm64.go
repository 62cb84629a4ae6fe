//go:build !purego

package kernel

import "unsafe"

// stripColumns is the number of columns of a strip.
const stripColumns = 4

// vectorStrip adds up the columns of one strip of the rows of a sorted part at base.
func vectorStrip(out *stripSums, base unsafe.Pointer, list []uint32, ends *[257]uint32, p *sortedPart) {
	if len(p.buckets) == 0 || len(list) == 0 {
		*out = stripSums{}
		return
	}
	stripNEON(out, base, &list[0], ends, &p.buckets[0], len(p.buckets), int(p.bits), p.group)
}

//go:noescape
func stripNEON(out *stripSums, base unsafe.Pointer, list *uint32, ends *[257]uint32, buckets *bucket, n, bits, group int)
