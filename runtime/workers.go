package runtime

import "fmt"

// maxWorkers limits Options.Workers.
const maxWorkers = 256

// checkWorkers fills in the default of Workers and checks it.
func (o Options) checkWorkers() (Options, error) {
	if o.Workers == 0 {
		o.Workers = 1
	}
	if o.Workers < 1 || o.Workers > maxWorkers {
		return o, fmt.Errorf("runtime: new runner: %d workers, want 1..%d", o.Workers, maxWorkers)
	}
	return o, nil
}

// helper computes parts of layers for a Runner, in a goroutine of its own.
type helper struct {
	// Runner has the tensors of the Runner that is helped, and working memory of its own.
	Runner
	work chan *op
	done chan struct{} // shared by all helpers of a Runner
}

// hire starts n helpers of r. They end when r is closed.
func (r *Runner) hire(n int) {
	r.done = make(chan struct{}, n)
	for range n {
		h := &helper{
			Runner: Runner{
				p: r.p, ops: r.ops, arena: r.arena, tensors: r.tensors, accs: r.accs,
				src: make([][]byte, r.ops.operands), scratch: r.ops.newScratch(),
			},
			work: make(chan *op, 1),
			done: r.done,
		}
		r.helpers = append(r.helpers, h)
		go h.serve()
	}
}

// serve computes what it is sent.
func (h *helper) serve() {
	for o := range h.work {
		h.execute(o)
		h.done <- struct{}{}
	}
}

// share computes parts, one in each helper and the others in this goroutine.
func (r *Runner) share(parts []*op) {
	helpers := r.helpers
	if n := len(parts) - 1; n < len(helpers) {
		helpers = helpers[:n]
	}
	for i, h := range helpers {
		h.work <- parts[i]
	}
	for _, o := range parts[len(helpers):] {
		r.execute(o)
	}
	for range helpers {
		<-r.done
	}
}

// Close ends the goroutines that Options.Workers asked for. The Runner can still be used,
// without their help. Runners with one worker need no Close.
func (r *Runner) Close() {
	for _, h := range r.helpers {
		close(h.work)
	}
	r.helpers = nil
}
