package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/finetune"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

var calibFlag = &cli.StringFlag{Name: "calib", Category: catData, Usage: "`DATA` to choose ranges from, for a model that was not fine-tuned; needs no labels"}
var convertValFlag = &cli.StringFlag{Name: "val", Category: catData, Usage: "`DATA` to measure the gates on; without it that of --calib"}

var fastFlag = &cli.BoolFlag{Name: "fast", Category: catQuant, Usage: "with --calib, cluster weights and correct biases, and nothing more; some seconds instead of up to a minute"}

var convertCommand = &cli.Command{
	Name:      "convert",
	Usage:     "turn a model into an integer program, a .qlut file",
	ArgsUsage: "MODEL.onnx",
	Description: "A fine-tuned model is lowered as it is, and so is one that comes quantized with 8 bits or less. Any other needs --calib: its ranges are chosen, its weights " +
		"clustered and its biases corrected; then the weights of every layer are chosen anew so that its outputs come out as in the float network (reconstruction), and all layers " +
		"are trained together for some hundred steps, on the samples of --calib alone and in up to a minute for small networks; --fast leaves that out. What is lost on these data all the same is reported: a warning names each output " +
		"that is off by more than 5 % of its spread, and the layer where that begins. The file is written even where a gate is missed.",
	Flags: flagList([]cli.Flag{outFlag, maxMemoryFlag, jsonFlag, minAccuracyFlag, maxDropFlag, maxMSEFlag, calibFlag, convertValFlag,
		fastFlag, layoutFlag, samplesFlag, skipBadFlag, noLabelsFlag, seedFlag}, preprocessFlags, quantFlags),
	Action: runConvert,
}

// convertReport is what convert prints.
type convertReport struct {
	Model  string `json:"model"`
	Output string `json:"output"`
	programInfo
	// Losses are measured on the calibration data, where there are any.
	Losses []outputLoss `json:"losses,omitempty"`
	// Float and Program are measured where a gate or --val asks for it.
	Float   *metrics `json:"float,omitempty"`
	Program *metrics `json:"program,omitempty"`
}

func runConvert(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL.onnx")
	if err != nil {
		return err
	}
	calibration, err := calibrateConfig(c)
	if err != nil {
		return err
	}
	clustering, err := clusterConfig(c)
	if err != nil {
		return err
	}
	gates, err := readGates(c)
	if err != nil {
		return err
	}
	out := c.String(outFlag.Name)
	if out == "" {
		out = outputName(path, ".qlut")
	}
	file, err := claim(c, out, path)
	if err != nil {
		return err
	}
	defer file.Release()
	val := c.String(convertValFlag.Name)
	if gates.any() && val == "" {
		if val = c.String(calibFlag.Name); val == "" {
			return usagef("the gates need data: give --%s", convertValFlag.Name)
		}
	}
	m, err := openModel(c, path)
	if err != nil {
		return err
	}
	// What the program is measured against: a tuned model with its levels, or the float network.
	reference := &floatModel{graph: m.Graph, levels: m.Levels}
	var calibrated *samples
	if isTuned(m) {
		if name := anySet(c, quantFlags); name != "" {
			return usagef("flag --%s: %s has its levels and weights already", name, printable.Name(path))
		}
	} else {
		if err := applyLayerConfig(c, m, &clustering, &calibration); err != nil {
			return err
		}
		reference = &floatModel{graph: m.Graph.Clone()}
		if calibrated, err = postTrain(c, m, reference.graph, calibration, clustering); err != nil {
			return err
		}
		if calibrated != nil {
			defer calibrated.set.Close()
		}
		noteNotKept(c, m)
	}
	p, info, err := compile(m, file, programLimits(c))
	if err != nil {
		return named(path, err)
	}
	whenWritten(c.Context, out)
	r := convertReport{Model: path, Output: out, programInfo: *info}
	if calibrated != nil {
		if r.Losses, err = measureLosses(c.Context, reference.graph, m, p, calibrated, programLimits(c)); err != nil {
			return err
		}
		noteLosses(c, r.Losses)
	}
	if val != "" {
		reference.input, reference.labels = m.Input, m.Labels
		if r.Float, r.Program, err = measureProgram(c, reference, p, val); err != nil {
			return err
		}
	}
	if err := report(c, r, r.print); err != nil {
		return err
	}
	if gates.any() {
		return gates.check(*r.Program, r.Float)
	}
	return nil
}

// openModel reads a model that is to become integer and takes over the preprocessing flags.
func openModel(c *cli.Context, path string) (*quant.Model, error) {
	m, err := readModel(c, path)
	if err != nil {
		return nil, err
	}
	if err := setPreprocess(c, &m.Input); err != nil {
		return nil, err
	}
	labels, err := readLabels(c)
	if err != nil {
		return nil, err
	}
	if labels != nil {
		m.Labels = labels
	}
	return m, checkPreprocess(m)
}

// isTuned tells whether a model has levels everywhere and clustered weights.
func isTuned(m *quant.Model) bool { return leveled(m) && len(m.Codebooks) > 0 }

// leveled tells whether a model has levels everywhere.
func leveled(m *quant.Model) bool {
	return !slices.ContainsFunc(m.Sites, func(s quant.Site) bool {
		_, ok := m.Levels[s.Value.Name]
		return !ok
	})
}

// noteNotKept names what a network that comes quantized has and its program has not: codes wider than the levels of a program or with a scale
// for each channel, and weights that are more than the codebook, unless flags say how they are to be.
func noteNotKept(c *cli.Context, m *quant.Model) {
	if names := m.Wide(); len(names) > 0 {
		note(c, "warning: codes of more than 8 bits are not kept, as a program's values have at most 256 levels: those of %s are chosen from the data", firstNames(names))
	}
	if names := m.ByChannel(); len(names) > 0 {
		note(c, "warning: codes with a scale for each channel are not kept, as a program's tensor has one step: the levels of %s are chosen from the data", firstNames(names))
	}
	if names := m.Changed(); len(names) > 0 && anySet(c, clusterFlags) == "" {
		note(c, "warning: not all weights of this quantized network are kept, as they are not integers of at most 8 bits times a scale: --%s 65536 keeps integers of up to 16: %s", weightsFlag.Name, firstNames(names))
	}
}

// firstNames lists a few names, and says how many there are beside.
func firstNames(names []string) string {
	const most = 5
	if len(names) <= most {
		return printable.Names(names)
	}
	return fmt.Sprintf("%s and %d more", printable.Names(names[:most]), len(names)-most)
}

// postTrain makes a float model integer without training: levels, codebooks, biases. It returns the data that it
// looked at, to be closed; none for a network that comes quantized and needs none.
func postTrain(c *cli.Context, m *quant.Model, float *onnx.Graph, calibration finetune.CalibrateConfig, clustering quant.ClusterConfig) (*samples, error) {
	spec := c.String(calibFlag.Name)
	if spec == "" && leveled(m) {
		if err := quant.Cluster(m, clustering); err != nil {
			return nil, err
		}
		if m.Carried() {
			return nil, nil
		}
		return nil, usagef("the weights of this quantized model are not kept with --%s %d: give --%s DATA, or keep all of them", weightsFlag.Name, clustering.Weights, calibFlag.Name)
	}
	if spec == "" {
		return nil, usagef("the model was not fine-tuned: give --%s DATA, or run qconv finetune first", calibFlag.Name)
	}
	data, err := openModelSamples(c, spec, m, calibration.Samples)
	if err != nil {
		return nil, err
	}
	if err := quantize(c, m, float, data, calibration, clustering); err != nil {
		data.set.Close()
		return nil, err
	}
	return data, nil
}

// quantize chooses levels, clusters weights and corrects biases; unless it is to be fast, it then makes up for what that has lost. A model
// that was balanced on the way, and lost by that, is made anew as it was.
func quantize(c *cli.Context, m *quant.Model, float *onnx.Graph, data *samples, calibration finetune.CalibrateConfig, clustering quant.ClusterConfig) error {
	ctx := c.Context
	same, balanced, err := quantizeOnce(ctx, m, float, data, calibration, clustering)
	if err != nil {
		return err
	}
	if balanced {
		plain, err := quant.NewModel(float.Clone())
		if err != nil {
			return err
		}
		plain.Input, plain.Labels, plain.Source, plain.Producer = m.Input, m.Labels, m.Source, m.Producer
		calibration.Unbalanced = true
		if _, _, err := quantizeOnce(ctx, plain, float, data, calibration, clustering); err != nil {
			return err
		}
		with, err := modelLoss(ctx, float, m, data)
		if err != nil {
			return err
		}
		without, err := modelLoss(ctx, float, plain, data)
		if err != nil {
			return err
		}
		if with > clearlyMore*without {
			*m, same = *plain, float
		}
	}
	if c.Bool(fastFlag.Name) {
		return nil
	}
	return reconstruct(c, m, same, data, finetune.PostTrainConfig{Cluster: clustering, Samples: calibration.Samples, Seed: c.Uint64(seedFlag.Name)})
}

// reconstruct is [finetune.PostTrain] with a progress bar for each of its parts.
func reconstruct(c *cli.Context, m *quant.Model, float *onnx.Graph, data *samples, cfg finetune.PostTrainConfig) error {
	var bar *progress
	cfg.Progress = func(work string, done, all int) {
		if bar == nil || bar.what != work {
			bar.finish()
			bar = newProgress(c.App.ErrWriter, work, map[string]string{"reconstruct": "layers", "distil": "steps"}[work], all)
		}
		bar.update(done)
	}
	found, err := finetune.PostTrain(c.Context, m, float, data, cfg)
	bar.finish()
	if err != nil {
		return err
	}
	var losses []string
	for _, s := range []finetune.Stage{finetune.StageClustered, finetune.StageReconstructed, finetune.StageDistilled} {
		if loss, ok := found.Loss[s]; ok {
			losses = append(losses, fmt.Sprintf("%s %.3g", s, loss))
		}
	}
	if losses != nil {
		note(c, "loss on %d samples held out: %s; kept: %s", found.Held, strings.Join(losses, ", "), found.Kept)
	}
	return nil
}

// clearlyMore is how many times larger a loss must be to speak against balancing: what it saves may be a small
// part of an output.
const clearlyMore = 1.25

// quantizeOnce returns the float network of the same nodes, too.
func quantizeOnce(ctx context.Context, m *quant.Model, float *onnx.Graph, data *samples, calibration finetune.CalibrateConfig, clustering quant.ClusterConfig) (same *onnx.Graph, balanced bool, err error) {
	found, err := finetune.Calibrate(ctx, m, data, calibration)
	if err != nil {
		return nil, false, err
	}
	if balanced = len(found.Balanced) > 0; balanced {
		float = m.Graph.Clone()
	}
	if err := quant.Cluster(m, clustering); err != nil {
		return nil, false, err
	}
	if clustering.Scope == quant.ScopeGlobal {
		return float, balanced, nil // its biases are centres too
	}
	return float, balanced, finetune.CorrectBias(ctx, m, float, data, calibration.Samples)
}

// openModelSamples opens data for a model, see [openSamples]. Once pixels have gone through its
// preprocessing, that is settled; class names of the data become the model's where it
// has none.
func openModelSamples(c *cli.Context, spec string, m *quant.Model, most int) (*samples, error) {
	s, err := openSamples(c, spec, m.Graph, m.Input, m.Labels, most)
	if err != nil {
		return nil, err
	}
	if s.pixels() {
		m.Input.Given = true
	}
	if len(m.Labels) == 0 && len(s.set.Classes) == m.Graph.Outputs[0].Shape.Elems() {
		if err := checkNames(s.set.Classes); err != nil {
			note(c, "warning: the names of the classes are not stored: %v", err)
		} else {
			m.Labels = s.set.Classes
		}
	}
	return s, nil
}

// compile lowers a model and writes the program.
func compile(m *quant.Model, out *atomicfile.File, limits qrt.Limits) (*qrt.Program, *programInfo, error) {
	m.Producer = producer()
	p, err := quant.Compile(m)
	if err != nil {
		return nil, nil, err
	}
	data, err := qrt.Encode(p)
	if err != nil {
		return nil, nil, err
	}
	if err := writeResult(out, data); err != nil {
		return nil, nil, err
	}
	info, err := inspectProgram(p, len(data), limits)
	return p, info, err
}

// measureProgram evaluates a program against the network it was made from.
func measureProgram(c *cli.Context, f *floatModel, p *qrt.Program, spec string) (float, program *metrics, err error) {
	s, err := openSamples(c, spec, f.graph, f.input, f.labels, 0)
	if err != nil {
		return nil, nil, err
	}
	defer s.set.Close()
	return compareProgram(c, f, p, s)
}

// compareProgram evaluates a program and the network it was made from on one data set.
func compareProgram(c *cli.Context, f *floatModel, p *qrt.Program, s *samples) (float, program *metrics, err error) {
	floatNet, err := newFloatNetwork(f.graph, f.levels, s)
	if err != nil {
		return nil, nil, err
	}
	integer, err := newIntegerNetwork(p, s, programLimits(c))
	if err != nil {
		return nil, nil, err
	}
	own, others, err := evaluate(c, "measure", integer, floatNet)
	return others, &own, err
}

func (r convertReport) print(w io.Writer) {
	r.printTotals(w)
	if r.Program != nil {
		fmt.Fprintln(w)
		printComparison(w, []string{"model", "program"}, []*metrics{r.Float, r.Program})
	}
	fmt.Fprintf(w, "written: %s\n", printable.Name(r.Output))
}

// printComparison prints the metrics of several networks on the same data side by side,
// without those that none of them has.
func printComparison(w io.Writer, names []string, all []*metrics) {
	t := table{left: 1}
	head, rows := []any{"", "samples"}, make([][]any, len(all))
	for i, m := range all {
		rows[i] = []any{names[i], m.Samples}
	}
	for column, first := range all[0].values() {
		if !slices.ContainsFunc(all, func(m *metrics) bool { return m.values()[column].value != nil }) {
			continue
		}
		head = append(head, first.name)
		for i, m := range all {
			rows[i] = append(rows[i], m.values()[column].text())
		}
	}
	t.add(head...)
	for _, row := range rows {
		t.add(row...)
	}
	t.print(w)
}

// producer names this program in the files it writes.
func producer() string { return "qconv " + buildVersion() }

// writeModel stores a model as an ONNX file.
func writeModel(out *atomicfile.File, m *quant.Model) error {
	m.Producer = producer()
	data, err := m.Encode()
	if err != nil {
		return err
	}
	return writeResult(out, data)
}
