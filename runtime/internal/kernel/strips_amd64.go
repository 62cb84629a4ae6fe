//go:build !purego

package kernel

import "unsafe"

// stripColumns is the number of columns of a strip; 0 where vectorStrip does not exist for v.
func (v Vector) stripColumns() int {
	switch v {
	case AVX2:
		return 4
	case AVX512:
		return 8
	}
	return 0
}

// vectorStrip adds up the columns of one strip of the rows of a [Sorted] kernel at base. out
// receives the sums of the low nibbles of every byte of a row, then of the high ones.
func vectorStrip(v Vector, out *[16 * maxStripColumns]int32, base unsafe.Pointer, list []uint32, ends *[257]uint32, p *sortedPart) {
	if len(p.buckets) == 0 || len(list) == 0 {
		*out = [16 * maxStripColumns]int32{}
		return
	}
	if v == AVX2 {
		stripAVX2(out, base, &list[0], ends, &p.buckets[0], len(p.buckets), int(p.bits), p.group)
		return
	}
	stripAVX512(out, base, &list[0], ends, &p.buckets[0], len(p.buckets), int(p.bits), p.group)
}

// vectorStreams is addStreams.
func vectorStreams(_ Vector, acc []int32, sums *[16 * maxStripColumns]int32, streams []stream, high int) {
	streamsAVX2(&acc[0], sums, &streams[0], len(streams), high)
}

//go:noescape
func stripAVX512(out *[128]int32, base unsafe.Pointer, list *uint32, ends *[257]uint32, buckets *bucket, n, bits, group int)

//go:noescape
func stripAVX2(out *[128]int32, base unsafe.Pointer, list *uint32, ends *[257]uint32, buckets *bucket, n, bits, group int)

//go:noescape
func streamsAVX2(acc *int32, sums *[128]int32, streams *stream, n, high int)
