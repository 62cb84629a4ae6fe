package kernel

import (
	"bytes"
	"math/rand"
	"testing"
)

func TestGather(t *testing.T) {
	r := rand.New(rand.NewSource(32))
	for _, v := range depthVectors() {
		for cols := 1; cols <= 100; cols++ {
			const channels = 2
			rows := 1 + r.Intn(6)
			pitch := cols + r.Intn(9)
			step := alignUp(rows*pitch, depthSlack)
			line := make([]byte, channels*step+depthSlack)
			r.Read(line)
			size := channels * rows * cols
			want := make([]byte, size)
			for c := range channels {
				gatherRows(want[c*rows*cols:], line[c*step:], rows, cols, pitch)
			}
			dst := bytes.Repeat([]byte{guard}, size+3*depthSlack)
			g := newGather(v, rows, cols, pitch)
			g.channels(v, dst[depthSlack:][:size+depthSlack], line, channels, step, size)
			if !bytes.Equal(dst[depthSlack:][:size], want) {
				t.Fatalf("%v: %d columns, pitch %d: differs", v, cols, pitch)
			}
			for i, b := range dst {
				if (i < depthSlack || i >= size+2*depthSlack) && b != guard {
					t.Fatalf("%v: %d columns, pitch %d: wrote byte %d", v, cols, pitch, i-depthSlack)
				}
			}
		}
	}
}

// TestMoveRows moves rows to other distances, with guards around them.
func TestMoveRows(t *testing.T) {
	r := rand.New(rand.NewSource(35))
	for _, v := range depthVectors() {
		if !v.has().movesRows {
			continue
		}
		for rows := 1; rows <= 12; rows++ {
			for cols := 1; cols <= moveBytes; cols++ {
				const channels = 3
				from, to := cols+r.Intn(4), cols+r.Intn(4)
				data, gap := byte(r.Uint32()), byte(r.Uint32())
				m := newRowMoves(v, rows, cols, from, to, data, gap)
				if m == nil {
					t.Fatalf("%d rows of %d bytes are not moved", rows, cols)
				}
				src := make([]byte, channels*rows*from+moveBytes)
				r.Read(src)
				want := bytes.Repeat([]byte{guard}, channels*rows*to+2*moveBytes)
				got := bytes.Clone(want)
				moveRows(want[moveBytes/2:], src, m, channels, rows*to, rows*from)
				vectorMoveRows(v, got[moveBytes/2:], src, m, channels, rows*to, rows*from)
				if !bytes.Equal(got, want) {
					t.Fatalf("%v: %d rows of %d bytes, %d and %d apart: differs", v, rows, cols, from, to)
				}
				for c := range channels {
					for y := range rows {
						inGroup := y % (rows / m.groups) * to
						for x := range min(to, moveBytes-inGroup) {
							w := gap
							if x < cols {
								w = src[(c*rows+y)*from+x] + data
							}
							if g := got[moveBytes/2:][(c*rows+y)*to+x]; g != w {
								t.Fatalf("%v: %d rows of %d bytes, %d and %d apart: byte %d of row %d is %d, want %d", v, rows, cols, from, to, x, y, g, w)
							}
						}
					}
				}
			}
		}
	}
}
