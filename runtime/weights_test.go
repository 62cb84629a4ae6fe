package runtime

import (
	"fmt"
	"slices"
	"testing"
)

func TestWeights(t *testing.T) {
	tests := []struct {
		indices []uint16
		size    int
		coding  string
	}{
		{nil, 1, "single"},
		{[]uint16{4}, 5, "single"},
		{make([]uint16, 1000), 16, "single"},
		{[]uint16{0, 1, 2, 3}, 4, "plain"},
		{[]uint16{65535, 0, 256}, 65536, "plain"},
		{append(make([]uint16, 1000), 1, 2, 3), 4, "tANS"},
	}
	for _, tt := range tests {
		w := PackWeights(tt.indices, tt.size)
		if w.Len() != len(tt.indices) || w.Coding() != tt.coding {
			t.Errorf("%d indices of %d: Len %d, coding %s, want %d, %s", len(tt.indices), tt.size, w.Len(), w.Coding(), len(tt.indices), tt.coding)
		}
		if plain := 2 * len(tt.indices); w.CodedBytes() > plain+1 {
			t.Errorf("%d indices of %d: %d bytes, want at most %d", len(tt.indices), tt.size, w.CodedBytes(), plain+1)
		}
		got := make([]uint16, w.Len())
		if err := w.Decode(got); err != nil || !slices.Equal(got, tt.indices) {
			t.Errorf("%d indices of %d: decoded %v, %v", len(tt.indices), tt.size, got, err)
		}
		if err := w.Decode(make([]uint16, w.Len()+1)); err == nil {
			t.Errorf("%d indices of %d: no error for a longer destination", len(tt.indices), tt.size)
		}
	}
	if err := (Weights{}).Decode(nil); err != nil {
		t.Errorf("zero value: %v", err)
	}
}

func TestPackWeightsPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an index outside the codebook: no panic")
		}
	}()
	PackWeights([]uint16{0, 3}, 3)
}

func BenchmarkWeightsDecode(b *testing.B) {
	for _, size := range []int{2, 16, 256} {
		p, _ := network(size, [][3]int{{128, 32, 5}})
		w := p.Instrs[0].(*Linear).Terms[0].Weights
		b.Run(fmt.Sprintf("%s/W=%d", w.Coding(), size), func(b *testing.B) {
			dst := make([]uint16, w.Len())
			b.SetBytes(int64(w.Len()))
			for b.Loop() {
				if err := w.Decode(dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
