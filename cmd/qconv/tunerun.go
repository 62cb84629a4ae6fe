package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
	"qconv/quant"
	"qconv/runtime/printable"
)

// tuneRun is one run of finetune, from the flags to the report.
type tuneRun struct {
	c           *cli.Context
	cfg         finetune.Config
	calibration finetune.CalibrateConfig
	augment     finetune.AugmentConfig
	checkpoint  checkpoint
	curve       curve
	output      *atomicfile.File
	plot        *atomicfile.File // nil without
	log         *tuneLog         // nil without
	sideError   error            // of the plot, which is no reason to stop
	report      tuneReport
	demands     demands
	stop        bool // of --spectrum, on the way to the last network
}

// newTuneRun reads the flags and checks, before long work, that results can be written.
func newTuneRun(c *cli.Context, model string) (*tuneRun, error) {
	t := &tuneRun{c: c, report: tuneReport{Model: model, Output: c.String(outFlag.Name)}}
	var err error
	if t.cfg, err = tuneConfig(c); err != nil {
		return nil, err
	}
	if t.calibration, err = calibrateConfig(c); err != nil {
		return nil, err
	}
	if t.augment, err = augmentation(c); err != nil {
		return nil, err
	}
	if t.report.Output == "" {
		t.report.Output = outputName(model, ".tuned.q.onnx")
	}
	if err := checkKind(t.report.Output, ".onnx"); err != nil {
		return nil, err
	}
	if err := checkPlotName(c.String(plotFlag.Name)); err != nil {
		return nil, err
	}
	if err := t.claim(); err != nil {
		t.release()
		return nil, err
	}
	return t, nil
}

// claim takes hold of all files that the run writes.
func (t *tuneRun) claim() error {
	var log *atomicfile.File
	checkpoint := t.report.Output + ".checkpoint"
	if t.report.Output == standardOutput {
		checkpoint = outputName(t.report.Model, ".tuned.q.onnx.checkpoint")
	}
	used := map[string]bool{}
	for _, f := range []struct {
		path string
		file **atomicfile.File
	}{
		{t.report.Output, &t.output}, {checkpoint, &t.checkpoint.file},
		{t.c.String(logFlag.Name), &log}, {t.c.String(plotFlag.Name), &t.plot},
	} {
		if f.path == "" {
			continue
		}
		if used[filepath.Clean(f.path)] {
			return usagef("%s is given for two results, want different files", f.path)
		}
		used[filepath.Clean(f.path)] = true
		var err error
		if *f.file, err = claim(t.c, f.path, t.report.Model); err != nil {
			return err
		}
		if log != nil && t.log == nil {
			t.log = &tuneLog{claim: log, every: t.c.Int(logEveryFlag.Name)}
		}
	}
	return nil
}

// release ends all claims.
func (t *tuneRun) release() {
	for _, f := range []*atomicfile.File{t.output, t.checkpoint.file, t.plot} {
		f.Release()
	}
	t.log.close()
}

// close ends a run that ended with err, and returns what is to be said of it: that, or else what
// went wrong with log and plot.
func (t *tuneRun) close(err error) error {
	side := cmp.Or(t.log.close(), t.sideError)
	if err == nil {
		return side
	}
	if side != nil {
		note(t.c, "warning: %v", side)
	}
	return err
}

// run trains a model, measures it, looks at the gates, writes it and prints the report.
func (t *tuneRun) run(m *quant.Model, data, fresh *samples, gates gates) error {
	if err := t.train(m, data, gates); err != nil {
		t.log.write(errorLine{"error", err.Error()})
		return err
	}
	r := &t.report
	var outcome error
	if fresh != nil {
		if r.Float, r.Tuned, outcome = measureModel(t.c, t.cfg.Teacher, m, fresh); outcome == nil {
			outcome = gates.check(*r.Tuned, r.Float)
		}
	}
	if t.demands.any() && (outcome == nil || is[*gateError](outcome)) {
		var err error
		if r.Took, err = t.took(m); err != nil {
			return err
		}
		outcome = cmp.Or(outcome, t.demands.check(*r.Took))
	}
	if err := t.write(m, gates, outcome); err != nil {
		return err
	}
	t.checkpoint.remove()
	if outcome != nil && r.Tuned == nil {
		if isInterrupt(outcome) {
			return &interruptedError{fmt.Sprintf("after training; %s is written, but not measured", printable.Name(r.Output))}
		}
		return fmt.Errorf("%w; %s is written, but not measured", outcome, printable.Name(r.Output))
	}
	t.log.write(resultLine{"result", *r})
	if t.stop {
		r.print(t.c.App.ErrWriter)
		return outcome
	}
	return cmp.Or(report(t.c, *r, r.print), outcome)
}

// took is what the program of a tuned model takes.
func (t *tuneRun) took(m *quant.Model) (*footprint, error) {
	p, data, err := compile(m)
	if err != nil {
		return nil, err
	}
	f, err := t.demands.measure(p, int64(len(data)))
	return &f, err
}

// write stores a model where it is to go after it was measured with the given outcome.
func (t *tuneRun) write(m *quant.Model, gates gates, outcome error) error {
	file, err := gates.destination(t.c, t.output, outcome)
	if err != nil {
		return err
	}
	if file == nil {
		t.report.Output = ""
		return nil
	}
	t.report.Output = file.Path()
	return writeModel(file, m)
}

// train calibrates and trains a model, and fills the report.
func (t *tuneRun) train(m *quant.Model, data *samples, gates gates) error {
	c := t.c
	t.report.Samples = data.Len()
	varied, err := finetune.Augment(data, t.augment)
	if err != nil {
		return usagef("flag --%s: %v", augmentFlag.Name, err)
	}
	if err := t.resume(data.Len()); err != nil {
		return err
	}
	if err := t.log.open(c, data.task(), &t.report, len(t.curve.losses)); err != nil {
		return err
	}
	leveled := len(m.Levels) == len(m.Sites)
	if !leveled {
		noteFewCalibration(c, data)
	}
	done := working(c, "choose ranges")
	found, err := finetune.Calibrate(c.Context, m, data, t.calibration)
	done()
	if err != nil {
		return err
	}
	if !leveled {
		t.report.Range = string(found.Method)
	}
	if t.cfg.Schedule != finetune.ScheduleNone && t.cfg.Resume == nil {
		if err := checkCodebooks(t.report.Model, m, t.cfg.Cluster); err != nil {
			return err
		}
	}
	if t.cfg.Resume == nil {
		old, err := t.checkpoint.setAside()
		if err != nil {
			return err
		}
		if old != "" {
			note(c, "warning: starting anew without --%s; the checkpoint of an interrupted run is now %s", resumeFlag.Name, printable.Name(old))
		}
	}
	t.cfg.Checkpoint = t.checkpoint.save
	whenInterrupted(c.Context, t.checkpoint.left)
	result, err := t.tune(m, varied, data.task())
	if t.plot != nil {
		t.sideError = t.curve.save(t.plot)
	}
	var diverged *finetune.DivergedError
	switch {
	case errors.As(err, &diverged):
		return t.saveDiverged(m, diverged, gates)
	case err != nil:
		return err
	case result.Stopped:
		return &interruptedError{fmt.Sprintf("after step %d of %d; %s holds the state, the same command with --%s goes on from there",
			result.Steps, result.Planned, printable.Name(t.checkpoint.file.Path()), resumeFlag.Name)}
	}
	t.report.fill(m, result)
	return nil
}

// resume loads the checkpoint where that is wanted.
func (t *tuneRun) resume(samples int) error {
	var err error
	if t.checkpoint.key, err = newRunKey(t.c, t.report.Model, samples); err != nil {
		return err
	}
	if !t.c.Bool(resumeFlag.Name) {
		return nil
	}
	s, err := t.checkpoint.load()
	if err != nil {
		return err
	}
	if t.checkpoint.longer {
		note(t.c, "note: the run becomes longer than it was meant to be: the learning rate rises to where it is in a run of the new length")
	}
	t.cfg.Resume = s
	t.curve = curve{losses: s.Losses, accuracies: s.Accuracies, validations: s.Validations}
	return nil
}

// tune runs finetune.Tune with a progress bar, a log and a learning curve.
func (t *tuneRun) tune(m *quant.Model, data finetune.Data, task finetune.Task) (*finetune.Result, error) {
	t.curve.task = task
	t.curve.title = fmt.Sprintf("%s: %d levels, %d weights (%s, %s)", printable.Name(filepath.Base(t.report.Model)), t.calibration.Levels, t.cfg.Cluster.Weights, t.cfg.Cluster.Codebook, t.cfg.Schedule)
	var bar *progress
	var validated string
	cfg := t.cfg
	cfg.Progress = func(p finetune.Progress) {
		t.curve.step(p)
		t.log.step(p)
		if bar == nil {
			bar = newProgress(t.c.App.ErrWriter, "finetune", "steps", p.Steps)
		}
		details := []string{fmt.Sprintf("loss %.3g", p.Loss)}
		if task == finetune.TaskClasses {
			details = append(details, fmt.Sprintf("acc %.1f%%", 100*p.Accuracy))
		}
		details = append(details, fmt.Sprintf("%.0f images/s", p.ImagesPerSecond))
		if validated != "" {
			details = append(details, validated)
		}
		bar.update(p.Step, details...)
	}
	cfg.Validated = func(v finetune.Validation) {
		t.curve.validation(v)
		t.log.validation(v)
		by := finetune.CriterionOf(v.Metrics, task, cfg.Loss)
		validated = fmt.Sprintf("val %s", criterionText(by, by.Value(v.Metrics)))
	}
	defer func() {
		if bar != nil {
			bar.finish()
		}
	}()
	return finetune.Tune(t.c.Context, m, data, cfg)
}

// saveDiverged writes the best network before training diverged, if there is one.
func (t *tuneRun) saveDiverged(m *quant.Model, e *finetune.DivergedError, gates gates) error {
	err := fmt.Errorf("training diverged in step %d: %s; try a lower --%s, such as %.2g", e.Step, e.Reason, rateFlag.Name, t.cfg.Rate/4)
	if e.Best == nil {
		return fmt.Errorf("%w; nothing was measured before that, so there is no result", err)
	}
	if writeErr := t.write(m, gates, err); writeErr != nil {
		return fmt.Errorf("%w; the best network before that is lost: %w", err, writeErr)
	}
	return fmt.Errorf("%w; %s is the best network before that, of step %d", err, printable.Name(t.report.Output), e.Best.Step)
}
