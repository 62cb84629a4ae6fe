package runtime

import (
	"math"
	"math/bits"

	"qconv/runtime/internal/coding"
)

// packedVarints is the width byte of a packed list whose entries are varints.
const packedVarints = 33

// list writes a packed list: a width byte, then
//
//	width 0..32: the least entry as int, then every entry less that in width bits
//	width 33:    every entry as int
//
// whichever is shorter. Entries differ by less than 1<<32. The length is not written.
func (w *writer) list(values []int64) {
	w.entries += int64(len(values))
	if len(values) == 0 {
		return
	}
	least, most := values[0], values[0]
	var varints writer
	for _, v := range values {
		least, most = min(least, v), max(most, v)
		varints.int(v)
	}
	width := bits.Len64(uint64(most - least))
	fixed := writer{buf: []byte{byte(width)}}
	fixed.int(least)
	var b coding.BitWriter
	for _, v := range values {
		b.Put(uint32(v-least), uint(width))
	}
	fixed.buf = append(fixed.buf, b.Bytes()...)
	if len(fixed.buf) <= 1+len(varints.buf) {
		w.buf = append(w.buf, fixed.buf...)
		return
	}
	w.byte(packedVarints)
	w.buf = append(w.buf, varints.buf...)
}

// list reads a packed list of n entries in lo..hi and hands each to put. The caller has
// taken n entries.
func (r *reader) list(what string, n int, lo, hi int64, put func(i int, v int64)) {
	if r.err != nil || n == 0 {
		return
	}
	from := r.pos
	width := uint(0)
	if b := r.raw(what, 1); b != nil {
		width = uint(b[0])
	}
	switch {
	case width < packedVarints:
		r.fixedList(what, from, n, width, lo, hi, put)
	case width == packedVarints:
		for i := 0; i < n && r.err == nil; i++ {
			at := r.pos
			v := r.rawInt(what)
			if r.err == nil && (v < lo || v > hi) {
				r.fail(at, "entry %d of %s is %d, want %d..%d", i, what, v, lo, hi)
			}
			if r.err == nil {
				put(i, v)
			}
		}
		r.say(from, "%s, %d varints", what, n)
	default:
		r.fail(from, "%s has the width byte %d, want 0..%d", what, width, packedVarints)
	}
}

func (r *reader) fixedList(what string, from, n int, width uint, lo, hi int64, put func(i int, v int64)) {
	least := r.rawInt(what)
	size := (uint64(n)*uint64(width) + 7) / 8
	if r.err == nil && size > uint64(r.end-r.pos) {
		r.fail(from, "%s takes %d bytes, %d remain in the chunk", what, size, r.end-r.pos)
		return
	}
	at := r.pos
	var b coding.BitReader
	b.Reset(r.raw(what, int(size)))
	for i := 0; i < n && r.err == nil; i++ {
		u, _ := b.Get(width)
		v := least + int64(u)
		if v < lo || v > hi {
			r.fail(at, "entry %d of %s is %d, want %d..%d", i, what, v, lo, hi)
			return
		}
		put(i, v)
	}
	if r.err == nil && b.Finish() != nil {
		r.fail(r.pos-1, "%s: the bits that fill up the last byte are not 0", what)
	}
	r.say(from, "%s, %d entries of %d bits over %d", what, n, width, least)
}

// ascending writes numbers that ascend strictly: the first, then the list of differences.
func (w *writer) ascending(values []int32) {
	if len(values) == 0 {
		return
	}
	w.entries++
	w.int(int64(values[0]))
	steps := make([]int64, len(values)-1)
	for i := range steps {
		steps[i] = int64(values[i+1]) - int64(values[i])
	}
	w.list(steps)
}

// ascending reads n numbers that ascend strictly; nil if n is 0 or in case of a fault.
func (r *reader) ascending(what string, n int) []int32 {
	if n == 0 || !r.take(what, n, 4) {
		return nil
	}
	first := r.int("first of "+what, math.MinInt32, math.MaxInt32)
	values := make([]int32, n)
	values[0] = int32(first)
	last := first
	r.list("differences of "+what, n-1, 1, math.MaxUint32, func(i int, v int64) {
		last += v
		values[i+1] = int32(last)
		if last > math.MaxInt32 {
			r.fail(r.pos, "entry %d of %s is %d, want at most %d", i+1, what, last, math.MaxInt32)
		}
	})
	return values
}

// The forms of a table of bytes.
const (
	tableIdentity = iota // 0, 1, 2, ...: nothing follows
	tableRaw             // a byte for each entry
	tableSteps           // the first entry, then the list of differences
	tableForms
)

// table writes a table of bytes in the shortest form. The length is not written.
func (w *writer) table(t []uint8) {
	w.entries += int64(len(t))
	identity := len(t) <= 256
	for i, v := range t {
		identity = identity && int(v) == i
	}
	if identity {
		w.byte(tableIdentity)
		return
	}
	steps := make([]int64, len(t)-1)
	for i := range steps {
		steps[i] = int64(t[i+1]) - int64(t[i])
	}
	var s writer
	s.byte(t[0])
	s.list(steps)
	if len(s.buf) < len(t) {
		w.byte(tableSteps)
		w.buf = append(w.buf, s.buf...)
		return
	}
	w.byte(tableRaw)
	w.buf = append(w.buf, t...)
}

// table reads a table of n bytes.
func (r *reader) table(what string, n int) []uint8 {
	if !r.take(what, n, 1) {
		return nil
	}
	from := r.pos
	form := uint8(0)
	if b := r.raw(what, 1); b != nil {
		form = b[0]
	}
	if r.err != nil {
		return nil
	}
	switch form {
	case tableIdentity:
		if n > 256 {
			r.fail(from, "%s has %d entries, want at most 256 for 0, 1, 2, ...", what, n)
			return nil
		}
		t := make([]uint8, n)
		for i := range t {
			t[i] = uint8(i)
		}
		r.say(from, "%s is 0, 1, 2, ... %d", what, n-1)
		return t
	case tableRaw:
		t := append([]uint8(nil), r.raw(what, n)...)
		r.say(from, "%s, %d bytes", what, n)
		return t
	case tableSteps:
		r.say(from, "form of %s: differences", what)
		if n == 0 {
			r.fail(from, "%s has no entries", what)
			return nil
		}
		t := make([]uint8, n)
		t[0] = r.byte("first of " + what)
		last := int64(t[0])
		r.list("differences of "+what, n-1, -255, 255, func(i int, v int64) {
			last += v
			t[i+1] = uint8(last)
			if last < 0 || last > 255 {
				r.fail(r.pos, "entry %d of %s is %d, want 0..255", i+1, what, last)
			}
		})
		return t
	}
	r.fail(from, "%s has the form %d, want 0..%d", what, form, tableForms-1)
	return nil
}
