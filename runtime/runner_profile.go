package runtime

import (
	"slices"
	"time"
)

// Profile times whole inferences and, by the clock between two instructions, the layers within them. [Runner.NewProfile]
// makes one.
type Profile struct {
	r      *Runner
	inputs [][]byte
	// records holds, one after the other, the time of every instruction of an inference and that of the whole.
	records []time.Duration
	runs    int
	every   int // inferences of which one is recorded
	zeros   []time.Duration
}

// profileRecords bounds Profile.records.
const profileRecords = 1 << 18

// NewProfile prepares inferences on generated inputs. It must not be used at the same time as r.
func (r *Runner) NewProfile() *Profile {
	return &Profile{r: r, inputs: r.p.GenerateInputs(1), every: 1, zeros: make([]time.Duration, len(r.ops.list))}
}

// Run is one inference, from the levels of the inputs to the outputs.
func (f *Profile) Run() {
	r, start := f.r, time.Now()
	for i, indices := range f.inputs {
		copy(r.tensors[r.p.Inputs[i].Tensor], indices)
	}
	r.Reset()
	from := len(f.records)
	f.records = append(f.records, f.zeros...)
	layers := f.records[from:]
	begin := time.Since(start)
	for n := r.begin(); n < len(layers); {
		r.instruction(n)
		done := n
		n = r.next(n)
		end := time.Since(start)
		layers[done] += end - begin
		begin = end
	}
	r.leave()
	f.records = append(f.records, time.Since(start))
	f.thin()
}

// thin drops the last record where it is not its turn and, where there are too many, every second.
func (f *Profile) thin() {
	size := len(f.r.ops.list) + 1
	if f.runs%f.every != 0 {
		f.records = f.records[:len(f.records)-size]
	}
	f.runs++
	if len(f.records) < profileRecords || len(f.records) < 3*size {
		return
	}
	kept := f.records[:0]
	for record := range slices.Chunk(f.records, 2*size) {
		kept = append(kept, record[:size]...)
	}
	f.records = kept
	f.every *= 2
}

// Runs is the number of inferences so far.
func (f *Profile) Runs() int { return f.runs }

// Median is the inference of median time: the whole, and its layers in the order of [Runner.Layers]. What they do not add
// up to is the inputs and outputs, and reading the clock. There must have been a Run.
func (f *Profile) Median() (total time.Duration, layers []time.Duration) {
	size := len(f.r.ops.list) + 1
	inferences := slices.Collect(slices.Chunk(f.records, size))
	slices.SortStableFunc(inferences, func(a, b []time.Duration) int { return int(a[size-1] - b[size-1]) })
	median := inferences[len(inferences)/2]
	return median[size-1], median[: size-1 : size-1]
}

// Watch is [Runner.Run] that calls after when the inputs are in place, for 0, and behind every instruction, for how many
// of [Runner.Layers] are done: in a loop that falls back with every iteration.
func (r *Runner) Watch(after func(done int), inputs ...[]byte) ([][]int32, error) {
	if err := r.checkInputs(inputs, false); err != nil {
		return nil, err
	}
	r.Reset()
	r.enter(inputs)
	return r.watched(after), nil
}

// WatchLevels is [Runner.RunLevels] that calls after as [Runner.Watch] does.
func (r *Runner) WatchLevels(after func(done int), inputs ...[]byte) ([][]int32, error) {
	if err := r.checkInputs(inputs, true); err != nil {
		return nil, err
	}
	r.Reset()
	r.enterLevels(inputs)
	return r.watched(after), nil
}

func (r *Runner) watched(after func(done int)) [][]int32 {
	after(0)
	for n := r.begin(); n < len(r.ops.list); {
		r.instruction(n)
		done := n + 1
		n = r.next(n)
		after(done)
	}
	return r.leave()
}

// Levels are the elements of a tensor that has levels, for the after of [Runner.Watch]: they are there when the instruction that writes the
// tensor is done, and may be overwritten after the last one that reads it. It is nil for accumulators.
func (r *Runner) Levels(tensor int) []byte { return r.tensors[tensor] }
