package kernel

import "unsafe"

// rowForms are the ways to add up rows that may be the fastest on v. With vectors, rows are cut into strips instead of
// pairs of columns (words of two digits per byte), and a strip of a row is one vector or two.
func (v Vector) rowForms() []rowForm {
	var forms []rowForm
	if v.has().strips {
		forms = append(forms, rowForm{columns: stripColumns})
	}
	if v.has().looks {
		forms = append(forms, rowForm{lookColumns, true})
	}
	if forms == nil {
		forms = []rowForm{{}}
	}
	return forms
}

// sortCosts are the times of a part in additions of words: per element, per row and strip or column, per bucket and strip or column, and per strip.
var sortCosts = [vectors]struct{ list, row, bucket, strip int }{
	Portable: {list: 8, row: 3, bucket: 8},
	NEON:     {list: 11, row: 10, bucket: 36, strip: 350},
	AVX2:     {list: 4},
	AVX512:   {list: 4},

	ARM:     {list: 8, row: 3, bucket: 8},
	Words32: {list: 8, row: 3, bucket: 8},
	Words64: {list: 8, row: 3, bucket: 8},
}

// stripSums are the sums of a strip: those of the low nibbles of every byte, then those of
// the high ones.
type stripSums [16 * stripColumns]int32

// strip adds the share of a strip to acc.
func (p *sortedPart) strip(acc []int32, streams []stream, base unsafe.Pointer, list []uint32, ends *[257]uint32) {
	var sums stripSums
	vectorStrip(&sums, base, list, ends, p)
	vectorStreams(p.vector, acc, &sums, streams, 8*stripColumns)
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
