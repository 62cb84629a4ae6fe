package dataset

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// noGoroutineLeft demands that no goroutines are left of what do started.
func noGoroutineLeft(t *testing.T, do func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	do()
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond) // they may be about to end
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

// TestNoGoroutineLeft ends loading in every way.
func TestNoGoroutineLeft(t *testing.T) {
	fs := files{}
	for i := range 200 {
		fs[fmt.Sprintf("%03d.png", i)] = grayPNG(t, 8, 8, i)
	}
	whole := fs.folder(t)
	fs["100.png"] = []byte("broken")
	broken := fs.folder(t)
	for name, end := range map[string]func(){
		"end": func() { must(t, open(t, whole, Options{}).Preload(context.Background(), 4, nil)) },
		"error": func() {
			wantError(t, open(t, broken, Options{}).Preload(context.Background(), 4, nil), broken, "100.png")
		},
		"skip": func() { open(t, broken, Options{SkipBad: true}) },
		"cancel": func() {
			ctx, cancel := context.WithCancel(context.Background())
			var after atomic.Int32
			err := open(t, whole, Options{}).Preload(ctx, 4, func(done, _ int) {
				if done == 20 {
					cancel()
				}
				if done > 20 {
					after.Add(1)
				}
			})
			if !errors.Is(err, context.Canceled) || after.Load() > 4 {
				t.Errorf("canceled: %v, %d more samples were decoded", err, after.Load())
			}
		},
	} {
		t.Run(name, func(t *testing.T) { noGoroutineLeft(t, end) })
	}
}

// TestRoom lets pictures that are large for their files wait for each other.
func TestRoom(t *testing.T) {
	r := newRoom(10)
	var inside, most atomic.Int64
	noGoroutineLeft(t, func() {
		done := make(chan bool)
		for i := range 20 {
			go func() {
				n := int64(i%5 + 3)
				r.take(n)
				most.Store(max(most.Load(), inside.Add(n)))
				runtime.Gosched()
				inside.Add(-n)
				r.give(n)
				done <- true
			}()
		}
		for range 20 {
			<-done
		}
	})
	if most.Load() > 10 || r.left != 10 {
		t.Errorf("at most %d of 10 were taken at once, %d are left", most.Load(), r.left)
	}
}
