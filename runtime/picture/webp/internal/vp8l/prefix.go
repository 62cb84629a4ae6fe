package vp8l

import (
	"errors"
	"math/bits"
)

var errCode = errors.New("a VP8L prefix code is not complete")

const (
	maxLength = 15 // of a code word, in bits
	tableBits = 8  // code words up to here are looked up at once
	long      = 15 // marks longer ones in the table
)

// prefixCode is a canonical prefix code: code words of a length ascend with their symbols (RFC 9649, section 3.7.2.1).
type prefixCode struct {
	table   []uint16 // by the next bits: the symbol above four bits of its length; or long
	symbols []uint16 // in the order of the code words
	count   [maxLength + 1]uint16
}

// newPrefixCode makes the code of the lengths of all symbols' words, 0 where a symbol has none. A single symbol takes no bits.
func newPrefixCode(lengths []uint8) (*prefixCode, error) {
	c := &prefixCode{}
	total, longest, space := 0, 0, 0
	for _, n := range lengths {
		if n > 0 {
			c.count[n]++
			total++
			longest = max(longest, int(n))
			space += 1 << (maxLength - n)
		}
	}
	if total == 1 {
		for symbol, n := range lengths {
			if n > 0 {
				c.table = []uint16{uint16(symbol) << 4}
			}
		}
		return c, nil
	}
	if space != 1<<maxLength {
		return nil, errCode
	}
	var next [maxLength + 2]uint16 // where in symbols the next one of each length goes
	for n := 1; n <= maxLength; n++ {
		next[n+1] = next[n] + c.count[n]
	}
	c.symbols = make([]uint16, total)
	for symbol, n := range lengths {
		if n > 0 {
			c.symbols[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	c.fillTable(min(longest, tableBits))
	return c, nil
}

// fillTable makes the table for n bits. The first bit of a code word is its highest, and the lowest in the data.
func (c *prefixCode) fillTable(n int) {
	c.table = make([]uint16, 1<<n)
	word, at := 0, 0
	for length := 1; length <= n; length++ {
		for range c.count[length] {
			entry := c.symbols[at]<<4 | uint16(length)
			for i := int(bits.Reverse16(uint16(word)) >> (16 - length)); i < len(c.table); i += 1 << length {
				c.table[i] = entry
			}
			word, at = word+1, at+1
		}
		word <<= 1
	}
	for i, entry := range c.table {
		if entry == 0 {
			c.table[i] = long
		}
	}
}

// next reads a symbol.
func (c *prefixCode) next(r *bitReader) int {
	if r.n < maxLength {
		r.fill()
	}
	entry := c.table[int(r.value)&(len(c.table)-1)]
	if n := entry & 15; n != long {
		r.skip(int(n))
		return int(entry >> 4)
	}
	// The words of a length begin at first, and their symbols at at.
	word, first, at := 0, 0, 0
	for n := 1; n <= maxLength; n++ {
		word = word<<1 | int(r.value>>(n-1)&1)
		count := int(c.count[n])
		if word-first < count {
			r.skip(n)
			return int(c.symbols[at+word-first])
		}
		at, first = at+count, (first+count)<<1
	}
	panic("BUG: a complete code has a word for any bits")
}

// memory is about what the code takes, in bytes.
func (c *prefixCode) memory() int { return 160 + 2*(len(c.table)+len(c.symbols)) }
