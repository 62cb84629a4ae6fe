package dataset

import "sync"

// cache keeps decoded samples, up to a number of bytes. Once full it stays as it is:
// training visits every sample once an epoch, so replacing would only make work.
type cache struct {
	mu   sync.RWMutex
	data [][]byte
	room int64
}

func newCache(n int, room int64) *cache {
	c := &cache{room: room}
	if room > 0 {
		c.data = make([][]byte, n)
	}
	return c
}

// get is sample i, or nil; it must not be changed.
func (c *cache) get(i int) []byte {
	if c.data == nil {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.data[i]
}

// reserve takes room for n bytes, if there is any.
func (c *cache) reserve(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data == nil || int64(n) > c.room {
		return false
	}
	c.room -= int64(n)
	return true
}

func (c *cache) release(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.room += int64(n)
}

// put keeps b, whose room was reserved, as sample i. Where another goroutine was
// faster, that one's data are kept and returned.
func (c *cache) put(i int, b []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data[i] == nil {
		c.data[i] = b
	} else {
		c.room += int64(len(b))
	}
	return c.data[i]
}
