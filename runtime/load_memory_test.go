package runtime

import (
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// largeProgram has about five million weights.
func largeProgram(r *rand.Rand, centres []int32) *Program {
	n := newNetBuilder(r, [3]int{64, 8, 8}, 32, centres)
	t := n.linear(0, [3]int{256, 8, 8}, 3, 1, 1, 1, 32)
	t = n.linear(t, [3]int{256, 8, 8}, 3, 1, 1, 1, 32)
	t = n.linear(t, [3]int{256, 8, 8}, 3, 1, 1, 1, 32)
	t = n.linear(t, [3]int{512, 4, 4}, 3, 2, 1, 1, 32)
	t = n.linear(t, [3]int{256, 4, 4}, 3, 1, 1, 1, 32)
	t = n.linear(t, [3]int{256, 1, 1}, 4, 1, 0, 1, 32)
	return n.output(n.linear(t, [3]int{1000, 1, 1}, 1, 1, 0, 1, 0))
}

// peak is the largest size of the heap above its size at first, while f runs. Unreachable
// memory counts until it is collected.
func peak(f func()) int {
	heap := func() int {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int(sample[0].Value.Uint64())
	}
	runtime.GC()
	runtime.GC()
	first := heap()
	stop, result := make(chan struct{}), make(chan int)
	go func() {
		top := 0
		for {
			top = max(top, heap()-first)
			select {
			case <-stop:
				result <- top
				return
			case <-time.After(200 * time.Microsecond):
			}
		}
	}()
	f()
	close(stop)
	return <-result
}

// TestLoadMemory bounds the memory that loading takes by what the loaded Runner keeps, the file, and what one layer takes
// decoded.
func TestLoadMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a large program")
	}
	path := filepath.Join(t.TempDir(), "large.qlut")
	writeProgram(t, path, largeProgram(rand.New(rand.NewSource(1)), evenCentres(-8, 7)))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int(info.Size())
	for _, o := range []Options{{}, {Kernel: kernelPortable}, {Kernel: kernelGeneric}} {
		var r *Runner
		most := peak(func() {
			p, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			r = mustRunner(t, p, o)
		})
		kept := r.Memory().Total()
		t.Logf("kernel %q: loading took %d bytes, %.2f times the %d that are kept", o.Kernel, most, float64(most)/float64(kept), kept)
		const decoded = 2 * 9 * 256 * 512 // the largest layer
		if want := kept + kept/5 + size + decoded; most > want {
			t.Errorf("kernel %q: loading took %d bytes, want at most %d: a fifth more than is kept, the file and a layer", o.Kernel, most, want)
		}
	}
}
