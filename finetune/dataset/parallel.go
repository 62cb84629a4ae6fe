package dataset

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
)

// parallel calls work(0..n-1) from several goroutines and reports progress after each.
// It stops at the first error and returns the smallest index that failed, which does
// not depend on timing; -1 with a nil error or that of ctx.
func parallel(ctx context.Context, n, workers int, progress func(done, total int), work func(i int) error) (int, error) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var (
		mu         sync.Mutex
		next, done int
		failed     = -1
		failure    error
		wg         sync.WaitGroup
	)
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		if failed >= 0 || next >= n || ctx.Err() != nil {
			return -1
		}
		next++
		return next - 1
	}
	finish := func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			if failed < 0 || i < failed {
				failed, failure = i, err
			}
			return
		}
		done++
		if progress != nil {
			progress(done, n)
		}
	}
	for range min(workers, n) {
		wg.Go(func() {
			for i := take(); i >= 0; i = take() {
				finish(i, work(i))
			}
		})
	}
	wg.Wait()
	if failed < 0 && done < n {
		return -1, ctx.Err()
	}
	return failed, failure
}

// permutation is a shuffle of 0..n-1 that depends on seed only.
func permutation(n int, seed uint64) []int {
	return rand.New(rand.NewPCG(seed, 0x71636f6e76)).Perm(n)
}
