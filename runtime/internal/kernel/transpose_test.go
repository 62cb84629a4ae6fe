package kernel

import (
	"bytes"
	"math/rand"
	"testing"
)

func TestTranspose(t *testing.T) {
	r := rand.New(rand.NewSource(41))
	for _, v := range Available() {
		for rows := 1; rows <= 40; rows++ {
			for cols := 1; cols <= 40; cols++ {
				src := fillRandom(r, rows*cols, 256)
				want := make([]byte, rows*cols)
				for i := range want {
					want[i] = src[i%rows*cols+i/rows]
				}
				dst, intact := guarded(len(want), cols&7)
				transpose(v, dst, src, rows, cols)
				if !bytes.Equal(dst, want) || !intact() {
					t.Fatalf("%v: %d rows of %d: got %v, want %v", v, rows, cols, dst, want)
				}
			}
		}
	}
}
