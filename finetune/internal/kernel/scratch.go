package kernel

import "sync"

// scratch is working memory that is handed out in pieces and taken back all at once.
// It grows until the largest use fits; the pieces hold arbitrary values at first.
type scratch struct {
	floats slab[float32]
	ints   slab[int32]
}

// slab is the part of a scratch for one element type.
type slab[T any] struct {
	buf        []T
	used, want int // elements of buf given away; elements asked for since the last reset
}

const lineLen = 16 // elements of a cache line

func (s *slab[T]) get(n int) []T {
	room := (n + lineLen - 1) / lineLen * lineLen
	s.want += room
	if s.used+room > len(s.buf) {
		s.buf = make([]T, max(s.want, room, 1024))
		s.used = 0
	}
	p := s.buf[s.used : s.used+n : s.used+n]
	s.used += room
	return p
}

func (s *slab[T]) reset() {
	if s.want > len(s.buf) {
		s.buf = make([]T, s.want)
	}
	s.used, s.want = 0, 0
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

// put ends the use of everything that came from s.
func (s *scratch) put() {
	s.floats.reset()
	s.ints.reset()
	scratches.Put(s)
}
