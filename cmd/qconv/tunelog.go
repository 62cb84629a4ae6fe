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

	"qconv/finetune"
	"qconv/runtime/printable"
)

// tuneLog writes a fine-tuning as JSON, one line per event: its configuration, then steps and
// validations, then its result or the error that ended it. The first field of every line is
// its kind. A nil log takes lines and does nothing with them.
type tuneLog struct {
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

// openLog starts the log that the flags ask for, or returns nil. With resumed steps that were
// done before, it goes on with the log there is, from which everything after them is cut off.
func openLog(c *cli.Context, task finetune.Task, r *tuneReport, resumed int) (*tuneLog, error) {
	path := c.String(logFlag.Name)
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, &outputError{err}
	}
	l := &tuneLog{f: f, every: c.Int(logEveryFlag.Name), task: task}
	fresh, err := l.cut(resumed)
	if err == nil && fresh {
		if l.write(newConfigLine(c, r)); l.err != nil {
			err = &outputError{l.err}
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

// cut removes what a log may hold after the given number of steps, and says whether nothing is
// left. Pipes and devices hold nothing.
func (l *tuneLog) cut(steps int) (fresh bool, err error) {
	info, err := l.f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return true, err
	}
	end := int64(0)
	if steps > 0 {
		if end, err = logEnd(l.f, steps); err != nil {
			return false, inputf("%s: %w", printable.Name(l.f.Name()), err)
		}
	}
	if err := l.f.Truncate(end); err != nil {
		return false, &outputError{err}
	}
	_, err = l.f.Seek(end, io.SeekStart)
	return end == 0, err
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
		case end == 0 && len(text) == 0: // an empty file
			return 0, nil
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
	if l == nil || l.err != nil {
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
		l.write(validationLine{"validation", v.Step, validationMetrics(v.Metrics, l.task)})
	}
}

// close ends the log and says what went wrong with it.
func (l *tuneLog) close() error {
	if l == nil {
		return nil
	}
	err := errors.Join(l.err, l.f.Close())
	if err != nil {
		return fmt.Errorf("the log is not complete: %w", err)
	}
	return nil
}

// validationMetrics are the metrics that mean something for a task.
func validationMetrics(m finetune.Metrics, task finetune.Task) metrics {
	out := metrics{Samples: m.Samples}
	if m.Labelled > 0 {
		out.Accuracy = &m.Accuracy
	}
	if m.HasMSE {
		out.MSE = &m.MSE
	}
	if task == finetune.TaskClasses {
		out.Agreement = &m.Agreement
	} else {
		out.Difference = &m.Distance
	}
	return out
}
