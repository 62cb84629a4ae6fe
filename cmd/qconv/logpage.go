package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"gonum.org/v1/plot"

	"qconv/cmd/qconv/internal/page"
	"qconv/finetune"
	"qconv/runtime/printable"
)

// tuneHistory is what a log of finetune tells.
type tuneHistory struct {
	config configLine
	curve  curve
	result *resultLine // nil where the run did not end well
	failed string      // the error that ended it
}

// mostSteps bounds the steps of a log.
const mostSteps = 10_000_000

// readHistory reads a log that finetune wrote, see [tuneLog].
func readHistory(path string) (*tuneHistory, error) {
	text, err := readText(path, "a log that finetune --log wrote")
	if err != nil {
		return nil, err
	}
	h := &tuneHistory{}
	lines := bufio.NewReader(bytes.NewReader(text))
	for at := 1; ; at++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if err := h.add(line, at == 1); err != nil {
			return nil, inputf("%s: line %d: %w", printable.Name(path), at, err)
		}
		if err == io.EOF {
			break
		}
	}
	if h.config.Kind == "" {
		return nil, inputf("%s: the file is empty, want a log that finetune --%s wrote", printable.Name(path), logFlag.Name)
	}
	return h, nil
}

func (h *tuneHistory) add(line []byte, first bool) error {
	var kind struct{ Kind string }
	if err := json.Unmarshal(line, &kind); err != nil || first && kind.Kind != "config" {
		return fmt.Errorf("this is no log that finetune --%s wrote", logFlag.Name)
	}
	switch kind.Kind {
	case "config":
		return json.Unmarshal(line, &h.config)
	case "step":
		var s stepLine
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		return h.step(s)
	case "validation":
		var v validationLine
		if err := json.Unmarshal(line, &v); err != nil {
			return err
		}
		h.curve.validation(finetune.Validation{Step: v.Step, Metrics: v.metrics.measured()})
	case "result":
		h.result = &resultLine{}
		return json.Unmarshal(line, h.result)
	case "error":
		var e errorLine
		err := json.Unmarshal(line, &e)
		h.failed = e.Error
		return err
	}
	return nil
}

// step adds a step; those before it that the log leaves out were like the one before them.
func (h *tuneHistory) step(s stepLine) error {
	c := &h.curve
	if s.Step <= len(c.losses) || s.Step > mostSteps {
		return errors.New("the steps are not in order")
	}
	p := finetune.Progress{Loss: s.Loss}
	c.task = finetune.TaskValues
	if s.Accuracy != nil {
		p.Accuracy, c.task = *s.Accuracy, finetune.TaskClasses
	}
	between := p
	if n := len(c.losses); n > 0 {
		between.Loss, between.Accuracy = c.losses[n-1], c.accuracies[n-1]
	}
	for len(c.losses) < s.Step-1 {
		c.step(between)
	}
	c.step(p)
	return nil
}

// measured are the metrics that a curve shows.
func (m metrics) measured() finetune.Metrics {
	out := finetune.Metrics{Samples: m.Samples}
	for _, v := range []struct {
		from *float64
		to   *float64
	}{{m.Accuracy, &out.Accuracy}, {m.Agreement, &out.Agreement}, {m.MSE, &out.MSE}, {m.Difference, &out.Distance}} {
		if v.from != nil {
			*v.to = *v.from
		}
	}
	out.HasMSE = m.MSE != nil
	if m.Accuracy != nil {
		out.Labelled = m.Samples
	}
	return out
}

// addHistory adds the learning curve, and what the run was given that is not what every run is.
func addHistory(s *page.Section, h *tuneHistory) error {
	s.Text("%s was tuned on %d samples for %d steps (%s).", printable.Name(h.config.Model), h.config.Samples, len(h.curve.losses), h.config.Version)
	if h.failed != "" {
		s.Warn("The run ended with an error: %s", h.failed)
	}
	var figures []page.Figure
	for _, panel := range []func() (*plot.Plot, error){h.curve.lossPanel, h.curve.resultPanel} {
		if len(h.curve.losses) == 0 {
			break
		}
		p, err := panel()
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		page.Restyle(p)
		d, err := page.Draw(p, page.Wide)
		if err != nil {
			return err
		}
		figures = append(figures, page.Figure{Image: d})
	}
	s.Figures(figures...)
	if r := h.result; r != nil && r.Tuned != nil {
		names, all := []string{"tuned"}, []metrics{*r.Tuned}
		if r.Float != nil {
			names, all = append(names, "float"), append(all, *r.Float)
		}
		addMetrics(s, names, all)
	}
	d := s.Details("Flags of the run")
	t := d.Table(page.Left("flag"), page.Left("value"))
	for _, name := range slices.Sorted(maps.Keys(h.config.Flags)) {
		if v := h.config.Flags[name]; v != nil && fmt.Sprint(v) != "" {
			t.Row("--"+name, fmt.Sprint(v))
		}
	}
	return nil
}
