package main

import (
	"bytes"
	"fmt"

	"qconv/runtime"
	"qconv/runtime/wav"
)

// parseWAV reads the samples of sound, -1..1, for a program that takes them as they are.
func parseWAV(data []byte, p *runtime.Program) ([]float32, error) {
	if p.Features != "" {
		return nil, fmt.Errorf("is sound, and the program takes features of it (%.120s), which are computed on a host: give these, as .npy or .f32", p.Features)
	}
	r, err := wav.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	if r.Len() > maxInputBytes/4 {
		return nil, fmt.Errorf("has %d samples, want at most %d", r.Len(), maxInputBytes/4)
	}
	return r.Samples()
}
