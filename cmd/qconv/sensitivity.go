package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
	"qconv/quant"
	"qconv/runtime/printable"
)

var (
	csvFlag         = &cli.StringFlag{Name: "csv", Category: catResult, Usage: "write the table to `FILE`, with commas"}
	trialStepsFlag  = &cli.IntFlag{Name: "steps", Category: catTraining, Usage: "train each network `N` steps before it is measured; 0 = none"}
	trialSampleFlag = &cli.IntFlag{Name: "measured-samples", Category: catData, Value: 500, Usage: "measure on at most `N` samples, 0 = all"}
	trialValFlag    = &cli.StringFlag{Name: "val", Category: catData, Usage: "`DATA` to measure on; without it samples of --data that ranges were not chosen from"}
)

// trialTrainFlags are those of training that short runs have, but for --steps.
var trialTrainFlags = slices.DeleteFunc(slices.Clone(trainFlags), func(f cli.Flag) bool {
	return slices.Contains([]cli.Flag{teacherFlag, spectrumFlag, epochsFlag, stepsFlag, augmentFlag, validateFlag}, f)
})

var sensitivityCommand = &cli.Command{
	Name:      "sensitivity",
	Usage:     "measure what each layer costs at which levels and weights",
	ArgsUsage: "MODEL.onnx",
	Description: "Of the float network one thing at a time is made few: the weights of one layer, or the levels of one value. The table says how far the outputs are then from those " +
		"of the float network: the divergence of classes in nats (of numbers, the squared error as a part of the mean square), the signal-to-noise ratio, the share of samples " +
		"that get the same class, and the change of accuracy. Bytes are about what the weights take in a program. Nothing is trained without --steps, with which every network is, the rest of it with 256 levels and " +
		"65536 weights. finetune --budget chooses by such a table; --config takes a choice by hand.\n\n" +
		example("qconv sensitivity model.q.onnx --data pictures.zip#train --levels 8,16,32 --weights 4,16,64"),
	Flags:  flagList([]cli.Flag{maxMemoryFlag, jsonFlag, csvFlag, trialStepsFlag, trialSampleFlag, trialValFlag}, dataFlags, preprocessFlags, gridFlags, trialTrainFlags),
	Action: runSensitivity,
}

// sensitivityReport is what sensitivity prints.
type sensitivityReport struct {
	Model    string     `json:"model"`
	Steps    int        `json:"steps"`
	Measured measuredOn `json:"measured_on"`
	// Accuracy is that of the float network; nil without labels.
	Accuracy *float64         `json:"float_accuracy,omitempty"`
	Trials   []finetune.Trial `json:"trials"`
}

func runSensitivity(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL.onnx")
	if err != nil {
		return err
	}
	spec, err := required(c, dataFlag)
	if err != nil {
		return err
	}
	cfg, err := trialConfig(c)
	if err != nil {
		return err
	}
	var file *atomicfile.File
	if name := c.String(csvFlag.Name); name != "" {
		if err = checkKind(name, ".csv"); err != nil {
			return err
		}
		if file, err = claim(c, name, path); err != nil {
			return err
		}
		defer file.Release()
	}
	m, err := openModel(c, path)
	if err != nil {
		return err
	}
	noteTuned(c, path, m)
	data, err := openModelSamples(c, spec, m, share{first: cfg.Calibrate.Samples, others: cfg.Samples})
	if err != nil {
		return err
	}
	defer data.set.Close()
	noteFewCalibration(c, data)
	r := sensitivityReport{Model: path, Measured: measuredOn{Data: spec}}
	measured := data.others
	switch {
	case c.String(trialValFlag.Name) != "":
		r.Measured.Data = c.String(trialValFlag.Name)
		if measured, err = openModelSamples(c, r.Measured.Data, m, share{first: cfg.Samples}); err != nil {
			return err
		}
		defer measured.set.Close()
	case measured.Len() < leastFresh:
		measured, r.Measured.Calibration = data, true
	}
	if err := checkClasses(c, m, measured); err != nil {
		return err
	}
	cfg.Task = data.aim.asked
	if cfg.Tune != nil {
		cfg.Tune.Task, r.Steps = cfg.Task, cfg.Tune.Steps
		if err := checkLoss(c, m, data, cfg.Tune.Loss); err != nil {
			return err
		}
	}
	r.Measured.Samples = measured.Len()
	if cfg.Samples > 0 {
		r.Measured.Samples = min(r.Measured.Samples, cfg.Samples)
	}
	var float finetune.Loss
	if r.Trials, float, err = trials(c, m, data, measured, cfg); err != nil {
		return err
	}
	r.Accuracy = float.Accuracy
	if file != nil {
		table, err := r.csv()
		if err != nil {
			return err
		}
		if err := writeResult(file, table); err != nil {
			return err
		}
	}
	return report(c, r, r.print)
}

// shortTraining reads the flags of training of commands that train several networks.
func shortTraining(c *cli.Context, cluster quant.ClusterConfig) (finetune.Config, error) {
	if finetune.Schedule(c.String(scheduleFlag.Name)) == finetune.ScheduleNone {
		return finetune.Config{}, usagef("flag --%s: got %q, want %s or %s: weights are to be few", scheduleFlag.Name, finetune.ScheduleNone, finetune.ScheduleForward, finetune.SchedulePeriodic)
	}
	return trainConfig(c, cluster)
}

// noteTuned warns of a network whose weights are few already.
func noteTuned(c *cli.Context, path string, m *quant.Model) {
	if len(m.Codebooks) > 0 {
		note(c, "warning: %s has levels and weights of its own; its weights are taken for those of a float network", printable.Name(path))
	}
}

// trialConfig reads the flags.
func trialConfig(c *cli.Context) (finetune.TrialConfig, error) {
	cfg := finetune.TrialConfig{Samples: c.Int(trialSampleFlag.Name)}
	g, err := readGrid(c)
	if err != nil {
		return cfg, err
	}
	cfg.Levels, cfg.Weights, cfg.Codebooks = g.levels, g.weights, g.codebooks
	if cfg.Cluster, err = clusterConfigFor(c, g.weights[0], g.codebooks[0]); err != nil {
		return cfg, err
	}
	if cfg.Cluster.Scope != quant.ScopeLayer {
		return cfg, usagef("flag --%s: got %q, want %s: a layer alone has a codebook of its own", scopeFlag.Name, cfg.Cluster.Scope, quant.ScopeLayer)
	}
	if cfg.Calibrate, err = calibrateConfigFor(c, g.levels[0]); err != nil {
		return cfg, err
	}
	if n := c.Int(trialStepsFlag.Name); n < 0 {
		return cfg, usagef("flag --%s: got %d, want 0 or more", trialStepsFlag.Name, n)
	} else if n > 0 {
		tune, err := shortTraining(c, cfg.Cluster)
		if err != nil {
			return cfg, err
		}
		cfg.Tune = &tune
	}
	return cfg, asUsage(cfg.Validate())
}

// trials is [finetune.Trials] with a progress bar.
func trials(c *cli.Context, m *quant.Model, data, measured *samples, cfg finetune.TrialConfig) ([]finetune.Trial, finetune.Loss, error) {
	var bar *progress
	cfg.Progress = func(done, all int) {
		if bar == nil {
			bar = newProgress(c.App.ErrWriter, "sensitivity", "networks", all)
		}
		bar.update(done)
	}
	defer func() { bar.finish() }()
	return finetune.Trials(c.Context, m, data, measured, cfg)
}

// sensitivityColumns are those of the table.
var sensitivityColumns = []string{"layer", "of", "values", "codebook", "bytes", "divergence", "snr_db", "agreement", "accuracy"}

// csv is the table as a file.
func (r sensitivityReport) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(sensitivityColumns)
	share := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	for _, t := range r.Trials {
		w.Write([]string{t.Name, string(t.Of), strconv.Itoa(t.Count), string(t.Codebook), strconv.Itoa(t.Bytes),
			share(&t.Divergence), share(&t.SNR), share(t.Agreement), share(t.Accuracy)})
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func (r sensitivityReport) print(w io.Writer) {
	fresh := ", from which nothing was chosen"
	if r.Measured.Calibration {
		fresh = fmt.Sprintf(", the same that ranges were chosen from; --%s measures others", trialValFlag.Name)
	}
	fmt.Fprintf(w, "measured on %d samples of %s%s\n", r.Measured.Samples, printable.Name(r.Measured.Data), fresh)
	if r.Accuracy != nil {
		fmt.Fprintf(w, "accuracy of the float network: %s\n", percent(*r.Accuracy))
	}
	fmt.Fprintln(w)
	t := table{left: 2}
	head := []any{"layer or value", "few", "values", "bytes", "divergence", "SNR, dB"}
	classes := slices.ContainsFunc(r.Trials, func(t finetune.Trial) bool { return t.Agreement != nil })
	if classes {
		head = append(head, "agreement")
	}
	if r.Accuracy != nil {
		head = append(head, "accuracy")
	}
	t.add(head...)
	for _, trial := range r.Trials {
		what, bytes := string(trial.Of), ""
		if trial.Of == finetune.OfWeights {
			what, bytes = fmt.Sprintf("%s, %s", trial.Of, trial.Codebook), grouped(trial.Bytes)
		}
		row := []any{printable.Name(trial.Name), what, trial.Count, bytes, fmt.Sprintf("%.3g", trial.Divergence), fmt.Sprintf("%.1f", trial.SNR)}
		if classes {
			row = append(row, percent(*trial.Agreement))
		}
		if r.Accuracy != nil {
			row = append(row, fmt.Sprintf("%+.2f", 100*(*trial.Accuracy-*r.Accuracy)))
		}
		t.add(row...)
	}
	t.print(w)
}
