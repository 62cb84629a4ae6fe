package runtime

import (
	"errors"
	"math"
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

// TestLowMemory demands that forms, tables and working memory beside the activations take, with all coded weights, no more than a
// third of the weights as float32; that some layers of a large network keep fast forms and others leave their weights coded; and
// that none of many positions is computed weight by weight, which takes a hundred times as long as the ordinary kernels.
func TestLowMemory(t *testing.T) {
	left := map[bool]int{} // layers, by whether their weights stay coded
	for _, centres := range [][]int32{evenCentres(-8, 7), evenCentres(-128, 127)} {
		for name, p := range map[string]*Program{
			"lenet": lenetProgram(rand.New(rand.NewSource(3)), 32, centres),
			"large": largeProgram(rand.New(rand.NewSource(4)), centres),
		} {
			if name == "large" && testing.Short() {
				continue
			}
			r := mustRunner(t, p, Options{LowMemory: true})
			kept := int64(0) // in other forms
			for _, l := range p.linears() {
				kept += linearKept(r, p, l)
			}
			m := r.Memory()
			if taken := p.codedBytes() + kept + int64(m.Tables+m.Scratch); taken > p.weightCount()*4/3 {
				t.Errorf("%s of %d centres: %d bytes for weights, tables and working memory, want at most a third of %d",
					name, len(centres), taken, p.weightCount()*4)
			}
			for n, l := range r.Layers() {
				if i, ok := p.Instrs[n].(*Linear); ok {
					shape := p.Tensors[i.Out].Shape
					left[l.Kernel == kernel.NamePacked || l.Kernel == kernel.NameExpanded]++
					if l.Kernel == kernel.NamePacked && shape[1]*shape[2] > 1 && kernel.LittleEndian {
						t.Errorf("%s of %d centres: layer %s is %s", name, len(centres), l.Name, l.Kernel)
					}
				}
			}
		}
	}
	if left[true] == 0 || left[false] == 0 {
		t.Errorf("%d layers leave their weights coded and %d do not, want some of both", left[true], left[false])
	}
}

// linearKept is what the weights of l take in a form of their own; 0 where they stay coded.
func linearKept(r *Runner, p *Program, l *Linear) (n int64) {
	for i, op := range r.ops.list {
		if p.Instrs[i] == Instr(l) && !op.linear.Coded() {
			weights, _ := op.linear.Memory()
			return int64(weights)
		}
	}
	return 0
}

// TestOverlay demands that instructions work in memory that no tensor which lives at the same time has, and that this takes no more
// than a Scratch behind all tensors.
func TestOverlay(t *testing.T) {
	for seed := range int64(40) {
		p := randomProgram(seed)
		r := mustRunner(t, p, Options{LowMemory: true})
		if r.ops.places == nil {
			t.Fatalf("random %d: instructions do not work in the arena", seed)
		}
		most := r.ops.tensors + r.ops.needBytes(r.ops.need)
		if r.ops.arena > most {
			t.Errorf("random %d: the arena has %d bytes, want at most %d", seed, r.ops.arena, most)
		}
		_, _, placed := p.placeTensors()
		for n, at := range r.ops.places {
			end := at + r.ops.needBytes(r.ops.list[n].need())
			for _, s := range placed {
				if s.first <= n && n <= s.last && at < s.offset+s.size && s.offset < end {
					t.Errorf("random %d: instruction %d works on %d..%d, a tensor lies at %d..%d", seed, n, at, end, s.offset, s.offset+s.size)
				}
			}
		}
	}
}

// TestChooser demands that more memory never makes the chosen forms slower, and that they keep to it.
func TestChooser(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-128, 127))
	last := int64(math.MaxInt64)
	for _, most := range []int64{60 << 10, 100 << 10, 200 << 10, 1 << 20} {
		s := &ops{workers: 1, spare: most, room: 64 << 20}
		s.offsets, s.tensors, _ = p.placeTensors()
		if err := s.plan(p, Options{scarce: true}); err != nil {
			t.Fatal(err)
		}
		time, bytes, need := int64(0), int64(0), 0
		for _, list := range s.options {
			if len(list) > 0 {
				time, bytes, need = time+int64(list[0].Cost), bytes+int64(list[0].Bytes), max(need, list[0].Need)
			}
		}
		if time > last || bytes+int64(need) > most {
			t.Errorf("within %d bytes: a time of %d, %d with less, and %d bytes", most, time, last, bytes+int64(need))
		}
		last = time
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
