package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
)

// idxByte is the element type "unsigned byte" in the third byte of an IDX file.
const idxByte = 0x08

// encodeIDX returns data as a gzip'd IDX file of unsigned bytes: two zero bytes, the
// element type, the number of dimensions, every dimension as a big-endian uint32, then the
// elements, last dimension fastest. The gzip header holds no name and no time.
func encodeIDX(dims []int, data []byte) ([]byte, error) {
	size := 1
	head := []byte{0, 0, idxByte, byte(len(dims))}
	for _, d := range dims {
		size *= d
		head = binary.BigEndian.AppendUint32(head, uint32(d))
	}
	if len(data) != size {
		return nil, fmt.Errorf("idx of shape %v has %d elements, want %d", dims, len(data), size)
	}
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, part := range [][]byte{head, data} {
		if _, err := zip.Write(part); err != nil {
			return nil, err
		}
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
