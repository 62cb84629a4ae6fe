package main

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"qconv/runtime"
)

// waveFile is a WAV file of 16 bits at 16000 samples a second.
func waveFile(channels byte, data ...byte) []byte {
	head := "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00" + string(rune(channels)) + "\x00\x80\x3e\x00\x00\x00\x7d\x00\x00" + string(rune(2*channels)) + "\x00\x10\x00data"
	return append(binary.LittleEndian.AppendUint32([]byte(head), uint32(len(data))), data...)
}

// TestSoundForFeatures gives sound to a program that takes features of it.
func TestSoundForFeatures(t *testing.T) {
	dir := inputFolder(t, map[string][]byte{"a.wav": waveFile(1, 0, 0, 0, 0)})
	p := &runtime.Program{Tensors: []runtime.Tensor{{Shape: [3]int{2, 1, 1}, Levels: 256, Zero: 10, Scale: runtime.ScaleOf(0.5)}}, Inputs: []runtime.Input{{}}, Features: "mfcc:rate=16000"}
	_, err := readInputs(filepath.Join(dir, "a.wav"), p, 0, &options{})
	if want := "a.wav: is sound, and the program takes features of it (mfcc, see --info), which are computed on a host"; err == nil || !strings.Contains(err.Error(), want) || exitCode(err) != exitBadInput {
		t.Errorf("error is %v, want %q", err, want)
	}
}
