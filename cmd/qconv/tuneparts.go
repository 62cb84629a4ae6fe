package main

import (
	"github.com/urfave/cli/v2"

	"qconv/finetune"
	"qconv/finetune/dataset"
	"qconv/quant"
	"qconv/runtime/printable"
)

// parts are the samples of a fine-tuning. What chooses the best of several networks flatters the one it chose, so its figure is
// taken on others.
type parts struct {
	train  *samples
	choose *samples // picks the best network; nil where there are too few
	report *samples // what figures and gates rest on; nil where there are too few
	// given is what --val names, to be closed; nil without.
	given *samples
	// repeated is how many samples of choose and report are trained on too, or are in both.
	repeated int
}

// Without --val, heldBack of --data is not trained on: half of it chooses, half is reported on. Fewer than leastPart samples are not worth
// it for either, and more than mostPart are not needed to choose.
const (
	heldBack  = 0.2
	leastPart = 10
	mostPart  = 2000
)

// divide divides the samples that were given; m is the model that they are for.
func divide(c *cli.Context, m *quant.Model, data *samples, loss finetune.LossKind) (parts, error) {
	if spec := c.String(valFlag.Name); spec != "" {
		return divideGiven(c, m, data, spec)
	}
	return divideHeld(c, data, loss)
}

// divideGiven divides what --val names.
func divideGiven(c *cli.Context, m *quant.Model, data *samples, spec string) (parts, error) {
	val, err := openModelSamples(c, spec, m, share{})
	if err != nil {
		return parts{}, err
	}
	if err := checkValidation(c, m, val); err != nil {
		val.set.Close()
		return parts{}, err
	}
	p := parts{train: data, given: val, repeated: dataset.Overlap(data.set, val.set)}
	if p.repeated > 0 {
		note(c, "warning: %d of the %d samples of --%s are among those of --%s: figures on them tell nothing of others", p.repeated, val.Len(), valFlag.Name, dataFlag.Name)
	}
	if val.Len() < 2*leastPart {
		note(c, "warning: the %d samples of --%s are too few to choose the best network and to report on others: the last network is the result", val.Len(), valFlag.Name)
		p.report = val.meaningful()
		return p, nil
	}
	p.measure(c, val, max(0.5, 1-float64(mostPart)/float64(val.Len())))
	note(c, "of the %d samples of --%s, %d choose the best network, and %d others are reported on", val.Len(), valFlag.Name, p.choose.Len(), p.report.Len())
	return p, nil
}

// divideHeld holds back a part of --data.
func divideHeld(c *cli.Context, data *samples, loss finetune.LossKind) (parts, error) {
	train, held, how := dataset.Divide(data.set, min(heldBack, 2*mostPart/float64(data.Len())), c.Uint64(seedFlag.Name))
	if held.Len() < 2*leastPart {
		note(c, "warning: %d samples are too few to hold some back: nothing is measured without --%s", data.Len(), valFlag.Name)
		return parts{train: data}, nil
	}
	p, val := parts{train: data.with(train), repeated: dataset.Overlap(train, held)}, data.with(held)
	switch one := oneClass(val); {
	case one != "" && loss == finetune.LossTeacher:
		note(c, "warning: %s: labels are left out, as accuracy would tell nothing (--%s says so, --%s gives other samples)", one, noLabelsFlag.Name, valFlag.Name)
	case one != "":
		return p, inputf("%s: there is nothing to learn from them, give samples of several classes, or --%s %s", one, lossFlag.Name, finetune.LossTeacher)
	}
	if p.repeated > 0 {
		note(c, "warning: %d of the %d samples held back are trained on too, as %s holds them several times", p.repeated, held.Len(), printable.Name(data.set.Spec))
	}
	p.measure(c, val, 0.5)
	leftOut := data.Len() - train.Len() - held.Len()
	note(c, "%d of the %d samples are held back%s: %d choose the best network, and %d others are reported on", held.Len(), data.Len(), division(how, leftOut), p.choose.Len(), p.report.Len())
	return p, nil
}

// measure divides what is not trained on; the report gets the given part of it.
func (p *parts) measure(c *cli.Context, val *samples, report float64) {
	val = val.meaningful()
	a, b := dataset.Split(val.set, report, c.Uint64(seedFlag.Name))
	p.choose, p.report = val.with(a), val.with(b)
	if n := dataset.Overlap(a, b); n > 0 {
		p.repeated += n
		note(c, "warning: %d of the %d samples that are reported on also choose the network, as they are there several times", n, b.Len())
	}
}

func (p *parts) close() {
	if p.given != nil {
		p.given.set.Close()
	}
}

// checkValidation reports samples to measure on whose labels are no classes of the network, or are all the same.
func checkValidation(c *cli.Context, m *quant.Model, val *samples) error {
	if err := checkClasses(c, m, val); err != nil {
		return err
	}
	if one := oneClass(val); one != "" {
		return inputf("%s: accuracy on them tells nothing, give samples of several classes, or --%s to measure without", one, noLabelsFlag.Name)
	}
	return nil
}
