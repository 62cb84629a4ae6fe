package runtime

import (
	"fmt"
	"math"
	"unsafe"

	"qconv/runtime/internal/kernel"
)

// Options are the choices of [NewRunner].
type Options struct {
	// Kernel limits the choice of kernels: "" takes the best for every layer, "portable"
	// the best without instructions of a particular machine, "neon", "avx2" or "avx512" the
	// best for a machine that has these and nothing better, if this one has them too, and
	// "generic" the look-up kernel for all, "packed" weights that stay coded for all and take least memory. The results are the same. Where it is empty, the
	// environment variable QCONV_KERNEL is used instead.
	Kernel string
	// Workers is the number of goroutines, 1..256, that share the work: of every large
	// layer in a Runner, of the samples in a [Batch]. 0 stands for 1. The results are the
	// same. With more than 1, Close ends the goroutines.
	Workers int

	// LowMemory takes those forms of layers that are fastest together while all of them, with tables, working memory beside
	// the activations and the coded weights of the Program, take no more than a third of what the weights take as float32. In
	// small networks not even the smallest forms fit that; then they may take more. Layers whose fast form does not
	// fit leave their weights coded: Run decodes those of one output channel after the other into working memory that all
	// layers share, and runs the ordinary kernels on them. Workers do not share such a layer.
	LowMemory bool
	// MaxMemory is the most bytes that the Program and the Runner may take together, as Limits.Memory counts them; 0 stands
	// for Limits.Memory. It takes the forms that are fastest together among those that fit.
	MaxMemory int64
	// Limits bound the memory and the work of the Runner; [NewRunner] fails with a [*LimitError] for a program that
	// exceeds them.
	Limits Limits

	// PartMACs is the least number of multiply-accumulates of the part of a layer that a
	// worker computes. 0 or less stands for what pays.
	PartMACs int

	clones int // of the Runner that will be made
	scarce bool
	target *Target // nil: this machine
}

// Runner executes a [Program]. All memory is allocated by [NewRunner]; Run allocates
// nothing, multiplies nothing, divides nothing and uses no floating point. A Runner serves
// one goroutine at a time; any number of Runners may share a Program.
type Runner struct {
	p   *Program
	ops *ops

	arena   []byte    // aligned for int32
	tensors [][]byte  // by tensor; nil for accumulators
	outs    [][]int32 // by output
	accs    [][]int32 // by tensor; nil for levels
	src     [][]byte  // operands of the current instruction
	parts   [][]byte  // inputs of the current sample
	shifts  []shift   // of the pieces that move on in loops
	loop    int       // the position of the loop that runs or is next
	left    int       // its iterations that are not complete
	scratch *kernel.Scratch
	own     []*kernel.Scratch // of every instruction, in the arena; nil: all work on scratch

	helpers []*helper
	done    chan struct{} // one value for every part that a helper has computed
}

// NewRunner prepares p, which must not be modified afterwards. It fails if p is not
// valid, if Options name an unknown kernel, and if p exceeds Options.Limits.
func NewRunner(p *Program, o Options) (*Runner, error) {
	c := newChecker(p)
	if err := c.validate(); err != nil {
		return nil, err
	}
	return newRunner(p, o, nil, c.work)
}

// newRunner is NewRunner for a program that is valid, but for what later tells, and takes so much work.
func newRunner(p *Program, o Options, later *unproved, work int64) (*Runner, error) {
	o.Limits = o.Limits.For(p.Bytes())
	ops, err := prepareWithin(p, o, later, work)
	if err != nil {
		return nil, err
	}
	return ops.runner(p), nil
}

// prepareWithin makes the kernels that the memory allows. The defaults of o.Limits are filled in.
func prepareWithin(p *Program, o Options, later *unproved, work int64) (*ops, error) {
	o.scarce = o.LowMemory || o.MaxMemory > 0
	if o.MaxMemory > 0 {
		o.Limits.Memory = min(o.Limits.Memory, o.MaxMemory)
	}
	if err := o.Limits.checkWork(work); err != nil {
		return nil, err
	}
	return prepare(p, o, later)
}

// Clone is another Runner for the same Program that shares all prepared weights and
// tables and has its own working memory and workers. The two may run at the same time.
func (r *Runner) Clone() *Runner { return r.ops.runner(r.p) }

// runner allocates the memory of one Runner.
func (o *ops) runner(p *Program) *Runner {
	r := &Runner{
		p: p, ops: o,
		arena:   bytesOf(make([]int32, (o.arena+2*kernel.Margin+3)/4))[kernel.Margin:][:o.arena+kernel.Margin],
		tensors: make([][]byte, len(p.Tensors)),
		accs:    make([][]int32, len(p.Tensors)),
		src:     make([][]byte, o.operands),
		parts:   make([][]byte, len(p.Inputs)),
		shifts:  make([]shift, o.shifts),
	}
	if o.places == nil {
		r.scratch = o.newScratch()
	}
	for n, at := range o.places {
		r.own = append(r.own, kernel.NewScratchIn(r.arena[at:], o.list[n].need()))
	}
	results := make([][]int32, len(p.Tensors)) // of outputs
	for _, out := range p.Outputs {
		t, n := out.Tensor, p.Tensors[out.Tensor].Elems()
		switch {
		case results[t] != nil:
		case p.isState(t):
			results[t] = make([]int32, n) // its levels are kept in the arena
		case p.Tensors[t].Levels > 0:
			results[t], r.tensors[t] = newResult(n)
		default:
			results[t] = make([]int32, n)
			r.accs[t] = results[t]
		}
		r.outs = append(r.outs, results[t])
	}
	for t := range p.Tensors {
		if r.tensors[t] == nil && r.accs[t] == nil {
			at, n := o.offsets[t], p.Tensors[t].bytes()
			memory := r.arena[at : at+n : at+n]
			if p.Tensors[t].Levels == 0 {
				r.accs[t] = numbersOf(memory)
			} else {
				r.tensors[t] = memory
			}
		}
	}
	if o.workers > 1 {
		r.hire(o.workers - 1)
	}
	r.Reset()
	return r
}

// newResult allocates an output of n levels: the levels, as instructions see them, lie in the last quarter of the numbers
// that [Runner.Run] makes of them, one after the other from the first, so that none is overwritten before it
// is read.
func newResult(n int) (numbers []int32, levels []byte) {
	all := make([]int32, resultBytes(n)/4)
	bytes := bytesOf(all)
	at := max(kernel.Margin, (3*n+arenaAlign-1)/arenaAlign*arenaAlign)
	return all[:n:n], bytes[at : at+n : at+n]
}

// bytesOf are the bytes of numbers, and numbersOf the numbers in aligned bytes, in the order of the machine.
func bytesOf(numbers []int32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(numbers))), 4*len(numbers))
}

func numbersOf(bytes []byte) []int32 {
	return unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/4)
}

// resultBytes is the memory of newResult.
func resultBytes(n int) int {
	return (max(kernel.Margin, 3*n+arenaAlign) + n + kernel.Margin + 3) / 4 * 4
}

// widen makes numbers of the levels in their last quarter.
func widen(numbers []int32, levels []byte) {
	for i, v := range levels {
		numbers[i] = int32(v)
	}
}

// Run computes the outputs for one sample: for every input of the program as many bytes as its tensor has
// elements, in the order that Input tells, which go through Input.Tables. Without tables
// the bytes are level indices, and one that is out of range is an error.
//
// The result holds the elements of every output: level indices or accumulators. It
// belongs to the Runner and is valid until the next Run; outputs of the same tensor share theirs.
//
// Of a program that is a step of a stream it is the first step, whatever ran before: [Runner.Reset] and [Runner.Step].
func (r *Runner) Run(inputs ...[]byte) ([][]int32, error) {
	if err := r.checkInputs(inputs, false); err != nil {
		return nil, err
	}
	r.Reset()
	r.enter(inputs)
	return r.run(), nil
}

// Step is [Runner.Run] for the next step of a stream: it begins with the states that the step before left. A new Runner is at the first one.
// Without a stream it is Run.
func (r *Runner) Step(inputs ...[]byte) ([][]int32, error) {
	if err := r.checkInputs(inputs, false); err != nil {
		return nil, err
	}
	r.enter(inputs)
	return r.run(), nil
}

// StepLevels is [Runner.Step] for level indices, as [Runner.RunLevels] takes them.
func (r *Runner) StepLevels(inputs ...[]byte) ([][]int32, error) {
	if err := r.checkInputs(inputs, true); err != nil {
		return nil, err
	}
	r.enterLevels(inputs)
	return r.run(), nil
}

// enter writes the levels of a sample.
func (r *Runner) enter(inputs [][]byte) {
	for i, bytes := range inputs {
		in, e := r.tensors[r.p.Inputs[i].Tensor], &r.ops.entries[i]
		switch {
		case e.channels > 0:
			e.mapping.RunInterleaved(in, bytes, e.channels)
		case e.mapping != nil:
			e.mapping.Run(in, bytes)
		default:
			copy(in, bytes)
		}
	}
}

// RunLevels is [Runner.Run] for level indices of the input tensors in their own order,
// [C][H][W]: tables and interleaving are left out.
func (r *Runner) RunLevels(inputs ...[]byte) ([][]int32, error) {
	if err := r.checkInputs(inputs, true); err != nil {
		return nil, err
	}
	r.Reset()
	r.enterLevels(inputs)
	return r.run(), nil
}

// enterLevels writes the levels of a sample that has no other form.
func (r *Runner) enterLevels(inputs [][]byte) {
	for i, indices := range inputs {
		copy(r.tensors[r.p.Inputs[i].Tensor], indices)
	}
}

// checkInputs reports inputs of the wrong number or size, and the first level that an input cannot hold: of all
// bytes where they are levels, else of those for which there is no table.
func (r *Runner) checkInputs(inputs [][]byte, levels bool) error {
	if want := len(r.p.Inputs); len(inputs) != want {
		return fmt.Errorf("runtime: run: got %d inputs, want %d", len(inputs), want)
	}
	for i, bytes := range inputs {
		in := &r.p.Inputs[i]
		if want := len(r.tensors[in.Tensor]); len(bytes) != want {
			return fmt.Errorf("runtime: run: input %s has %d bytes, want %d", r.ops.entries[i].name, len(bytes), want)
		}
		top := r.ops.entries[i].top
		if top == math.MaxUint8 || in.Tables != nil && !levels {
			continue
		}
		for k, v := range bytes {
			if v > top {
				return fmt.Errorf("runtime: run: element %d of input %s is level %d, want at most %d", k, r.ops.entries[i].name, v, top)
			}
		}
	}
	return nil
}

// run executes all instructions.
func (r *Runner) run() [][]int32 {
	for n := r.begin(); n < len(r.ops.list); n = r.next(n) {
		r.instruction(n)
	}
	return r.leave()
}

// leave collects the outputs and hands the states over to the next step. Numbers take the place of levels that are no states.
func (r *Runner) leave() [][]int32 {
	for _, i := range r.ops.kept {
		widen(r.outs[i], r.tensors[r.p.Outputs[i].Tensor])
	}
	r.handOver(r.ops.carries)
	for _, i := range r.ops.levels {
		widen(r.outs[i], r.tensors[r.p.Outputs[i].Tensor])
	}
	return r.outs
}

// instruction runs instruction n.
func (r *Runner) instruction(n int) {
	if r.own != nil {
		r.scratch = r.own[n]
	}
	r.execute(r.ops.list[n])
}

// execute runs one instruction.
func (r *Runner) execute(o *op) {
	if o.parts != nil {
		r.share(o.parts)
		return
	}
	src := r.src[:len(o.srcs)]
	for i, t := range o.srcs {
		src[i] = r.tensors[t]
	}
	dst, acc := r.tensors[o.dst], r.accs[o.dst]
	if c := o.cut; c != nil {
		for i := range c.src {
			src[i] = src[i][c.src[i][0]:c.src[i][1]]
		}
		if dst != nil {
			dst = dst[c.dst[0]:c.dst[1]]
		} else {
			acc = acc[c.dst[0]:c.dst[1]]
		}
	}
	switch o.kind {
	case opLinear:
		o.linear.Run(dst, acc, src, r.scratch)
	case opMaxPool:
		o.maxPool.Run(dst, src[0], r.scratch)
	case opMap:
		o.mapping.Run(dst, src[0])
	case opMap2:
		o.map2.Run(dst, src[0], src[1])
	case opArgMax:
		if src[0] == nil {
			o.argMax.RunWide(acc, r.accs[o.srcs[0]])
		} else {
			o.argMax.Run(acc, src[0])
		}
	case opMatMul:
		o.matMul.Run(dst, acc, src[0], src[1], r.scratch)
	case opCopy:
		if o.fill {
			kernel.Fill(dst, o.fillWith)
		}
		if o.steps != nil {
			at := r.shifts[o.shifts:][:len(o.copies)]
			for i, c := range o.copies {
				c.RunAt(dst, src[i], at[i].out, at[i].in)
			}
			return
		}
		for i, c := range o.copies {
			c.Run(dst, src[i])
		}
	}
}
