package runtime

import (
	"fmt"
	"unsafe"
)

// FORMAT.md, "CODE: instructions".

// Operation codes of the instructions.
const (
	opLinear  = 1
	opMaxPool = 2
	opMap     = 3
	opMap2    = 4
	opCopy    = 5
	opArgMax  = 6 // since version 2
	opMatMul  = 7 // since version 3
	opProduct = 8 // a Map2, since version 3
)

// since is the first version of the format with an operation.
func since(op byte) int {
	switch op {
	case opArgMax:
		return versionArgMax
	case opMatMul:
		return versionMatMul
	case opProduct:
		return versionProduct
	}
	return firstVersion
}

// codeOf is the operation code of i; 0 where i is no instruction.
func codeOf(i Instr) byte {
	switch i.(type) {
	case *Linear:
		return opLinear
	case *MaxPool:
		return opMaxPool
	case *Map:
		return opMap
	case *Map2:
		return opMap2
	case *Copy:
		return opCopy
	case *ArgMax:
		return opArgMax
	case *MatMul:
		return opMatMul
	}
	return 0
}

// instrBytes is about what an instruction takes besides its lists.
const instrBytes = unsafe.Sizeof(MaxPool{}) + 4*unsafe.Sizeof(Instr(nil))

func encodeInstrs(w *writer, p *Program) {
	w.uint(len(p.Instrs))
	for _, instr := range p.Instrs {
		op := codeOf(instr)
		var q *product
		if i, ok := instr.(*Map2); ok {
			if q = shorterProduct(p, i); q != nil {
				op = opProduct
			}
		}
		w.byte(op)
		w.version = max(w.version, since(op))
		switch i := instr.(type) {
		case *Linear:
			encodeLinear(w, p, i)
		case *MaxPool:
			encodeMaxPool(w, i)
		case *Map:
			encodeMap(w, i)
		case *Map2:
			if q != nil {
				encodeProduct(w, i, q)
			} else {
				encodeMap2(w, i)
			}
		case *Copy:
			encodeCopy(w, i)
		case *ArgMax:
			encodeArgMax(w, i)
		case *MatMul:
			encodeMatMul(w, i)
		default:
			panic(fmt.Sprintf("BUG: instruction %T passed validation", instr))
		}
	}
}

func decodeInstrs(r *reader, p *Program) {
	r.enterChunk("instructions")
	n := r.count("number", maxInstrs, 4)
	for i := 0; i < n && r.err == nil; i++ {
		r.enter("instruction", i)
		r.hold(1, instrBytes)
		var instr Instr
		from := r.pos
		op := r.byte("operation")
		if v := since(op); r.version < v {
			r.fail(from, "operation %d stands in a file of version %d, want version %d", op, r.version, v)
		}
		r.needed = max(r.needed, since(op))
		switch op {
		case opLinear:
			instr = decodeLinear(r, p)
		case opMaxPool:
			instr = decodeMaxPool(r, p)
		case opMap:
			instr = decodeMap(r, p)
		case opMap2:
			instr = decodeMap2(r, p)
		case opCopy:
			instr = decodeCopy(r, p)
		case opArgMax:
			instr = decodeArgMax(r, p)
		case opMatMul:
			instr = decodeMatMul(r, p)
		case opProduct:
			instr = decodeProduct(r, p)
		default:
			r.fail(from, "operation %d, want %d..%d", op, opLinear, opProduct)
		}
		p.Instrs = append(p.Instrs, instr)
	}
}

// instrs checks every instruction, that each tensor is written once before it is read,
// and that the outputs are written.
func (c *checker) instrs() *fault {
	p := c.p
	if n := len(p.Instrs); n > maxInstrs {
		return faultf(-1, "%d instructions, want at most %d", n, maxInstrs)
	}
	c.written, c.compared = make([]bool, len(p.Tensors)), make([]bool, len(p.Tensors))
	c.works = make([]int64, len(p.Instrs))
	for t := range c.written {
		c.written[t] = c.isInput[t] || c.isState[t]
	}
	for i, instr := range p.Instrs {
		if err := c.instr(i, instr); err != nil {
			return faultf(i, "instruction %d%s: %w", i, opName(instr), err)
		}
		c.written[instr.Dst()] = true
	}
	for t, written := range c.written {
		switch {
		case !written:
			return faultf(-1, "tensor %d is never written", t)
		case p.Tensors[t].Levels == 0 && !c.isOutput[t] && !c.compared[t]:
			return faultf(-1, "tensor %d holds accumulators, is not an output, and no ArgMax reads it", t)
		}
	}
	return nil
}

// instr checks instruction n, given the tensors written so far.
func (c *checker) instr(n int, instr Instr) error {
	if isNil(instr) {
		return fmt.Errorf("there is none")
	}
	p := c.p
	dst := instr.Dst()
	if dst < 0 || dst >= len(p.Tensors) {
		return fmt.Errorf("writes tensor %d, want 0..%d", dst, len(p.Tensors)-1)
	}
	if c.written[dst] {
		return fmt.Errorf("writes tensor %d, which is written already", dst)
	}
	_, argMax := instr.(*ArgMax)
	for _, src := range instr.Srcs() {
		switch {
		case src < 0 || src >= len(p.Tensors):
			return fmt.Errorf("reads tensor %d, want 0..%d", src, len(p.Tensors)-1)
		case !c.written[src]:
			return fmt.Errorf("reads tensor %d, which is not written yet", src)
		case p.Tensors[src].Levels == 0 && argMax:
			c.compared[src] = true
		case p.Tensors[src].Levels == 0:
			return fmt.Errorf("reads tensor %d, which holds accumulators, want levels", src)
		}
	}
	switch instr.(type) {
	case *Linear, *MatMul:
	case *ArgMax:
		if p.Tensors[dst].Levels != 0 {
			return fmt.Errorf("writes tensor %d, which holds levels, want int32", dst)
		}
	default:
		if p.Tensors[dst].Levels == 0 {
			return fmt.Errorf("writes tensor %d, which holds accumulators, want levels", dst)
		}
	}
	var work int64
	var err error
	switch i := instr.(type) {
	case *Linear:
		work, err = c.linear(i)
	case *MaxPool:
		work, err = c.maxPool(i)
	case *Map:
		work, err = c.mapping(i)
	case *Map2:
		work, err = c.map2(i)
	case *Copy:
		work, err = c.copying(i)
	case *ArgMax:
		work, err = c.argMax(i)
	case *MatMul:
		work, err = c.matMul(i)
	default:
		return fmt.Errorf("is of an unknown type")
	}
	if err != nil {
		return err
	}
	c.works[n] = work
	if c.work += work; c.work > maxWork {
		return fmt.Errorf("the instructions up to here take more than %d multiply-accumulates, comparisons and moves", int64(maxWork))
	}
	return nil
}

// isNil says whether instr is nil or a nil pointer.
func isNil(instr Instr) bool {
	switch i := instr.(type) {
	case nil:
		return true
	case *Linear:
		return i == nil
	case *MaxPool:
		return i == nil
	case *Map:
		return i == nil
	case *Map2:
		return i == nil
	case *Copy:
		return i == nil
	case *ArgMax:
		return i == nil
	case *MatMul:
		return i == nil
	}
	return false
}

// opName names the operation of instr for an error message.
func opName(instr Instr) string {
	switch instr.(type) {
	case *Linear:
		return " (Linear)"
	case *MaxPool:
		return " (MaxPool)"
	case *Map:
		return " (Map)"
	case *Map2:
		return " (Map2)"
	case *Copy:
		return " (Copy)"
	case *ArgMax:
		return " (ArgMax)"
	case *MatMul:
		return " (MatMul)"
	}
	return ""
}

// pair writes two numbers that are not negative.
func (w *writer) pair(v [2]int) {
	w.uint(v[0])
	w.uint(v[1])
}

// pair reads two numbers, for rows and for columns, in 0..maxElems.
func (r *reader) pair(what string) [2]int {
	return [2]int{r.uint(what+", rows", maxElems), r.uint(what+", columns", maxElems)}
}

// Flags of a window: the pairs that are present because they are not the usual ones.
const (
	windowStride   = 1 << iota // not 1, 1
	windowDilation             // not 1, 1
	windowPad                  // not 0, 0
	windowUp                   // not 1, 1; terms only
	windowFlags    = iota
)

// window is the geometry that a term and a pooling share; up is 1, 1 for a pooling.
type window struct{ kernel, stride, dilation, pad, up [2]int }

func (w *writer) window(g window) {
	one, zero := [2]int{1, 1}, [2]int{}
	flags := uint8(0)
	for k, usual := range [windowFlags]bool{g.stride == one, g.dilation == one, g.pad == zero, g.up == one} {
		if !usual {
			flags |= 1 << k
		}
	}
	w.pair(g.kernel)
	w.byte(flags)
	if flags&windowStride != 0 {
		w.pair(g.stride)
	}
	if flags&windowDilation != 0 {
		w.pair(g.dilation)
	}
	if flags&windowPad != 0 {
		w.int(int64(g.pad[0]))
		w.int(int64(g.pad[1]))
	}
	if flags&windowUp != 0 {
		w.pair(g.up)
	}
}

// window reads a window that may have the first flags of the flags.
func (r *reader) window(most uint) window {
	one := [2]int{1, 1}
	g := window{stride: one, dilation: one, up: one}
	g.kernel = r.pair("kernel")
	from := r.pos
	flags := r.byte("window flags")
	if flags>>most != 0 {
		r.fail(from, "window flags %d, want 0..%d", flags, 1<<most-1)
	}
	if flags&windowStride != 0 {
		g.stride = r.pair("stride")
	}
	if flags&windowDilation != 0 {
		g.dilation = r.pair("dilation")
	}
	if flags&windowPad != 0 {
		g.pad[0] = int(r.int("padding above", -maxElems, maxElems))
		g.pad[1] = int(r.int("padding to the left", -maxElems, maxElems))
	}
	if flags&windowUp != 0 {
		g.up = r.pair("up")
	}
	return g
}

// check checks a window over an input for an output: that all its numbers are in range,
// and that no position leaves 31 bits.
func (g *window) check(out, in *Tensor) error {
	for d, axis := range [2]string{"rows", "columns"} {
		for _, v := range [...]struct {
			name   string
			n, min int
		}{
			{"kernel", g.kernel[d], 1}, {"stride", g.stride[d], 1}, {"dilation", g.dilation[d], 1},
			{"pad", g.pad[d], -maxElems}, {"up", g.up[d], 1},
		} {
			if v.n < v.min || v.n > maxElems {
				return fmt.Errorf("%s is %d along %s, want %d..%d", v.name, v.n, axis, v.min, maxElems)
			}
		}
		far := int64(out.Shape[d+1]-1)*int64(g.stride[d]) + int64(g.kernel[d]-1)*int64(g.dilation[d])
		far += max(int64(g.pad[d]), -int64(g.pad[d]))
		if far = max(far, int64(in.Shape[d+1]-1)*int64(g.up[d])); far >= maxReach {
			return fmt.Errorf("a window reaches position %d along %s, want less than %d", far, axis, maxReach)
		}
	}
	return nil
}
