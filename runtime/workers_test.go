package runtime

import (
	"errors"
	"math/rand"
	"slices"
	"strings"
	"sync"
	"testing"
)

// splitting are options under which even the smallest layers are cut.
var splitting = []Options{
	{Workers: 2, PartMACs: 1},
	{Workers: 3, PartMACs: 1, Kernel: kernelPortable},
	{Workers: 7, PartMACs: 1, Kernel: kernelGeneric},
}

// TestWorkersEqual compares layers that workers share with the definitions of program.go.
func TestWorkersEqual(t *testing.T) {
	n := 150
	if testing.Short() {
		n = 40
	}
	programs := []*Program{lenetProgram(rand.New(rand.NewSource(5)), 32, evenCentres(-8, 7)), allProgram()}
	for seed := range int64(n) {
		programs = append(programs, randomProgram(seed))
	}
	shared := 0
	for i, p := range programs {
		inputs := p.GenerateInputs(9)
		want := evaluate(p, inputs...)
		for _, o := range splitting {
			r := mustRunner(t, p, o)
			for _, l := range r.Layers() {
				if l.Workers > 1 {
					shared++
				}
			}
			for round := range 3 { // the last time without helpers
				got, err := r.RunLevels(inputs...)
				if err != nil || !equalOutputs(got, want) {
					t.Fatalf("program %d, %+v, round %d: got %v, want %v (error %v)", i, o, round, got, want, err)
				}
				if round > 0 {
					r.Close()
				}
			}
		}
	}
	if shared < n {
		t.Errorf("%d layers were shared, want at least %d", shared, n)
	}
}

// TestSplitPays demands that large layers are cut and small ones are not.
func TestSplitPays(t *testing.T) {
	p := resnetProgram(rand.New(rand.NewSource(5)), 32, evenCentres(-8, 7))
	for _, kernel := range []string{"", kernelPortable, kernelGeneric} {
		o := Options{Workers: 2, Kernel: kernel}
		r := mustRunner(t, p, o)
		defer r.Close()
		for _, l := range r.Layers() {
			if want := l.MACs >= 2*o.minPart(); (l.Workers == 2) != want {
				t.Errorf("kernel %q: %s of %d MACs has %d workers", kernel, l.Name, l.MACs, l.Workers)
			}
		}
	}
}

func TestWorkersAllocateNothing(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(5)), 32, evenCentres(-8, 7))
	in := &p.Tensors[p.Inputs[0].Tensor]
	samples := make([][]byte, 5)
	for i := range samples {
		samples[i] = make([]byte, in.Elems())
	}
	each := func(int, [][]int32) error { return nil }
	for _, o := range splitting {
		r := mustRunner(t, p, o)
		b, err := NewBatch(p, o)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(3, func() {
			if _, err := r.Run(samples[0]); err != nil {
				t.Fatal(err)
			}
			if err := b.Run(samples, each); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%+v: %v allocations per run, want 0", o, n)
		}
		r.Close()
		b.Close()
	}
}

func TestWorkersErrors(t *testing.T) {
	p := tinyProgram()
	for _, n := range []int{-1, 257} {
		_, err := NewRunner(p, Options{Workers: n})
		if err == nil || !strings.Contains(err.Error(), "workers, want 1..256") {
			t.Errorf("%d workers: got error %v", n, err)
		}
		if _, err := NewBatch(p, Options{Workers: n}); err == nil {
			t.Errorf("a batch of %d workers was accepted", n)
		}
	}
}

// TestBatch compares a batch with one Runner, sample by sample.
func TestBatch(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(5)), 32, evenCentres(-8, 7))
	in := &p.Tensors[p.Inputs[0].Tensor]
	one := mustRunner(t, p, Options{})
	var samples [][]byte
	var want [][]int32
	for i := range 11 {
		s := make([]byte, in.Elems())
		GenerateInput(uint32(i), s, in.Levels)
		out, err := one.Run(s)
		if err != nil {
			t.Fatal(err)
		}
		samples, want = append(samples, s), append(want, slices.Clone(out[0]))
	}
	for _, workers := range []int{0, 1, 2, 5, 20} {
		b, err := NewBatch(p, Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if m, m1 := b.Memory(), one.Memory(); m.Weights != m1.Weights || m.Arena != m1.Arena*max(workers, 1) {
			t.Errorf("%d workers take %+v, one takes %+v", workers, m, m1)
		}
		for range 2 {
			next := 0
			err = b.Run(samples, func(i int, out [][]int32) error {
				if i != next || !slices.Equal(out[0], want[i]) {
					t.Errorf("%d workers: sample %d, want %d: got %v, want %v", workers, i, next, out[0], want[i])
				}
				next++
				return nil
			})
			if err != nil || next != len(samples) {
				t.Errorf("%d workers: %d samples, want %d (error %v)", workers, next, len(samples), err)
			}
		}
		stop := errors.New("stop")
		if err := b.Run(samples, func(i int, _ [][]int32) error {
			if i == 3 {
				return stop
			}
			return nil
		}); err != stop {
			t.Errorf("%d workers: got error %v, want that of each", workers, err)
		}
		bad := slices.Clone(samples)
		bad[4] = bad[4][:5]
		calls := 0
		err = b.Run(bad, func(int, [][]int32) error { calls++; return nil })
		if err == nil || !strings.HasPrefix(err.Error(), "runtime: batch: sample 4: runtime: run: the sample has 5 bytes") || calls != 4 {
			t.Errorf("%d workers: got error %v after %d samples, want that of sample 4", workers, err, calls)
		}
		b.Close()
		b.Close()
		if err := b.Run(samples, nil); err == nil {
			t.Errorf("%d workers: a closed batch runs", workers)
		}
		if err := b.Run(nil, nil); err != nil {
			t.Errorf("%d workers: no samples: %v", workers, err)
		}
	}
}

// TestSharedProgramWorkers runs Runners with workers, clones and batches of one program at
// the same time.
func TestSharedProgramWorkers(t *testing.T) {
	p := lenetProgram(rand.New(rand.NewSource(3)), 32, evenCentres(-8, 7))
	in := &p.Tensors[p.Inputs[0].Tensor]
	sample := make([]byte, in.Elems())
	GenerateInput(1, sample, in.Levels)
	want := evaluate(p, sample)
	check := func(got [][]int32, err error) {
		if err != nil || !equalOutputs(got, want) {
			t.Errorf("wrong result (error %v)", err)
		}
	}
	var wait sync.WaitGroup
	for _, o := range splitting {
		first := mustRunner(t, p, o)
		for _, r := range []*Runner{first, first.Clone()} {
			wait.Go(func() {
				defer r.Close()
				for range 4 {
					check(r.RunLevels(sample))
				}
			})
		}
		wait.Go(func() {
			b, err := NewBatch(p, o)
			if err != nil {
				t.Error(err)
				return
			}
			defer b.Close()
			err = b.Run([][]byte{sample, sample, sample, sample}, func(_ int, out [][]int32) error {
				check(out, nil)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
