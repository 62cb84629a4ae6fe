package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/quant"
)

// Flags of calibration and clustering, with the libraries' defaults.
var (
	calibDefaults   = finetune.DefaultCalibrateConfig()
	clusterDefaults = quant.DefaultClusterConfig()

	levelsFlag       = &cli.IntFlag{Name: "levels", Category: catQuant, Value: calibDefaults.Levels, Usage: "`N` values of an activation, 2..256"}
	inputLevelsFlag  = &cli.IntFlag{Name: "input-levels", Category: catQuant, Value: calibDefaults.InputLevels, Usage: "`N` values of an input"}
	outputLevelsFlag = &cli.IntFlag{Name: "output-levels", Category: catQuant, Value: calibDefaults.OutputLevels, Usage: "`N` values of an output behind a nonlinearity"}
	pooledLevelsFlag = &cli.IntFlag{Name: "pooled-levels", Category: catQuant, Value: calibDefaults.PooledLevels, Usage: "`N` values of a mean over positions, and of what decides the accuracy within a Softmax or a normalization"}
	stateLevelsFlag  = &cli.IntFlag{Name: "state-levels", Category: catQuant, Value: calibDefaults.StateLevels, Usage: "`N` values of what a recurrent layer carries from step to step"}
	rangeFlag        = &cli.StringFlag{Name: "range", Category: catQuant, Value: string(calibDefaults.Method), Usage: "how ranges are chosen: `METHOD` mse, percentile, max or auto"}
	percentileFlag   = &cli.Float64Flag{Name: "percentile", Category: catQuant, Value: calibDefaults.Percentile, Usage: "`P` of --range percentile"}
	calibSizeFlag    = &cli.IntFlag{Name: "calib-samples", Category: catQuant, Value: calibDefaults.Samples, Usage: "look at `N` samples to choose ranges, 0 = all"}

	weightsFlag      = &cli.IntFlag{Name: "weights", Category: catQuant, Value: clusterDefaults.Weights, Usage: "`N` values of the weights of a codebook, 2..65536"}
	scopeFlag        = &cli.StringFlag{Name: "scope", Category: catQuant, Value: string(clusterDefaults.Scope), Usage: "`SCOPE` of a codebook: layer, network, or global (raw weights and biases)"}
	codebookFlag     = &cli.StringFlag{Name: "codebook", Category: catQuant, Value: string(clusterDefaults.Codebook), Usage: "`KIND` of centres: free, integer (evenly spaced, fastest), or cheap (see the prices)"}
	digitPriceFlag   = &cli.Float64Flag{Name: "digit-price", Category: catQuant, Value: clusterDefaults.DigitPrice, Usage: "`PRICE` of an addition per weight in relative squared error, for --codebook cheap"}
	entropyPriceFlag = &cli.Float64Flag{Name: "entropy-price", Category: catQuant, Value: clusterDefaults.EntropyPrice, Usage: "`PRICE` of a bit per weight in relative squared error, for --codebook cheap"}
	methodFlag       = &cli.StringFlag{Name: "method", Category: catQuant, Value: string(clusterDefaults.Method), Usage: "`METHOD` of finding free centres: kmeans or laplacian"}
	pruneFlag        = &cli.Float64Flag{Name: "prune", Category: catQuant, Value: clusterDefaults.Prune, Usage: "`SHARE` of the weights that become zero, 0 up to but not 1: those of least magnitude"}
	unitsFlag        = &cli.StringFlag{Name: "units", Category: catQuant, Value: string(quant.UnitTensor), Usage: "what has a scale of its own in --codebook integer: every `NAME` layer, or channel, which costs additions only in front of a sum"}
	endWeightsFlag   = &cli.IntFlag{Name: "end-weights", Category: catQuant, DefaultText: "as --weights", Usage: "`N` values of the weights of the layers that meet an input or make an output"}
	centreBitsFlag   = &cli.IntFlag{Name: "centre-bits", Category: catQuant, Value: clusterDefaults.Bits, DefaultText: automatic(clusterDefaults.Bits), Usage: "`BITS` of a free centre, 2..16; automatic goes by the number of weights"}
)

var (
	calibrateFlags = []cli.Flag{levelsFlag, inputLevelsFlag, outputLevelsFlag, pooledLevelsFlag, stateLevelsFlag, rangeFlag, percentileFlag, calibSizeFlag}
	clusterFlags   = []cli.Flag{weightsFlag, scopeFlag, codebookFlag, digitPriceFlag, entropyPriceFlag, methodFlag, pruneFlag, unitsFlag, endWeightsFlag, centreBitsFlag, configFlag}
	quantFlags     = flagList(calibrateFlags, clusterFlags)
)

// calibrateConfig reads the calibration flags.
func calibrateConfig(c *cli.Context) (finetune.CalibrateConfig, error) {
	return calibrateConfigFor(c, c.Int(levelsFlag.Name))
}

// calibrateConfigFor reads those beside --levels.
func calibrateConfigFor(c *cli.Context, levels int) (finetune.CalibrateConfig, error) {
	cfg := finetune.DefaultCalibrateConfig()
	cfg.Levels = levels
	cfg.InputLevels = c.Int(inputLevelsFlag.Name)
	cfg.OutputLevels = c.Int(outputLevelsFlag.Name)
	cfg.PooledLevels = c.Int(pooledLevelsFlag.Name)
	cfg.StateLevels = c.Int(stateLevelsFlag.Name)
	cfg.Method = finetune.RangeMethod(c.String(rangeFlag.Name))
	cfg.Percentile = c.Float64(percentileFlag.Name)
	cfg.Samples = c.Int(calibSizeFlag.Name)
	cfg.EvenLayers = quant.Scope(c.String(scopeFlag.Name)) == quant.ScopeGlobal
	return cfg, asUsage(cfg.Validate())
}

// clusterConfig reads the clustering flags.
func clusterConfig(c *cli.Context) (quant.ClusterConfig, error) {
	return clusterConfigFor(c, c.Int(weightsFlag.Name), quant.Kind(c.String(codebookFlag.Name)))
}

// clusterConfigFor reads those beside --weights and --codebook.
func clusterConfigFor(c *cli.Context, weights int, codebook quant.Kind) (quant.ClusterConfig, error) {
	cfg := quant.ClusterConfig{
		Weights:  weights,
		Scope:    quant.Scope(c.String(scopeFlag.Name)),
		Codebook: codebook,
		Method:   quant.Method(c.String(methodFlag.Name)),
		Bits:     c.Int(centreBitsFlag.Name),
		Prune:    c.Float64(pruneFlag.Name),
		Units:    quant.UnitScope(c.String(unitsFlag.Name)),

		DigitPrice:   c.Float64(digitPriceFlag.Name),
		EntropyPrice: c.Float64(entropyPriceFlag.Name),
	}
	return cfg, asUsage(cfg.Validate())
}

// asUsage makes the problems of a configuration, which came from flags, a usage error.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, prefix := range []string{"finetune: configuration: ", "finetune: calibration: ", "finetune: trials: ", "quant: clustering: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return usagef("%s", text)
}
