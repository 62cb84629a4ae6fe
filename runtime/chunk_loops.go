package runtime

import (
	"fmt"
	"unsafe"
)

// FORMAT.md, "LOOP: loops".

func hasLoops(p *Program) bool { return len(p.Loops) > 0 }

func encodeLoops(w *writer, p *Program) {
	w.uint(len(p.Loops))
	end := 0
	for i := range p.Loops {
		l := &p.Loops[i]
		w.uint(l.First - end)
		w.uint(l.Length)
		w.uint(l.Count)
		end = l.First + l.Length
		w.uint(len(l.Carries))
		for _, c := range l.Carries {
			w.uint(c.From)
			w.uint(c.To)
		}
		for _, instr := range p.Instrs[l.First:end] {
			if copying, ok := instr.(*Copy); ok {
				outs, ins := make([]int64, len(copying.Pieces)), make([]int64, len(copying.Pieces))
				for k := range copying.Pieces {
					outs[k], ins[k] = int64(copying.Pieces[k].OutStep), int64(copying.Pieces[k].InStep)
				}
				w.list(outs)
				w.list(ins)
			}
		}
	}
}

func decodeLoops(r *reader, p *Program) {
	r.enterChunk("loops")
	n := r.count("number", maxInstrs, 4)
	end := 0
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("loop", i)
		r.hold(2, unsafe.Sizeof(Loop{})) // the list grows by doubling
		from := r.pos
		l := Loop{First: end + r.uint("instructions before it, outside of loops", maxInstrs), Length: r.uint("number of instructions", maxInstrs)}
		if r.err == nil && l.First+l.Length > len(p.Instrs) {
			r.fail(from, "instructions %d..%d, want 0..%d", l.First, l.First+l.Length-1, len(p.Instrs)-1)
		}
		if r.err == nil && l.Length == 0 {
			r.fail(from, "0 instructions, want at least 1")
		}
		l.Count = r.uint("iterations", maxIterations)
		decodeCarries(r, p, &l)
		if r.err == nil {
			end = l.First + l.Length
			decodeLoopSteps(r, p, &l)
		}
		p.Loops = append(p.Loops, l)
	}
}

func decodeCarries(r *reader, p *Program, l *Loop) {
	n := r.count("number of carries", maxTensors, 2)
	if n == 0 || !r.hold(n, unsafe.Sizeof(Carry{})) {
		return
	}
	l.Carries = make([]Carry, n)
	for k := range l.Carries {
		if r.err == nil {
			r.enterPart("carry", k)
			l.Carries[k] = Carry{From: r.tensor("from", p), To: r.tensor("to", p)}
		}
	}
}

// decodeLoopSteps reads the steps of all pieces of l.
func decodeLoopSteps(r *reader, p *Program, l *Loop) {
	for n, instr := range p.Instrs[l.First : l.First+l.Length] {
		copying, ok := instr.(*Copy)
		if !ok || r.err != nil {
			continue
		}
		r.enterPart("instruction", l.First+n)
		pieces := copying.Pieces
		if !r.take("the list of output steps", len(pieces), 1) || !r.take("the list of input steps", len(pieces), 1) {
			return
		}
		r.list("output steps", len(pieces), -maxElems, maxElems, func(k int, v int64) { pieces[k].OutStep = int(v) })
		r.list("input steps", len(pieces), -maxElems, maxElems, func(k int, v int64) { pieces[k].InStep = int(v) })
	}
}

// loopWork is what an instruction, a term or a Carry of a loop takes in every iteration, besides its own work.
const loopWork = 1 << 8

// loops checks the loops, the steps of all pieces, and adds the work of the iterations behind the first.
func (c *checker) loops() *fault {
	p := c.p
	n := len(p.Loops)
	if n > maxInstrs {
		return faultf(-1, "%d loops, want at most %d", n, maxInstrs)
	}
	if n > 0 {
		c.uses = p.tensorUses()
	}
	end := 0
	for i := range p.Loops {
		l := &p.Loops[i]
		if l.First < end || l.Length < 1 || l.Length > len(p.Instrs)-l.First {
			return faultf(i, "loop %d has %d instructions from %d on, want at least 1 of %d..%d", i, l.Length, l.First, end, len(p.Instrs)-1)
		}
		if err := noSteps(p.Instrs, end, l.First); err != nil {
			return faultf(i, "%w", err)
		}
		if err := c.loop(l); err != nil {
			return faultf(i, "loop %d: %w", i, err)
		}
		end = l.First + l.Length
	}
	if err := noSteps(p.Instrs, end, len(p.Instrs)); err != nil {
		return faultf(-1, "%w", err)
	}
	return nil
}

// noSteps checks that no piece of instructions outside of loops, from..to-1, has a step.
func noSteps(instrs []Instr, from, to int) error {
	for n := from; n < to; n++ {
		if copying, ok := instrs[n].(*Copy); ok {
			for k, q := range copying.Pieces {
				if q.OutStep != 0 || q.InStep != 0 {
					return fmt.Errorf("instruction %d (Copy): piece %d has the output step %d and the input step %d outside of loops, want 0", n, k, q.OutStep, q.InStep)
				}
			}
		}
	}
	return nil
}

// loop checks l, whose instructions are in range.
func (c *checker) loop(l *Loop) error {
	if l.Count < 1 || l.Count > maxIterations {
		return fmt.Errorf("%d iterations, want 1..%d", l.Count, maxIterations)
	}
	if n := len(l.Carries); n > maxTensors {
		return fmt.Errorf("%d carries, want at most %d", n, maxTensors)
	}
	once, each := int64(0), loopWork*int64(l.Length+len(l.Carries))
	for n := l.First; n < l.First+l.Length; n++ {
		if err := c.loopSteps(l, n); err != nil {
			return fmt.Errorf("instruction %d (Copy): %w", n, err)
		}
		once += c.works[n]
		if linear, ok := c.p.Instrs[n].(*Linear); ok {
			each += loopWork * int64(len(linear.Terms))
		}
	}
	each += once
	taken := make(map[int]bool, len(l.Carries))
	for k, carry := range l.Carries {
		if err := c.carry(l, carry); err != nil {
			return fmt.Errorf("carry %d: %w", k, err)
		}
		if taken[carry.To] {
			return fmt.Errorf("carry %d: tensor %d is the target of another one", k, carry.To)
		}
		taken[carry.To] = true
		if each += int64(c.p.Tensors[carry.To].Elems()); each > maxWork {
			break
		}
	}
	// Both factors are checked: 2^36 * 2^24 is no overflow.
	if each <= maxWork {
		c.work += each*int64(l.Count) - once
	}
	if each > maxWork || c.work > maxWork {
		return fmt.Errorf("its %d iterations take more than %d multiply-accumulates, comparisons and moves with what comes before", l.Count, int64(maxWork))
	}
	return nil
}

// carry checks a Carry of l but for the others.
func (c *checker) carry(l *Loop, carry Carry) error {
	tensors := c.p.Tensors
	for _, t := range [...]int{carry.From, carry.To} {
		if t < 0 || t >= len(tensors) {
			return fmt.Errorf("tensor %d, want 0..%d", t, len(tensors)-1)
		}
	}
	from := c.uses[carry.From].writer
	if from < l.First || from >= l.First+l.Length {
		return fmt.Errorf("from tensor %d, which no instruction of the loop writes", carry.From)
	}
	if steps(c.p.Instrs[from]) {
		return fmt.Errorf("from tensor %d, which all iterations of instruction %d write together, want one that each writes", carry.From, from)
	}
	if to := c.uses[carry.To].writer; to >= l.First {
		return fmt.Errorf("to tensor %d, which instruction %d writes, want one that is written before the loop", carry.To, to)
	}
	return handsOver(tensors, carry.From, carry.To)
}

// handsOver checks that all elements of a tensor may become those of another.
func handsOver(tensors []Tensor, from, to int) error {
	a, b := &tensors[from], &tensors[to]
	if a.Levels == 0 || b.Levels == 0 {
		return fmt.Errorf("from tensor %d to %d, of which one holds accumulators, want levels", from, to)
	}
	if a.Shape != b.Shape || a.Levels != b.Levels || a.Zero != b.Zero {
		return fmt.Errorf("from tensor %d to %d, %v of %d levels with zero level %d to %v of %d levels with zero level %d, want equal ones",
			from, to, a.Shape, a.Levels, a.Zero, b.Shape, b.Levels, b.Zero)
	}
	return nil
}

// steps says that all iterations of a loop write the output of instr together.
func steps(instr Instr) bool {
	copying, ok := instr.(*Copy)
	if !ok {
		return false
	}
	for k := range copying.Pieces {
		if copying.Pieces[k].OutStep != 0 {
			return true
		}
	}
	return false
}

// loopSteps checks the steps of instruction n of l, if it is a Copy. Its pieces are checked as those of the first iteration.
func (c *checker) loopSteps(l *Loop, n int) error {
	copying, ok := c.p.Instrs[n].(*Copy)
	if !ok {
		return nil
	}
	out := c.p.Tensors[copying.Out].Elems()
	for k := range copying.Pieces {
		q := &copying.Pieces[k]
		for _, s := range [...]struct {
			name string
			step int
		}{{"output", q.OutStep}, {"input", q.InStep}} {
			if s.step < -maxElems || s.step > maxElems {
				return fmt.Errorf("piece %d: %s step %d, want %d..%d", k, s.name, s.step, -maxElems, maxElems)
			}
		}
		in := c.p.Tensors[q.In].Elems()
		if err := inside("input", q.InStart, &q.Dims, &q.InStride, l.Count, q.InStep, in); err != nil {
			return fmt.Errorf("piece %d: %w in the iterations together", k, err)
		}
		if q.OutStep == 0 {
			continue
		}
		if len(copying.Pieces) != 1 {
			return fmt.Errorf("piece %d has the output step %d beside other pieces, want the only one", k, q.OutStep)
		}
		if err := inside("output", q.OutStart, &q.Dims, &q.OutStride, l.Count, q.OutStep, out); err != nil {
			return fmt.Errorf("piece %d: %w in the iterations together", k, err)
		}
		if moved := int64(q.size()) * int64(l.Count); moved != int64(out) {
			return fmt.Errorf("piece %d writes %d elements in the iterations together, want %d, those of the output", k, moved, out)
		}
		if err := q.checkApart(l.Count); err != nil {
			return fmt.Errorf("piece %d: %w", k, err)
		}
		if reader := c.uses[copying.Out].reader; reader < l.First+l.Length {
			return fmt.Errorf("instruction %d reads its output tensor %d in the loop, want behind it", reader, copying.Out)
		}
	}
	return nil
}

// tensorUse says which instructions use a tensor.
type tensorUse struct {
	writer int // -1 where it is written before the first instruction
	reader int // the first; the number of instructions where there is none
}

// tensorUses is what instructions use every tensor, where these exist.
func (p *Program) tensorUses() []tensorUse {
	uses := make([]tensorUse, len(p.Tensors))
	for t := range uses {
		uses[t] = tensorUse{-1, len(p.Instrs)}
	}
	for n, instr := range p.Instrs {
		for _, t := range instr.Srcs() {
			uses[t].reader = min(uses[t].reader, n)
		}
		uses[instr.Dst()].writer = n
	}
	return uses
}
