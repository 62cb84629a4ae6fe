//go:build !amd64 || purego

package kernel

// depthwise says whether the functions of this file exist for v.
func (v Vector) depthwise() bool { return false }

func vectorDepthSums(_ Vector, even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart, wide bool) {
	depthSums(even, odd, half, buffer, step, taps, tables, starts, wide)
}

func vectorDepthFill(_ Vector, buffer, in []byte, f *depthFill, channels, step, plane int) {}

func vectorUnpack(_ Vector, dst, line []byte, channels, rows, cols, pitch, step int) {}
