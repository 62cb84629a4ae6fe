package main

import (
	"github.com/urfave/cli/v2"

	"qconv/finetune"
)

// Flags of training, with the library's defaults.
var (
	tuneDefaults = finetune.DefaultConfig()

	scheduleFlag    = &cli.StringFlag{Name: "schedule", Category: catTraining, Value: string(tuneDefaults.Schedule), Usage: "when weights are clustered: `NAME` forward (in every pass), periodic, or none"}
	refitFlag       = &cli.IntFlag{Name: "refit", Category: catTraining, Value: tuneDefaults.Refit, Usage: "`STEPS` between two fits of the codebooks of --schedule forward"}
	periodFlag      = &cli.IntFlag{Name: "period", Category: catTraining, Value: tuneDefaults.Period, Usage: "`STEPS` between two clusterings of --schedule periodic; 0 = an eighth of all, at most 1000"}
	lossFlag        = &cli.StringFlag{Name: "loss", Category: catTraining, Value: string(tuneDefaults.Loss), Usage: "`KIND` teacher (the float network; needs no labels), labels, or both"}
	temperatureFlag = &cli.Float64Flag{Name: "temperature", Category: catTraining, Value: tuneDefaults.Temperature, Usage: "`T` that softens the teacher's scores"}
	labelShareFlag  = &cli.Float64Flag{Name: "label-share", Category: catTraining, Value: tuneDefaults.LabelShare, Usage: "`PART` of the labels in --loss both, 0..1"}
	teacherFlag     = &cli.StringFlag{Name: "teacher", Category: catTraining, Usage: "`FLOAT.onnx` to learn from; without it the model as it is now"}
	epochsFlag      = &cli.Float64Flag{Name: "epochs", Category: catTraining, Usage: "see every sample `N` times, instead of --steps"}
	stepsFlag       = &cli.IntFlag{Name: "steps", Category: catTraining, Value: tuneDefaults.Steps, Usage: "train `N` steps of --batch samples"}
	batchFlag       = &cli.IntFlag{Name: "batch", Category: catTraining, Value: tuneDefaults.Batch, Usage: "`N` samples of a step"}
	rateFlag        = &cli.Float64Flag{Name: "rate", Category: catTraining, Value: tuneDefaults.Rate, Usage: "learning `RATE` of weights"}
	rangeRateFlag   = &cli.Float64Flag{Name: "range-rate", Category: catTraining, Value: tuneDefaults.RangeRate, Usage: "learning `RATE` of ranges; 0 keeps the calibrated ones"}
	warmupFlag      = &cli.IntFlag{Name: "warmup", Category: catTraining, Value: tuneDefaults.Warmup, Usage: "`STEPS` in which the rate rises to its full size"}
	resumeFlag      = &cli.BoolFlag{Name: "resume", Category: catTraining, Usage: "go on where an interrupted run with the same flags stopped"}
)

var trainFlags = []cli.Flag{
	scheduleFlag, refitFlag, periodFlag, lossFlag, temperatureFlag, labelShareFlag, teacherFlag, epochsFlag, stepsFlag,
	batchFlag, rateFlag, rangeRateFlag, warmupFlag, resumeFlag,
}

// tuneConfig reads the training flags.
func tuneConfig(c *cli.Context) (finetune.Config, error) {
	cfg := finetune.DefaultConfig()
	var err error
	if cfg.Cluster, err = clusterConfig(c); err != nil {
		return cfg, err
	}
	cfg.Schedule = finetune.Schedule(c.String(scheduleFlag.Name))
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
