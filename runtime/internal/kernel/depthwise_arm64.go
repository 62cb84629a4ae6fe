//go:build !purego

package kernel

// depthwise says whether the functions of this file exist for v.
func (v Vector) depthwise() bool { return v == NEON }

// depthStep estimates the time of laneStep positions of a channel in additions of vectors.
func (v Vector) depthStep(taps int) int { return 100 + 20*taps }

// vectorDepthSums is depthSums for a multiple of laneStep positions.
func vectorDepthSums(_ Vector, even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart, wide bool) {
	if wide {
		depthWideNEON(&even[0], &odd[0], half>>5, &buffer[0], step, &taps[0], len(taps), &tables[0], &starts[0], len(starts))
		return
	}
	depthBytesNEON(&even[0], &odd[0], half>>5, &buffer[0], step, &taps[0], len(taps), &tables[0], &starts[0], len(starts))
}

// depthPairs says whether vectorDepthPairs exists for v.
func (v Vector) depthPairs() bool { return false }

func vectorDepthPairs(_ Vector, _, _ []uint16, _ int, _ []byte, _ int, _ []int32, _ []byte, _ []depthStart) {
}

// vectorDepthFill is f.generic for a number of channels, which are plane bytes apart in in and
// step bytes in buffer.
func vectorDepthFill(_ Vector, buffer, in []byte, f *depthFill, channels, step, plane int) {
	for ; channels > 0; channels-- {
		f.generic(buffer, in)
		buffer, in = buffer[step:], in[plane:]
	}
}

// vectorGather is gatherRows for a number of channels, which are step bytes apart in line and
// follow each other in dst.
func vectorGather(_ Vector, dst, line []byte, channels, rows, cols, pitch, step int) {
	for ; channels > 0; channels-- {
		from := line
		for range rows {
			copy(dst[:cols], from)
			dst, from = dst[cols:], from[pitch:]
		}
		line = line[step:]
	}
}

// movesRows says whether vectorMoveRows exists for v.
func (v Vector) movesRows() bool { return false }

func vectorMoveRows(_ Vector, _, _ []byte, _ *rowMoves, _, _, _ int) {}

//go:noescape
func depthBytesNEON(even, odd *uint16, steps int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)

//go:noescape
func depthWideNEON(even, odd *uint16, steps int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)
