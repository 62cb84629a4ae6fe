package kernel

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"
)

// Pooled computes a [Layer] of terms that weigh all elements of a channel alike, such as
// the mean of a channel: one output element per channel.
//
//	acc[o] = bias[o] + sum over terms of centre * (sum of the elements of channel o - elements*zero)
//
// The product is a sum of shifts.
type Pooled struct {
	finisher
	bias  []int32 // less what zeros are worth
	terms []pooledTerm
}

type pooledTerm struct {
	digits []mixDigit // of the centre
	plane  int        // elements of a channel
}

// NewPooled prepares l. It fails where l has another form.
func NewPooled(l *Layer) (*Pooled, error) {
	k := &Pooled{bias: slices.Clone(l.Bias)}
	for i := range l.Terms {
		t := &l.Terms[i]
		if t.Groups != t.Shape[0] || l.Out[0] != t.Groups || l.positions() != 1 || !t.covers() {
			return nil, fmt.Errorf("kernel: pooled: not one position per channel")
		}
		centre := t.Centres[t.Weights[0]]
		for _, w := range t.Weights {
			if t.Centres[w] != centre {
				return nil, fmt.Errorf("kernel: pooled: different weights")
			}
		}
		plane := t.Shape[1] * t.Shape[2]
		k.terms = append(k.terms, pooledTerm{newFactor(centre).digits, plane})
		for o := range k.bias {
			k.bias[o] -= centre * int32(plane*t.Zero)
		}
	}
	k.finisher = newFinisher(l, Portable, tablesOf(l))
	return k, nil
}

// Run computes the layer. src holds the inputs of its terms; the result goes to dst as levels
// or, where the layer has no steps, to out.
func (k *Pooled) Run(dst []byte, out []int32, src [][]byte, s *Scratch) {
	acc := s.acc[:len(k.bias)]
	copy(acc, k.bias)
	for i := range k.terms {
		t, in := &k.terms[i], src[i]
		for o, a := range acc {
			sum := int32(sumBytes(in[:t.plane]))
			for _, d := range t.digits {
				if d.negate {
					a -= sum << (d.shift & 31)
				} else {
					a += sum << (d.shift & 31)
				}
			}
			acc[o] = a
			in = in[t.plane:]
		}
	}
	if len(k.steps) <= 1 {
		k.finish(dst, out, 0, acc, 0, 0)
		return
	}
	k.finishChannels(dst, acc, 1, 0)
}

// sumBytes is the sum of all elements.
func sumBytes(in []byte) uint32 {
	const (
		low = 0x00FF00FF00FF00FF
		run = 128 * 8 // bytes whose sums fit four lanes of 16 bits, two bytes at a time
	)
	sum := uint32(0)
	for len(in) >= 8 {
		var pairs uint64
		n := min(len(in), run)
		for block := in[:n]; len(block) >= 8; block = block[8:] {
			x := binary.LittleEndian.Uint64(block)
			pairs += x&low + x>>8&low
		}
		pairs = pairs&0x0000FFFF0000FFFF + pairs>>16&0x0000FFFF0000FFFF
		sum += uint32(pairs) + uint32(pairs>>32)
		in = in[n&^7:]
	}
	for _, x := range in {
		sum += uint32(x)
	}
	return sum
}

// Need is the Scratch that Run writes on.
func (k *Pooled) Need() Need { return Need{Acc: len(k.bias)} }

// Memory is the size of the weights and of the tables, in bytes.
func (k *Pooled) Memory() (weights, tables int) {
	tables = k.finisher.bytes() + 4*len(k.bias)
	for i := range k.terms {
		tables += 2*len(k.terms[i].digits) + int(unsafe.Sizeof(pooledTerm{}))
	}
	return 0, tables
}
