package kernel

import (
	"math/rand"
	"testing"
)

func TestTakeSecond(t *testing.T) {
	r := rand.New(rand.NewSource(8))
	for cols := 1; cols <= 35; cols++ {
		for _, rows := range []int{1, 2, 5} {
			for _, extra := range []int{0, 1, 7, 16} { // bytes between rows and behind the last one
				pitch, srcRow := cols+extra, 2*cols+extra
				src := make([]byte, (rows-1)*srcRow+2*cols-1, (rows-1)*srcRow+2*cols+Margin)
				r.Read(src)
				dst, intact := guarded((rows-1)*pitch+cols, cols&3)
				takeSecond(dst, src, rows, cols, pitch, srcRow)
				for y := range rows {
					for x := range cols {
						if got, want := dst[y*pitch+x], src[y*srcRow+2*x]; got != want {
							t.Fatalf("%d columns, %d rows, %d between: (%d, %d) is %d, want %d", cols, rows, extra, y, x, got, want)
						}
					}
				}
				if !intact() {
					t.Fatalf("%d columns, %d rows, %d between: wrote outside its output", cols, rows, extra)
				}
			}
		}
	}
}
