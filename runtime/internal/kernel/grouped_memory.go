package kernel

import (
	"fmt"
	"math"
)

// Tables of a Grouped kernel that say where tiles find their rows may take tableBytes and weightBytes for each
// weight. That is far more than useful tilings need; kernels of many columns that few positions share
// would take more.
const (
	tableBytes  = 1 << 20
	weightBytes = 4
)

// checkTables fails where the tables of t would take too much, before they are made.
func (t *tiling) checkTables(l *Layer) error {
	weights := int64(0)
	for i := range l.Terms {
		weights += int64(len(l.Terms[i].Weights))
	}
	const pieceColumns = 8 // at least
	side := int64(ceilDiv(t.total[1], t.cols))
	tiles := side * int64(ceilDiv(t.total[0], t.rows))
	pieces := int64(ceilDiv(t.cols, pieceColumns) * t.strips)
	n := tiles * 32
	for i := range t.maps {
		n += int64(len(t.maps[i].planes)) * (40 + 24*side + tiles*pieces*56)
		n += tiles * (16 + 24 + 8)
	}
	if most := tableBytes + weightBytes*weights; n > most {
		return fmt.Errorf("kernel: grouped: tables of %d bytes, want at most %d", n, most)
	}
	return nil
}

// FastBytes bounds the memory that any one kernel of l other than [Packed] takes, and for a while what choosing and making
// it takes, for weights that are decoded.
func (l *Layer) FastBytes() int64 {
	outs, positions := int64(l.Out[0]), int64(l.positions())
	weights, elems, breaks := int64(0), int64(1<<62), 0
	terms := int64(len(l.Terms))
	common := int64(0)
	lookup := int64(0)
	for i := range l.Terms {
		t := &l.Terms[i]
		w, centres := int64(len(t.Weights)), int64(len(t.Centres))
		weights += w
		elems = min(elems, int64(t.Shape[0]*t.Shape[1]*t.Shape[2]))
		// Counts, digits and products of centres; where weights meet inputs.
		common += 40*centres + 64*int64(t.Levels) + 8*outs + 16*int64(t.Kernel[0]+t.Kernel[1])
		lookup += 2*w + 4*min(w, centres)*256 + 8*outs
	}
	digits := int64(digitCount(l, make([]factor, len(l.Terms))))
	for i := range l.Steps {
		breaks = max(breaks, len(l.Steps[i].Breaks))
	}
	// Requantizers, of three kernels at most.
	uses := positions
	if len(l.Steps) == 1 {
		uses *= outs
	}
	common += 3 * int64(len(l.Steps)) * (max(4*max(coverBins, maxBins), min(maxDirect, uses)) + 5*int64(breaks+1) + binBytes + 4*binCount + 200)
	// The matrix, and streams and buckets of every part.
	size := int64(SortedBytes(l))
	sorted := size*(1+8/elems) + 4*min(outs*positions, size) + 1<<14
	// Programs that grow by doubling, with the heads of segments, planes and groups.
	phases := l.Phases()
	grouped := 9*digits + phases*outs*(1<<10+40*terms+min(18*20*(1+terms), 20*(1+digits/outs))) + 64*(digits/outs+1)
	grouped += phases * (tableBytes + weightBytes*weights/phases)
	// A table for each weight.
	depthwise := int64(0)
	if len(l.Terms) == 1 && l.Terms[0].Groups == l.Terms[0].Shape[0] {
		depthwise = 4*depthLevels*weights + 200*outs + depthBuffer
	}
	return common + max(lookup, sorted, grouped, depthwise)
}

// SortedBytes is the most that the matrix of a [Sorted] kernel of l may take, in bytes. The rows
// hold every pair of connected elements; where weights are used at many positions they would be many
// times as large as the weights.
func SortedBytes(l *Layer) int {
	n := 4096
	for i := range l.Terms {
		n += 4 * len(l.Terms[i].Weights)
	}
	return n
}

// MACs is the number of multiply-accumulates that l stands for.
func (l *Layer) MACs() int {
	n := int64(0)
	for i := range l.Terms {
		n += int64(len(l.Terms[i].Weights)) * int64(l.positions())
	}
	return int(min(n, math.MaxInt))
}

// Planes is the number of kernel columns of all terms, counted for every kernel row up to the stride: those that see
// different inputs.
func (l *Layer) Planes() int64 {
	n := int64(0)
	for i := range l.Terms {
		t := &l.Terms[i]
		n += int64(t.Kernel[1]) * int64(min(t.Kernel[0], t.Stride[0]))
	}
	return n
}

// Phases is the number of parts of the output whose taps meet different kernel coordinates: 1 but for transposed
// convolutions. Grouped makes a program for each.
func (l *Layer) Phases() int64 {
	return int64(min(period(l.Terms, 0), l.Out[1])) * int64(min(period(l.Terms, 1), l.Out[2]))
}
