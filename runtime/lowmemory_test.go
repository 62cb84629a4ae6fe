package runtime

import (
	"math/rand"
	"slices"
	"testing"
)

// TestLowMemory demands that coded weights take less memory, that they are those of the
// Program, and that every coding is met.
func TestLowMemory(t *testing.T) {
	codings := map[string]bool{}
	for _, p := range []*Program{
		lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-8, 7)),
		lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-128, 127)),
		allProgram(),
	} {
		coded := 0
		for _, l := range p.linears() {
			for k := range l.Terms {
				coded += l.Terms[k].Weights.CodedBytes()
				codings[l.Terms[k].Weights.Coding()] = true
			}
		}
		plain := mustRunner(t, p, Options{Kernel: kernelGeneric}).Memory()
		packed := mustRunner(t, p, Options{LowMemory: true}).Memory()
		if packed.Weights != coded {
			t.Errorf("weights take %d bytes, want those of the program, %d", packed.Weights, coded)
		}
		if p.weightCount() > 10000 && packed.Total() >= plain.Total() {
			t.Errorf("low memory takes %+v, otherwise %+v", packed, plain)
		}
	}
	if len(codings) != 3 {
		t.Errorf("the programs have weights coded as %v, want every coding", codings)
	}
}

// TestLowMemoryBatch runs workers that decode at the same time.
func TestLowMemoryBatch(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-8, 7))
	in := &p.Tensors[p.Inputs[0].Tensor]
	sample := make([]byte, in.Elems())
	GenerateInput(1, sample, in.Levels)
	want := evaluate(p, sample)
	b, err := NewBatch(p, Options{LowMemory: true, Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Run([][]byte{sample, sample, sample, sample}, func(i int, out [][]int32) error {
		if !slices.Equal(out[0], want[0]) {
			t.Errorf("sample %d: got %v, want %v", i, out[0], want[0])
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
