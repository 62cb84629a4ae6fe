package runtime

import (
	"fmt"
	"slices"
	"testing"

	"qconv/runtime/internal/kernel"
)

// repeating are programs with loops and streams.
func repeating(t testing.TB, n int64) map[string]*Program {
	programs := map[string]*Program{"loops": loopsProgram(), "stream": streamProgram()}
	loops, streams, inPlace := 0, 0, 0
	for seed := range n {
		if p := randomProgram(seed); len(p.Loops) > 0 || p.Stream != nil {
			programs[fmt.Sprint("random ", seed)] = p
			loops += len(p.Loops)
			if p.Stream != nil {
				streams++
			}
			for _, s := range p.lifetimes() {
				if len(s.tensors) > 1 {
					inPlace++
				}
			}
		}
	}
	if loops < int(n)/4 || streams < int(n)/5 || inPlace < int(n)/20 {
		t.Errorf("%d loops, %d streams and %d tensors that are replaced in place in %d programs, want more", loops, streams, inPlace, n)
	}
	return programs
}

// allOptions are the choices that make a difference to how instructions run and where tensors lie.
func allOptions() []Options {
	list := append([]Options{{}, {LowMemory: true}, {Kernel: kernelGeneric, LowMemory: true}, {Kernel: kernelPacked}}, splitting...)
	for _, v := range kernel.Available() {
		list = append(list, Options{Kernel: v.String()})
	}
	return list
}

// sampleOf is the n-th input of a program's stream.
func sampleOf(p *Program, n int) [][]byte { return p.GenerateInputs(uint32(100 + 7*n)) }

// TestSteps compares the steps of streams, and loops, with their definition: in every kernel, after a reset, in clones, and in Run.
func TestSteps(t *testing.T) {
	n := int64(400)
	if testing.Short() {
		n = 100
	}
	for name, p := range repeating(t, n) {
		var want [][][]int32
		for e := newEvaluation(p); len(want) < 4; {
			want = append(want, e.step(sampleOf(p, len(want))...))
		}
		check := func(what string, r *Runner, run func(inputs ...[]byte) ([][]int32, error), sample, n int) {
			t.Helper()
			got, err := run(sampleOf(p, sample)...)
			if err != nil || !equalOutputs(got, want[n]) {
				t.Fatalf("%s, %s, %s: got %v, want %v (error %v)", name, r.ops.layers[0].Kernel, what, got, want[n], err)
			}
		}
		for _, o := range append(allOptions(), Options{MaxMemory: p.Least(Options{}).Memory + 4096}) {
			r := mustRunner(t, p, o)
			for n := range want {
				check(fmt.Sprintf("%+v, step %d", o, n), r, r.StepLevels, n, n)
			}
			check("run", r, r.RunLevels, 0, 0)
			check("the step behind a run", r, r.StepLevels, 1, 1)
			c := r.Clone()
			check("a clone's first step", c, c.StepLevels, 0, 0)
			check("the step that the clone has no part in", r, r.StepLevels, 2, 2)
			check("a clone's second step", c, c.StepLevels, 1, 1)
			r.Reset()
			check("the step behind a reset", r, r.StepLevels, 0, 0)
			if err := r.SelfTest(); err != nil {
				t.Errorf("%s, %+v: %v", name, o, err)
			}
			check("the step behind a self-test", r, r.StepLevels, 0, 0)
			r.NewProfile().Run()
			check("the step behind a profile", r, r.RunLevels, 0, 0)
			check("the step behind it", r, r.StepLevels, 1, 1)
			r.Close()
			c.Close()
		}
	}
}

// TestBatchOfSteps demands that a Batch computes the first step for every sample.
func TestBatchOfSteps(t *testing.T) {
	p := streamProgram()
	b, err := NewBatch(p, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var samples [][]byte
	for n := range 5 {
		samples = append(samples, slices.Concat(sampleOf(p, n)...))
	}
	if err := b.Run(samples, func(i int, got [][]int32) error {
		if want := evaluate(p, sampleOf(p, i)...); !equalOutputs(got, want) {
			t.Errorf("sample %d: got %v, want %v", i, got, want)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestStepAllocatesNothing is about loops and streams what TestRunAllocatesNothing is about other programs.
func TestStepAllocatesNothing(t *testing.T) {
	for name, p := range repeating(t, 40) {
		sample := slices.Concat(p.GenerateInputs(1)...)
		for _, o := range []Options{{}, {LowMemory: true}, {Workers: 2, PartMACs: 1}} {
			r := mustRunner(t, p, o)
			if n := testing.AllocsPerRun(3, func() {
				r.Reset()
				if _, err := r.StepSample(sample); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%s, %+v: %v allocations per step, want 0", name, o, n)
			}
			r.Close()
		}
	}
}

// TestLoopCounts demands that what is said about a program counts every iteration.
func TestLoopCounts(t *testing.T) {
	p := loopsProgram()
	r := mustRunner(t, p, Options{})
	layers := r.Layers()
	once := p.LinearMACs(p.Instrs[2].(*Linear))
	for n, want := range []struct{ runs, macs int }{{1, 0}, {5, 0}, {5, 5 * once}, {5, 0}, {1, 0}, {1, 0}, {5, 0}, {5, 0}, {5, 0}, {5, 0}, {1, p.LinearMACs(p.Instrs[10].(*Linear))}} {
		if l := layers[n]; l.Runs != want.runs || l.MACs != want.macs {
			t.Errorf("%s: %d runs and %d MACs, want %d and %d", l.Name, l.Runs, l.MACs, want.runs, want.macs)
		}
	}
	if got, want := p.MACs(), 5*once+p.LinearMACs(p.Instrs[10].(*Linear)); got != want {
		t.Errorf("%d MACs, want %d", got, want)
	}
	if got, want := layers[7].Cost, int64(5*4); got != want {
		t.Errorf("cost %d of %s, want %d", got, layers[7].Name, want)
	}
	// The instructions, and by the definition of work in FORMAT.md what the loops add.
	work := int64(once) + 4 + 2*3 + (20 + 4)
	work = 5*(work-4+256*(4+2)+4) + 4
	other := int64(2*4 + 4 + 4 + (20 + 4))
	work += 4 + 4 + 5*(other+256*6+4+4) + int64(p.LinearMACs(p.Instrs[10].(*Linear)))
	if got := p.Least(Options{}).MACs; got != work {
		t.Errorf("work %d, want %d", got, work)
	}
	calls := map[int]int{}
	if _, err := r.WatchLevels(func(done int) { calls[done]++ }, sampleOf(p, 0)...); err != nil {
		t.Fatal(err)
	}
	for n, l := range layers {
		if calls[n+1] != l.Runs {
			t.Errorf("%s was watched %d times, want %d", l.Name, calls[n+1], l.Runs)
		}
	}
}

// TestCarryOfNoUse carries to a tensor that nothing reads any more, which must not lie where another one does.
func TestCarryOfNoUse(t *testing.T) {
	line := Tensor{Shape: [3]int{16, 1, 1}, Levels: 8}
	p := &Program{
		Tensors: []Tensor{line, line, line, line, line},
		Instrs: []Instr{
			0: &Copy{Out: 1, Fill: 2},
			1: &Copy{Out: 2, Pieces: []Piece{span1(0, 16, 0, 0)}},
			2: &Copy{Out: 3, Fill: 5},
			3: &Copy{Out: 4, Pieces: []Piece{span1(2, 16, 0, 0)}},
		},
		Loops:   []Loop{{First: 2, Length: 1, Count: 2, Carries: []Carry{{From: 3, To: 1}}}},
		Inputs:  []Input{{Tensor: 0}},
		Outputs: []Output{{Tensor: 4}},
	}
	in := p.GenerateInputs(1)
	if got, err := mustRunner(t, p, Options{}).RunLevels(in...); err != nil || !equalOutputs(got, evaluate(p, in...)) {
		t.Errorf("got %v, want %v (error %v)", got, in, err)
	}
}
