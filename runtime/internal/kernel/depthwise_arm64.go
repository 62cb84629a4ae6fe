//go:build !purego

package kernel

// depthBias is added to indices in the buffer. Look-ups take them as they are.
const depthBias = 0

// vectorDepthSums is depthSums for a multiple of depthStep positions.
func vectorDepthSums(_ Vector, even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart, wide bool) {
	if wide {
		depthWideNEON(&even[0], &odd[0], half>>3, &buffer[0], step, &taps[0], len(taps), &tables[0], &starts[0], len(starts))
		return
	}
	depthBytesNEON(&even[0], &odd[0], half>>3, &buffer[0], step, &taps[0], len(taps), &tables[0], &starts[0], len(starts))
}

func vectorDepthPairs(_ Vector, _, _ []uint16, _ int, _ []byte, _ int, _ []int32, _ []byte, _ []depthStart) {
}

// vectorDepthFill is f.generic for a number of channels, which are plane bytes apart in in and
// step bytes in buffer. It writes the empty byte behind rows, and reads up to depthSlack
// bytes behind them.
func vectorDepthFill(_ Vector, buffer, in []byte, f *depthFill, channels, step, plane int) {
	if f.stride == 1 {
		depthFillNEON(&buffer[0], &in[0], f, channels, step, plane)
		return
	}
	depthFillPairsNEON(&buffer[0], &in[0], f, channels, step, plane)
}

// vectorGather is gatherRows for a number of channels, which are step bytes apart in line and
// follow each other in dst. It may write depthSlack bytes more.
func vectorGather(_ Vector, dst, line []byte, channels, rows, cols, pitch, step int) {
	gatherNEON(&dst[0], &line[0], channels, rows, cols, pitch, step)
}

// vectorMoveRows is moveRows.
func vectorMoveRows(_ Vector, dst, src []byte, m *rowMoves, channels, toStep, fromStep int) {
	if m.bytes == 8 {
		moveRows8NEON(&dst[0], &src[0], m, channels, toStep, fromStep)
		return
	}
	moveRowsNEON(&dst[0], &src[0], m, channels, toStep, fromStep)
}

//go:noescape
func moveRows8NEON(dst, src *byte, m *rowMoves, channels, toStep, fromStep int)

//go:noescape
func moveRowsNEON(dst, src *byte, m *rowMoves, channels, toStep, fromStep int)

//go:noescape
func depthFillNEON(dst, src *byte, f *depthFill, channels, step, plane int)

//go:noescape
func depthFillPairsNEON(dst, src *byte, f *depthFill, channels, step, plane int)

//go:noescape
func gatherNEON(dst, line *byte, channels, rows, cols, pitch, step int)

//go:noescape
func depthBytesNEON(even, odd *uint16, vectors int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)

//go:noescape
func depthWideNEON(even, odd *uint16, vectors int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)
