package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// plainEvery is the time between two progress lines where there is no terminal.
var plainEvery = 3 * time.Second

// progress shows how far long work is: a bar on a terminal, otherwise a line every few
// seconds. It writes nothing until the first update.
type progress struct {
	w     io.Writer
	what  string // the work, such as "finetune"
	unit  string // what is counted, in the plural, such as "steps"
	total int
	first int // count of the first update, which may continue earlier work
	start time.Time
	last  time.Time
	bar   *progressbar.ProgressBar
}

func newProgress(w io.Writer, what, unit string, total int) *progress {
	return &progress{w: w, what: what, unit: unit, total: total}
}

// update says that done of the total are done; details, such as "loss 0.41", follow.
func (p *progress) update(done int, details ...string) {
	now := time.Now()
	if p.start.IsZero() {
		p.start, p.last, p.first = now, now, done
		if isTerminal(p.w) {
			p.bar = progressbar.NewOptions(p.total,
				progressbar.OptionSetWriter(p.w),
				progressbar.OptionShowCount(),
				progressbar.OptionShowIts(),
				progressbar.OptionSetItsString(p.unit),
				progressbar.OptionSetWidth(24),
				progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish(),
			)
		}
	}
	if p.bar != nil {
		p.bar.Describe(strings.Join(append([]string{p.what}, details...), " "))
		p.bar.Set(done)
		return
	}
	if now.Sub(p.last) >= plainEvery {
		p.last = now
		fmt.Fprintln(p.w, p.line(done, now.Sub(p.start), details))
	}
}

// line is the plain progress line after elapsed time.
func (p *progress) line(done int, elapsed time.Duration, details []string) string {
	parts := []string{fmt.Sprintf("%s: %d/%d %s", p.what, done, p.total, p.unit)}
	if rate := float64(done-p.first) / elapsed.Seconds(); rate > 0 {
		eta := time.Duration(float64(p.total-done) / rate * float64(time.Second))
		details = append([]string{fmt.Sprintf("%.3g %s/s", rate, p.unit)}, details...)
		details = append(details, "ETA "+eta.Round(time.Second).String())
	}
	return strings.Join(append(parts, details...), ", ")
}

// finish removes the bar.
func (p *progress) finish() {
	if p.bar != nil {
		p.bar.Finish()
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
