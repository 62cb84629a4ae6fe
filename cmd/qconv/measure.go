package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"qconv/finetune/dataset"
	"qconv/quant"
	qrt "qconv/runtime"
)

// measuredOn says which samples figures rest on.
type measuredOn struct {
	Data string `json:"data"`
	// Samples are those of Float and Program, OutputSamples those of Losses.
	Samples       int `json:"samples"`
	OutputSamples int `json:"output_samples,omitempty"`
	// Calibration says that levels and weights were chosen from the same samples, RepeatedSamples how many of them are among those.
	Calibration     bool `json:"calibration"`
	RepeatedSamples int  `json:"repeated_samples"`
}

// leastFresh is how many samples that nothing was chosen from are worth more than the many that something was.
const leastFresh = 100

// measure fills in what is measured of a program: on the data that val names, or else on samples of the calibration data, if there are any.
func (r *convertReport) measure(c *cli.Context, m *quant.Model, reference *floatModel, p *qrt.Program, calibrated *samples, val string) error {
	data, on := calibrated, &measuredOn{Data: val}
	switch {
	case val != "":
		var err error
		reference.input, reference.labels = m.Input, m.Labels
		if data, err = openSamples(c, val, reference.graph, m.Input, m.Labels, share{}); err != nil {
			return err
		}
		defer data.set.Close()
		if err := checkValidation(c, m, data); err != nil {
			return err
		}
		if calibrated == nil {
			if err := noteEntry(c, reference.graph, m.Pixels, m.Input, data); err != nil {
				return err
			}
		} else {
			if on.RepeatedSamples = dataset.Overlap(calibrated.set, data.set); on.RepeatedSamples > 0 {
				note(c, "warning: %d of the %d samples of --%s are among those of --%s that levels were chosen from", on.RepeatedSamples, data.Len(), convertValFlag.Name, calibFlag.Name)
			}
		}
	case calibrated == nil:
		return nil
	case calibrated.others.Len() >= leastFresh:
		data = calibrated.others
	default:
		on.Calibration, on.RepeatedSamples = true, data.Len()
		data = data.with(data.set.Evenly(comparedSamples(reference.graph)))
	}
	data = data.meaningful()
	r.Measured = on
	on.Data, on.Samples = data.set.Spec, data.Len()
	var err error
	if r.Float, r.Program, err = compareProgram(c, reference, p, data); err != nil || calibrated == nil {
		return err
	}
	on.OutputSamples = min(comparedSamples(reference.graph), data.Len())
	if r.Losses, err = measureLosses(c.Context, reference.graph, m, p, data, programLimits(c)); err != nil {
		return err
	}
	noteLosses(c, r.Losses)
	return nil
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

// which tells how far the samples are new to the program.
func (m *measuredOn) which() string {
	switch {
	case m.Calibration:
		return fmt.Sprintf(", the same that levels were chosen from; --%s measures others", convertValFlag.Name)
	case m.RepeatedSamples > 0:
		return fmt.Sprintf(", %d of which levels were chosen from", m.RepeatedSamples)
	}
	return ", from which nothing was chosen"
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
