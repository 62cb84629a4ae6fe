package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"qconv/runtime"
)

// readSamples reads the float samples at path as the bytes that Runner.RunSample takes.
func readSamples(path string, p *runtime.Program) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	size := 4 * p.SampleBytes()
	if len(data) == 0 || len(data)%size != 0 {
		return nil, fmt.Errorf("%s has %d bytes, want a multiple of %d", path, len(data), size)
	}
	var samples [][]byte
	for ; len(data) > 0; data = data[size:] {
		x := make([]float32, size/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		samples = append(samples, sampleBytes(p, x))
	}
	return samples, nil
}

// sampleBytes turns x, all inputs one after the other, into bytes.
func sampleBytes(p *runtime.Program, x []float32) []byte {
	var sample []byte
	for i := range p.Inputs {
		n := p.Tensors[p.Inputs[i].Tensor].Elems()
		sample = append(sample, inputBytes(p, &p.Inputs[i], x[:n])...)
		x = x[n:]
	}
	return sample
}

// inputBytes turns x, [C][H][W], into the bytes whose levels are nearest to it, in the
// order that the input wants.
func inputBytes(p *runtime.Program, in *runtime.Input, x []float32) []byte {
	t := &p.Tensors[in.Tensor]
	channels, plane := t.Shape[0], t.Shape[1]*t.Shape[2]
	step := t.Scale.Float()
	sample := make([]byte, len(x))
	for i, v := range x {
		c, at := i/plane, i%plane
		shift := 0
		if in.Shifts != nil {
			shift = int(in.Shifts[c])
		}
		level := math.RoundToEven(math.Ldexp(float64(v)/step, -shift)) + float64(t.Zero)
		b := byte(max(0, min(float64(t.Levels-1), level)))
		if tables := in.Tables; tables != nil {
			b = nearest(tables[min(c, len(tables)-1)], b)
		}
		if in.Interleaved {
			sample[at*channels+c] = b
		} else {
			sample[i] = b
		}
	}
	return sample
}

// nearest is the first byte whose entry in table is closest to level.
func nearest(table []uint8, level byte) byte {
	best, distance := 0, 256
	for b, l := range table {
		if d := max(int(l), int(level)) - min(int(l), int(level)); d < distance {
			best, distance = b, d
		}
	}
	return byte(best)
}
