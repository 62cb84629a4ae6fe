package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// FORMAT.md, "Structure of a file".
const (
	magic         = "\x89QLT\r\n\x1a\n"
	firstVersion  = 1
	newestVersion = 3
	headSize      = len(magic) + 2
	frameBefore   = 8                        // id and length of a chunk
	frameAfter    = 4                        // checksum
	frameBytes    = frameBefore + frameAfter // of a chunk without payload
	endID         = "DONE"
	roomID        = "room" // holds nothing: it makes the file larger
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is the place of a chunk in a file. All offsets count from the start of the file.
type frame struct {
	id         string
	at         int // of the id
	start, end int // of the payload
}

// appendFrame appends a chunk.
func appendFrame(file []byte, id string, payload []byte) []byte {
	at := len(file)
	file = append(file, id...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(payload)))
	file = append(file, payload...)
	return binary.LittleEndian.AppendUint32(file, crc32.Checksum(file[at:], castagnoli))
}

// readFrames checks the head of a file and finds its chunks, the end chunk included. It
// checks lengths, checksums and that the file ends with the end chunk; not the ids.
// In case of an error it returns the chunks before the fault.
func readFrames(file []byte) ([]frame, error) {
	if err := checkHead(file); err != nil {
		return nil, err
	}
	var frames []frame
	for at := headSize; ; {
		f, err := readFrame(file, at)
		if err != nil {
			return frames, err
		}
		frames = append(frames, f)
		at = f.end + frameAfter
		if f.id != endID {
			continue
		}
		if f.start != f.end {
			return frames, &FormatError{Offset: int64(f.start), Chunk: f.id, Reason: fmt.Errorf("the end chunk holds %d bytes, want 0", f.end-f.start)}
		}
		if at != len(file) {
			return frames, &FormatError{Offset: int64(at), Reason: fmt.Errorf("%d bytes follow the end chunk, want 0", len(file)-at)}
		}
		return frames, nil
	}
}

// readFrame checks the chunk at offset at.
func readFrame(file []byte, at int) (frame, error) {
	rest := len(file) - at
	if rest == 0 {
		return frame{}, &FormatError{Offset: int64(at), Reason: fmt.Errorf("the end chunk %q is missing, the file is cut short: %w", endID, io.ErrUnexpectedEOF)}
	}
	if rest < frameBefore+frameAfter {
		return frame{}, &FormatError{Offset: int64(at), Reason: fmt.Errorf("%d bytes remain, want at least %d for a chunk, the file is cut short: %w", rest, frameBefore+frameAfter, io.ErrUnexpectedEOF)}
	}
	id := string(file[at : at+4])
	for _, c := range id {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return frame{}, &FormatError{Offset: int64(at), Reason: fmt.Errorf("chunk id %q, want four letters", id)}
		}
	}
	length := int64(binary.LittleEndian.Uint32(file[at+4:]))
	if room := int64(rest - frameBefore - frameAfter); length > room {
		return frame{}, &FormatError{Offset: int64(at), Chunk: id, Reason: fmt.Errorf("length %d, but only %d bytes remain, the file is cut short: %w", length, room, io.ErrUnexpectedEOF)}
	}
	f := frame{id: id, at: at, start: at + frameBefore, end: at + frameBefore + int(length)}
	want := binary.LittleEndian.Uint32(file[f.end:])
	if got := crc32.Checksum(file[at:f.end], castagnoli); got != want {
		return frame{}, &FormatError{Offset: int64(at), Chunk: id, Reason: fmt.Errorf("the checksum is %08x, the file says %08x: the chunk is damaged", got, want)}
	}
	return f, nil
}

// checkHead checks magic and version.
func checkHead(file []byte) error {
	if len(file) > maxFileBytes {
		return &FormatError{Reason: fmt.Errorf("the file has %d bytes, want at most %d", len(file), maxFileBytes)}
	}
	if len(file) < len(magic) || string(file[:len(magic)]) != magic {
		return &FormatError{Reason: errors.New(whatItIs(file))}
	}
	if len(file) < headSize {
		return &FormatError{Offset: int64(len(file)), Reason: fmt.Errorf("no version, the file is cut short: %w", io.ErrUnexpectedEOF)}
	}
	if v := fileVersion(file); v < firstVersion || v > newestVersion {
		return &FormatError{Offset: int64(len(magic)), Reason: fmt.Errorf("format version %d, want %d..%d", v, firstVersion, newestVersion)}
	}
	return nil
}

// fileVersion is the version that the head of a file names; 0 where the head is cut short.
func fileVersion(file []byte) int {
	if len(file) < headSize {
		return 0
	}
	return int(binary.LittleEndian.Uint16(file[len(magic):]))
}
