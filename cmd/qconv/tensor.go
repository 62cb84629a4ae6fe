package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// encodeTensor makes a file of values of a shape: .npy, where the name says so, or raw
// little-endian float32.
func encodeTensor(path string, shape []int, values []float32) []byte {
	var data []byte
	if strings.HasSuffix(path, ".npy") {
		data = npyHeader(shape)
	}
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

// npyHeader is the start of a NumPy file, version 1.0, of float32 in row-major order.
func npyHeader(shape []int) []byte {
	var dims strings.Builder
	for _, d := range shape {
		fmt.Fprintf(&dims, "%d,", d)
	}
	text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", &dims)
	// The header with its 10 leading bytes and the line end fills whole blocks of 64 bytes.
	const block = 64
	text += strings.Repeat(" ", block-1-(10+len(text))%block) + "\n"
	data := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(text)))
	return append(data, text...)
}
