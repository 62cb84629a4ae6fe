package runtime

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"testing"

	"qconv/runtime/internal/kernel"
)

var kernelOptions = []Options{{}, {Kernel: "generic"}, {Kernel: "packed"}, {LowMemory: true}}

func mustRunner(t testing.TB, p *Program, o Options) *Runner {
	t.Helper()
	r, err := NewRunner(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func equalOutputs(a, b [][]int32) bool {
	return slices.EqualFunc(a, b, func(x, y []int32) bool { return slices.Equal(x, y) })
}

// TestRunnerNetworks compares whole networks, whose layers have the usual sizes.
func TestRunnerNetworks(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for name, p := range map[string]*Program{
		"lenet":   lenetProgram(r, 32, evenCentres(-8, 7)),
		"resnet8": resnetProgram(r, 32, evenCentres(-128, 127)),
	} {
		in := &p.Tensors[p.Inputs[0].Tensor]
		sample := make([]byte, in.Elems())
		GenerateInput(9, sample, in.Levels)
		want := evaluate(p, sample)
		for _, o := range kernelOptions {
			got, err := mustRunner(t, p, o).RunLevels(sample)
			if err != nil || !equalOutputs(got, want) {
				t.Errorf("%s, kernel %q: wrong result (error %v)", name, o.Kernel, err)
			}
		}
	}
}

// TestRunPreprocessing checks tables and interleaving against their definition.
func TestRunPreprocessing(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	table := func() []uint8 {
		t := make([]uint8, 256)
		for i := range t {
			t[i] = uint8(r.Intn(16))
		}
		return t
	}
	for _, tables := range [][][]uint8{nil, {table()}, {table(), table(), table()}} {
		for _, interleaved := range []bool{false, true} {
			const c, plane = 3, 4 * 5
			p := &Program{
				Tensors: []Tensor{{Shape: [3]int{c, 4, 5}, Levels: 16}},
				Inputs:  []Input{{Tensor: 0, Tables: tables, Interleaved: interleaved}},
				Outputs: []Output{{Name: "same", Tensor: 0}},
			}
			sample := make([]byte, c*plane)
			for i := range sample {
				sample[i] = uint8(r.Intn(16))
				if tables != nil {
					sample[i] = uint8(r.Intn(256))
				}
			}
			got, err := mustRunner(t, p, Options{}).Run(sample)
			if err != nil {
				t.Fatal(err)
			}
			for ch := range c {
				for i := range plane {
					v := sample[ch*plane+i]
					if interleaved {
						v = sample[i*c+ch]
					}
					if tables != nil {
						v = tables[min(ch, len(tables)-1)][v]
					}
					if got[0][ch*plane+i] != int32(v) {
						t.Fatalf("%d tables, interleaved %v: channel %d, element %d is %d, want %d",
							len(tables), interleaved, ch, i, got[0][ch*plane+i], v)
					}
				}
			}
		}
	}
}

func TestRunErrors(t *testing.T) {
	p := tinyProgram()
	n := p.Tensors[p.Inputs[0].Tensor].Elems()
	r := mustRunner(t, p, Options{})
	bad := make([]byte, n)
	bad[n-1] = byte(p.Tensors[p.Inputs[0].Tensor].Levels)
	for _, c := range []struct {
		run   func(...[]byte) ([][]int32, error)
		input []byte
		want  string
	}{
		{r.Run, make([]byte, n-1), fmt.Sprintf("runtime: run: input 0 has %d bytes, want %d", n-1, n)},
		{r.RunLevels, make([]byte, n+1), fmt.Sprintf("runtime: run: input 0 has %d bytes, want %d", n+1, n)},
		{r.RunLevels, bad, fmt.Sprintf("runtime: run: element %d of input 0 is level %d, want at most %d", n-1, bad[n-1], bad[n-1]-1)},
	} {
		if _, err := c.run(c.input); err == nil || err.Error() != c.want {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
	if _, err := NewRunner(p, Options{Kernel: "fast"}); err == nil || !strings.Contains(err.Error(), `unknown kernel "fast"`) {
		t.Errorf("unknown kernel: got error %v", err)
	}
	p.Tensors[p.Inputs[0].Tensor].Levels = 1
	if _, err := NewRunner(p, Options{}); err == nil {
		t.Error("a program that is not valid was accepted")
	}
}

func TestSelfTestFails(t *testing.T) {
	p := tinyProgram()
	p.SelfTests = nil
	addSelfTests(p, 1, 2)
	r := mustRunner(t, p, Options{})
	if err := r.SelfTest(); err != nil {
		t.Fatal(err)
	}
	p.SelfTests[1].Want[0]++
	err := r.SelfTest()
	if err == nil || !strings.Contains(err.Error(), "self-test 1: output") || !strings.Contains(err.Error(), "element 0") {
		t.Fatalf("got error %v", err)
	}
	p.SelfTests[1].Want = p.SelfTests[1].Want[:0]
	if err := r.SelfTest(); err == nil {
		t.Fatal("a self-test without results was accepted")
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	for seed := range int64(40) {
		p := randomProgram(seed)
		inputs := p.GenerateInputs(1)
		sample := slices.Concat(inputs...)
		for _, o := range kernelOptions {
			r := mustRunner(t, p, o)
			if n := testing.AllocsPerRun(3, func() {
				if _, err := r.RunLevels(inputs...); err != nil {
					t.Fatal(err)
				}
				if _, err := r.RunSample(sample); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Fatalf("seed %d, kernel %q: %v allocations per run, want 0", seed, o.Kernel, n)
			}
		}
	}
}

// TestRunnersShareProgram runs Runners and clones of one program at the same time.
func TestRunnersShareProgram(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-8, 7))
	in := &p.Tensors[p.Inputs[0].Tensor]
	first := mustRunner(t, p, Options{})
	var wait sync.WaitGroup
	for n := range 4 {
		r := first.Clone()
		if n%2 == 0 {
			r = mustRunner(t, p, Options{})
		}
		want := func() [][]int32 {
			sample := make([]byte, in.Elems())
			GenerateInput(uint32(n), sample, in.Levels)
			return evaluate(p, sample)
		}()
		wait.Go(func() {
			sample := make([]byte, in.Elems())
			GenerateInput(uint32(n), sample, in.Levels)
			for range 5 {
				got, err := r.RunLevels(sample)
				if err != nil || !equalOutputs(got, want) {
					t.Errorf("runner %d: wrong result (error %v)", n, err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// TestArena demands that tensors that live together do not overlap, that memory is
// reused, and that the plan does not exceed the sum of all tensors.
func TestArena(t *testing.T) {
	for seed := range int64(200) {
		p := randomProgram(seed)
		offsets, size := p.planArena()
		spans := p.lifetimes()
		for i, a := range spans {
			at := offsets[a.tensors[0]]
			if end := at + a.size; end > size {
				t.Fatalf("seed %d: tensors %d end at %d of %d bytes", seed, a.tensors, end, size)
			}
			for _, n := range a.tensors {
				if offsets[n] != at || p.Tensors[n].Elems() > a.size {
					t.Fatalf("seed %d: tensor %d does not lie where tensor %d does", seed, n, a.tensors[0])
				}
			}
			for _, b := range spans[:i] {
				if a.last < b.first || b.last < a.first {
					continue
				}
				if from := offsets[b.tensors[0]]; at < from+b.size && from < at+a.size {
					t.Fatalf("seed %d: tensors %d and %d overlap", seed, a.tensors, b.tensors)
				}
			}
		}
	}
	// A chain of maps of 160 bytes works in place. Outputs lie elsewhere.
	p := &Program{Inputs: []Input{{}}, Tensors: make([]Tensor, 4), Outputs: []Output{{Tensor: 3}}}
	for i := range p.Tensors {
		p.Tensors[i] = Tensor{Shape: [3]int{10, 4, 4}, Levels: 4}
		if i > 0 {
			p.Instrs = append(p.Instrs, &Map{Out: i, In: i - 1})
		}
	}
	if _, size := p.planArena(); size != 160 {
		t.Errorf("a chain takes %d bytes, want 160", size)
	}
	p.Outputs = append(p.Outputs, Output{Tensor: 1})
	if _, size := p.planArena(); size != 160 {
		t.Errorf("a chain whose second tensor is an output takes %d bytes, want 160", size)
	}
}

func TestLayers(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-8, 7))
	for _, o := range kernelOptions {
		r := mustRunner(t, p, o)
		layers := r.Layers()
		if len(layers) != len(p.Instrs) {
			t.Fatalf("%d layers, want %d", len(layers), len(p.Instrs))
		}
		macs := 0
		for i, l := range layers {
			macs += l.MACs
			if _, linear := p.Instrs[i].(*Linear); linear && ((l.Kernel == kernel.NameLookup) != (o.Kernel == "generic") || (l.Kernel == kernel.NamePacked) != (o.Kernel == "packed") && !o.LowMemory) {
				t.Errorf("kernel %q: %s runs on %q", o.Kernel, l.Name, l.Kernel)
			}
		}
		if macs != p.MACs() {
			t.Errorf("layers have %d MACs, want %d", macs, p.MACs())
		}
		if layers[0].Name != "0 linear 16x28x28" {
			t.Errorf("layer 0 is called %q", layers[0].Name)
		}
		m := r.Memory()
		if m.Total() != m.Arena+m.Scratch+m.Weights+m.Tables || m.Arena == 0 || m.Scratch == 0 || m.Weights == 0 || m.Tables == 0 {
			t.Errorf("kernel %q: memory %+v", o.Kernel, m)
		}
	}
}
