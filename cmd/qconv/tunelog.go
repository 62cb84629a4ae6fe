package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
	"qconv/runtime/printable"
)

// tuneLog writes a fine-tuning as JSON, one line per event: its configuration, then steps and
// validations, then its result or the error that ended it. The first field of every line is
// its kind. A nil log takes lines and does nothing with them.
type tuneLog struct {
	claim *atomicfile.File
	f     *os.File
	every int // steps between two lines
	task  finetune.Task
	err   error // of the first line that could not be written; nothing is written after it
}

// The lines of a log.
type (
	configLine struct {
		Kind       string         `json:"kind"` // "config"
		Version    string         `json:"version"`
		Model      string         `json:"model"`
		Samples    int            `json:"samples"`
		Validation string         `json:"validation,omitempty"`
		Flags      map[string]any `json:"flags"`
	}
	stepLine struct {
		Kind            string   `json:"kind"` // "step"
		Step            int      `json:"step"`
		Loss            float64  `json:"loss"`
		Accuracy        *float64 `json:"accuracy,omitempty"` // of the batch; for classes
		Rate            float64  `json:"rate"`
		ImagesPerSecond float64  `json:"images_per_second"`
	}
	validationLine struct {
		Kind string `json:"kind"` // "validation"
		Step int    `json:"step"`
		metrics
	}
	resultLine struct {
		Kind string `json:"kind"` // "result"
		tuneReport
	}
	errorLine struct {
		Kind  string `json:"kind"` // "error"
		Error string `json:"error"`
	}
)

// newConfigLine tells all flags, given or not.
func newConfigLine(c *cli.Context, r *tuneReport) configLine {
	line := configLine{Kind: "config", Version: producer(), Model: r.Model, Samples: r.Samples, Validation: r.Validation, Flags: map[string]any{}}
	for _, f := range c.Command.Flags {
		if name := f.Names()[0]; name != "help" {
			line.Flags[name] = c.Value(name)
		}
	}
	return line
}

// open starts the log, in place of the one that is there. With resumed
// steps that were done before, it goes on with the log there is, from which everything after them is cut
// off.
func (l *tuneLog) open(c *cli.Context, task finetune.Task, r *tuneReport, resumed int) error {
	if l == nil {
		return nil
	}
	l.task = task
	if resumed > 0 && !l.claim.IsStream() {
		if on, err := l.goOn(resumed); on || err != nil {
			return err
		}
	}
	var line bytes.Buffer
	if err := json.NewEncoder(&line).Encode(newConfigLine(c, r)); err != nil {
		return err
	}
	var err error
	if l.f, err = l.claim.Restart(line.Bytes()); err != nil {
		return &outputError{err}
	}
	return nil
}

// goOn cuts off what the log holds after the given number of steps, and says whether there is anything to go
// on with.
func (l *tuneLog) goOn(steps int) (bool, error) {
	path := l.claim.Path()
	if info, err := os.Lstat(path); err != nil || info.Size() == 0 {
		return false, nil
	} else if !info.Mode().IsRegular() {
		return false, inputf("%s is a link, want the log itself", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, &outputError{err}
	}
	end, err := logEnd(f, steps)
	if err != nil {
		f.Close()
		return false, inputf("%s: %w", path, err)
	}
	if err = f.Truncate(end); err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return false, &outputError{err}
	}
	l.f = f
	return true, nil
}

// logEnd is the number of bytes that the lines of the first steps take.
func logEnd(r io.Reader, steps int) (int64, error) {
	end := int64(0)
	lines := bufio.NewReader(r)
	for {
		text, err := lines.ReadBytes('\n')
		var line struct {
			Kind string
			Step int
		}
		if err == nil {
			err = json.Unmarshal(text, &line)
		}
		switch {
		case end == 0 && (err != nil || line.Kind != "config"):
			return 0, errors.New("this is no log of finetune to go on with; give another file")
		case err != nil, end > 0 && line.Kind != "step" && line.Kind != "validation", line.Step > steps:
			return end, nil
		}
		end += int64(len(text))
	}
}

// write adds a line at once, so that an end at any time loses none.
func (l *tuneLog) write(line any) {
	if l == nil || l.f == nil || l.err != nil {
		return
	}
	var text bytes.Buffer
	if l.err = json.NewEncoder(&text).Encode(line); l.err == nil {
		_, l.err = l.f.Write(printable.JSON(text.Bytes()))
	}
}

func (l *tuneLog) step(p finetune.Progress) {
	if l == nil || p.Step%l.every != 0 && p.Step != p.Steps {
		return
	}
	line := stepLine{Kind: "step", Step: p.Step, Loss: p.Loss, Rate: p.Rate, ImagesPerSecond: p.ImagesPerSecond}
	if l.task == finetune.TaskClasses {
		line.Accuracy = &p.Accuracy
	}
	l.write(line)
}

func (l *tuneLog) validation(v finetune.Validation) {
	if l != nil {
		l.write(validationLine{"validation", v.Step, metricsOf(v.Metrics, true, 0, l.task)})
	}
}

// close ends the log and says what went wrong with it.
func (l *tuneLog) close() error {
	if l == nil {
		return nil
	}
	defer l.claim.Release()
	if l.f == nil {
		return nil
	}
	err := errors.Join(l.err, l.f.Close())
	if err != nil {
		return fmt.Errorf("the log is not complete: %w", err)
	}
	return nil
}
