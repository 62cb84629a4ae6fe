package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/finetune/dataset"
	"qconv/onnx"
	"qconv/quant"
)

var finetuneCommand = &cli.Command{
	Name:      "finetune",
	Usage:     "train a model for few activation levels and few weight values",
	ArgsUsage: "MODEL.onnx",
	Description: "Needs no labels: the float network is the teacher. Writes MODEL.tuned.q.onnx, an ONNX file whose weights " +
		"take few values. Ctrl-C stops with a checkpoint that --resume goes on from. The file is written even where " +
		"a gate is missed.",
	Flags: flagList([]cli.Flag{outFlag, jsonFlag, minAccuracyFlag, maxDropFlag, maxMSEFlag, valFlag}, dataFlags,
		preprocessFlags, quantFlags, trainFlags),
	Action: runFinetune,
}

// heldBack is the part of --data that accuracy is measured on where no --val is given;
// less than leastHeldBack samples are not worth it.
const (
	heldBack      = 0.1
	leastHeldBack = 10
)

// tuneReport is what finetune prints.
type tuneReport struct {
	Model  string `json:"model"`
	Output string `json:"output"`
	// Range is the calibration method used; empty for a model that had levels.
	Range string  `json:"range,omitempty"`
	Steps int     `json:"steps"`
	Loss  float64 `json:"loss"` // mean of the last tenth of all steps
	// Samples trained on, and what they were measured on.
	Samples    int         `json:"samples"`
	Validation string      `json:"validation,omitempty"`
	Float      *metrics    `json:"float,omitempty"`
	Tuned      *metrics    `json:"tuned,omitempty"`
	Codebooks  []int       `json:"codebooks"` // centres of each
	Levels     []levelInfo `json:"levels"`
}

type levelInfo struct {
	Value  string `json:"value"`
	Levels int    `json:"levels"`
}

func runFinetune(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL.onnx")
	if err != nil {
		return err
	}
	spec, err := required(c, dataFlag)
	if err != nil {
		return err
	}
	cfg, err := tuneConfig(c)
	if err != nil {
		return err
	}
	calibration, err := calibrateConfig(c)
	if err != nil {
		return err
	}
	gates, err := readGates(c)
	if err != nil {
		return err
	}
	out := c.String(outFlag.Name)
	if out == "" {
		out = outputName(path, ".tuned.q.onnx")
	}
	if err := checkOutput(out, path); err != nil {
		return err
	}
	m, err := openModel(c, path)
	if err != nil {
		return err
	}
	if cfg.Teacher, err = readTeacher(c, m); err != nil {
		return err
	}
	if anySet(c, calibrateFlags) != "" {
		clear(m.Levels) // those of an earlier run, if any
	}
	if err := applyLayerConfig(c, m, &cfg.Cluster, &calibration); err != nil {
		return err
	}
	data, err := openModelSamples(c, spec, m, 0)
	if err != nil {
		return err
	}
	defer data.set.Close()
	if err := checkLoss(m, data, cfg.Loss); err != nil {
		return err
	}
	train, val, err := validation(c, m, data)
	if err != nil {
		return err
	}
	if val != nil {
		defer val.set.Close()
	} else if gates.any() {
		return inputf("%s has too few samples to hold some back for the gates: give --%s", spec, valFlag.Name)
	}
	key, err := runKey(path, train, cfg, calibration)
	if err != nil {
		return err
	}
	r := tuneReport{Model: path, Output: out, Samples: train.Len()}
	if err := r.tune(c, m, train, cfg, calibration, checkpoint{out + ".checkpoint", key}); err != nil {
		return err
	}
	if err := writeModel(out, m); err != nil {
		return err
	}
	checkpoint{path: out + ".checkpoint"}.remove()
	if val != nil {
		r.Validation = val.set.Spec
		if r.Float, r.Tuned, err = measureModel(c, cfg.Teacher, m, val); err != nil {
			return err
		}
	}
	if err := report(c, r, r.print); err != nil {
		return err
	}
	if gates.any() {
		return gates.check(*r.Tuned, r.Float)
	}
	return nil
}

// checkLoss reports data without the labels that the loss needs, or with labels that are
// no classes of the network.
func checkLoss(m *quant.Model, data *samples, loss finetune.LossKind) error {
	if finetune.TaskOf(m.Graph) != finetune.TaskClasses {
		return nil
	}
	if loss != finetune.LossTeacher && !data.Labelled() {
		return inputf("%s has no labels, --%s %s needs them (--%s %s does not)", data.set.Spec, lossFlag.Name, loss, lossFlag.Name, finetune.LossTeacher)
	}
	return data.checkLabels(m.Graph.Outputs[0].Shape.Elems())
}

// readTeacher is the network to learn from: that of --teacher, or the model as it is.
func readTeacher(c *cli.Context, m *quant.Model) (*onnx.Graph, error) {
	path := c.String(teacherFlag.Name)
	if path == "" {
		return m.Graph.Clone(), nil
	}
	f, err := readFloat(path)
	if err != nil {
		return nil, err
	}
	return f.graph, nil
}

// validation divides the data into what is trained on and what accuracy is measured on,
// which is nil where there is nothing to measure with.
func validation(c *cli.Context, m *quant.Model, data *samples) (train, val *samples, err error) {
	if spec := c.String(valFlag.Name); spec != "" {
		if val, err = openModelSamples(c, spec, m, 0); err != nil {
			return nil, nil, err
		}
		if n := dataset.Overlap(data.set, val.set); n > 0 {
			note(c, "warning: %d of the %d samples of --%s are among those of --%s", n, val.Len(), valFlag.Name, dataFlag.Name)
		}
		return data, val, nil
	}
	a, b := dataset.Split(data.set, heldBack, c.Uint64(seedFlag.Name))
	if b.Len() < leastHeldBack {
		return data, nil, nil
	}
	note(c, "%d of the %d samples are held back to measure accuracy on", b.Len(), data.Len())
	return data.with(a), data.with(b), nil
}

// tune calibrates and trains a model and fills the report.
func (r *tuneReport) tune(c *cli.Context, m *quant.Model, data *samples, cfg finetune.Config, calibration finetune.CalibrateConfig, k checkpoint) error {
	var err error
	if c.Bool(resumeFlag.Name) {
		if cfg.Resume, err = k.load(); err != nil {
			return err
		}
	}
	found, err := finetune.Calibrate(c.Context, m, data, calibration)
	if err != nil {
		return err
	}
	r.Range = string(found.Method)
	cfg.Checkpoint = k.save
	result, err := train(c.Context, c.App.ErrWriter, m, data, cfg)
	if err != nil {
		return err
	}
	if result.Stopped {
		return &interruptedError{fmt.Sprintf("after step %d of %d; %s holds the state, --%s goes on from there",
			result.Steps, result.Planned, k.path, resumeFlag.Name)}
	}
	r.Steps, r.Loss = result.Steps, lastLoss(result.Losses)
	r.Codebooks = []int{}
	for _, centres := range m.Codebooks {
		r.Codebooks = append(r.Codebooks, len(centres))
	}
	for _, s := range m.Sites {
		r.Levels = append(r.Levels, levelInfo{s.Value.Name, m.Levels[s.Value.Name].Count})
	}
	return nil
}

// train runs finetune.Tune with a progress bar on w.
func train(ctx context.Context, w io.Writer, m *quant.Model, data *samples, cfg finetune.Config) (*finetune.Result, error) {
	var bar *progress
	cfg.Progress = func(p finetune.Progress) {
		if bar == nil {
			bar = newProgress(w, "finetune", "steps", p.Steps)
		}
		details := []string{fmt.Sprintf("%.0f samples/s", p.ImagesPerSecond), fmt.Sprintf("loss %.4g", p.Loss)}
		if p.Accuracy > 0 {
			details = append(details, "accuracy "+percent(p.Accuracy))
		}
		bar.update(p.Step, details...)
	}
	defer func() {
		if bar != nil {
			bar.finish()
		}
	}()
	return finetune.Tune(ctx, m, data, cfg)
}

// lastLoss is the mean of the last tenth of the losses.
func lastLoss(losses []float64) float64 {
	last := losses[len(losses)-(len(losses)+9)/10:]
	sum := 0.0
	for _, l := range last {
		sum += l
	}
	return sum / float64(max(len(last), 1))
}

// measureModel evaluates a tuned model and its float teacher on one data set.
func measureModel(c *cli.Context, teacher *onnx.Graph, m *quant.Model, data *samples) (float, tuned *metrics, err error) {
	floatNet, err := newFloatNetwork(teacher, nil, data)
	if err != nil {
		return nil, nil, err
	}
	tunedNet, err := newFloatNetwork(m.Graph, m.Levels, data)
	if err != nil {
		return nil, nil, err
	}
	own, others, err := evaluate(c, "measure", tunedNet, floatNet)
	return others, &own, err
}

func (r tuneReport) print(w io.Writer) {
	fmt.Fprintf(w, "ranges by %s, %d steps on %d samples, loss %.4g\n", r.Range, r.Steps, r.Samples, r.Loss)
	if len(r.Codebooks) > 0 {
		fmt.Fprintf(w, "codebooks of %v centres\n", r.Codebooks)
	}
	if r.Tuned != nil {
		fmt.Fprintf(w, "\nmeasured on %s:\n", r.Validation)
		printComparison(w, []string{"float", "tuned"}, []*metrics{r.Float, r.Tuned})
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "written: %s\n", r.Output)
}
