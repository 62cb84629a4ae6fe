package runtime

import (
	"fmt"
	"strconv"
	"strings"

	"qconv/runtime/internal/kernel"
	"qconv/runtime/printable"
)

// ops is a Program prepared for execution. It does not change once made.
type ops struct {
	list    []*op
	layers  []LayerInfo
	need    kernel.Need
	memory  Memory // Weights and Tables
	spare   int64  // bytes that fast forms of layers may take
	room    int64  // the same with their working memory, and with what it takes for a while to make them
	arena   int    // bytes
	offsets []int  // by tensor
	levels  []int  // outputs that hold levels, the first of each tensor

	decoded  []uint16 // weights of the layer that is prepared; nil afterwards
	workers  int      // most parts of an instruction
	operands int      // most operands of an instruction
	entries  []entry  // by input
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

	copies   []*kernel.Copy // one per operand
	fill     bool
	fillWith uint8

	parts []*op // instead of a kernel: what workers compute at the same time
	cut   *cut  // of a part
}

func newOp(i Instr) *op { return &op{kind: codeOf(i), dst: i.Dst(), srcs: i.Srcs()} }

// newScratch allocates the working memory of one worker.
func (o *ops) newScratch() *kernel.Scratch { return kernel.NewScratch(o.need) }

// prepare makes the kernels of all instructions.
func prepare(p *Program, o Options) (*ops, error) {
	o, err := o.resolve()
	if err != nil {
		return nil, err
	}
	s := &ops{workers: 1}
	s.offsets, s.arena = p.planArena()
	if err := s.allot(p, o); err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	for i, out := range p.Outputs {
		if p.Tensors[out.Tensor].Levels > 0 && !seen[out.Tensor] {
			s.levels = append(s.levels, i)
		}
		seen[out.Tensor] = true
	}
	for i := range p.Inputs {
		s.prepareInput(p, i)
	}
	s.list = make([]*op, len(p.Instrs))
	s.layers = make([]LayerInfo, len(p.Instrs))
	for _, n := range p.order(o) {
		instr := p.Instrs[n]
		op := newOp(instr)
		name, macs := "copy", 0
		switch i := instr.(type) {
		case *Linear:
			macs = p.LinearMACs(i)
			name, err = s.prepareLinear(op, p, i, o)
		case *MaxPool:
			name = "maxpool"
			op.maxPool = kernel.NewMaxPool(kernel.Window{
				In: p.Tensors[i.In].Shape, Out: p.Tensors[i.Out].Shape,
				Kernel: i.Kernel, Stride: i.Stride, Dilation: i.Dilation, Pad: i.Pad,
			}, o.vector())
			s.memory.Tables += op.maxPool.Memory()
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
		default:
			return nil, fmt.Errorf("runtime: new runner: instruction %d is a %T, which is no instruction", n, instr)
		}
		if err != nil {
			return nil, fmt.Errorf("runtime: new runner: instruction %d: %w", n, err)
		}
		s.list[n] = op
		s.operands = max(s.operands, len(op.srcs))
		s.workers = max(s.workers, len(op.parts))
		s.layers[n] = LayerInfo{Name: layerName(p, n, instr), Kernel: name, MACs: macs, Workers: max(1, len(op.parts))}
	}
	s.decoded = nil
	return s, nil
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
	for _, q := range i.Pieces {
		k := kernel.NewCopy(q.Dims, q.OutStart, q.InStart, q.OutStride, q.InStride)
		s.memory.Tables += k.Memory()
		op.copies = append(op.copies, k)
	}
	op.fill, op.fillWith = !i.covers(p.Tensors[i.Out].Elems()), i.Fill
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
	covered := make([]uint8, (elems+7)/8)
	left = elems
	for _, q := range i.Pieces {
		q.visit(0, q.OutStart, func(at int) {
			if bit := uint8(1) << (at & 7); covered[at>>3]&bit == 0 {
				covered[at>>3] |= bit
				left--
			}
		})
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

// visit calls f for the position in Out of every element that q writes.
func (q *Piece) visit(d, at int, f func(at int)) {
	if d == len(q.Dims) {
		f(at)
		return
	}
	for range q.Dims[d] {
		q.visit(d+1, at, f)
		at += q.OutStride[d]
	}
}

// layerName tells instruction n apart from the others.
func layerName(p *Program, n int, instr Instr) string {
	kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", instr), "*runtime."))
	s := p.Tensors[instr.Dst()].Shape
	return fmt.Sprintf("%d %s %dx%dx%d", n, kind, s[0], s[1], s[2])
}
