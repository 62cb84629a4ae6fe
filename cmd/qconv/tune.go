package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime/printable"
)

var finetuneCommand = &cli.Command{
	Name:      "finetune",
	Usage:     "train a model for few activation levels and few weight values",
	ArgsUsage: "MODEL.onnx",
	Description: "Needs no labels: the float network is the teacher. Writes MODEL.tuned.q.onnx, an ONNX file whose weights " +
		"take few values: the best of all networks that were measured on the way. Ctrl-C, or an end of any kind, " +
		"leaves a checkpoint that --resume goes on from. Training that diverges stops. The figures reported, and the gates, rest on samples that " +
		"neither trained nor chose the network. A result that misses a gate is written with .failed at the end of its name. " +
		"With --budget, --max-ram or --max-ms levels, weights and codebooks are chosen layer by layer, and said.\n\n" +
		example("qconv finetune model.q.onnx --data pictures.zip#train --levels 32 --weights 16 --epochs 3\n   qconv finetune model.q.onnx --data pictures.zip#train --budget 40KB --max-drop 1%"),
	Flags: flagList([]cli.Flag{outFlag, maxMemoryFlag, jsonFlag, minAccuracyFlag, minAgreementFlag, maxDropFlag, maxMSEFlag, minR2Flag, valFlag}, dataFlags,
		preprocessFlags, quantFlags, budgetFlags, trainFlags, runFlags),
	Action: runFinetune,
}

func runFinetune(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL.onnx")
	if err != nil {
		return err
	}
	if path, err = walkDown(c, path); err != nil {
		return err
	}
	return tuneOnce(c, path, true)
}

// tuneOnce tunes a model for one number of levels and weights. The last run prints its report on the standard output, and has gates.
func tuneOnce(c *cli.Context, path string, last bool) error {
	spec, err := required(c, dataFlag)
	if err != nil {
		return err
	}
	t, err := newTuneRun(c, path)
	if err != nil {
		return err
	}
	defer t.release()
	gates, err := readGates(c)
	if err != nil {
		return err
	}
	if t.demands, err = readDemands(c); err != nil {
		return err
	}
	if t.stop = !last; t.stop {
		gates.accuracy, gates.agreement, gates.drop, gates.mse = nil, nil, nil, nil
	}
	m, err := openModel(c, path)
	if err != nil {
		return err
	}
	if t.cfg.Teacher, err = readTeacher(c, m); err != nil {
		return err
	}
	if anySet(c, calibrateFlags) != "" {
		clear(m.Levels) // those of an earlier run, if any
	}
	if err := applyLayerConfig(c, m, &t.cfg.Cluster, &t.calibration); err != nil {
		return err
	}
	data, err := openModelSamples(c, spec, m, share{})
	if err != nil {
		return err
	}
	defer data.set.Close()
	t.cfg.Task = data.aim.asked
	if err := checkLoss(c, m, data, t.cfg.Loss); err != nil {
		return err
	}
	p, err := divide(c, m, data, t.cfg.Loss)
	if err != nil {
		return err
	}
	defer p.close()
	if p.report == nil && gates.any() {
		return inputf("%s has too few samples to hold some back for the gates: give --%s", printable.Name(spec), valFlag.Name)
	}
	if p.choose != nil {
		t.cfg.Validation = p.choose
	}
	t.report.setParts(p)
	if t.demands.any() {
		passes := func(cluster quant.ClusterConfig, calibrate finetune.CalibrateConfig) (bool, error) {
			return passesUntrained(c, m, p, gates, cluster, calibrate)
		}
		if t.demands.least && (p.choose == nil || !gates.any()) {
			return usagef("flag --%s %s: it needs a gate, such as --%s 1%%, and samples held back to look at it", budgetFlag.Name, leastBudget, maxDropFlag.Name)
		}
		if t.report.Chosen, err = chooseLayers(c, m, p.train, t.demands, passes, &t.cfg.Cluster, &t.calibration); err != nil {
			return err
		}
	}
	noteSmallLayers(c, m, t.cfg.Cluster)
	return t.close(t.run(m, p.train, p.report, gates))
}

// passesUntrained says whether a network with these levels and weights, reconstructed and distilled as convert does it, passes the gates on the samples that choose.
func passesUntrained(c *cli.Context, m *quant.Model, p parts, gates gates, cluster quant.ClusterConfig, calibrate finetune.CalibrateConfig) (bool, error) {
	quiet, _ := quietly(c.Context, c)
	made, err := freshModel(m, m.Graph.Clone())
	if err != nil {
		return false, err
	}
	float := made.Graph.Clone()
	if err := quantize(quiet, made, float, p.train, calibrate, cluster, func() {}); err != nil {
		return false, err
	}
	before, after, err := measureModel(quiet, float, made, p.choose)
	if err != nil {
		return false, err
	}
	if err = gates.check(*after, before); is[*gateError](err) {
		return false, nil
	}
	return err == nil, err
}

// checkLoss reports data without the labels that the loss needs, or with labels that are
// no classes of the network.
func checkLoss(c *cli.Context, m *quant.Model, data *samples, loss finetune.LossKind) error {
	if data.task() != finetune.TaskClasses {
		if loss != finetune.LossTeacher && data.set.Targets == nil && !data.aim.copies {
			return inputf("%s has no targets, numbers that the %d outputs should be, --%s %s needs them (--%s %s does not)", printable.Name(data.set.Spec), data.aim.outputs, lossFlag.Name, loss, lossFlag.Name, finetune.LossTeacher)
		}
		return nil
	}
	if loss != finetune.LossTeacher && !data.Labelled() {
		return inputf("%s has no labels, --%s %s needs them (--%s %s does not)", printable.Name(data.set.Spec), lossFlag.Name, loss, lossFlag.Name, finetune.LossTeacher)
	}
	return checkClasses(c, m, data)
}

// checkClasses reports labels that are no classes of the network, and warns of those that seem
// to be other classes.
func checkClasses(c *cli.Context, m *quant.Model, data *samples) error {
	if data.task() != finetune.TaskClasses {
		return nil
	}
	outputs := m.Graph.Outputs[0].Shape.Elems()
	if err := data.checkLabels(outputs); err != nil {
		return err
	}
	if data.missesClasses(outputs) {
		note(c, "warning: %s has %d classes, numbered by the alphabet, the network has %d: give their names with --%s, or accuracies mean nothing",
			printable.Name(data.set.Spec), len(data.set.Classes), outputs, labelsFlag.Name)
	}
	return nil
}

// noteSmallLayers names layers with no more weights than their codebook could have values.
func noteSmallLayers(c *cli.Context, m *quant.Model, cfg quant.ClusterConfig) {
	if cfg.Scope != quant.ScopeLayer {
		return
	}
	var names []string
	for _, v := range m.WeightValues() {
		if n := v.Shape.Elems(); n <= cfg.For(v.Name).Weights {
			names = append(names, fmt.Sprintf("%s (%d)", printable.Name(v.Name), n))
		}
	}
	if len(names) > 0 {
		note(c, "note: layers with no more weights than --%s %d are not clustered: %s", weightsFlag.Name, cfg.Weights, strings.Join(names, ", "))
	}
}

// readTeacher is the network to learn from: that of --teacher, or the model as it is.
func readTeacher(c *cli.Context, m *quant.Model) (*onnx.Graph, error) {
	path := c.String(teacherFlag.Name)
	if path == "" {
		return m.Graph.Clone(), nil
	}
	f, err := readFloat(c, path)
	if err != nil {
		return nil, err
	}
	return f.graph, nil
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
