package runtime

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// dumpWidth is the number of bytes in a line of a dump.
const dumpWidth = 16

// Dump writes every byte of a .qlut file in hexadecimal, beside its meaning:
//
//	offset-offset: hex  # meaning
//
// The offsets are those of the first byte of the line and of the one after its last. A
// field of more than 16 bytes takes several lines. A file that is not valid is written
// as far as it is understood, the rest without meaning, and the error is that of [Decode].
func Dump(w io.Writer, data []byte) error {
	d := dumper{out: bufio.NewWriter(w), data: data}
	frames, err := readFrames(data)
	if checkHead(data) == nil {
		d.field(0, len(magic), "magic")
		d.field(len(magic), headSize, fmt.Sprintf("version %d", fileVersion(data)))
	}
	d.frames = frames
	_, parseErr := decodeFrames(data, frames, decoding{limits: NoLimits.For(0), note: d.field})
	if err == nil {
		err = parseErr
	}
	d.field(len(data), len(data), "")
	if flushErr := d.out.Flush(); flushErr != nil {
		return flushErr
	}
	return err
}

// dumper writes fields in order, and what lies between them.
type dumper struct {
	out    *bufio.Writer
	data   []byte
	at     int     // of the first byte not yet written
	frames []frame // that are not yet complete
}

// field writes the bytes of one field, after any that were left out before it.
func (d *dumper) field(from, to int, meaning string) {
	d.heads(from)
	d.lines(d.at, from, "?")
	d.lines(from, to, meaning)
}

// heads writes the parts of chunks that lie before offset to and are not payload: id,
// length, checksum, and whole chunks of which no field was noted.
func (d *dumper) heads(to int) {
	for len(d.frames) > 0 {
		f := d.frames[0]
		if d.at <= f.at && f.start <= to {
			d.lines(d.at, f.at, "?")
			d.lines(f.at, f.at+4, fmt.Sprintf("chunk %q", f.id))
			d.lines(f.at+4, f.start, fmt.Sprintf("length %d", f.end-f.start))
		}
		if f.end+frameAfter > to {
			return
		}
		meaning := "?"
		if !isKnown(f.id) {
			meaning = "skipped"
		}
		d.lines(d.at, f.end, meaning)
		d.lines(f.end, f.end+frameAfter, "CRC-32C")
		d.frames = d.frames[1:]
	}
}

// lines writes the bytes from..to-1 with their meaning.
func (d *dumper) lines(from, to int, meaning string) {
	for at := from; at < to; at += dumpWidth {
		end := min(at+dumpWidth, to)
		hex := fmt.Sprintf("% x", d.data[at:end])
		line := fmt.Sprintf("%06d-%06d: %-*s  # %s", at, end, 3*dumpWidth-1, hex, meaning)
		d.out.WriteString(strings.TrimRight(line, " ") + "\n")
		meaning = ""
	}
	d.at = max(d.at, to)
}

// FilePart is a part of a file and what it takes, its head and checksum included.
type FilePart struct {
	Name  string // what a chunk holds, such as "weights"
	Bytes int
}

// FileParts divides the bytes of a .qlut file among its chunks, in their order.
func FileParts(data []byte) ([]FilePart, error) {
	frames, err := readFrames(data)
	if err != nil {
		return nil, err
	}
	parts := []FilePart{{"head and end", headSize}}
	for _, f := range frames {
		n := f.end + frameAfter - f.at
		if f.id == endID {
			parts[0].Bytes += n
			continue
		}
		name := "unknown"
		for _, c := range chunks {
			if c.id == f.id {
				name = c.holds
			}
		}
		parts = append(parts, FilePart{name, n})
	}
	return parts, nil
}
