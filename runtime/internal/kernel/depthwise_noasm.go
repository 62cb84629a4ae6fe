//go:build !amd64 || purego

package kernel

// depthwise says whether the functions of this file exist for v.
func (v Vector) depthwise() bool { return false }

func vectorDepthSums(_ Vector, even, odd []uint16, buffer []byte, taps []int32, tables []byte, wide bool) {
	depthSums(even, odd, buffer, taps, tables, wide)
}

func vectorDepthFill(_ Vector, buffer, in []byte, f *depthFill, channels, step, plane int) {}

func vectorUnpack(_ Vector, dst, line []byte, channels, rows, cols, pitch, step int) {}
