package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"qconv/finetune/dataset"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// samples is a data set as a network takes it: pixels preprocessed, float values as they
// are. Its methods are safe for concurrent use.
type samples struct {
	set    *dataset.Set
	lookup [][256]float32 // by channel; nil for float values
	plane  int            // elements of a channel
}

// inputShape is the shape of one sample of a network's only input: [C,H,W], [features].
func inputShape(g *onnx.Graph) ([]int, error) {
	if len(g.Inputs) != 1 {
		return nil, inputf("the network has the inputs %s, a program takes one (import --%s NAME=VALUE makes others constants)", inputNames(g), bindFlag.Name)
	}
	shape := slices.Clone(quant.SampleShape(g.Inputs[0].Shape))
	if len(shape) == 0 {
		shape = onnx.Shape{1}
	}
	return shape, nil
}

// readOptions are the options that every reading of data for a network input of the given shape has.
func readOptions(c *cli.Context, shape []int) dataset.Options {
	return dataset.Options{Shape: shape, MaxMemory: maxMemory(c), Context: c.Context}
}

// dataOptions are the options of the data flags for a network input of the given shape
// and the class names of the model, if it has any.
func dataOptions(c *cli.Context, shape []int, p quant.Preprocess, labels []string) dataset.Options {
	o := readOptions(c, shape)
	o.Layout = c.String(layoutFlag.Name)
	o.Limit = c.Int(samplesFlag.Name)
	o.Seed = c.Uint64(seedFlag.Name)
	o.SkipBad = c.Bool(skipBadFlag.Name)
	o.Classes = labels
	o.NoLabels = c.Bool(noLabelsFlag.Name)
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
	return o
}

// openSet opens a data set, names what it leaves out, and decodes it, with a bar: at most most
// samples, evenly spaced, or all for 0.
func openSet(c *cli.Context, spec string, o dataset.Options, most int) (*dataset.Set, error) {
	set, err := dataset.Open(spec, o)
	if err != nil {
		return nil, err
	}
	set = set.Evenly(most)
	for i, line := range set.Skipped {
		if i == 5 {
			note(c, "skipped: %d more", len(set.Skipped)-i)
			break
		}
		note(c, "skipped: %s", line)
	}
	bar := newProgress(c.App.ErrWriter, "read", "samples", set.Len())
	defer bar.finish()
	if err := set.Preload(c.Context, 0, func(done, _ int) { bar.update(done) }); err != nil {
		set.Close()
		if !o.SkipBad && exitCode(err) == exitBadInput {
			err = fmt.Errorf("%w (--%s leaves such samples out)", err, skipBadFlag.Name)
		}
		return nil, err
	}
	return set, nil
}

// openSamples opens the data that spec names for a network input of the given shape: at most
// most samples, evenly spaced, or all for 0.
func openSamples(c *cli.Context, spec string, shape []int, p quant.Preprocess, labels []string, most int) (*samples, error) {
	set, err := openSet(c, spec, dataOptions(c, shape, p, labels), most)
	if err != nil {
		return nil, err
	}
	s, err := newSamples(set, shape, p)
	if err != nil {
		set.Close()
		return nil, err
	}
	if s.lookup != nil && !p.Given {
		note(c, "warning: no preprocessing was ever given; pixels enter the network as 0..255 (--scale, --mean, --std change that)")
	}
	return s, nil
}

// openProgramSamples opens the data for a program, which carries its own preprocessing.
func openProgramSamples(c *cli.Context, spec string, p *qrt.Program) (*samples, error) {
	shape := programShape(p)
	set, err := openSet(c, spec, dataOptions(c, shape, quant.Preprocess{}, p.Labels), 0)
	if err != nil {
		return nil, err
	}
	s, err := newSamples(set, shape, quant.Preprocess{})
	if err != nil {
		set.Close()
	}
	return s, err
}

// newSamples prepares the samples of set for an input of the given shape, which they were opened for.
func newSamples(set *dataset.Set, shape []int, p quant.Preprocess) (*samples, error) {
	s := &samples{set: set, plane: elems(shape[1:])}
	if set.Kind == dataset.Pixels {
		var err error
		if s.lookup, err = pixelValues(p, shape[0]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// pixelValues tabulates preprocessing: the input value of every pixel value by channel.
func pixelValues(p quant.Preprocess, channels int) ([][256]float32, error) {
	if err := p.Check(channels); err != nil {
		return nil, &inputError{err}
	}
	lookup := make([][256]float32, channels)
	for ch := range lookup {
		for v := range lookup[ch] {
			lookup[ch][v] = float32(p.Apply(ch, float64(v)))
		}
	}
	return lookup, nil
}

// applyPixels writes the input values of pixels [C][plane] to dst.
func applyPixels(dst []float32, pixels []byte, lookup [][256]float32, plane int) {
	for ch := range lookup {
		table := &lookup[ch]
		row := dst[ch*plane:][:plane]
		for i, v := range pixels[ch*plane:][:plane] {
			row[i] = table[v]
		}
	}
}

// Len is the number of samples.
func (s *samples) Len() int { return s.set.Len() }

// SampleShape is the shape of one sample as the data have it.
func (s *samples) SampleShape() []int { return s.set.Shape }

// Input writes the network input of sample i to dst, which has one element per input value.
func (s *samples) Input(i int, dst []float32) error {
	if s.lookup == nil {
		return s.set.Floats(i, dst)
	}
	pixels := make([]byte, s.set.Elems())
	if err := s.set.Pixels(i, pixels); err != nil {
		return err
	}
	applyPixels(dst, pixels, s.lookup, s.plane)
	return nil
}

// Labelled says whether samples have class indices.
func (s *samples) Labelled() bool { return s.set.Labels != nil }

// Label is the class index of sample i, or -1.
func (s *samples) Label(i int) int {
	if s.set.Labels == nil {
		return -1
	}
	return s.set.Labels[i]
}

// with is the same preprocessing over another set of the same data.
func (s *samples) with(set *dataset.Set) *samples {
	return &samples{set: set, lookup: s.lookup, plane: s.plane}
}

// checkLabels reports a class index beyond the network's outputs.
func (s *samples) checkLabels(outputs int) error {
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
	shape, err := inputShape(m.Graph)
	if err != nil {
		return err
	}
	if err := m.Input.Check(shape[0]); err != nil {
		return usagef("%v", err)
	}
	if len(m.Labels) > 0 && len(m.Labels) != m.Graph.Outputs[0].Shape.Elems() {
		return usagef("%d labels given, the network has %d outputs", len(m.Labels), m.Graph.Outputs[0].Shape.Elems())
	}
	if size := m.Input.Resize; size != [2]int{} && (len(shape) != 3 || size != [2]int{shape[1], shape[2]}) {
		return usagef("flag --%s: got %dx%d, the network's input is %v", resizeFlag.Name, size[0], size[1], shape)
	}
	return nil
}
