package runtime

import (
	"errors"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ownGoroutines are the stacks of all goroutines with a function of this module, by number, but for
// the caller's.
func ownGoroutines() map[string]string {
	buf := make([]byte, 1<<20)
	all := map[string]string{}
	for _, stack := range strings.Split(string(buf[:goruntime.Stack(buf, true)]), "\n\n")[1:] {
		if id, rest, _ := strings.Cut(stack, "["); strings.Contains(rest, "qconv/runtime") {
			all[id] = stack
		}
	}
	return all
}

// TestNoGoroutinesLeft closes Runners and Batches of several workers, also after errors, while others run the
// same Program.
func TestNoGoroutinesLeft(t *testing.T) {
	before := ownGoroutines()
	p := allProgram()
	sample := make([]byte, p.Tensors[p.Inputs[0].Tensor].Elems())
	enough := errors.New("enough")
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			r, err := NewRunner(p, Options{Workers: 3})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			if _, err := r.Run(sample); err != nil {
				t.Error(err)
			}
			if _, err := r.Run(nil); err == nil {
				t.Error("no pixels: no error")
			}
			b, err := NewBatch(p, Options{Workers: 3})
			if err != nil {
				t.Error(err)
				return
			}
			defer b.Close()
			if err := b.Run(slices.Repeat([][]byte{sample}, 7), func(i int, _ [][]int32) error {
				if i == 4 {
					return enough
				}
				return nil
			}); !errors.Is(err, enough) {
				t.Errorf("got %v, want %v", err, enough)
			}
			if err := b.Run([][]byte{sample, nil, sample, sample}, func(int, [][]int32) error { return nil }); err == nil {
				t.Error("a sample without pixels: no error")
			}
		})
	}
	users.Wait()
	var left map[string]string
	for range 200 {
		left = ownGoroutines()
		for id := range before {
			delete(left, id)
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, stack := range left {
		t.Errorf("a goroutine is left:\n%s", stack)
	}
}
