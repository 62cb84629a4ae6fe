package kernel

import (
	"fmt"
	"sync"
)

// AddRow adds b [cols] to every row of y [rows][cols].
func AddRow(y []float32, cols int, b []float32) {
	need("AddRow", "b", len(b), cols)
	needMultiple("AddRow", "y", len(y), cols)
	for ; len(y) > 0; y = y[cols:] {
		axpy(y[:cols], 1, b)
	}
}

// SumRows sets db [cols] to the sum of the rows of dy [rows][cols]: the gradient of AddRow.
func SumRows(db, dy []float32, cols int) {
	need("SumRows", "db", len(db), cols)
	needMultiple("SumRows", "dy", len(dy), cols)
	clear(db)
	for ; len(dy) > 0; dy = dy[cols:] {
		axpy(db, 1, dy[:cols])
	}
}

// AddChannels adds b[c] to every element of y[n][c], y being [n][len(b)][plane].
func AddChannels(y []float32, plane int, b []float32) {
	needMultiple("AddChannels", "y", len(y), plane*len(b))
	if plane == 1 {
		AddRow(y, len(b), b)
		return
	}
	newChannels(y, plane, b).finish(addChannel)
}

// SumChannels sets db[c] to the sum of all elements of dy[n][c], dy being
// [n][len(db)][plane]: the gradient of AddChannels.
func SumChannels(db, dy []float32, plane int) {
	needMultiple("SumChannels", "dy", len(dy), plane*len(db))
	if plane == 1 {
		SumRows(db, dy, len(db))
		return
	}
	newChannels(dy, plane, db).finish(sumChannel)
}

// channels is AddChannels or SumChannels at work.
type channels struct {
	y, b  []float32
	plane int
	do    func(c *channels, i int)
	run   func(i int) // bound method
}

var channelPool = sync.Pool{New: func() any {
	c := new(channels)
	c.run = func(i int) { c.do(c, i) }
	return c
}}

func newChannels(y []float32, plane int, b []float32) *channels {
	c := channelPool.Get().(*channels)
	c.y, c.plane, c.b = y, plane, b
	return c
}

// finish does all channels and ends the use of c.
func (c *channels) finish(do func(c *channels, i int)) {
	c.do = do
	if len(c.y) < chunkLen {
		for i := range c.b {
			do(c, i)
		}
	} else {
		Parallel(len(c.b), c.run)
	}
	c.y, c.b = nil, nil
	channelPool.Put(c)
}

func addChannel(c *channels, i int) {
	for at := i * c.plane; at < len(c.y); at += len(c.b) * c.plane {
		y := c.y[at:][:c.plane]
		scale(y, 1, c.b[i], y)
	}
}

func sumChannel(c *channels, i int) {
	var s float32
	for at := i * c.plane; at < len(c.y); at += len(c.b) * c.plane {
		s += sum(c.y[at:][:c.plane])
	}
	c.b[i] = s
}

func needMultiple(where, name string, got, of int) {
	if of < 1 || got%of != 0 {
		panic(fmt.Sprintf("BUG: kernel: %s: %s has %d elements, want a multiple of %d", where, name, got, of))
	}
}
