//go:build !purego

package kernel

// depthBias is added to indices in the buffer: bit 7 then tells the upper half of
// the levels, and the low 4 bits the place in it.
const depthBias = 128 - depthLevels/2

// vectorDepthSums is depthSums for a multiple of depthStep positions. Behind the last of
// them, the buffer has depthSlack bytes.
func vectorDepthSums(_ Vector, even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart, wide bool) {
	if wide {
		depthWideAVX2(&even[0], &odd[0], half>>5, &buffer[0], step, &taps[0], len(taps), &tables[0], &starts[0], len(starts))
		return
	}
	depthBytesAVX2(&even[0], &odd[0], half>>5, &buffer[0], step, &taps[0], len(taps), &tables[0], &starts[0], len(starts))
}

// vectorDepthPairs is depthPairs for a multiple of pairStep positions.
func vectorDepthPairs(_ Vector, even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart) {
	depthPairsAVX2(&even[0], &odd[0], half, &buffer[0], step, &taps[0], len(taps), &tables[0], &starts[0], len(starts)>>1)
}

// vectorDepthFill is f.generic for a number of channels, which are plane bytes apart in in and
// step bytes in buffer. It writes the empty byte behind rows, and reads up to depthSlack
// bytes behind them.
func vectorDepthFill(_ Vector, buffer, in []byte, f *depthFill, channels, step, plane int) {
	if f.stride == 1 {
		depthFillAVX2(&buffer[0], &in[0], f, channels, step, plane)
		return
	}
	depthFillPairsAVX2(&buffer[0], &in[0], f, channels, step, plane)
}

// vectorGather is gatherRows for a number of channels, which are step bytes apart in line and
// follow each other in dst. It may write depthSlack bytes more.
func vectorGather(_ Vector, dst, line []byte, channels, rows, cols, pitch, step int) {
	gatherAVX2(&dst[0], &line[0], channels, rows, cols, pitch, step)
}

// vectorMoveRows is moveRows.
func vectorMoveRows(_ Vector, dst, src []byte, m *rowMoves, channels, toStep, fromStep int) {
	if m.bytes == 8 {
		moveRows8AVX2(&dst[0], &src[0], m, channels, toStep, fromStep)
		return
	}
	moveRowsAVX2(&dst[0], &src[0], m, channels, toStep, fromStep)
}

//go:noescape
func moveRows8AVX2(dst, src *byte, m *rowMoves, channels, toStep, fromStep int)

//go:noescape
func moveRowsAVX2(dst, src *byte, m *rowMoves, channels, toStep, fromStep int)

//go:noescape
func depthBytesAVX2(even, odd *uint16, steps int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)

//go:noescape
func depthWideAVX2(even, odd *uint16, steps int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)

//go:noescape
func depthPairsAVX2(even, odd *uint16, half int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, pairs int)

//go:noescape
func depthFillAVX2(dst, src *byte, f *depthFill, channels, step, plane int)

//go:noescape
func depthFillPairsAVX2(dst, src *byte, f *depthFill, channels, step, plane int)

//go:noescape
func gatherAVX2(dst, line *byte, channels, rows, cols, pitch, step int)
