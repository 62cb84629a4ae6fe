package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/quant"
)

// Flags of training, with the library's defaults.
var (
	tuneDefaults = finetune.DefaultConfig()

	scheduleFlag    = &cli.StringFlag{Name: "schedule", Category: catTraining, Value: string(tuneDefaults.Schedule), Usage: "when weights are clustered: `NAME` forward (in every pass), periodic, or none"}
	normalizeFlag   = &cli.BoolFlag{Name: "normalize", Category: catTraining, Usage: "batch normalization behind the layers of --units channel while they are trained; two to four weights need it"}
	refitFlag       = &cli.IntFlag{Name: "refit", Category: catTraining, Value: tuneDefaults.Refit, Usage: "`STEPS` between two fits of the codebooks of --schedule forward"}
	periodFlag      = &cli.IntFlag{Name: "period", Category: catTraining, Value: tuneDefaults.Period, DefaultText: automatic(tuneDefaults.Period), Usage: "`STEPS` between two clusterings of --schedule periodic; automatic is a fiftieth of all, at most 1000"}
	lossFlag        = &cli.StringFlag{Name: "loss", Category: catTraining, Value: string(tuneDefaults.Loss), Usage: "`KIND` teacher (the float network; needs no labels), labels, or both"}
	temperatureFlag = &cli.Float64Flag{Name: "temperature", Category: catTraining, Value: tuneDefaults.Temperature, Usage: "`T` that softens the teacher's scores"}
	labelShareFlag  = &cli.Float64Flag{Name: "label-share", Category: catTraining, Value: tuneDefaults.LabelShare, Usage: "`PART` of the labels in --loss both, 0..1"}
	teacherFlag     = &cli.StringFlag{Name: "teacher", Category: catTraining, Usage: "`FLOAT.onnx` to learn from; without it the model as it is now"}
	epochsFlag      = &cli.Float64Flag{Name: "epochs", Category: catTraining, DefaultText: "as --steps says", Usage: "see every sample `N` times, instead of --steps"}
	stepsFlag       = &cli.IntFlag{Name: "steps", Category: catTraining, Value: tuneDefaults.Steps, Usage: "train `N` steps of --batch samples"}
	batchFlag       = &cli.IntFlag{Name: "batch", Category: catTraining, Value: tuneDefaults.Batch, Usage: "`N` samples of a step"}
	rateFlag        = &cli.Float64Flag{Name: "rate", Category: catTraining, Value: tuneDefaults.Rate, Usage: "learning `RATE` of weights"}
	rangeRateFlag   = &cli.Float64Flag{Name: "range-rate", Category: catTraining, Value: tuneDefaults.RangeRate, Usage: "learning `RATE` of ranges; 0 keeps the calibrated ones"}
	warmupFlag      = &cli.IntFlag{Name: "warmup", Category: catTraining, Value: tuneDefaults.Warmup, Usage: "`STEPS` in which the rate rises to its full size"}
	augmentFlag     = &cli.StringFlag{Name: "augment", Category: catTraining, Usage: "vary pictures from epoch to epoch: `LIST` of shift=N (by up to N pixels, repeating the edge), crop=N (out of a mirrored border of N pixels), flip (left and right)"}
	validateFlag    = &cli.IntFlag{Name: "validate-every", Category: catTraining, Value: tuneDefaults.ValidateEvery, DefaultText: automatic(tuneDefaults.ValidateEvery), Usage: fmt.Sprintf("measure the network every `STEPS` on the part of --val, at most %d samples, that chooses the best one, which is written; automatic is up to eight times", tuneDefaults.ValidateSamples)}

	resumeFlag     = &cli.BoolFlag{Name: "resume", Category: catRun, Usage: "go on where an interrupted run with the same flags stopped, or with more --steps or --epochs; --log goes on too"}
	checkpointFlag = &cli.IntFlag{Name: "checkpoint-every", Category: catRun, Value: tuneDefaults.CheckpointEvery, Usage: "save the state every `STEPS`, and about once a minute where they take longer, in the output's name with .checkpoint, for --resume"}
	logFlag        = &cli.StringFlag{Name: "log", Category: catRun, Usage: "write configuration, steps, validations and result to `FILE`, one JSON object a line"}
	logEveryFlag   = &cli.IntFlag{Name: "log-every", Category: catRun, Value: 1, Usage: "write every `N`th step to --log"}
	plotFlag       = &cli.StringFlag{Name: "plot", Category: catRun, Usage: "draw loss and accuracy over the steps in `FILE`, a .png or .svg"}
)

// trainFlags decide what training does, runFlags only how it is carried out.
var (
	trainFlags = []cli.Flag{
		scheduleFlag, normalizeFlag, refitFlag, periodFlag, lossFlag, temperatureFlag, labelShareFlag, teacherFlag, spectrumFlag, epochsFlag, stepsFlag,
		batchFlag, rateFlag, rangeRateFlag, warmupFlag, augmentFlag, validateFlag,
	}
	runFlags = []cli.Flag{resumeFlag, checkpointFlag, logFlag, logEveryFlag, plotFlag}
)

// tuneConfig reads the flags of training and of its course.
func tuneConfig(c *cli.Context) (finetune.Config, error) {
	cluster, err := clusterConfig(c)
	if err != nil {
		return finetune.Config{}, err
	}
	cfg, err := trainConfig(c, cluster)
	if err != nil {
		return cfg, err
	}
	if cfg.CheckpointEvery = c.Int(checkpointFlag.Name); cfg.CheckpointEvery < 1 {
		return cfg, usagef("flag --%s: got %d, want at least 1", checkpointFlag.Name, cfg.CheckpointEvery)
	}
	if n := c.Int(logEveryFlag.Name); n < 1 {
		return cfg, usagef("flag --%s: got %d, want at least 1", logEveryFlag.Name, n)
	}
	return cfg, nil
}

// trainConfig reads the training flags, for weights that are clustered as given.
func trainConfig(c *cli.Context, cluster quant.ClusterConfig) (finetune.Config, error) {
	cfg := finetune.DefaultConfig()
	cfg.Cluster = cluster
	cfg.Schedule = finetune.Schedule(c.String(scheduleFlag.Name))
	cfg.Normalize = c.Bool(normalizeFlag.Name)
	cfg.Refit = c.Int(refitFlag.Name)
	cfg.Period = c.Int(periodFlag.Name)
	cfg.Loss = finetune.LossKind(c.String(lossFlag.Name))
	cfg.Temperature = c.Float64(temperatureFlag.Name)
	cfg.LabelShare = c.Float64(labelShareFlag.Name)
	cfg.Batch = c.Int(batchFlag.Name)
	cfg.Rate = c.Float64(rateFlag.Name)
	cfg.RangeRate = c.Float64(rangeRateFlag.Name)
	cfg.Warmup = c.Int(warmupFlag.Name)
	cfg.Seed = c.Uint64(seedFlag.Name)
	cfg.ValidateEvery = c.Int(validateFlag.Name)
	cfg.Steps = c.Int(stepsFlag.Name)
	if c.IsSet(epochsFlag.Name) {
		if c.IsSet(stepsFlag.Name) {
			return cfg, usagef("flag --%s and flag --%s exclude each other", epochsFlag.Name, stepsFlag.Name)
		}
		cfg.Steps, cfg.Epochs = 0, c.Float64(epochsFlag.Name)
	} else if cfg.Steps < 1 {
		return cfg, usagef("flag --%s: got %d, want at least 1", stepsFlag.Name, cfg.Steps)
	}
	return cfg, asUsage(cfg.Validate())
}

// augmentation reads the flag such as shift=2,flip,crop=4.
func augmentation(c *cli.Context) (finetune.AugmentConfig, error) {
	cfg := finetune.AugmentConfig{Seed: c.Uint64(seedFlag.Name)}
	if !c.IsSet(augmentFlag.Name) {
		return cfg, nil
	}
	for _, item := range strings.Split(c.String(augmentFlag.Name), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		pixels, err := strconv.Atoi(value)
		switch {
		case name == "flip" && value == "":
			cfg.Flip = true
		case name == "shift" && err == nil && pixels > 0:
			cfg.Shift = pixels
		case name == "crop" && err == nil && pixels > 0:
			cfg.Crop = pixels
		default:
			return cfg, usagef("flag --%s: got %q, want a list such as shift=2,crop=4,flip", augmentFlag.Name, item)
		}
	}
	return cfg, nil
}
