package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Parallel runs f(0), ..., f(n-1), each once, on up to GOMAXPROCS goroutines, the
// caller's among them, and returns when all are done. f may call Parallel.
func Parallel(n int, f func(i int)) {
	procs := min(n, runtime.GOMAXPROCS(0))
	if procs < 2 {
		for i := 0; i < n; i++ {
			f(i)
		}
		return
	}
	j := jobs.Get().(*job)
	j.f, j.n = f, int64(n)
	j.next.Store(0)
	j.done.Store(0)
	j.users.Store(int32(procs))
	startWorkers(procs - 1)
	for i := 1; i < procs; i++ {
		select {
		case queue <- j:
		default: // the workers are busy and have enough to do
			j.users.Add(-1)
		}
	}
	j.work()
	<-j.finished
	j.release()
}

// job is one call of Parallel. It is put into the queue once for each worker that may
// join in, and reused when the caller and all of those have let go of it: a worker that
// comes late finds nothing left to do.
type job struct {
	f          func(i int)
	n          int64
	next, done atomic.Int64 // calls begun and completed
	users      atomic.Int32
	finished   chan struct{} // receives one value when all calls are done
}

var jobs = sync.Pool{New: func() any { return &job{finished: make(chan struct{}, 1)} }}

func (j *job) work() {
	for {
		i := j.next.Add(1) - 1
		if i >= j.n {
			return
		}
		j.f(int(i))
		if j.done.Add(1) == j.n {
			j.finished <- struct{}{}
		}
	}
}

func (j *job) release() {
	if j.users.Add(-1) == 0 {
		j.f = nil
		jobs.Put(j)
	}
}

// Workers live as long as the program and sleep on the queue.
var (
	queue   = make(chan *job, 256)
	workers atomic.Int32
)

func startWorkers(n int) {
	for have := workers.Load(); int(have) < n; have = workers.Load() {
		if workers.CompareAndSwap(have, have+1) {
			go func() {
				for j := range queue {
					j.work()
					j.release()
				}
			}()
		}
	}
}
