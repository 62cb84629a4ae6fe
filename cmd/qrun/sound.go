package main

import (
	"bytes"
	"fmt"
	"strings"

	"qconv/runtime"
	"qconv/runtime/wav"
)

// parseWAV reads the samples of sound, -1..1, for a program that takes them as they are.
func parseWAV(data []byte, p *runtime.Program) ([]float32, error) {
	if kind, _, _ := strings.Cut(p.Features, ":"); kind != "" {
		return nil, fmt.Errorf("is sound, and the program takes features of it (%s, see --info), which are computed on a host: give these, as .npy or .f32", kind)
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
