package kernel

import "math"

// MatMul multiplies two matrices of levels for every channel, by quarter squares: a*b is q(a+b) - q(a-b) with q(n) = n*n/4, rounded
// down, since n is even or odd in both.
type MatMul struct {
	channels, rows, columns int
	inner                   int // columns of a, rows of b
	block                   int // elements of a matrix of b
	zero                    uint8

	// plus[i+j] is q of the sum of levels i of a and j of b, each less its zero, minus[255-i+j] that of their difference.
	plus, minus [512]uint16
	finish      finisher
}

// MatMulLayer describes a MatMul to [NewMatMul]:
//
//	acc[c][y][x] = sum over k of (a[c][y][k] - ZeroA) * (b[c][k][x] - ZeroB)
type MatMulLayer struct {
	Channels, Rows, Inner, Columns int
	ZeroA, ZeroB                   int
	Low, High                      int32  // limits of the accumulators
	Steps                          []Step // one for all channels, one per channel, or none: out holds accumulators
	Small                          bool   // tables are as small as can be
}

// MatMulTables is the memory of a MatMul besides that of step functions.
const MatMulTables = 2 * 2 * 512

// NewMatMul prepares l for instruction set v.
func NewMatMul(l MatMulLayer, v Vector) *MatMul {
	k := &MatMul{channels: l.Channels, rows: l.Rows, columns: l.Columns, inner: l.Inner, block: l.Inner * l.Columns, zero: uint8(l.ZeroA)}
	for n := range 511 {
		sum, difference := n-l.ZeroA-l.ZeroB, n-255+l.ZeroA-l.ZeroB
		k.plus[n], k.minus[n] = uint16(sum*sum/4), uint16(difference*difference/4)
	}
	low, high := make([]int32, l.Channels), make([]int32, l.Channels)
	for c := range low {
		low[c], high[c] = l.Low, l.High
	}
	most := math.MaxInt
	if l.Small {
		most, v = smallTables, Portable
	}
	k.finish = newFinisher(&Layer{Out: [3]int{l.Channels, l.Rows, l.Columns}, Steps: l.Steps, Low: low, High: high}, v, most)
	return k
}

// Memory is the size of the tables in bytes.
func (k *MatMul) Memory() int { return MatMulTables + k.finish.bytes() }

// Need is the Scratch of Run.
func (k *MatMul) Need() Need { return k.finish.need(k.columns) }

// Run multiplies a by b. It writes levels to dst or, where there are no steps, accumulators to out.
func (k *MatMul) Run(dst []byte, out []int32, a, b []byte, s *Scratch) {
	at := 0
	for c := range k.channels {
		for range k.rows {
			acc := k.finish.sums(out, s, at, k.columns)
			k.row(acc, a[:k.inner], b[:k.block])
			k.finish.finish(dst, out, at, acc, c, 0)
			a = a[k.inner:]
			at += k.columns
		}
		b = b[k.block:]
	}
}

// row sums the products of a row of a, four columns of b at a time. Levels of a that are worth zero have none.
func (k *MatMul) row(acc []int32, a, b []byte) {
	n, x := len(acc), 0
	plus, minus := (*[256]uint16)(k.plus[:]), (*[256]uint16)(k.minus[255:])
	for ; x+4 <= n; x += 4 {
		fourProducts((*[4]int32)(acc[x:]), a, b[x:], n, k.zero, plus, minus)
	}
	for ; x < n; x++ {
		sum, at := int32(0), x
		for _, i := range a {
			j := b[at]
			sum += int32(k.plus[int(i)+int(j)]) - int32(k.minus[255-int(i)+int(j)])
			at += n
		}
		acc[x] = sum
	}
}
