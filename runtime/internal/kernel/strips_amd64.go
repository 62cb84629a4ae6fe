//go:build !purego

package kernel

import "unsafe"

// strips says whether vectorStrip exists for v.
func (v Vector) strips() bool { return v == AVX512 }

// vectorStrip adds up stripColumns columns of the rows of a [Sorted] kernel at base. out
// receives the sums of the low nibbles of every byte of a row, then of the high ones.
func vectorStrip(out *[16 * stripColumns]int32, base unsafe.Pointer, list []uint32, ends *[257]uint32, p *sortedPart) {
	if len(p.buckets) == 0 || len(list) == 0 {
		*out = [16 * stripColumns]int32{}
		return
	}
	stripAVX512(out, base, &list[0], ends, &p.buckets[0], len(p.buckets), int(p.bits), p.group)
}

//go:noescape
func stripAVX512(out *[128]int32, base unsafe.Pointer, list *uint32, ends *[257]uint32, buckets *bucket, n, bits, group int)
