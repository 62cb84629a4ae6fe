package runtime

import (
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// The field types of FORMAT.md, "Field types". Every read has its write beside it.

// writer builds the payload of a chunk.
type writer struct {
	buf     []byte
	entries int64 // of packed lists and tables so far
	version int   // the least that knows what was written; 0 for any
}

// reader parses the payload of a chunk. After the first fault err is set and every read
// delivers zeros, so that a loop over a list need only look at err.
type reader struct {
	file    []byte
	version int  // of the file
	needed  int  // the least that knows what was read
	own     bool // the program may refer to file
	pos     int  // offset in file
	end     int  // of the payload
	chunk   string
	err     error
	entries int64 // of packed lists and tables that may still come
	weights int64 // that may still come
	limits  Limits
	memory  int64 // bytes that may still be allocated

	item    string // what is being read, "tensor" for example
	index   int    // its number, or -1 when there is only one
	part    string // a part of the item, or empty
	partIdx int

	// starts holds the offsets of the items of the chunk, for faults found later.
	starts []int
	// note, if set, is told every field and its meaning.
	note func(from, to int, meaning string)
}

// enterChunk starts what belongs to a chunk as a whole.
func (r *reader) enterChunk(item string) { r.item, r.index, r.part = item, -1, "" }

// enter starts item number index of a chunk.
func (r *reader) enter(item string, index int) {
	r.item, r.index, r.part = item, index, ""
	r.starts = append(r.starts, r.pos)
}

// enterPart starts a part of the current item.
func (r *reader) enterPart(part string, index int) { r.part, r.partIdx = part, index }

// where names the current item: "instruction 3, term 0: ".
func (r *reader) where() string {
	s := r.item
	if r.index >= 0 {
		s = fmt.Sprintf("%s %d", s, r.index)
	}
	if r.part != "" {
		s = fmt.Sprintf("%s, %s %d", s, r.part, r.partIdx)
	}
	return s
}

// fail records a fault of the field that starts at offset at.
func (r *reader) fail(at int, format string, args ...any) {
	if r.err == nil {
		reason := fmt.Errorf(format, args...)
		r.err = &FormatError{Offset: int64(at), Chunk: r.chunk, Reason: fmt.Errorf("%s: %w", r.where(), reason)}
	}
	r.pos = r.end
}

// hold counts n things of size bytes before they are allocated. It reports whether the limit allows them.
func (r *reader) hold(n int, size uintptr) bool {
	if r.err != nil {
		return false
	}
	if r.memory -= int64(n) * int64(size); r.memory < 0 {
		r.err = r.limits.tooMuchMemory(r.limits.Memory - r.memory)
		r.pos = r.end
		return false
	}
	return true
}

// say notes the field that started at offset from and ends here.
func (r *reader) say(from int, format string, args ...any) {
	if r.note != nil && r.err == nil {
		r.note(from, r.pos, r.where()+": "+fmt.Sprintf(format, args...))
	}
}

// raw reads n bytes.
func (r *reader) raw(what string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > r.end-r.pos {
		r.fail(r.pos, "%s takes %d bytes, %d remain in the chunk: %w", what, n, r.end-r.pos, io.ErrUnexpectedEOF)
		return nil
	}
	b := r.file[r.pos : r.pos+n]
	r.pos += n
	return b
}

func (w *writer) byte(v uint8) { w.buf = append(w.buf, v) }

func (r *reader) byte(what string) uint8 {
	from := r.pos
	b := r.raw(what, 1)
	if b == nil {
		return 0
	}
	r.say(from, "%s %d", what, b[0])
	return b[0]
}

func (w *writer) uint32(v uint32) { w.buf = binary.LittleEndian.AppendUint32(w.buf, v) }

func (r *reader) uint32(what string) uint32 {
	from := r.pos
	b := r.raw(what, 4)
	if b == nil {
		return 0
	}
	v := binary.LittleEndian.Uint32(b)
	r.say(from, "%s 0x%08x", what, v)
	return v
}

// uvarint writes seven bits a byte, lowest first; the top bit says that more follow.
func (w *writer) uvarint(v uint64) { w.buf = binary.AppendUvarint(w.buf, v) }

// rawUvarint reads a number of at most 35 bits, in as few bytes as it takes.
func (r *reader) rawUvarint(what string) uint64 {
	from := r.pos
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.raw(what, 1)
		if b == nil {
			return 0
		}
		v |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			if b[0] == 0 && shift > 0 {
				r.fail(from, "%s has a needless last byte 0", what)
				return 0
			}
			return v
		}
	}
	r.fail(from, "%s has more than 5 bytes", what)
	return 0
}

// uint writes a number that is not negative.
func (w *writer) uint(v int) { w.uvarint(uint64(v)) }

// uint reads a number in 0..limit, limit at most 2^31-1.
func (r *reader) uint(what string, limit int) int {
	from := r.pos
	v := r.rawUvarint(what)
	if v > uint64(limit) {
		r.fail(from, "%s is %d, want 0..%d", what, v, limit)
		return 0
	}
	r.say(from, "%s %d", what, v)
	return int(v)
}

// count reads the number of things that take at least size bytes each.
func (r *reader) count(what string, limit, size int) int {
	from := r.pos
	n := r.uint(what, limit)
	if r.err == nil && n > (r.end-r.pos)/size {
		r.fail(from, "%s is %d, but %d bytes remain in the chunk: %w", what, n, r.end-r.pos, io.ErrUnexpectedEOF)
		return 0
	}
	return n
}

// int writes a number as uvarint in the order 0, -1, 1, -2, 2, ...
func (w *writer) int(v int64) { w.uvarint(uint64(v)<<1 ^ uint64(v>>63)) }

func (r *reader) rawInt(what string) int64 {
	v := r.rawUvarint(what)
	return int64(v>>1) ^ -int64(v&1)
}

// int reads a number in lo..hi.
func (r *reader) int(what string, lo, hi int64) int64 {
	from := r.pos
	v := r.rawInt(what)
	if r.err == nil && (v < lo || v > hi) {
		r.fail(from, "%s is %d, want %d..%d", what, v, lo, hi)
		return 0
	}
	r.say(from, "%s %d", what, v)
	return v
}

// string writes a length and that many bytes of UTF-8.
func (w *writer) string(s string) {
	w.uint(len(s))
	w.buf = append(w.buf, s...)
}

func (r *reader) string(what string) string {
	n := r.count("length of "+what, MaxString, 1)
	from := r.pos
	s := string(r.raw(what, n))
	if !utf8.ValidString(s) {
		r.fail(from, "%s is not valid UTF-8", what)
		return ""
	}
	if n > 0 {
		r.say(from, "%s %q", what, s)
	}
	return s
}

// take counts n entries of packed lists or tables before they are stored, in size bytes each. It reports
// whether the file may hold them.
func (r *reader) take(what string, n int, size uintptr) bool {
	if r.err != nil {
		return false
	}
	if r.entries -= int64(n); r.entries < 0 {
		r.fail(r.pos, "%s has %d entries: all lists together have more than a file of %d bytes may hold (%d)",
			what, n, len(r.file), maxEntries(len(r.file)))
		return false
	}
	return r.hold(n, size)
}

// close checks that the payload was used up.
func (r *reader) close() {
	if r.err == nil && r.pos != r.end {
		r.enterChunk("the chunk")
		r.fail(r.pos, "%d bytes are left over, want 0", r.end-r.pos)
	}
}
