package runtime

import (
	"cmp"
	"fmt"
	"slices"
	"unsafe"
)

// The instructions that move, compare or replace indices.

func encodeMaxPool(w *writer, i *MaxPool) {
	w.uint(i.Out)
	w.uint(i.In)
	w.window(i.window())
}

func decodeMaxPool(r *reader, p *Program) *MaxPool {
	i := &MaxPool{Out: r.tensor("output", p), In: r.tensor("input", p)}
	g := r.window(windowFlags - 1)
	i.Kernel, i.Stride, i.Dilation, i.Pad = g.kernel, g.stride, g.dilation, g.pad
	return i
}

func (i *MaxPool) window() window {
	return window{i.Kernel, i.Stride, i.Dilation, i.Pad, [2]int{1, 1}}
}

// maxPool checks i and returns its comparisons.
func (c *checker) maxPool(i *MaxPool) (work int64, err error) {
	out, in := &c.p.Tensors[i.Out], &c.p.Tensors[i.In]
	if out.Shape[0] != in.Shape[0] {
		return 0, fmt.Errorf("%d output channels, want %d, those of the input", out.Shape[0], in.Shape[0])
	}
	if in.Levels > out.Levels {
		return 0, fmt.Errorf("input with %d levels, want at most %d, those of the output", in.Levels, out.Levels)
	}
	g := i.window()
	if err := g.check(out, in); err != nil {
		return 0, err
	}
	for d, axis := range [2]string{"row", "column"} {
		for y := range out.Shape[d+1] {
			// The first position of the window that is not before the input.
			v := y*g.stride[d] - g.pad[d]
			if v < 0 {
				v += (-v + g.dilation[d] - 1) / g.dilation[d] * g.dilation[d]
			}
			if last := y*g.stride[d] - g.pad[d] + (g.kernel[d]-1)*g.dilation[d]; v > last || v >= in.Shape[d+1] {
				return 0, fmt.Errorf("the window of output %s %d lies outside the input", axis, y)
			}
		}
	}
	// Less than 2^24 elements, and a kernel below 2^30 each way: stop before an overflow.
	if work = int64(g.kernel[0]) * int64(g.kernel[1]); work <= maxWork {
		work *= int64(out.Elems())
	}
	return work, nil
}

func encodeMap(w *writer, i *Map) {
	w.uint(i.Out)
	w.uint(i.In)
	w.uint(len(i.Tables))
	for _, t := range i.Tables {
		w.table(t)
	}
}

func decodeMap(r *reader, p *Program) *Map {
	i := &Map{Out: r.tensor("output", p), In: r.tensor("input", p)}
	n := r.count("number of tables", maxElems, 1)
	for k := 0; k < n && r.err == nil; k++ {
		r.enterPart("table", k)
		r.hold(2, unsafe.Sizeof([]uint8(nil)))
		i.Tables = append(i.Tables, r.table("entries", p.Tensors[i.In].Levels))
	}
	return i
}

// mapping checks i and returns its moves.
func (c *checker) mapping(i *Map) (work int64, err error) {
	out, in := &c.p.Tensors[i.Out], &c.p.Tensors[i.In]
	if out.Shape != in.Shape {
		return 0, fmt.Errorf("output shape %v, want %v, that of the input", out.Shape, in.Shape)
	}
	if n := len(i.Tables); n != 1 && n != in.Shape[0] {
		return 0, fmt.Errorf("%d tables, want 1 or %d, one for each channel", n, in.Shape[0])
	}
	for k, t := range i.Tables {
		if len(t) != in.Levels {
			return 0, fmt.Errorf("table %d has %d entries, want %d, the levels of the input", k, len(t), in.Levels)
		}
		if top := int(largest(t)); top >= out.Levels {
			return 0, fmt.Errorf("table %d holds level %d, want 0..%d", k, top, out.Levels-1)
		}
	}
	return int64(out.Elems()), nil
}

func encodeMap2(w *writer, i *Map2) {
	w.uint(i.Out)
	w.uint(i.A)
	w.uint(i.B)
	w.table(i.Table)
}

func decodeMap2(r *reader, p *Program) *Map2 {
	i := &Map2{Out: r.tensor("output", p), A: r.tensor("input a", p), B: r.tensor("input b", p)}
	if r.err == nil {
		i.Table = r.table("table", p.Tensors[i.A].Levels*p.Tensors[i.B].Levels)
	}
	return i
}

// map2 checks i and returns its moves.
func (c *checker) map2(i *Map2) (work int64, err error) {
	out, a, b := &c.p.Tensors[i.Out], &c.p.Tensors[i.A], &c.p.Tensors[i.B]
	if out.Shape != a.Shape {
		return 0, fmt.Errorf("output shape %v, want %v, that of input a", out.Shape, a.Shape)
	}
	for d, n := range b.Shape {
		if n != 1 && n != a.Shape[d] {
			return 0, fmt.Errorf("input b has %d %s, want 1 or %d, those of input a", n, dimNames[d], a.Shape[d])
		}
	}
	if want := a.Levels * b.Levels; len(i.Table) != want {
		return 0, fmt.Errorf("table of %d entries, want %d for inputs of %d and %d levels", len(i.Table), want, a.Levels, b.Levels)
	}
	if top := int(largest(i.Table)); top >= out.Levels {
		return 0, fmt.Errorf("the table holds level %d, want 0..%d", top, out.Levels-1)
	}
	return int64(out.Elems()), nil
}

func encodeCopy(w *writer, i *Copy) {
	w.uint(i.Out)
	w.byte(i.Fill)
	w.uint(len(i.Pieces))
	for k := range i.Pieces {
		p := &i.Pieces[k]
		w.uint(p.In)
		w.uint(p.OutStart)
		w.uint(p.InStart)
		rank := p.rank()
		w.byte(uint8(rank))
		for d := range rank {
			w.uint(p.Dims[d])
			w.int(int64(p.OutStride[d]))
			w.int(int64(p.InStride[d]))
		}
	}
}

func decodeCopy(r *reader, p *Program) *Copy {
	i := &Copy{Out: r.tensor("output", p), Fill: r.byte("fill")}
	n := r.count("number of pieces", maxPieces, 4)
	for k := 0; k < n && r.err == nil; k++ {
		r.enterPart("piece", k)
		r.hold(2, unsafe.Sizeof(Piece{})) // the list grows by doubling
		q := Piece{In: r.tensor("input", p), OutStart: r.uint("output start", maxElems), InStart: r.uint("input start", maxElems)}
		from := r.pos
		rank := int(r.byte("dimensions"))
		if rank > len(q.Dims) {
			r.fail(from, "%d dimensions, want 0..%d", rank, len(q.Dims))
			break
		}
		for d := range q.Dims {
			q.Dims[d] = 1
			if d < rank {
				q.Dims[d] = r.uint("size", maxElems)
				q.OutStride[d] = int(r.int("output stride", -maxElems, maxElems))
				q.InStride[d] = int(r.int("input stride", -maxElems, maxElems))
			}
		}
		i.Pieces = append(i.Pieces, q)
	}
	return i
}

// rank is the number of dimensions up to the last one that is not the usual 1 with
// strides 0.
func (q *Piece) rank() int {
	n := len(q.Dims)
	for n > 0 && q.Dims[n-1] == 1 && q.OutStride[n-1] == 0 && q.InStride[n-1] == 0 {
		n--
	}
	return n
}

// copying checks i and returns its moves.
func (c *checker) copying(i *Copy) (work int64, err error) {
	out := &c.p.Tensors[i.Out]
	if int(i.Fill) >= out.Levels {
		return 0, fmt.Errorf("fill with level %d, want 0..%d", i.Fill, out.Levels-1)
	}
	if n := len(i.Pieces); n > maxPieces {
		return 0, fmt.Errorf("%d pieces, want at most %d", n, maxPieces)
	}
	var moved int64
	for k := range i.Pieces {
		q := &i.Pieces[k]
		in := &c.p.Tensors[q.In]
		if in.Levels > out.Levels {
			return 0, fmt.Errorf("piece %d: input with %d levels, want at most %d, those of the output", k, in.Levels, out.Levels)
		}
		size, err := q.check(out.Elems(), in.Elems())
		if err != nil {
			return 0, fmt.Errorf("piece %d: %w", k, err)
		}
		if moved += size; moved > int64(out.Elems()) {
			return 0, fmt.Errorf("pieces 0 to %d move %d elements, want at most %d, those of the output", k, moved, out.Elems())
		}
	}
	return int64(out.Elems()) + moved, nil
}

// check checks that a piece stays inside tensors of outElems and inElems elements, and
// returns the number of elements it moves.
func (q *Piece) check(outElems, inElems int) (size int64, err error) {
	size = 1
	for d, n := range q.Dims {
		if n < 1 || n > maxElems {
			return 0, fmt.Errorf("size %d in dimension %d, want 1..%d", n, d, maxElems)
		}
		if size *= int64(n); size > int64(outElems) {
			return 0, fmt.Errorf("sizes %v, want at most %d elements, those of the output", q.Dims, outElems)
		}
	}
	if err := inside("output", q.OutStart, &q.Dims, &q.OutStride, 1, 0, outElems); err != nil {
		return 0, err
	}
	if err := inside("input", q.InStart, &q.Dims, &q.InStride, 1, 0, inElems); err != nil {
		return 0, err
	}
	return size, q.checkApart(1)
}

// inside checks that one side of a piece, whose sizes are in range, stays inside a tensor of elems elements in count iterations.
func inside(side string, start int, dims, stride *[6]int, count, step, elems int) error {
	if start < 0 || start >= elems {
		return fmt.Errorf("%s starts at element %d, want 0..%d", side, start, elems-1)
	}
	lo, hi := int64(start), int64(start)
	reach := func(n, s int) {
		if way := int64(n-1) * int64(s); way < 0 {
			lo += way
		} else {
			hi += way
		}
	}
	for d, n := range dims {
		s := stride[d]
		if s < -maxElems || s > maxElems {
			return fmt.Errorf("%s stride %d in dimension %d, want %d..%d", side, s, d, -maxElems, maxElems)
		}
		reach(n, s)
	}
	if reach(count, step); lo < 0 || hi >= int64(elems) {
		return fmt.Errorf("covers %s elements %d..%d, want 0..%d", side, lo, hi, elems-1)
	}
	return nil
}

// checkApart checks that no two index vectors of q write the same element in count iterations, by the rule of FORMAT.md: among
// the dimensions of more than one index, the iterations being one of them, in order of their output strides, each stride is larger than the way
// that all smaller ones lead together.
func (q *Piece) checkApart(count int) error {
	type dim struct {
		d         int // -1: the iterations
		n, stride int
	}
	var room [len(q.Dims) + 1]dim
	dims := room[:0]
	for d, n := range q.Dims {
		if n > 1 {
			dims = append(dims, dim{d, n, q.OutStride[d]})
		}
	}
	if count > 1 {
		dims = append(dims, dim{-1, count, q.OutStep})
	}
	slices.SortFunc(dims, func(a, b dim) int { return cmp.Compare(distance(a.stride), distance(b.stride)) })
	way := int64(0)
	for _, d := range dims {
		s := distance(d.stride)
		if s <= way {
			what := fmt.Sprintf("output stride %d in dimension %d", d.stride, d.d)
			if d.d < 0 {
				what = fmt.Sprintf("output step %d", d.stride)
			}
			return fmt.Errorf("%s, want more than %d either way, which the smaller ones reach: the piece overlaps itself", what, way)
		}
		way += int64(d.n-1) * s
	}
	return nil
}

// distance is a stride without its direction.
func distance(stride int) int64 { return max(int64(stride), -int64(stride)) }
