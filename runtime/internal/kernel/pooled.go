package kernel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Pooled computes a [Layer] of one term that weighs all elements of a channel alike, such as
// the mean of a channel: one output element per channel, from a table of sums.
//
//	acc[o] = bias[o] + table[sum of the elements of channel o]
type Pooled struct {
	finisher
	bias  []int32
	table []int32 // centre * (sum - elements*zero)
	plane int     // elements of a channel
}

// pooledTable limits the entries of the table.
const pooledTable = 1 << 14

// NewPooled prepares l. It fails where l has another form.
func NewPooled(l *Layer) (*Pooled, error) {
	t := &l.Terms[0]
	plane := t.Shape[1] * t.Shape[2]
	if len(l.Terms) != 1 || t.Groups != t.Shape[0] || l.Out[0] != t.Groups || l.positions() != 1 || !t.covers() {
		return nil, fmt.Errorf("kernel: pooled: not one position per channel")
	}
	for _, w := range t.Weights {
		if t.Centres[w] != t.Centres[t.Weights[0]] {
			return nil, fmt.Errorf("kernel: pooled: different weights")
		}
	}
	entries := plane*(t.Levels-1) + 1
	if entries > pooledTable {
		return nil, fmt.Errorf("kernel: pooled: a table of %d entries, want at most %d", entries, pooledTable)
	}
	k := &Pooled{finisher: newFinisher(l, Portable, math.MaxInt), bias: l.Bias, plane: plane, table: make([]int32, entries)}
	for sum := range k.table {
		k.table[sum] = t.Centres[t.Weights[0]] * int32(sum-plane*t.Zero)
	}
	return k, nil
}

// Run computes the layer. src holds the input of its term; the result goes to dst as levels
// or, where the layer has no steps, to out.
func (k *Pooled) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	acc := s.acc[:len(k.bias)]
	in := src[0]
	for o, bias := range k.bias {
		acc[o] = bias + k.table[sumBytes(in[:k.plane])]
		in = in[k.plane:]
	}
	if len(k.steps) <= 1 {
		k.finish(dst, out, 0, acc, 0, 0)
		return
	}
	for o := range acc {
		k.finish(dst, nil, o, acc[o:o+1], o, 0)
	}
}

// sumBytes is the sum of all elements, less than 2^16.
func sumBytes(in []byte) uint {
	const low = 0x00FF00FF00FF00FF
	var pairs uint64 // sums of two bytes of eight
	for ; len(in) >= 8; in = in[8:] {
		x := binary.LittleEndian.Uint64(in)
		pairs += x&low + x>>8&low
	}
	pairs += pairs >> 32
	pairs += pairs >> 16
	sum := uint(pairs & 0xFFFF)
	for _, x := range in {
		sum += uint(x)
	}
	return sum
}

// Need is the Scratch that Run writes on.
func (k *Pooled) Need() Need { return Need{Acc: len(k.bias)} }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Pooled) Memory() (weights, tables int) {
	return 0, k.finisher.bytes() + 4*len(k.bias) + 4*len(k.table)
}
