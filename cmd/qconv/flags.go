package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune/features"
	"qconv/quant"
	"qconv/runtime/printable"
)

// Categories of flags, in the order the help text shows them.
const (
	catData       = "1. Data"
	catPreprocess = "2. Preprocessing (stored in the model)"
	catQuant      = "3. Levels and weights"
	catTraining   = "4. Training"
	catRun        = "5. Course of training"
	catResult     = "6. Result"
)

var (
	jsonFlag = &cli.BoolFlag{Name: "json", Category: catResult, Usage: "print one JSON document"}
	outFlag  = &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: catResult, Usage: "write the result to `FILE`; - is standard output, and reports then go to standard error"}

	dataFlag = &cli.StringFlag{Name: "data", Aliases: []string{"d"}, Category: catData,
		Usage: "`DATA`: folder or .zip of pictures, .tar as of WebDataset, IDX files, .npz (for several inputs with an array of each one's name), .csv, .wav, or a folder of .csv, .npy or .wav recordings; DATA#train, DATA#test or DATA#key choose a part, FILE.csv#a,b,c columns of numbers that the outputs should be"}
	valFlag      = &cli.StringFlag{Name: "val", Category: catData, Usage: "`DATA` to measure on: one part chooses the best network, the other is reported on; without it parts of --data are held back for both"}
	layoutFlag   = &cli.StringFlag{Name: "layout", Category: catData, Usage: "`ORDER` of arrays with channels, nchw or nhwc, of samples made of steps, ntc or nct; without it told by the shapes"}
	samplesFlag  = &cli.IntFlag{Name: "samples", Category: catData, DefaultText: "all", Usage: "use at most `N` samples, drawn by --seed"}
	skipBadFlag  = &cli.BoolFlag{Name: "skip-bad", Category: catData, Usage: "leave out broken samples instead of stopping"}
	noLabelsFlag = &cli.BoolFlag{Name: "no-labels", Category: catData, Usage: "use samples without their classes, which need not be the network's"}
	seedFlag     = &cli.Uint64Flag{Name: "seed", Category: catData, Value: 1, Usage: "`SEED` of every random choice"}

	scaleFlag    = &cli.StringFlag{Name: "scale", Category: catPreprocess, Usage: "`FACTOR` of pixels 0..255, such as 1/255; one, or one per channel"}
	meanFlag     = &cli.StringFlag{Name: "mean", Category: catPreprocess, Usage: "`VALUES` subtracted from scaled pixels; one, or one per channel"}
	stdFlag      = &cli.StringFlag{Name: "std", Category: catPreprocess, Usage: "`VALUES` they are then divided by; one, or one per channel"}
	resizeFlag   = &cli.StringFlag{Name: "resize", Category: catPreprocess, Usage: "scale pictures to `HxW`; without it to the network's input"}
	featuresFlag = &cli.StringFlag{Name: "features", Category: catPreprocess, Usage: "features of sound that enter the network, `KIND:KEY=VALUE,...`: mfcc, logmel, mel or spectrogram, as of torchaudio or tf.signal; docs/sequences.md lists the keys"}
	labelsFlag   = &cli.StringFlag{Name: "labels", Category: catPreprocess, Usage: "class `NAMES` by output index: a,b,c or a file with one per line"}

	minAccuracyFlag = &cli.StringFlag{Name: "min-accuracy", Category: catResult,
		Usage: "exit with 5 unless the accuracy reaches `X`, a fraction or a percentage such as 97.5%"}
	minAgreementFlag = &cli.StringFlag{Name: "min-agreement", Category: catResult,
		Usage: "exit with 5 unless the agreement with the float network (the share of samples that get the same class) reaches `X`, such as 0.95 or 95%"}
	maxDropFlag = &cli.StringFlag{Name: "max-drop", Category: catResult,
		Usage: "exit with 5 when the accuracy falls by more than `X` against the float network, such as 0.01 or 1%"}
)

// dataFlags choose and read a data set.
var dataFlags = flagList([]cli.Flag{dataFlag, layoutFlag, samplesFlag, skipBadFlag, noLabelsFlag, taskFlag, seedFlag}, sequenceFlags)

// preprocessFlags say how pixels, or sound, become the network's input.
var preprocessFlags = []cli.Flag{scaleFlag, meanFlag, stdFlag, resizeFlag, featuresFlag, labelsFlag}

// flagList joins groups of flags.
func flagList(groups ...[]cli.Flag) []cli.Flag {
	var all []cli.Flag
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// anySet is the name of the first of some flags that was given, or empty.
func anySet(c *cli.Context, flags []cli.Flag) string {
	for _, f := range flags {
		if name := f.Names()[0]; c.IsSet(name) {
			return name
		}
	}
	return ""
}

// oneArgument is the only argument of a command; what names it in the error.
func oneArgument(c *cli.Context, what string) (string, error) {
	switch c.NArg() {
	case 0:
		return "", usagef("no %s given", what)
	case 1:
		return c.Args().First(), nil
	}
	names := make([]string, c.NArg())
	for i, arg := range c.Args().Slice() {
		names[i] = printable.Name(arg)
	}
	return "", usagef("want one %s, got %d arguments: %s", what, c.NArg(), strings.Join(names, " "))
}

// noArguments refuses arguments.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("want no arguments, got %q", c.Args().First())
	}
	return nil
}

// required is the value of a flag that must be given.
func required(c *cli.Context, f *cli.StringFlag) (string, error) {
	v := c.String(f.Name)
	if v == "" {
		return "", usagef("flag --%s is required", f.Name)
	}
	return v, nil
}

// setPreprocess takes over what the flags say; fields without a flag stay.
func setPreprocess(c *cli.Context, p *quant.Preprocess) error {
	for _, l := range []struct {
		flag *cli.StringFlag
		dst  *[]float64
	}{{scaleFlag, &p.Scale}, {meanFlag, &p.Mean}, {stdFlag, &p.Std}} {
		if !c.IsSet(l.flag.Name) {
			continue
		}
		values, err := parseNumbers(c.String(l.flag.Name))
		if err != nil {
			return usagef("flag --%s: %v", l.flag.Name, err)
		}
		*l.dst, p.Given = values, true
	}
	if c.IsSet(resizeFlag.Name) {
		size, err := parseSize(c.String(resizeFlag.Name))
		if err != nil {
			return usagef("flag --%s: %v", resizeFlag.Name, err)
		}
		p.Resize = size
	}
	if c.IsSet(featuresFlag.Name) {
		spec, err := features.Parse(c.String(featuresFlag.Name))
		if err != nil {
			return usagef("flag --%s: %v", featuresFlag.Name, err)
		}
		p.Features = spec.String()
	}
	return nil
}

// fraction reads an accuracy flag: 0.975 or 97.5%. The second result tells whether it was
// given.
func fraction(c *cli.Context, f *cli.StringFlag) (float64, bool, error) {
	if !c.IsSet(f.Name) {
		return 0, false, nil
	}
	text, isPercent := strings.CutSuffix(strings.TrimSpace(c.String(f.Name)), "%")
	v, err := parseNumber(text)
	if isPercent {
		v /= 100
	}
	if err != nil || v < 0 || v > 1 {
		return 0, false, usagef("flag --%s: got %q, want a fraction such as 0.975 or a percentage such as 97.5%%", f.Name, c.String(f.Name))
	}
	return v, true, nil
}
