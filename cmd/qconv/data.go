package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/finetune/dataset"
	"qconv/finetune/features"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// samples is a data set as a network takes it: pixels preprocessed, float values as they
// are. Its methods are safe for concurrent use.
type samples struct {
	set   *dataset.Set // what enters the first input; its Further enter the others
	aim   aim          // of the network
	names []string     // of the network's classes; may be empty
	// others are those that were left out where only some samples were asked for; they need not be closed.
	others *samples
}

// readOptions are the options that every reading of data for a network input of the given shape has.
func readOptions(c *cli.Context, shape []int) dataset.Options {
	return dataset.Options{Shape: shape, MaxMemory: maxMemory(c), Context: c.Context}
}

// sequenceOptions are readOptions with what the flags say of recordings, and the features that sound becomes.
func sequenceOptions(c *cli.Context, shape []int, p quant.Preprocess) (o dataset.Options, err error) {
	o = readOptions(c, shape)
	if o.Sequence, err = readSequence(c); err != nil || p.Features == "" {
		return o, err
	}
	spec, err := features.Parse(p.Features)
	if err != nil {
		return o, inputf("the model's features of sound are not understood: %v", err)
	}
	o.Features = features.New(spec)
	return o, nil
}

// dataOptions are the options of the data flags for a network input of the given shape, what the outputs mean
// and the class names of the model, if it has any.
func dataOptions(c *cli.Context, shape []int, a aim, p quant.Preprocess, labels []string) (dataset.Options, error) {
	o, err := sequenceOptions(c, shape, p)
	if err != nil {
		return o, err
	}
	if o.Order == "" {
		o.Layout = c.String(layoutFlag.Name)
	}
	o.Limit = c.Int(samplesFlag.Name)
	o.Seed = c.Uint64(seedFlag.Name)
	o.SkipBad = c.Bool(skipBadFlag.Name)
	o.Classes = labels
	o.NoLabels = c.Bool(noLabelsFlag.Name)
	o.OutputSteps = a.steps
	o.Outputs, o.Values, o.Classified = a.outputs, a.numbers(), a.asked == finetune.TaskClasses
	if len(shape) == 3 {
		o.Height, o.Width = shape[1], shape[2]
		if shape[0] == 1 || shape[0] == 3 {
			o.Channels = shape[0]
		}
	}
	if p.Resize != [2]int{} {
		o.Height, o.Width = p.Resize[0], p.Resize[1]
		o.Refit = true
	}
	return o, nil
}

// openSet opens the data set for the given inputs, names what it leaves out, and decodes it, with a bar.
func openSet(c *cli.Context, spec string, ports []dataset.Port, want share) (set, others *dataset.Set, err error) {
	o := ports[0].Options
	if len(ports) == 1 {
		set, err = dataset.Open(spec, o)
	} else {
		set, err = dataset.OpenInputs(spec, ports)
	}
	if dataset.AboutClasses(err) {
		err = fmt.Errorf("%w (--%s leaves classes out)", err, noLabelsFlag.Name)
	}
	if err != nil {
		return nil, nil, err
	}
	set, others = set.Apart(want.first, want.others)
	for i, line := range set.Skipped {
		if i == 5 {
			note(c, "skipped: %d more", len(set.Skipped)-i)
			break
		}
		note(c, "skipped: %s", line)
	}
	if want.passed && (c.IsSet(shardFlag.Name) || int64(set.Len())*int64(set.Elems()) > passedBytes) {
		return set, others, nil
	}
	bar := newProgress(c.App.ErrWriter, "read", "samples", set.Len()+others.Len())
	defer bar.finish()
	done := 0
	for _, s := range []*dataset.Set{set, others} {
		if err := s.Preload(c.Context, 0, func(n, _ int) { bar.update(done + n) }); err != nil {
			set.Close()
			return nil, nil, hintSkipBad(c, err)
		}
		done += s.Len()
	}
	return set, others, nil
}

// hintSkipBad adds to the error of a broken sample how it can be left out.
func hintSkipBad(c *cli.Context, err error) error {
	if is[*dataset.FormatError](err) && !c.Bool(skipBadFlag.Name) && !strings.Contains(err.Error(), "--"+skipBadFlag.Name) {
		return fmt.Errorf("%w (--%s leaves such samples out)", err, skipBadFlag.Name)
	}
	return err
}

// share is which samples of a data set are wanted: at most first, evenly spaced, or all for 0, and at most as many others. passed says that each is used
// once or twice, in order: they are then read from the disk when their turn comes, unless all together are small.
type share struct {
	first, others int
	passed        bool
}

// passedBytes bounds the decoded samples that are kept of data whose samples pass once.
const passedBytes = 64 << 20

// openSamples opens the data that spec names for the inputs of a network.
func openSamples(c *cli.Context, spec string, g *onnx.Graph, p quant.Preprocess, labels []string, want share) (*samples, error) {
	if len(g.Inputs) == 0 {
		return nil, inputf("the network has no input")
	}
	a, err := networkAim(c, g)
	if err != nil {
		return nil, err
	}
	return openPorts(c, spec, networkPorts(g, p), a, p, labels, want)
}

// openProgramSamples opens the data for a program, which carries its own preprocessing.
func openProgramSamples(c *cli.Context, spec string, p *qrt.Program, want share) (*samples, error) {
	a, err := programAim(c, p)
	if err != nil {
		return nil, err
	}
	return openPorts(c, spec, programPorts(p), a, quant.Preprocess{Features: p.Features}, p.Labels, want)
}

// openPorts opens the data that spec names for some inputs.
func openPorts(c *cli.Context, spec string, ports []port, a aim, p quant.Preprocess, labels []string, want share) (*samples, error) {
	zero, err := states(c, ports)
	if err != nil {
		return nil, err
	}
	var wanted []dataset.Port
	for _, port := range ports {
		o, err := dataOptions(c, port.shape, a, p, labels)
		if err != nil {
			return nil, err
		}
		o.Array, o.Zero = port.name, slices.Contains(zero, port.name)
		if want.passed {
			o.CacheBytes, o.Passed = passedBytes, true
		}
		if !port.pixels {
			o.Channels, o.Height, o.Width, o.Refit = 0, 0, 0, false
		}
		wanted = append(wanted, dataset.Port{Name: port.name, Options: o})
	}
	set, others, err := openSet(c, spec, wanted, want)
	if err != nil {
		return nil, err
	}
	for _, part := range []*dataset.Set{set, others} {
		if err := preprocess(part, ports, p); err != nil {
			set.Close()
			return nil, err
		}
	}
	s := &samples{set: set, aim: a, names: labels}
	s.others = s.with(others)
	return s, nil
}

// preprocess lets pixels of a set enter as p says, where the inputs that it was opened for take pixels.
func preprocess(set *dataset.Set, ports []port, p quant.Preprocess) error {
	for i, input := range set.Inputs() {
		if ports[i].pixels {
			if err := input.Preprocess(p, ports[i].shape[0]); err != nil {
				return &inputError{err}
			}
		}
	}
	return nil
}

// Len is the number of samples.
func (s *samples) Len() int { return s.set.Len() }

// Shapes are the shapes of one sample as the data have them, by input.
func (s *samples) Shapes() (shapes [][]int) { return s.set.Shapes() }

// Input writes the inputs of the network for sample i to dst, one after the other.
func (s *samples) Input(i int, dst []float32) error { return s.set.Input(i, dst) }

// pixels says whether an input gets pixels.
func (s *samples) pixels() bool {
	return slices.ContainsFunc(s.set.Inputs(), func(in *dataset.Set) bool { return in.Values != nil })
}

// sampleBuffer holds some samples as an executor takes them.
type sampleBuffer struct {
	samples *samples
	inputs  [][]float32 // by input
}

// newSampleBuffer has room for most samples.
func newSampleBuffer(s *samples, most int) *sampleBuffer {
	b := &sampleBuffer{samples: s}
	for _, in := range s.set.Inputs() {
		b.inputs = append(b.inputs, make([]float32, most*in.Elems()))
	}
	return b
}

// load reads count samples, of which number says which in the data they are, and returns what enters every input.
func (b *sampleBuffer) load(count int, number func(k int) int) ([][]float32, error) {
	inputs := make([][]float32, len(b.inputs))
	for i, in := range b.samples.set.Inputs() {
		size := in.Elems()
		inputs[i] = b.inputs[i][:count*size]
		for k := range count {
			if err := in.Enter(number(k), inputs[i][k*size:][:size]); err != nil {
				return nil, err
			}
		}
	}
	return inputs, nil
}

// Labelled says whether samples, or their steps, have class indices.
func (s *samples) Labelled() bool { return s.set.Labels != nil || s.set.StepLabels != nil }

// Label is the class index of sample i, or -1.
func (s *samples) Label(i int) int { return s.set.Label(i) }

// StepLabel are the class indices of the steps of sample i, -1 for none; nil where the data have none.
func (s *samples) StepLabel(i int) []int {
	if s.set.StepLabels == nil {
		return nil
	}
	return s.set.StepLabels[i]
}

// with is the same preprocessing over another set of the same data.
func (s *samples) with(set *dataset.Set) *samples {
	return &samples{set: set, aim: s.aim, names: s.names}
}

// checkLabels reports a class index beyond the network's outputs.
func (s *samples) checkLabels(outputs int) error {
	for i, steps := range s.set.StepLabels {
		classes := outputs / max(len(steps), 1)
		for step, l := range steps {
			if l >= classes {
				return inputf("%s: step %d of %s has class %d, the network has the classes 0 to %d (--%s leaves classes out)",
					printable.Name(s.set.Spec), step, s.set.Name(i), l, classes-1, noLabelsFlag.Name)
			}
		}
	}
	for i, l := range s.set.Labels {
		if l >= outputs {
			name := ""
			if digits := strconv.Itoa(l); s.set.Classes[l] != digits {
				name = fmt.Sprintf(" (%s)", printable.Name(s.set.Classes[l]))
			}
			return inputf("%s: %s has class %d%s, the network has the classes 0 to %d (--%s leaves classes out)",
				printable.Name(s.set.Spec), s.set.Name(i), l, name, outputs-1, noLabelsFlag.Name)
		}
	}
	return nil
}

// missesClasses says whether names were numbered in alphabetical order that are not as many as
// the network's outputs: the numbers are then likely to be the wrong ones.
func (s *samples) missesClasses(outputs int) bool {
	for i, name := range s.set.Classes {
		if name != strconv.Itoa(i) {
			return len(s.set.Classes) != outputs
		}
	}
	return false
}

func elems(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// checkPreprocess reports preprocessing or labels that do not fit a model.
func checkPreprocess(m *quant.Model) error {
	ports := networkPorts(m.Graph, m.Input)
	if len(ports) == 1 {
		if err := m.Input.Check(ports[0].shape[0]); err != nil {
			return usagef("%v", err)
		}
	} else if m.Input.Given && !slices.ContainsFunc(ports, func(p port) bool { return p.pixels }) {
		return usagef("preprocessing is given, but none of the inputs %s is a picture that it fits", portNames(ports))
	}
	if len(m.Labels) > 0 && len(m.Labels) != m.Graph.Outputs[0].Shape.Elems() {
		return usagef("%d labels given, the network has %d outputs", len(m.Labels), m.Graph.Outputs[0].Shape.Elems())
	}
	for _, p := range ports {
		if size := m.Input.Resize; size != [2]int{} && p.pixels && (len(p.shape) != 3 || size != [2]int{p.shape[1], p.shape[2]}) {
			return usagef("flag --%s: got %dx%d, the network's input is %v", resizeFlag.Name, size[0], size[1], p.shape)
		}
	}
	return nil
}
