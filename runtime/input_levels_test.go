package runtime

import (
	"bytes"
	"math"
	"testing"
)

func TestNumberLevels(t *testing.T) {
	p := &Program{
		Tensors: []Tensor{{Shape: [3]int{2, 1, 4}, Levels: 5, Zero: 2, Scale: ScaleOf(0.5)}},
		Inputs:  []Input{{Tensor: 0, Shifts: []int8{0, 1}}},
	}
	got := make([]byte, 8)
	p.NumberLevels(got, 0, []float32{-9, -0.26, -0.25, 0.24, 1, 9, float32(math.NaN()), float32(math.Inf(1))})
	// -0.26 is nearer to -0.5; -0.25 is halfway and goes up. The steps of the second channel are twice as large.
	if want := []byte{0, 1, 2, 2, 3, 4, 0, 4}; !bytes.Equal(got, want) {
		t.Errorf("levels %v, want %v", got, want)
	}
}

func TestPixelLevels(t *testing.T) {
	p := &Program{Tensors: []Tensor{{Shape: [3]int{2, 1, 2}, Levels: 5}}, Inputs: []Input{{}}}
	got := make([]byte, 4)
	if p.PixelLevels(got, 0, []byte{1, 2, 3, 4}); !bytes.Equal(got, []byte{1, 2, 3, 4}) {
		t.Errorf("without tables: %v", got)
	}
	first, second := make([]uint8, 256), make([]uint8, 256)
	first[7], second[7] = 3, 4
	p.Inputs[0].Tables = [][]uint8{first, second}
	if p.PixelLevels(got, 0, []byte{7, 8, 8, 7}); !bytes.Equal(got, []byte{3, 0, 0, 4}) {
		t.Errorf("with a table for each channel: %v", got)
	}
}
