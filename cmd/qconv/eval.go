package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
	"qconv/runtime/printable"
)

var againstFlag = &cli.StringFlag{Name: "against", Category: catResult, Usage: "compare with `OTHER`, an .onnx or .qlut of the same network"}
var maxMSEFlag = &cli.StringFlag{Name: "max-mse", Category: catResult, Usage: "exit with 5 when the mean squared error, of numbers against targets or of a reconstruction, exceeds `X`"}

var evalCommand = &cli.Command{
	Name:      "eval",
	Usage:     "measure accuracy, or the error of numbers or of a reconstruction",
	ArgsUsage: "MODEL.{onnx,qlut}",
	Description: "Scores of classes are measured by labels, numbers by targets (columns of a CSV, a y of .npz with as many numbers as the network " +
		"has outputs): R2 and mean squared error. A network with as many outputs as inputs is measured by the error of its reconstruction where there are no targets; any other needs " +
		"labels, targets or --against. Brackets hold 95 % intervals. A fine-tuned .onnx runs with its levels, a .qlut exactly as on the board.\n\n" +
		"With --against both networks see the same samples, and what single classes, targets, layers and samples lose is told: the signal-to-noise ratio of every value that has levels, also " +
		"inside a .qlut, and the samples that are off most, by their file names; --html shows them.\n\n" +
		"With --shard I/N only one of N parts of the samples is measured, and written to the folder of -o; qconv merge makes of all parts what eval says without --shard, byte for byte.\n\n" +
		example("qconv eval model.qlut --against model.q.onnx --data pictures.zip#test --html eval.html"),
	Flags: flagList([]cli.Flag{againstFlag, shardFlag, partDirFlag, htmlFlag, predictionsFlag, maxMemoryFlag, minAccuracyFlag, minAgreementFlag, maxDropFlag, maxMSEFlag, minR2Flag, jsonFlag},
		dataFlags, preprocessFlags),
	Action: runEval,
}

// evalReport is what eval prints.
type evalReport struct {
	Model string `json:"model"`
	Data  string `json:"data"`
	metrics
	detail
	Against *againstReport `json:"against,omitempty"`
	// FirstLost is the first value under 10 dB, where the figures have collapsed.
	FirstLost *layerNoise `json:"first_lost,omitempty"`
}

type againstReport struct {
	Model string `json:"model"`
	metrics
	Layers []layerNoise `json:"layers,omitempty"`
}

func runEval(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL")
	if err != nil {
		return err
	}
	data, err := required(c, dataFlag)
	if err != nil {
		return err
	}
	gates, err := readGates(c)
	if err != nil {
		return err
	}
	other := c.String(againstFlag.Name)
	if gates.drop != nil && other == "" {
		return usagef("flag --%s needs --%s", maxDropFlag.Name, againstFlag.Name)
	}
	if gates.agreement != nil && other == "" {
		return usagef("flag --%s needs --%s", minAgreementFlag.Name, againstFlag.Name)
	}
	if err := checkPreprocessFlags(c, path, other); err != nil {
		return err
	}
	sh, err := readShard(c)
	if err != nil {
		return err
	}
	if sh.given() {
		return evalShard(c, path, other, data, sh)
	}
	if c.IsSet(partDirFlag.Name) {
		return usagef("flag --%s is for the part of --%s", partDirFlag.Name, shardFlag.Name)
	}
	listed, err := newPredictions(c, path, other)
	if err != nil {
		return err
	}
	defer listed.release()
	html, err := claimHTML(c, path, other)
	if err != nil {
		return err
	}
	defer html.Release()
	p, net, err := measureEval(c, path, other, data, shard{}, listed)
	if err != nil {
		return err
	}
	defer net.data().set.Close()
	return finishEval(c, p, net, html, listed, gates)
}

// finishEval writes and prints what a whole evaluation found, and looks at the gates.
func finishEval(c *cli.Context, p *evalPart, net network, html *atomicfile.File, listed *predictions, gates gates) error {
	p.doubts(c)
	r := p.report()
	if html != nil {
		if err := r.writeHTML(c.Context, html, net); err != nil {
			return err
		}
	}
	if err := listed.write(p.Predictions); err != nil {
		return err
	}
	if err := report(c, r, r.print); err != nil {
		return err
	}
	if r.Against == nil {
		return gates.check(r.metrics, nil)
	}
	return gates.check(r.metrics, &r.Against.metrics)
}

// measureEval measures a network on a part of data, or all, and another one where other is not empty. It returns the network too, whose samples the caller closes.
func measureEval(c *cli.Context, path, other, data string, sh shard, listed *predictions) (*evalPart, network, error) {
	net, err := openNetwork(c, path, data)
	if err != nil {
		return nil, nil, err
	}
	p := &evalPart{partHead: partHead{Model: path, Data: data}, Against: other}
	if err := p.measure(c, net, sh, listed); err != nil {
		net.data().set.Close()
		return nil, nil, hintSkipBad(c, err)
	}
	return p, net, nil
}

// measure fills in all figures of a network.
func (p *evalPart) measure(c *cli.Context, net network, sh shard, listed *predictions) error {
	var against network
	if p.Against != "" {
		var err error
		if against, err = openNetwork(c, p.Against, p.Data); err != nil {
			return err
		}
		defer against.data().set.Close()
		if float, ok := against.(*floatNetwork); ok {
			net.data().aim.looks = float.samples.aim.looks // a network tells more than a program
		}
	}
	if outputs := outputNames(net); len(outputs) > 1 {
		note(c, "note: the figures are those of the first output, %s; --%s compares all of %s", printable.Name(outputs[0]), againstFlag.Name, printable.Names(outputs))
	}
	listed.head(net.data(), against != nil)
	all := newCollector(net, against != nil, listed)
	var err error
	p.Tally, err = tally(c, "eval", net, against, all.sample, sh)
	if err = cmp.Or(err, all.err); err != nil {
		return err
	}
	_, outputs := net.Sizes()
	p.Facts = factsOf(net.data(), outputs)
	p.gather(all)
	p.Predictions = listed.table()
	if against == nil || sh.index > 0 {
		return nil
	}
	p.Layers, err = compareLayers(c.Context, net, against)
	return err
}

// Figures have collapsed where the accuracy falls, or the agreement is short, by more than lostShare beyond chance, or the outputs are below
// lostSNR.
const lostShare = 0.1

// collapsed says whether a network is far from the one it was compared with.
func collapsed(own, other metrics) bool {
	switch {
	case own.Accuracy != nil && other.Accuracy != nil:
		return *other.Accuracy-*own.Accuracy > lostShare && own.Accuracy95[1] < other.Accuracy95[0]
	case own.Agreement != nil:
		return own.Agreement95[1] < 1-lostShare
	}
	return own.SNR != nil && *own.SNR < lostSNR
}

// checkPreprocessFlags refuses preprocessing flags where they could only concern programs.
func checkPreprocessFlags(c *cli.Context, path, other string) error {
	integer, err := isProgram(c, path)
	if err != nil || !integer {
		return err
	}
	if other != "" {
		if integer, err = isProgram(c, other); err != nil || !integer {
			return err
		}
	}
	return refusePreprocess(c, path)
}

// openNetwork opens a model and the data it is to be measured on.
func openNetwork(c *cli.Context, path, data string) (network, error) {
	integer, err := isProgram(c, path)
	if err != nil {
		return nil, err
	}
	if integer {
		return openInteger(c, path, data)
	}
	return openFloat(c, path, data)
}

func openInteger(c *cli.Context, path, data string) (network, error) {
	p, err := readProgram(c, path)
	if err != nil {
		return nil, err
	}
	s, err := openProgramSamples(c, data, p, share{passed: true})
	if err != nil {
		return nil, err
	}
	return newIntegerNetwork(p, s, programLimits(c))
}

func openFloat(c *cli.Context, path, data string) (network, error) {
	f, err := openFloatModel(c, path)
	if err != nil {
		return nil, err
	}
	s, err := openSamples(c, data, f.graph, f.input, f.labels, share{passed: true})
	if err != nil {
		return nil, err
	}
	if err := noteEntry(c, f.graph, f.pixels, f.input, s); err != nil {
		return nil, err
	}
	n, err := newFloatNetwork(f.graph, f.levels, s)
	if err != nil {
		return nil, err
	}
	n.balance, n.model = f.balance, f.model
	return n, nil
}

// outputNames are those of a network.
func outputNames(net network) (names []string) {
	switch n := net.(type) {
	case *floatNetwork:
		for _, v := range n.graph.Outputs {
			names = append(names, v.Name)
		}
	case *integerNetwork:
		for _, o := range n.program.Outputs {
			names = append(names, o.Name)
		}
	}
	return names
}

// evaluate measures a network, and another one on the same samples where it is not nil.
func evaluate(c *cli.Context, what string, net, against network) (metrics, *metrics, error) {
	t, err := tally(c, what, net, against, nil, shard{})
	if err != nil {
		return metrics{}, nil, err
	}
	_, outputs := net.Sizes()
	task := net.data().task()
	m, o := t.Metrics()
	if against == nil {
		noteDoubts(c, factsOf(net.data(), outputs), m, nil)
		return metricsOf(m, false, outputs, task), nil, nil
	}
	noteDoubts(c, factsOf(net.data(), outputs), m, &o)
	others := metricsOf(o, false, outputs, task)
	return metricsOf(m, true, outputs, task), &others, nil
}

// tally adds up what a network, and another one where it is not nil, do with a part of the samples, or all. each, unless nil, sees every sample.
func tally(c *cli.Context, what string, net, against network, each func(sample int, own, other []float64), sh shard) (*finetune.Tally, error) {
	if err := checkMeasurable(net, against); err != nil {
		return nil, err
	}
	from, to := sh.part().Positions(net.data().Len())
	bar := newProgress(c.App.ErrWriter, what, "samples", to-from)
	defer bar.finish()
	cfg := finetune.EvaluateConfig{Progress: func(done, _ int) { bar.update(done) }, Each: each, Part: sh.part()}
	if a := net.data().aim; net.data().task() == finetune.TaskClasses && a.steps < a.outputs {
		cfg.Steps = a.steps
	}
	if against == nil {
		return finetune.Measure(c.Context, net, nil, net.data(), cfg)
	}
	return finetune.Measure(c.Context, net, against, net.data(), cfg)
}

// checkMeasurable reports data that say nothing about a network, or networks that cannot
// be compared.
func checkMeasurable(net, against network) error {
	in, out := net.Sizes()
	data := net.data()
	if against == nil {
		if !data.known() {
			return inputf("%s has no labels nor targets; there is nothing to measure without --%s", printable.Name(data.set.Spec), againstFlag.Name)
		}
	} else {
		if n := against.data().Len(); n != data.Len() {
			return inputf("the two networks see %d and %d samples", data.Len(), n)
		}
		if otherIn, otherOut := against.Sizes(); otherIn != in || otherOut != out {
			return inputf("the networks have %d and %d inputs, %d and %d outputs", in, otherIn, out, otherOut)
		}
	}
	if data.aim.copies && data.task() == finetune.TaskValues {
		return nil
	}
	return data.checkLabels(out)
}
