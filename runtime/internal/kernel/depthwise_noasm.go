//go:build (!amd64 && !arm64) || purego

package kernel

func (v Vector) depthwise() bool { return false }

const (
	depthBias = 0
	depthStep = 64
)

func (v Vector) depthCost(lanes, taps int) int { return 0 }

func vectorDepthSums(_ Vector, even, odd []uint16, half int, buffer []byte, step int, taps []int32, tables []byte, starts []depthStart, wide bool) {
	depthSums(even, odd, half, buffer, step, taps, tables, starts, wide)
}

func (v Vector) depthPairs() bool { return false }

func vectorDepthPairs(_ Vector, _, _ []uint16, _ int, _ []byte, _ int, _ []int32, _ []byte, _ []depthStart) {
}

func vectorDepthFill(_ Vector, buffer, in []byte, f *depthFill, channels, step, plane int) {}

func vectorGather(_ Vector, dst, line []byte, channels, rows, cols, pitch, step int) {}

func (v Vector) movesRows() bool { return false }

func vectorMoveRows(_ Vector, _, _ []byte, _ *rowMoves, _, _, _ int) {}
