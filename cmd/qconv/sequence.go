package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune/dataset"
	"qconv/onnx"
	"qconv/quant"
	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

// Values of --window-label.
const (
	lastLabel     = "last"
	majorityLabel = "majority"
)

var (
	windowFlag      = &cli.IntFlag{Name: "window", Category: catData, DefaultText: "the input's", Usage: "cut recordings (tables with a row for each step, arrays, sound) into samples of `W` steps"}
	hopFlag         = &cli.IntFlag{Name: "hop", Category: catData, DefaultText: "the window", Usage: "a window begins `H` steps after the one before; without --window and --hop recordings are samples as they are"}
	windowLabelFlag = &cli.StringFlag{Name: "window-label", Category: catData, Value: lastLabel, Usage: "label of a window whose steps have labels: `WHICH` is last, that of its last step, or majority"}
	columnsFlag     = &cli.StringFlag{Name: "columns", Category: catData, Usage: "`NAMES` of the columns of a table that enter the network, a,b,c; without it all but labels and targets"}
	labelColumnFlag = &cli.StringFlag{Name: "label-column", Category: catData, Usage: "`NAME` of the column of a table that holds labels, a,b,c of targets, or - for none; as after #, also for tables in a folder"}
	padFlag         = &cli.BoolFlag{Name: "pad", Category: catData, Usage: "append zeros to recordings that are shorter than a sample"}
	stateFlag       = &cli.StringSliceFlag{Name: "state", Category: catData, Usage: "`IN=OUT`: the input IN is a state, which holds at every step of a stream what output OUT held at the step before; IN alone: an input that begins with zeros, where the data hold no array for it; several may be given, as in h=hn,c=cn"}
)

// sequenceFlags say how samples are made of recordings.
var sequenceFlags = []cli.Flag{windowFlag, hopFlag, windowLabelFlag, columnsFlag, labelColumnFlag, padFlag, stateFlag}

// readSequence is what the flags say of recordings. Commands that have none of them take recordings as samples.
func readSequence(c *cli.Context) (dataset.Sequence, error) {
	s := dataset.Sequence{
		Window: c.Int(windowFlag.Name), Hop: c.Int(hopFlag.Name), Pad: c.Bool(padFlag.Name),
		Columns: c.String(columnsFlag.Name), LabelColumn: c.String(labelColumnFlag.Name),
	}
	for _, f := range []*cli.IntFlag{windowFlag, hopFlag} {
		if c.IsSet(f.Name) && c.Int(f.Name) < 1 {
			return s, usagef("flag --%s: got %d, want at least 1", f.Name, c.Int(f.Name))
		}
	}
	switch which := c.String(windowLabelFlag.Name); which {
	case "", lastLabel:
	case majorityLabel:
		s.Majority = true
	default:
		return s, usagef("flag --%s: got %q, want %s or %s", windowLabelFlag.Name, which, lastLabel, majorityLabel)
	}
	if layout := c.String(layoutFlag.Name); slices.Contains([]string{"ntc", "nct"}, layout) {
		s.Order = layout
	}
	return s, nil
}

// states are the inputs that --state names.
func states(c *cli.Context, ports []port) ([]string, error) {
	var names []string
	for _, text := range stateTexts(c) {
		name, _, _ := strings.Cut(text, "=")
		names = append(names, strings.TrimSpace(name))
	}
	if names == nil {
		return nil, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(ports, func(p port) bool { return p.name == name }) {
			return nil, usagef("flag --%s: there is no input %q, want one of %s", stateFlag.Name, name, portNames(ports))
		}
	}
	if !slices.ContainsFunc(ports, func(p port) bool { return !slices.Contains(names, p.name) }) {
		return nil, usagef("flag --%s: all inputs are named (%s), want one at least that data enter through", stateFlag.Name, portNames(ports))
	}
	if pairs := statePairs(c); len(pairs) > 0 && slices.Contains([]string{"run", "eval"}, c.Command.Name) {
		note(c, "warning: %s begins every sample with zeros for %s, whatever %s was: states are carried from step to step by programs that convert makes", c.Command.Name,
			printable.Name(pairs[0].Input), printable.Name(pairs[0].Output))
	}
	return names, nil
}

// stateTexts are what --state says of the inputs one by one: IN or IN=OUT.
func stateTexts(c *cli.Context) []string {
	var texts []string
	for _, text := range c.StringSlice(stateFlag.Name) {
		for _, part := range strings.Split(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				texts = append(texts, part)
			}
		}
	}
	return texts
}

// statePairs are the inputs that --state names together with the outputs that become them.
func statePairs(c *cli.Context) []quant.StatePair {
	var pairs []quant.StatePair
	for _, text := range stateTexts(c) {
		if in, out, ok := strings.Cut(text, "="); ok {
			pairs = append(pairs, quant.StatePair{Input: strings.TrimSpace(in), Output: strings.TrimSpace(out)})
		}
	}
	return pairs
}

// outputSteps is how many steps a network's first output has that each have values of their own, [N, steps, K]; 0 where it has one output for the sample.
func outputSteps(g *onnx.Graph) int {
	if shape := quant.SampleShape(g.Outputs[0].Shape); len(shape) == 2 {
		return shape[0]
	}
	return 0
}

// programSteps is outputSteps of a program, whose tensors are [C][H][W].
func programSteps(p *qrt.Program) int {
	if shape := p.Tensors[p.Outputs[0].Tensor].Shape; shape[1] == 1 && shape[2] > 1 {
		return shape[0]
	}
	return 0
}

// division says how samples were divided, for a note; empty where one by one.
func division(how dataset.Division, leftOut int) string {
	switch {
	case how == dataset.ByTime && leftOut > 0:
		return fmt.Sprintf(", by %s (%d more overlap samples of both parts and are left out)", how, leftOut)
	case how != dataset.BySample:
		return fmt.Sprintf(", by %s", how)
	}
	return ""
}
