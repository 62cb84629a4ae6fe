package bundle

import (
	"encoding/binary"
	"fmt"
	"io"
)

// table says where a table of headers is described and what its entries have: offsets of fields, in bytes.
type table struct {
	at, sizes     int // in the header of the file: where the table begins; the bytes of an entry, and behind them how many there are
	offset, bytes int // in an entry: where the segment or section begins, and its bytes
	least         int // bytes of an entry
	sections      bool
}

// The tables of segments and of sections, by class.
var (
	tables32 = []table{{28, 42, 4, 16, 32, false}, {32, 46, 16, 20, 40, true}}
	tables64 = []table{{32, 54, 8, 32, 56, false}, {40, 58, 24, 32, 64, true}}
)

// noBytes is the kind of a section that takes none.
const noBytes = 8

// limit bounds offsets, so that they can be added.
const limit = 1 << 60

// End is where an executable in ELF format ends, by its headers: behind segments, sections, and the tables of both. It is 0 for files
// in other formats. It is an error where that is beyond size, the bytes of the file.
//
// debug/elf reads the same, and would make every qrun 200 kB larger.
func End(r io.ReaderAt, size int64) (int64, error) {
	head := make([]byte, 64)
	if n, err := r.ReadAt(head, 0); n < len(head) && err != io.EOF {
		return 0, fmt.Errorf("bundle: %w", err)
	}
	if string(head[:4]) != "\x7fELF" {
		return 0, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[5] == 2 {
		order = binary.BigEndian
	}
	last, tables := int64(64), tables64
	address := func(b []byte) int64 { return int64(min(order.Uint64(b), limit)) }
	if head[4] == 1 {
		last, tables = 52, tables32
		address = func(b []byte) int64 { return int64(order.Uint32(b)) }
	}
	for _, t := range tables {
		at, each, n := address(head[t.at:]), int(order.Uint16(head[t.sizes:])), int(order.Uint16(head[t.sizes+2:]))
		if n == 0 {
			continue
		}
		last = max(last, at+int64(each*n))
		if each < t.least || last > size {
			return 0, cut(size, last)
		}
		data := make([]byte, each*n)
		if _, err := r.ReadAt(data, at); err != nil && err != io.EOF {
			return 0, fmt.Errorf("bundle: %w", err)
		}
		for ; len(data) > 0; data = data[each:] {
			if !t.sections || order.Uint32(data[4:]) != noBytes {
				last = max(last, address(data[t.offset:])+address(data[t.bytes:]))
			}
		}
	}
	if last > size {
		return 0, cut(size, last)
	}
	return last, nil
}

// cut is the error of a file that lacks a part.
func cut(size, want int64) error {
	return fmt.Errorf("bundle: the executable has %d bytes, its headers tell of %d: the file is damaged, want it copied again", size, want)
}
