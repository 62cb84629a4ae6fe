package runtime

import (
	"errors"
	"math/rand"
	"slices"
	"testing"

	"qconv/runtime/internal/kernel"
)

// TestPacked demands that coded weights take less memory, that they are those of the
// Program, and that every coding is met.
func TestPacked(t *testing.T) {
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
		packed := mustRunner(t, p, Options{Kernel: kernelPacked}).Memory()
		if packed.Weights != coded {
			t.Errorf("weights take %d bytes, want those of the program, %d", packed.Weights, coded)
		}
		if p.weightCount() > 10000 && packed.Total() >= plain.Total() {
			t.Errorf("packed weights take %+v, others %+v", packed, plain)
		}
	}
	if len(codings) != 3 {
		t.Errorf("the programs have weights coded as %v, want every coding", codings)
	}
}

// TestLowMemory demands that the forms of weights take no more than a third of the weights as float32, and that some layers of
// a large network are fast and others are not.
func TestLowMemory(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-128, 127))
	r := mustRunner(t, p, Options{LowMemory: true})
	kernels := map[bool]int{}
	for i, l := range r.Layers() {
		if _, ok := p.Instrs[i].(*Linear); ok {
			kernels[l.Kernel == kernel.NamePacked]++
		}
	}
	if kernels[true] == 0 || kernels[false] == 0 {
		t.Errorf("%d layers are packed and %d are not, want some of both", kernels[true], kernels[false])
	}
	m, packed := r.Memory(), mustRunner(t, p, Options{Kernel: kernelPacked}).Memory()
	if grown := int64(m.Weights + m.Tables - packed.Weights - packed.Tables); p.codedBytes()+grown > p.weightCount()*4/3 {
		t.Errorf("coded weights of %d bytes and %d more for fast forms, want at most a third of %d", p.codedBytes(), grown, p.weightCount()*4)
	}
}

// TestMaxMemory lets less and less memory leave more and more weights coded.
func TestMaxMemory(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-128, 127))
	least := p.Least(Options{}).Memory
	last := len(p.Instrs) + 1
	for _, spare := range []int64{0, 100 << 10, 1 << 20, 64 << 20} {
		r := mustRunner(t, p, Options{MaxMemory: least + spare})
		packed := 0
		for _, l := range r.Layers() {
			if l.Kernel == kernel.NamePacked {
				packed++
			}
		}
		if total := int64(r.Memory().Total()); packed > last || total > least+spare {
			t.Errorf("%d bytes to spare: %d layers are packed, %d with less, and %d bytes taken of %d", spare, packed, last, total, least+spare)
		}
		last = packed
	}
	if last != 0 {
		t.Errorf("%d layers are packed in much memory", last)
	}
	var limit *LimitError
	if _, err := NewRunner(p, Options{MaxMemory: least - 1}); !errors.As(err, &limit) || limit.Need != least {
		t.Errorf("one byte less than %d gave %v", least, err)
	}
}

// TestLowMemoryBatch runs workers that decode at the same time.
func TestLowMemoryBatch(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-8, 7))
	in := &p.Tensors[p.Inputs[0].Tensor]
	sample := make([]byte, in.Elems())
	GenerateInput(1, sample, in.Levels)
	want := evaluate(p, sample)
	b, err := NewBatch(p, Options{Kernel: kernelPacked, Workers: 3})
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
