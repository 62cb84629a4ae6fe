//go:build !purego

package kernel

// vectorCountLevels is countLevels for eight elements or more.
func vectorCountLevels(counts *[256]uint32, in []byte) { countLevelsNEON(counts, &in[0], len(in)) }

// vectorPlaceRows is placeRows for eight elements or more.
func vectorPlaceRows(list []uint32, at *[256]uint32, in []byte, step uint32) {
	placeRowsNEON(&list[0], at, &in[0], len(in), step)
}

//go:noescape
func countLevelsNEON(counts *[256]uint32, in *byte, n int)

//go:noescape
func placeRowsNEON(list *uint32, at *[256]uint32, in *byte, n int, step uint32)

//go:noescape
func streamsNEON(acc *int32, sums *stripSums, streams *stream, n, high int)

//go:noescape
func limitNEON(lanes *uint16, acc *int32, n int, add, top int32)
