//go:build (!amd64 && !arm64) || purego

package kernel

import "unsafe"

// Functions and limits of vectors that are never used: there are none on these machines.

func binPairLevels(v Vector, dst []byte, even, odd []uint16, b *bins, minus uint16) {}

func binLaneLevels(v Vector, dst []byte, lanes []uint16, b *bins, minus uint16) {}

const depthBias = 0

func vectorDepthSums(_ Vector, even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart, wide bool) {
	depthSums(even, odd, half, buffer, step, taps, tables, starts, wide)
}

func vectorDepthPairs(_ Vector, _, _ []uint16, _ int, _ []byte, _ int, _ []int32, _ []byte, _ []depthStart) {
}

func vectorDepthFill(_ Vector, buffer, in []byte, f *depthFill, channels, step, plane int) {}

func vectorGather(_ Vector, dst, line []byte, channels, rows, cols, pitch, step int) {}

func vectorMoveRows(_ Vector, _, _ []byte, _ *rowMoves, _, _, _ int) {}

func vectorFill(dst, src []byte, job *fillJob, pieces []fillPiece, channels int) {}

func vectorLookList(_ Vector, small, large []uint32, in []byte, all bool, split int) (few, many int, sum uint32) {
	return lookList(small, large, in, all, split)
}

func vectorLooks(_ Vector, out *stripSums, base unsafe.Pointer, small, large []uint32, tables []byte, _, _ int) {
	lookSums(out, base, small, large, tables)
}

func vectorStreams(_ Vector, acc []int32, sums *stripSums, streams []stream, high int) {
	addStreams(acc, sums, streams, high)
}

func vectorLimit(_ Vector, lanes []uint16, acc []int32, add, top int32) {
	limitLanes(lanes, acc, add, top)
}

func vectorAddTo(_ Vector, out, acc []int32, add int32) { addTo(out, acc, add) }

const (
	mapStep    = 1
	mapsLevels = 0
)

func vectorMapBytes(dst, in []byte, t *[256]uint8) {}

func vectorMaxPairs(_ Vector, dst, src []byte, rows, cols, inCols int) {}

func vectorPoolRows(_ Vector, dst, src []byte, rows []poolRow, width, pitch, step int) {}

func vectorPoolColumns(_ Vector, buffer []byte, n, taps, step int) {}

func vectorMixLevels(_ Vector, _ []byte, _ []uint16, _ int, _ bool, _ []mixEntry, _ *bins, _ int32) {
}

func takeSecond(dst, src []byte, rows, cols, pitch, srcRow int) {
	takeSecondSlow(dst, src, rows, cols, pitch, srcRow)
}

func vectorCountLevels(counts *[256]uint32, in []byte) {}

func vectorPlaceRows(list []uint32, at *[256]uint32, in []byte, step uint32) {}

const stripColumns = 4

func vectorStrip(out *stripSums, base unsafe.Pointer, list []uint32, ends *[257]uint32, p *sortedPart) {
}

func vectorSweepBytes(_ Vector, _, _ unsafe.Pointer, _ int, _, _ unsafe.Pointer, _, _, _ int) unsafe.Pointer {
	return nil
}

func vectorSweepWide(_ Vector, _ unsafe.Pointer, _ int, _, _ unsafe.Pointer, _, _ int) unsafe.Pointer {
	return nil
}

func vectorTranspose(dst, src []byte, blocks, rows, cols int) {}

const best = Portable

func supported(v Vector) bool { return v == Portable }
