package dataset

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
)

// recordings is a store of samples that are steps of recordings, which follow each other in time. Windows that overlap share memory.
type recordings struct {
	form form
	list []*recording
	at   []window // by sample
	io.Closer

	mu   sync.Mutex
	room int64 // bytes left for recordings that are made when they are used
}

// window is where a sample begins.
type window struct{ recording, first int32 }

// recording are steps that follow each other without a gap.
type recording struct {
	name string // as it may be printed
	// file is a number that recordings of the same file share, and first the position of the first step in it.
	file, first int
	steps       int
	whole       bool // it is all that the file has
	// row is the first step's position among all steps of the set, by which what is known of them is numbered.
	row int

	mu   sync.Mutex
	rows []float32 // [steps][width]; nil until they are made
	// make makes the steps [from, to); nil where rows are there from the beginning.
	make func(from, to int) ([]float32, error)
}

// timed is a store whose samples are parts of recordings: neighbours in time are alike, and may overlap.
type timed interface {
	// span tells which steps of which file sample i is, [from, to).
	span(i int) (file, from, to int)
}

func (r *recordings) span(i int) (file, from, to int) {
	rec := r.list[r.at[i].recording]
	from = rec.first + int(r.at[i].first)
	return rec.file, from, from + r.form.steps
}

func (r *recordings) name(i int) string {
	rec, first := r.list[r.at[i].recording], int(r.at[i].first)
	if rec.steps <= r.form.steps && rec.whole {
		return rec.name
	}
	return fmt.Sprintf("%s[%d:%d]", rec.name, rec.first+first, rec.first+first+r.form.steps)
}

func (r *recordings) lazy() bool {
	return len(r.list) > 0 && r.list[0].make != nil
}

func (r *recordings) pixels(i int, dst []byte) error {
	if dst != nil {
		return errors.New("samples are floats, want pixels")
	}
	return r.floats(i, make([]float32, r.form.steps*r.form.width))
}

func (r *recordings) floats(i int, dst []float32) error {
	rec, first := r.list[r.at[i].recording], int(r.at[i].first)
	to := min(first+r.form.steps, rec.steps)
	rows, err := r.stepsOf(rec, first, to)
	if err != nil {
		return err
	}
	if !r.form.channelsFirst {
		clear(dst[copy(dst, rows):])
		return nil
	}
	clear(dst)
	for t := range to - first {
		for k, v := range rows[t*r.form.width:][:r.form.width] {
			dst[k*r.form.steps+t] = v
		}
	}
	return nil
}

// stepsOf are the steps [from, to) of a recording. One that is made when it is used is made as a whole and kept where there is room, and else these
// steps of it.
func (r *recordings) stepsOf(rec *recording, from, to int) ([]float32, error) {
	width := r.form.width
	if rec.make == nil {
		return rec.rows[from*width : to*width], nil
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.rows == nil {
		size := 4 * int64(rec.steps) * int64(width)
		if !r.reserve(size) {
			return rec.made(from, to, width)
		}
		rows, err := rec.made(0, rec.steps, width)
		if err != nil {
			r.reserve(-size)
			return nil, err
		}
		rec.rows = rows
	}
	return rec.rows[from*width : to*width], nil
}

// made makes steps and looks at them.
func (rec *recording) made(from, to, width int) ([]float32, error) {
	rows, err := rec.make(from, to)
	if err != nil {
		return nil, err
	}
	if len(rows) != (to-from)*width {
		panic(fmt.Sprintf("BUG: dataset: %d values for %d steps of %d", len(rows), to-from, width))
	}
	for i, v := range rows {
		if notFinite(v) {
			return nil, fmt.Errorf("value %d of step %d is %v, want a finite number", i%width, from+i/width, v)
		}
	}
	return rows, nil
}

// reserve takes n bytes of the room, if there are as many.
func (r *recordings) reserve(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > r.room {
		return false
	}
	r.room -= n
	return true
}

// noCloser is for what holds no file open.
type noCloser struct{}

func (noCloser) Close() error { return nil }

// knownOf is what is known of recordings or, with ofSteps, of their steps.
type knownOf struct {
	truth
	ofSteps bool
}

// fromRecordings makes a set of windows of recordings, or of recordings as they are. known says what they, or their steps, are. packed is the size of
// the files in bytes.
func (p *opener) fromRecordings(f form, list []*recording, known knownOf, packed int64, files io.Closer) (*Set, error) {
	if f.steps == 0 {
		f.steps = list[0].steps
		f.shape = []int{f.steps, f.width}
		if f.channelsFirst {
			f.shape = []int{f.width, f.steps}
		}
	}
	st := &recordings{form: f, list: list, Closer: files, room: p.o.cacheBytes(packed)}
	s := &Set{Spec: p.spec, Shape: f.shape, Kind: Floats, store: st}
	var of truth // the samples
	const perSample = bytesPerSample + 2*8 + bytesPerLabel + 3*8
	if known.ofSteps && p.o.Pad && p.o.stepwise(f.steps) && known.targets != nil {
		return nil, p.fail("", "zeros cannot be appended to recordings whose every step has targets: leave --pad out")
	}
	for k, rec := range list {
		if need := int64(len(st.at)+rec.steps/max(1, p.o.Hop)) * perSample; need > p.o.Allowance(packed) {
			return nil, p.fail(rec.name, "%w; choose a larger --hop", tooLarge(fmt.Sprintf("a list of %d windows", need/perSample), need, p.o.Allowance(packed)))
		}
		err := p.cut(f, rec.steps, func(first int) {
			st.at = append(st.at, window{int32(k), int32(first)})
			if known.ofSteps {
				p.windowTruth(&of, known.truth, rec.row+first, min(f.steps, rec.steps), f.steps)
			} else {
				of.add(known.truth, k)
			}
		})
		if err != nil && !p.o.SkipBad {
			return nil, p.fail(rec.name, "%w", err)
		}
		if err != nil {
			s.Skipped = append(s.Skipped, rec.name+": "+oneLine(err))
		}
	}
	if len(st.at) > math.MaxInt32 {
		return nil, p.fail("", "%d windows, want at most %d; choose a larger --hop", len(st.at), math.MaxInt32)
	}
	s.index = identity(len(st.at))
	of.classes = known.classes
	of.setOn(s)
	skipped := s.Skipped
	if st.lazy() {
		var err error
		if s, err = p.limitDecoded(s); err != nil {
			return nil, err
		}
		skipped = append(skipped, s.Skipped...)
	} else {
		s = p.limitFlat(s)
	}
	s.Skipped = skipped
	return s, nil
}

// stepwise says whether the network has an output for each of so many steps.
func (o Options) stepwise(steps int) bool { return steps > 1 && o.OutputSteps == steps }

// windowTruth adds what is known of the steps [first, first+n) as that of a window of so many steps.
func (p *opener) windowTruth(of *truth, steps truth, first, n, window int) {
	last := first + n - 1
	each := p.o.stepwise(window)
	switch {
	case steps.labels != nil && each && n < window:
		of.steps = append(of.steps, append(slices.Clone(steps.labels[first:first+n]), slices.Repeat([]int{-1}, window-n)...))
	case steps.labels != nil && each:
		of.steps = append(of.steps, steps.labels[first:first+n])
	case steps.labels != nil && p.o.Majority:
		of.labels = append(of.labels, majority(steps.labels[first:first+n]))
	case steps.labels != nil:
		of.labels = append(of.labels, steps.labels[last])
	case steps.targets != nil && each:
		of.targets = append(of.targets, steps.targets[first][:n*len(steps.targets[first])])
	case steps.targets != nil:
		of.targets = append(of.targets, steps.targets[last])
	}
}

// majority is the most frequent of labels, of several the one that comes first.
func majority(labels []int) int {
	count := map[int]int{}
	for _, l := range labels {
		count[l]++
	}
	best := labels[0]
	for _, l := range labels {
		if count[l] > count[best] {
			best = l
		}
	}
	return best
}
