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
func divide(c *cli.Context, m *quant.Model, data *samples, loss finetune.LossKind) (p parts, err error) {
	p.train = data
	seed := c.Uint64(seedFlag.Name)
	val := data
	if spec := c.String(valFlag.Name); spec != "" {
		if val, err = openModelSamples(c, spec, m, share{}); err != nil {
			return p, err
		}
		p.given = val
		if err := checkValidation(c, m, val); err != nil {
			p.close()
			return p, err
		}
		if p.repeated = dataset.Overlap(data.set, val.set); p.repeated > 0 {
			note(c, "warning: %d of the %d samples of --%s are among those of --%s: figures on them tell nothing of others", p.repeated, val.Len(), valFlag.Name, dataFlag.Name)
		}
		if val.Len() < 2*leastPart {
			note(c, "warning: the %d samples of --%s are too few to choose the best network and to report on others: the last network is the result", val.Len(), valFlag.Name)
			p.report = val
			return p, nil
		}
		rest := max(0.5, 1-float64(mostPart)/float64(val.Len()))
		p.setMeasured(c, val, rest, seed)
		note(c, "of the %d samples of --%s, %d choose the best network, and %d others are reported on", val.Len(), valFlag.Name, p.choose.Len(), p.report.Len())
		return p, nil
	}
	train, held := dataset.Split(data.set, min(heldBack, 2*mostPart/float64(data.Len())), seed)
	if held.Len() < 2*leastPart {
		note(c, "warning: %d samples are too few to hold some back: nothing is measured without --%s", data.Len(), valFlag.Name)
		return p, nil
	}
	p.train, val = data.with(train), data.with(held)
	switch one := oneClass(val); {
	case one != "" && loss == finetune.LossTeacher:
		note(c, "warning: %s: they are left out, as accuracy on them would tell nothing (--%s says so, --%s gives others)", one, noLabelsFlag.Name, valFlag.Name)
		val = val.unlabelled()
	case one != "":
		return p, inputf("%s: there is nothing to learn from them, give samples of several classes, or --%s %s", one, lossFlag.Name, finetune.LossTeacher)
	}
	if p.repeated = dataset.Overlap(train, held); p.repeated > 0 {
		note(c, "warning: %d of the %d samples held back are trained on too, as %s holds them several times", p.repeated, held.Len(), printable.Name(data.set.Spec))
	}
	p.setMeasured(c, val, 0.5, seed)
	note(c, "%d of the %d samples are held back: %d choose the best network, and %d others are reported on", held.Len(), data.Len(), p.choose.Len(), p.report.Len())
	return p, nil
}

// setMeasured divides what is not trained on; the report gets the given part of it.
func (p *parts) setMeasured(c *cli.Context, val *samples, report float64, seed uint64) {
	a, b := dataset.Split(val.set, report, seed)
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
