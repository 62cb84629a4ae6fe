package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/buildinfo"
	"qconv/runtime/printable"
)

var calibFlag = &cli.StringFlag{Name: "calib", Category: catData, Usage: "`DATA` to choose ranges from, for a model that was not fine-tuned; needs no labels"}
var convertValFlag = &cli.StringFlag{Name: "val", Category: catData, Usage: "`DATA` to measure on; without it samples of --calib, those that ranges were not chosen from if there are enough"}

var fastFlag = &cli.BoolFlag{Name: "fast", Category: catQuant, Usage: "with --calib, cluster weights and correct biases, and nothing more; some seconds instead of up to a minute"}

var convertCommand = &cli.Command{
	Name:      "convert",
	Usage:     "turn a model into an integer program, a .qlut file",
	ArgsUsage: "MODEL.onnx",
	Description: "A fine-tuned model is lowered as it is, and so is one that comes quantized with 8 bits or less. Any other needs --calib: its ranges are chosen, its weights " +
		"clustered and its biases corrected; then the weights of every layer are chosen anew so that its outputs come out as in the float network (reconstruction), and all layers " +
		"are trained together for some hundred steps, on the samples of --calib alone and in up to a minute for small networks; --fast leaves that out. " +
		"What is lost all the same is reported: the agreement with the float network, the mean squared error " +
		"and the signal-to-noise ratio of each output; a warning names each output " +
		"that is off by more than 5 % of its spread, and the layer where that begins. A program that misses a gate is written with .failed at the end of its name. With --budget, --max-ram or --max-ms levels, weights and codebooks are chosen " +
		"layer by layer, and said.\n\n" +
		"With --stream the program takes the next frames of an endless sequence instead of a window of them: it keeps the states of recurrences, and what convolutions along time reach back to, " +
		"and has the same outputs bit for bit. A step takes as few frames as the strides allow, or --stream-hop of them. --state IN=OUT carries an output of a network for one step on to an input of the next. " +
		"docs/streaming.md tells it all:\n\n   qconv convert words.q.onnx --calib frames.npz --stream\n   qconv convert cell.q.onnx --calib frames.npz --state h=hn\n\n" +
		example("qconv convert model.q.onnx --calib pictures.zip --levels 32 --weights 16"),
	Flags: flagList([]cli.Flag{outFlag, maxMemoryFlag, jsonFlag, minAccuracyFlag, minAgreementFlag, maxDropFlag, maxMSEFlag, minR2Flag, calibFlag, convertValFlag,
		fastFlag, streamFlag, streamHopFlag, timeAxisFlag, layoutFlag, samplesFlag, skipBadFlag, noLabelsFlag, taskFlag, seedFlag}, sequenceFlags, preprocessFlags, quantFlags, budgetFlags),
	Action: runConvert,
}

// convertReport is what convert prints.
type convertReport struct {
	Model  string `json:"model"`
	Output string `json:"output"`
	programInfo
	// Stream is nil where the program takes the whole window.
	Stream *streamReport `json:"stream,omitempty"`
	// Measured tells what the rest rests on; nil without data.
	Measured *measuredOn `json:"measured_on,omitempty"`
	// Losses are those of all outputs against the float network, where levels were chosen from data.
	Losses []outputLoss `json:"losses,omitempty"`
	// Float is the network that Program was made from: of floating point, or a fine-tuned one with its levels.
	Float   *metrics `json:"float,omitempty"`
	Program *metrics `json:"program,omitempty"`
	// Chosen is what was chosen for the demands --budget, --max-ram and --max-ms, Took what the program takes of what they limit.
	Chosen []chosenLayer `json:"chosen,omitempty"`
	Took   *footprint    `json:"took,omitempty"`
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
	demands, err := readDemands(c)
	if err != nil {
		return err
	}
	if demands.growth = reconstructedGrowth; demands.least {
		return usagef("flag --%s: %s is for finetune, which has samples to choose by: give a size", budgetFlag.Name, leastBudget)
	}
	wanted := readStream(c)
	if err := wanted.check(); err != nil {
		return err
	}
	out := c.String(outFlag.Name)
	if out == "" {
		out = outputName(path, ".qlut")
	}
	if err := checkKind(out, ".qlut"); err != nil {
		return err
	}
	file, err := claim(c, out, path)
	if err != nil {
		return err
	}
	defer file.Release()
	val := c.String(convertValFlag.Name)
	if gates.any() && val == "" && c.String(calibFlag.Name) == "" {
		return usagef("the gates need data: give --%s", convertValFlag.Name)
	}
	m, err := openModel(c, path)
	if err != nil {
		return err
	}
	// What the program is measured against: a tuned model with its levels, or the float network.
	reference := &floatModel{graph: m.Graph, levels: m.Levels}
	var calibrated *samples
	var chosen []chosenLayer
	if isTuned(m) {
		if name := anySet(c, quantFlags); name != "" {
			return usagef("flag --%s: %s has its levels and weights already", name, printable.Name(path))
		}
	} else {
		if err := applyLayerConfig(c, m, &clustering, &calibration); err != nil {
			return err
		}
		reference = &floatModel{graph: m.Graph.Clone()}
		if calibrated, chosen, err = postTrain(c, m, reference.graph, calibration, clustering, demands); err != nil {
			return err
		}
		if calibrated != nil {
			defer calibrated.set.Close()
		}
		noteNotKept(c, m)
	}
	if gates.any() && val == "" && calibrated == nil {
		val = c.String(calibFlag.Name)
	}
	done := working(c, "make the program")
	defer done()
	p, names, data, err := compileNamed(m)
	if err != nil {
		return named(path, err)
	}
	// What is measured is the program over the window: the steps of a stream have its outputs.
	window := p
	var streamed *streamReport
	if wanted.states = m.States(); wanted.any() {
		if p, streamed, err = wanted.make(c, m, p, names); err != nil {
			return named(path, err)
		}
		if data, err = qrt.Encode(p); err != nil {
			return named(path, err)
		}
	}
	info, err := inspectProgram(p, len(data), "", programLimits(c))
	if err != nil {
		return err
	}
	done()
	r := convertReport{Model: path, Output: out, programInfo: *info, Stream: streamed, Chosen: chosen}
	outcome := r.measure(c, m, reference, window, calibrated, val)
	if outcome == nil && gates.any() {
		outcome = gates.check(*r.Program, r.Float)
	}
	if outcome == nil && demands.any() {
		took, err := demands.measure(p, int64(len(data)))
		if err != nil {
			return err
		}
		r.Took, outcome = &took, demands.check(took)
	}
	if outcome != nil && !is[*gateError](outcome) {
		return outcome
	}
	to, err := gates.destination(c, file, outcome)
	if err != nil {
		return err
	}
	if r.Output = ""; to != nil {
		r.Output = to.Path()
		if err := writeResult(to, data); err != nil {
			return err
		}
	}
	return cmp.Or(report(c, r, r.print), outcome)
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
	if pairs := statePairs(c); len(pairs) > 0 {
		if err := m.TieStates(pairs); err != nil {
			return nil, err
		}
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

// openModelSamples opens data for a model, see [openSamples]. Once pixels have gone through its
// preprocessing, that is settled; class names of the data become the model's where it
// has none.
func openModelSamples(c *cli.Context, spec string, m *quant.Model, want share) (*samples, error) {
	s, err := openSamples(c, spec, m.Graph, m.Input, m.Labels, want)
	if err != nil {
		return nil, err
	}
	if err := noteEntry(c, m.Graph, m.Pixels, m.Input, s); err != nil {
		s.set.Close()
		return nil, err
	}
	if s.pixels() {
		m.Input.Given = true
	}
	noteFirstSteps(c, m, s)
	if len(m.Labels) == 0 && len(s.set.Classes) == m.Graph.Outputs[0].Shape.Elems() {
		if err := checkNames(s.set.Classes); err != nil {
			note(c, "warning: the names of the classes are not stored: %v", err)
		} else {
			m.Labels = s.set.Classes
		}
	}
	return s, nil
}

// compile lowers a model, and returns the program and its file.
func compile(m *quant.Model) (*qrt.Program, []byte, error) {
	p, _, data, err := compileNamed(m)
	return p, data, err
}

// compileNamed is compile, and names the layers of instructions.
func compileNamed(m *quant.Model) (*qrt.Program, []string, []byte, error) {
	m.Producer = producer()
	p, names, err := quant.CompileNamed(m)
	if err != nil {
		return nil, nil, nil, err
	}
	data, err := qrt.Encode(p)
	return p, names, data, err
}

func (r convertReport) print(w io.Writer) {
	r.printTotals(w)
	if r.Stream != nil {
		r.Stream.print(w)
	}
	if r.Program != nil {
		fmt.Fprintf(w, "\nmeasured on %d samples of %s%s (%s):\n", r.Measured.Samples, printable.Name(r.Measured.Data), r.Measured.which(), bracketsMean)
		printComparison(w, []string{"model", "program"}, []*metrics{r.Float, r.Program})
	}
	if len(r.Chosen) > 0 {
		fmt.Fprintln(w)
		printChosen(w, r.Chosen)
	}
	if r.Took != nil {
		fmt.Fprintf(w, "the program takes %s\n", r.Took.text())
	}
	if len(r.Losses) > 0 {
		fmt.Fprintln(w)
		t := table{left: 1}
		t.add("output", "MSE", "SNR, dB")
		for _, l := range r.Losses {
			t.add(printable.Name(l.Output), fmt.Sprintf("%.4g", l.MSE), fmt.Sprintf("%.1f", l.SNR))
		}
		t.print(w)
	}
	if r.Output != "" {
		fmt.Fprintf(w, "written: %s\n", printable.Name(r.Output))
	}
}

// producer names this program in the files it writes.
func producer() string { return "qconv " + buildinfo.Version() }

// writeModel stores a model as an ONNX file.
func writeModel(out *atomicfile.File, m *quant.Model) error {
	m.Producer = producer()
	data, err := m.Encode()
	if err != nil {
		return err
	}
	return writeResult(out, data)
}
