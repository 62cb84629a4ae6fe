package finetune

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// noGoroutinesLeft calls f and wants, when it is done, no goroutine of this module besides those that were there.
// They get some time to end.
func noGoroutinesLeft(t *testing.T, f func()) {
	t.Helper()
	before := ownGoroutines()
	f()
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

// ownGoroutines are the stacks of all goroutines with a function of this module, by number, without the
// workers that live as long as the process.
func ownGoroutines() map[string]string {
	buf := make([]byte, 1<<20)
	all := map[string]string{}
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		id, rest, _ := strings.Cut(stack, "[")
		if strings.Contains(rest, "qconv/") && !strings.Contains(rest, "kernel.") {
			all[id] = stack
		}
	}
	return all
}

// failing gives an error for one sample.
type failing struct {
	Data
	at int
}

var errSample = errors.New("broken sample")

func (f failing) Input(i int, dst []float32) error {
	if i == f.at {
		return errSample
	}
	return f.Data.Input(i, dst)
}

// TestNoGoroutinesLeft ends batches by errors of samples and of their use, and by cancellation.
func TestNoGoroutinesLeft(t *testing.T) {
	data := countingData{}
	errUse := errors.New("no use")
	for k := range 20 {
		noGoroutinesLeft(t, func() {
			pick := inOrder(evenly(data.Len(), 0), 3)
			err := eachBatch(t.Context(), failing{data, k}, pick, func(int, *batch) error { return nil })
			if !errors.Is(err, errSample) {
				t.Errorf("got %v, want %v", err, errSample)
			}
			err = eachBatch(t.Context(), data, pick, func(n int, _ *batch) error {
				if n == k/3 {
					return errUse
				}
				return nil
			})
			if !errors.Is(err, errUse) {
				t.Errorf("got %v, want %v", err, errUse)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err = eachBatch(ctx, data, pick, func(n int, _ *batch) error {
				if n == k/3 {
					cancel()
				}
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
		})
	}
}

// TestEvaluateTogether evaluates networks of their own on one data set at the same time.
func TestEvaluateTogether(t *testing.T) {
	var workers sync.WaitGroup
	for range 4 {
		e, err := NewExecutor(newGraphOf(1, 2).dense(t, "fc", 2).Graph, 4, ExecOptions{})
		if err != nil {
			t.Fatal(err)
		}
		workers.Go(func() {
			if _, err := Evaluate(t.Context(), e.On(countingData{}), countingData{}, EvaluateConfig{}); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
}

// countingData are 21 samples of two values.
type countingData struct{}

func (countingData) Len() int        { return 21 }
func (countingData) Shapes() [][]int { return [][]int{{2}} }
func (countingData) Label(i int) int { return i % 2 }
func (countingData) Input(i int, dst []float32) error {
	dst[0], dst[1] = float32(i), 1
	return nil
}
