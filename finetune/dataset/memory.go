package dataset

import (
	"fmt"
	"sync"
)

// Memory that data may take. Packed data can be a thousand times as large as their file, which pictures, tables and arrays
// that are worth packing never are.
const (
	defaultMaxMemory = 4 << 30
	freeMemory       = 64 << 20 // whatever the size of the file
	memoryPerByte    = 100      // and for every byte of the file
)

// Allowance is the memory, in bytes, that what comes out of a file of the given size may take: 64 MiB and 100 times
// the size, at most 4 GiB; or MaxMemory, where that is given.
func (o Options) Allowance(fileBytes int64) int64 {
	if o.MaxMemory > 0 {
		return o.MaxMemory
	}
	return min(defaultMaxMemory, freeMemory+memoryPerByte*min(max(fileBytes, 0), defaultMaxMemory))
}

// tooLarge reports what needs more memory than is allowed.
func tooLarge(what string, need, allowed int64) error {
	return fmt.Errorf("%s takes %d bytes of memory, want at most %d (--max-memory allows more)", what, need, allowed)
}

// Memory that a set needs for each sample, in bytes, beside the data: positions, labels and the place in a cache.
const (
	bytesPerSample = 4
	bytesPerLabel  = 8
	bytesPerCached = 24
)

// room is memory that the pictures which are just being decoded share. Those whose size is in
// proportion to their file need none of it.
type room struct {
	size int64
	mu   sync.Mutex
	free sync.Cond
	left int64
}

func newRoom(size int64) *room {
	r := &room{size: size, left: size}
	r.free.L = &r.mu
	return r
}

// take waits until there is room for n bytes, at most those of newRoom.
func (r *room) take(n int64) {
	if n <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.left < n {
		r.free.Wait()
	}
	r.left -= n
}

// give returns what take took.
func (r *room) give(n int64) {
	if n <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
	r.free.Broadcast()
}
