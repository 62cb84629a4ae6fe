package runtime

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"qconv/runtime/internal/kernel"
	"qconv/runtime/printable"
)

// ops is a Program prepared for execution. It does not change once made.
type ops struct {
	list    []*op
	layers  []LayerInfo
	vector  kernel.Vector
	need    kernel.Need
	memory  Memory            // Weights and Tables
	spare   int64             // bytes that fast forms of layers may take
	room    int64             // the same with their working memory, and with what it takes for a while to make them
	options [][]kernel.Option // where memory is scarce: the forms of every instruction, the best first
	rows    int               // then what Scratch rows of inputs should take, in bytes
	rooms   []room            // then where instructions may work in the arena
	beside  int               // and what they need besides the tensors, in bytes
	places  []int             // where they do; nil: they share a Scratch
	tensors int               // bytes of the arena for tensors
	arena   int               // bytes
	offsets []int             // by tensor
	levels  []int             // outputs that hold levels, the first of each tensor; without
	kept    []int             // those of them that are states of a stream
	loops   []*looped
	shifts  int        // pieces that move on in loops
	carries []handOver // at the end of a step of a stream
	states  []int      // tensors, by state
	initial [][]byte   // levels of the states: one for all elements, or one for each

	decoded  []uint16  // weights of the layer that is prepared; nil afterwards
	later    *unproved // nil: the program is proved
	workers  int       // most parts of an instruction
	operands int       // most operands of an instruction
	entries  []entry   // by input
}

// entry is how the bytes of an input become its tensor.
type entry struct {
	name     string      // in messages: the input's, or else its position
	top      uint8       // the last level
	mapping  *kernel.Map // nil: bytes are level indices in order
	channels int         // of interleaved bytes; else 0
}

// op is a prepared instruction: the kernels of its kind, and where it reads and writes.
type op struct {
	kind byte // operation code
	dst  int
	srcs []int

	linear  *kernel.Linear
	maxPool *kernel.MaxPool
	mapping *kernel.Map
	map2    *kernel.Map2
	argMax  *kernel.ArgMax
	matMul  *kernel.MatMul

	copies   []*kernel.Copy // one per operand
	fill     bool
	fillWith uint8
	steps    []shift // of the pieces, where they move on in a loop
	shifts   int     // their position in Runner.shifts

	parts []*op // instead of a kernel: what workers compute at the same time
	cut   *cut  // of a part
}

func newOp(i Instr) *op { return &op{kind: codeOf(i), dst: i.Dst(), srcs: i.Srcs()} }

// newScratch allocates the working memory of one worker.
func (o *ops) newScratch() *kernel.Scratch { return kernel.NewScratch(o.need) }

// prepare makes the kernels of all instructions. Where later is not nil it checks what is left.
func prepare(p *Program, o Options, later *unproved) (*ops, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	s := &ops{workers: 1, later: later, vector: o.vector()}
	var placed []*span
	s.offsets, s.tensors, placed = p.placeTensors()
	s.arena = s.tensors
	if err := s.allot(p, o); err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	for i, out := range p.Outputs {
		switch {
		case p.Tensors[out.Tensor].Levels == 0 || seen[out.Tensor]:
		case p.isState(out.Tensor):
			s.kept = append(s.kept, i)
		default:
			s.levels = append(s.levels, i)
		}
		seen[out.Tensor] = true
	}
	for i := range p.Inputs {
		s.prepareInput(p, i)
	}
	s.list = make([]*op, len(p.Instrs))
	s.layers = make([]LayerInfo, len(p.Instrs))
	if o.scarce {
		s.rooms = p.rooms(placed)
	}
	if err := s.plan(p, o); err != nil {
		return nil, err
	}
	runs := p.Runs()
	for _, n := range p.order() {
		instr := p.Instrs[n]
		op := newOp(instr)
		name, macs := "copy", int64(0)
		switch i := instr.(type) {
		case *Linear:
			macs = p.macs(i)
			name, err = s.prepareLinear(op, p, n, o)
		case *MaxPool:
			name = "maxpool"
			op.maxPool = kernel.NewMaxPool(kernel.Window{
				In: p.Tensors[i.In].Shape, Out: p.Tensors[i.Out].Shape,
				Kernel: i.Kernel, Stride: i.Stride, Dilation: i.Dilation, Pad: i.Pad,
			}, o.vector())
			s.memory.Tables += op.maxPool.Memory()
			s.beside = s.working(n, op.maxPool.Need())
			s.need = s.need.Max(op.maxPool.Need())
		case *Map:
			name = "map"
			shape := p.Tensors[i.Out].Shape
			op.mapping = kernel.NewMap(i.Tables, shape[1]*shape[2])
			s.memory.Tables += op.mapping.Memory()
		case *Map2:
			name = "map2"
			op.map2 = kernel.NewMap2(i.Table, p.Tensors[i.B].Levels, p.Tensors[i.A].Shape, p.Tensors[i.B].Shape)
			s.memory.Tables += op.map2.Memory()
		case *Copy:
			s.prepareCopy(op, p, i)
		case *ArgMax:
			name = "argmax"
			op.argMax = kernel.NewArgMax(i.Length, i.Inner, i.Last, i.Least)
		case *MatMul:
			name, macs = "matmul", p.products(i)
			s.prepareMatMul(op, p, n, i, o)
		default:
			return nil, fmt.Errorf("runtime: new runner: instruction %d is a %T, which is no instruction", n, instr)
		}
		if _, known := err.(*FormatError); known {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("runtime: new runner: instruction %d: %w", n, err)
		}
		s.list[n] = op
		s.operands = max(s.operands, len(op.srcs))
		s.workers = max(s.workers, len(op.parts))
		runs := runs[n]
		s.layers[n] = LayerInfo{Name: layerName(p, n, instr), Kernel: name, MACs: int(min(macs*runs, math.MaxInt)), Workers: max(1, len(op.parts)), Runs: int(runs), Cost: layerCost(p, instr, op) * runs}
	}
	s.prepareLoops(p, placed)
	s.overlay()
	s.decoded, s.later, s.options = nil, nil, nil
	return s, nil
}

// prepareMatMul makes the kernel of instruction n, which is i.
func (s *ops) prepareMatMul(to *op, p *Program, n int, i *MatMul, o Options) {
	a, b := &p.Tensors[i.A], &p.Tensors[i.B]
	lo, hi := p.MatMulRange(i)
	to.matMul = kernel.NewMatMul(kernel.MatMulLayer{
		Channels: a.Shape[0], Rows: a.Shape[1], Inner: a.Shape[2], Columns: b.Shape[2],
		ZeroA: a.Zero, ZeroB: b.Zero, Low: int32(lo), High: int32(hi), Steps: p.stepsOf(i.Steps), Small: o.scarce,
	}, o.vector())
	s.memory.Tables += to.matMul.Memory()
	s.beside = s.working(n, to.matMul.Need())
	s.need = s.need.Max(to.matMul.Need())
}

// layerCost is LayerInfo.Cost.
func layerCost(p *Program, i Instr, o *op) (cost int64) {
	switch i := i.(type) {
	case *Linear:
		if o.linear != nil {
			return o.linear.Cost()
		}
		for _, part := range o.parts {
			cost += part.linear.Cost()
		}
		return cost
	case *MaxPool:
		return int64(p.Tensors[i.Out].Elems()) * int64(i.Kernel[0]) * int64(i.Kernel[1])
	case *ArgMax:
		return int64(p.Tensors[i.In].Elems())
	case *MatMul:
		return p.products(i)
	}
	return int64(p.Tensors[i.Dst()].Elems())
}

// prepareInput decides how the bytes of an input, given by its position, become its tensor.
func (s *ops) prepareInput(p *Program, i int) {
	in := &p.Inputs[i]
	t := &p.Tensors[in.Tensor]
	e := entry{name: strconv.Itoa(i), top: uint8(t.Levels - 1)}
	if in.Name != "" {
		e.name = printable.Name(in.Name)
	}
	tables := in.Tables
	if in.Interleaved && t.Shape[0] > 1 {
		e.channels = t.Shape[0]
		if tables == nil {
			identity := make([]uint8, 256)
			for i := range identity {
				identity[i] = uint8(i)
			}
			tables = [][]uint8{identity}
		}
	}
	if tables != nil {
		e.mapping = kernel.NewMap(tables, t.Shape[1]*t.Shape[2])
		s.memory.Tables += e.mapping.Memory()
	}
	s.entries = append(s.entries, e)
}

// prepareCopy makes one kernel per piece. The fill is left out where pieces cover all.
func (s *ops) prepareCopy(op *op, p *Program, i *Copy) {
	whole := !steps(i) && i.covers(p.Tensors[i.Out].Elems())
	for n, q := range i.Pieces {
		if n == 0 && whole {
			q = q.overGaps()
		}
		k := kernel.NewCopy(q.Dims, q.OutStart, q.InStart, q.OutStride, q.InStride)
		s.memory.Tables += k.Memory()
		op.copies = append(op.copies, k)
	}
	op.steps = i.pieceSteps()
	op.fill, op.fillWith = !steps(i) && !whole, i.Fill
}

// overGaps is the first piece of a Copy whose pieces write every element once, as a single run that copies what is between the rows of the piece
// too: pieces behind it write that anew. It is q where the rows stand otherwise in the input than in the output, or far apart. States of a
// stream move on by such pieces.
func (q Piece) overGaps() Piece {
	const dense = 2 // elements of the run for each of the piece
	rows, run := false, 1
	for d, n := range q.Dims {
		if n == 1 {
			continue
		}
		if q.OutStride[d] != q.InStride[d] || q.OutStride[d] < 1 {
			return q
		}
		rows = rows || q.OutStride[d] == 1
		run += (n - 1) * q.OutStride[d]
	}
	if !rows || run > dense*q.size() {
		return q
	}
	one := [6]int{1, 1, 1, 1, 1, 1}
	q.OutStride, q.InStride, q.Dims = one, one, one
	q.Dims[0] = run
	return q
}

// covers says that the pieces together write every element of elems.
func (i *Copy) covers(elems int) bool {
	left := elems
	for k := range i.Pieces {
		left -= i.Pieces[k].size()
	}
	if left > 0 || len(i.Pieces) == 1 {
		return left == 0 // a piece writes no element twice
	}
	covered := make([]uint64, (elems+63)/64)
	left = elems
	for _, q := range i.Pieces {
		left -= q.mark(covered)
	}
	return left == 0
}

// size is the number of elements that q writes.
func (q *Piece) size() int {
	n := 1
	for _, d := range q.Dims {
		n *= d
	}
	return n
}

// mark sets the bits of all elements that q writes, and returns how many were not set.
func (q *Piece) mark(covered []uint64) (added int) {
	run := 1 // elements that follow each other
	dims := q.Dims
	for again := true; again; {
		again = false
		for d, n := range dims {
			if n > 1 && q.OutStride[d] == run {
				run *= n
				dims[d], again = 1, true
			}
		}
	}
	var order []stretch // from the longest stride to the shortest, which is walked through in one go
	for d, n := range dims {
		if n > 1 {
			order = append(order, stretch{n, q.OutStride[d]})
		}
	}
	slices.SortFunc(order, func(a, b stretch) int { return b.stride - a.stride })
	return markRuns(covered, order, q.OutStart, run)
}

// stretch is a dimension of a piece: how many there are, and how far they are apart.
type stretch struct{ count, stride int }

// markRuns is mark for runs of elements that begin at element at and at multiples of strides from there.
func markRuns(covered []uint64, order []stretch, at, run int) (added int) {
	switch {
	case len(order) == 1 && run == 1:
		for range order[0].count {
			word, bit := &covered[at>>6], uint64(1)<<(at&63)
			if *word&bit == 0 {
				*word |= bit
				added++
			}
			at += order[0].stride
		}
		return added
	case len(order) > 0:
		for range order[0].count {
			added += markRuns(covered, order[1:], at, run)
			at += order[0].stride
		}
		return added
	}
	for end := at + run; at < end; {
		n := min(end-at, 64-at&63)
		mask := (uint64(1)<<n - 1) << (at & 63)
		word := &covered[at>>6]
		added += bits.OnesCount64(mask &^ *word)
		*word |= mask
		at += n
	}
	return added
}

// layerName tells instruction n apart from the others.
func layerName(p *Program, n int, instr Instr) string {
	kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", instr), "*runtime."))
	s := p.Tensors[instr.Dst()].Shape
	return fmt.Sprintf("%d %s %dx%dx%d", n, kind, s[0], s[1], s[2])
}
