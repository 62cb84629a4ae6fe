//go:build !purego

package kernel

// depthwise says whether the functions of this file exist for v.
func (v Vector) depthwise() bool { return v >= AVX2 }

// vectorDepthSums is depthSums for a multiple of laneStep positions. Behind the last of
// them, the buffer has depthSlack bytes.
func vectorDepthSums(_ Vector, even, odd []uint16, buffer []byte, taps []int32, tables []byte, wide bool) {
	steps := len(even) / (laneStep / 2)
	if steps == 0 {
		return
	}
	if wide {
		depthWideAVX2(&even[0], &odd[0], &buffer[0], &taps[0], len(taps), &tables[0], steps)
		return
	}
	depthBytesAVX2(&even[0], &odd[0], &buffer[0], &taps[0], len(taps), &tables[0], steps)
}

// vectorDepthFill copies the channel at the start of in, which has f.reads bytes or more, to
// buffer. It writes the empty byte behind rows.
func vectorDepthFill(_ Vector, buffer, in []byte, f *depthFill) {
	if f.stride == 1 {
		depthFillAVX2(&buffer[0], &in[0], f)
		return
	}
	depthFillPairsAVX2(&buffer[0], &in[0], f)
}

// vectorUnpack is unpackRows. It may write depthSlack bytes more.
func vectorUnpack(_ Vector, dst, line []byte, rows, cols, pitch int) {
	unpackAVX2(&dst[0], &line[0], rows, cols, pitch)
}

//go:noescape
func depthBytesAVX2(even, odd *uint16, buffer *byte, taps *int32, n int, tables *byte, steps int)

//go:noescape
func depthWideAVX2(even, odd *uint16, buffer *byte, taps *int32, n int, tables *byte, steps int)

//go:noescape
func depthFillAVX2(dst, src *byte, f *depthFill)

//go:noescape
func depthFillPairsAVX2(dst, src *byte, f *depthFill)

//go:noescape
func unpackAVX2(dst, line *byte, rows, cols, pitch int)
