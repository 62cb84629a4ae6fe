package kernel

import (
	"fmt"
	"testing"
)

func BenchmarkTile(b *testing.B) {
	for rows := 1; rows <= tileRows; rows++ {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			const k = 256
			off := make([]int32, k)
			for i := range off {
				off[i] = int32(i * tileCols)
			}
			t := &tile{rows: rows, a: make([]float32, k*rows), b: make([]float32, k*tileCols), off: off,
				bAt: [2]int{0, 8}, cAt: [2]int{0, 8}, ldc: 16, init: noInit[:], c: make([]float32, 96)}
			for b.Loop() {
				runTile(t)
			}
			b.ReportMetric(float64(2*rows*tileCols*k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
		})
	}
}
