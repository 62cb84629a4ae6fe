package runtime

import (
	"bytes"
	"testing"
)

// TestGenerateInput holds the generator to the vectors of FORMAT.md, "Self-test input".
func TestGenerateInput(t *testing.T) {
	tests := []struct {
		seed   uint32
		levels int
		want   []byte
	}{
		{0, 256, []byte{81, 224, 123, 1, 230, 249, 186, 252, 168, 181, 26, 249}},
		{1, 32, []byte{17, 4, 6, 19, 8, 21, 31, 5, 31, 24, 4, 0}},
		{1, 3, []byte{1, 0, 2, 0, 0, 1, 0, 1, 0, 0, 0, 0}},
		{0x9E3779B9, 200, []byte{0, 4, 157, 18, 142, 44, 37, 25, 119, 173, 158, 89}},
	}
	for _, tt := range tests {
		got := make([]byte, 12)
		GenerateInput(tt.seed, got, tt.levels)
		if !bytes.Equal(got, tt.want) {
			t.Errorf("seed %#x, %d levels: %v, want %v", tt.seed, tt.levels, got, tt.want)
		}
	}
}

// TestGenerateInputRange checks that every level occurs and no other.
func TestGenerateInputRange(t *testing.T) {
	dst := make([]byte, 20000)
	for levels := 1; levels <= 256; levels++ {
		GenerateInput(uint32(levels), dst, levels)
		var seen [256]bool
		for _, v := range dst {
			seen[v] = true
		}
		for v, s := range seen {
			if s != (v < levels) {
				t.Errorf("%d levels: level %d occurs: %v", levels, v, s)
			}
		}
	}
}
