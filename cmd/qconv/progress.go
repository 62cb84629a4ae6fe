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

// progress shows how far long work is: a bar on a terminal (see [drawsOver]), otherwise a line every few
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
		if drawsOver(p.w) {
			p.bar = progressbar.NewOptions(p.total,
				progressbar.OptionSetWriter(p.w),
				progressbar.OptionShowCount(),
				progressbar.OptionSetWidth(barWidth(columns(p.w))),
				progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish(),
			)
		}
	}
	if p.bar != nil {
		if len(details) == 0 {
			details = p.rate(done, now.Sub(p.start))
		}
		p.bar.Describe(p.description(done, now.Sub(p.start), details, columns(p.w)))
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
	if rate := p.rate(done, elapsed); rate != nil {
		details = append(append(rate, details...), "ETA "+p.left(done, elapsed).String())
	}
	return strings.Join(append(parts, details...), ", ")
}

// rate is the speed as a detail, or nothing where it is not known yet.
func (p *progress) rate(done int, elapsed time.Duration) []string {
	if done <= p.first || elapsed <= 0 {
		return nil
	}
	return []string{fmt.Sprintf("%.3g %s/s", float64(done-p.first)/elapsed.Seconds(), p.unit)}
}

// left is the time that the rest takes, 0 where that is not known yet.
func (p *progress) left(done int, elapsed time.Duration) time.Duration {
	if done <= p.first {
		return 0
	}
	return time.Duration(float64(p.total-done) / float64(done-p.first) * float64(elapsed)).Round(time.Second)
}

// description is the text before the bar: as many details as leave room for the bar, the counts and the
// times on one line, which cannot be drawn over if it wraps.
func (p *progress) description(done int, elapsed time.Duration, details []string, columns int) string {
	frame := fmt.Sprintf(" 100%% || (%d/%d) [%v:%v] ", p.total, p.total, elapsed.Round(time.Second), p.left(done, elapsed))
	room := columns - len(frame) - barWidth(columns)
	text := p.what
	for _, d := range details {
		if len(text)+1+len(d) > room {
			break
		}
		text += " " + d
	}
	return text
}

// barWidth is that of the bar itself on a terminal of so many columns.
func barWidth(columns int) int { return min(max(columns-100, 2), 24) }

// columns is the width of a terminal.
func columns(w io.Writer) int {
	if f := fileOf(w); f != nil {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return 80
}

// clear makes room for a line of text; the next update shows the bar again.
func (p *progress) clear() {
	if p.bar != nil {
		p.bar.Clear()
	}
}

// finish removes the bar, if there is one.
func (p *progress) finish() {
	if p != nil && p.bar != nil {
		p.bar.Finish()
	}
}

func isTerminal(w io.Writer) bool {
	f := fileOf(w)
	return f != nil && term.IsTerminal(int(f.Fd()))
}

// drawsOver says whether what is written to w may be drawn over: on a terminal that is not a plain one, for a user who does not
// ask for plain text (https://no-color.org).
func drawsOver(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
}
