package runtime

import "qconv/runtime/internal/kernel"

// room is where the arena has room beside the tensors that live while an instruction runs.
type room struct {
	gap, gapAt int // the largest one between them, and its offset
	top        int // the end of the last one
}

// maxOverlay limits the instructions times the tensors of a program whose working memory is put into the arena.
const maxOverlay = 1 << 24

// rooms finds the room in the arena for every instruction. It returns nil where that would take long.
func (p *Program) rooms(placed []*span) []room {
	if int64(len(placed))*int64(len(p.Instrs)) > maxOverlay {
		return nil
	}
	list := make([]room, len(p.Instrs))
	for n := range list {
		r := &list[n]
		for _, s := range placed {
			if s.first > n || s.last < n {
				continue
			}
			if gap := s.offset - r.top; gap > r.gap {
				r.gap, r.gapAt = gap, r.top
			}
			r.top = max(r.top, s.offset+s.size)
		}
	}
	return list
}

// place finds the offset in the arena of size bytes that an instruction works on, and what the arena must have then.
func (r *room) place(size int) (offset, end int) {
	if size <= r.gap {
		return r.gapAt, r.gapAt + size
	}
	return r.top, r.top + size
}

// free is the largest size that fits an arena of so many bytes.
func (r *room) free(arena int) int { return max(r.gap, arena-r.top) }

// needBytes is the place that a Scratch takes in the arena.
func (s *ops) needBytes(n kernel.Need) int {
	const align = 8 // of the memory of a Scratch, at most that of the arena
	return (n.Bytes(s.vector) + align - 1) / align * align
}

// working is the memory of all instructions that work on as much as need, and before n on so much, besides tensors.
func (s *ops) working(n int, need kernel.Need) int {
	if s.rooms == nil {
		return s.need.Max(need).Bytes(s.vector)
	}
	_, end := s.rooms[n].place(s.needBytes(need))
	return max(s.beside, end-s.tensors)
}

// overlay decides where in the arena each instruction works. They are not so many at the same time as tensors are.
func (s *ops) overlay() {
	if s.rooms == nil {
		return
	}
	if s.workers > 1 {
		s.rooms = nil
		return
	}
	s.places = make([]int, len(s.list))
	for n, op := range s.list {
		var end int
		s.places[n], end = s.rooms[n].place(s.needBytes(op.need()))
		s.arena = max(s.arena, end)
	}
	s.rooms = nil
}

// need is what op works on.
func (o *op) need() kernel.Need {
	switch {
	case o.linear != nil:
		return o.linear.Need()
	case o.maxPool != nil:
		return o.maxPool.Need()
	case o.matMul != nil:
		return o.matMul.Need()
	}
	return kernel.Need{}
}
