package runtime

import "fmt"

// Batch executes a [Program] on many samples, several at a time, for throughput; a
// [Runner] with several workers shortens the time of one sample instead. All memory is
// allocated by [NewBatch]. A Batch serves one goroutine at a time.
type Batch struct {
	seats []*seat
}

// seat is a worker of a Batch.
type seat struct {
	r    *Runner
	work chan []byte
	done chan struct{}
	outs [][]int32 // of the latest sample
	err  error
}

// NewBatch prepares p for Options.Workers goroutines, which share all prepared weights
// and tables. It fails if p is not valid or if Options are not. Close ends the goroutines.
func NewBatch(p *Program, o Options) (*Batch, error) {
	o, err := o.checkWorkers()
	if err != nil {
		return nil, err
	}
	n := o.Workers
	o.Workers, o.clones = 1, n-1
	r, err := NewRunner(p, o)
	if err != nil {
		return nil, err
	}
	b := &Batch{}
	for k := range n {
		if k > 0 {
			r = r.Clone()
		}
		s := &seat{r: r, work: make(chan []byte), done: make(chan struct{})}
		b.seats = append(b.seats, s)
		go s.serve()
	}
	return b, nil
}

// serve runs the samples that it is sent.
func (s *seat) serve() {
	for sample := range s.work {
		s.outs, s.err = s.r.RunSample(sample)
		s.done <- struct{}{}
	}
}

// Run computes the outputs of every sample as [Runner.RunSample] does, of a step of a stream as the first one, and calls each for them,
// in the order of samples and in this goroutine. The outputs are valid until each
// returns. The first error, of a sample or of each, ends Run.
func (b *Batch) Run(samples [][]byte, each func(i int, outputs [][]int32) error) error {
	if len(b.seats) == 0 && len(samples) > 0 {
		return fmt.Errorf("runtime: batch: it is closed")
	}
	var err error
	sent := min(len(samples), len(b.seats))
	for i, sample := range samples[:sent] {
		b.seats[i].work <- sample
	}
	for i, k := 0, 0; i < sent; i++ {
		s := b.seats[k]
		<-s.done
		switch {
		case err != nil: // wait for the others
		case s.err != nil:
			err = fmt.Errorf("runtime: batch: sample %d: %w", i, s.err)
		default:
			err = each(i, s.outs)
		}
		if err == nil && sent < len(samples) {
			s.work <- samples[sent]
			sent++
		}
		if k++; k == len(b.seats) {
			k = 0
		}
	}
	return err
}

// Memory is the memory of all workers together; each has an arena and scratch memory of
// its own.
func (b *Batch) Memory() Memory {
	var m Memory
	for _, s := range b.seats {
		one := s.r.Memory()
		m.Weights, m.Tables = one.Weights, one.Tables
		m.Arena += one.Arena
		m.Scratch += one.Scratch
	}
	return m
}

// Close ends the goroutines. The Batch cannot be used any more.
func (b *Batch) Close() {
	for _, s := range b.seats {
		close(s.work)
	}
	b.seats = nil
}
