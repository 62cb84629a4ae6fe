package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
)

// gates are the demands on a network's accuracy; nil where there is none.
type gates struct {
	accuracy  *float64 // least accuracy, a fraction
	agreement *float64 // least agreement with another network, a fraction
	drop      *float64 // largest loss of accuracy against another network, a fraction
	mse       *float64 // largest mean squared error
	r2        *float64 // least coefficient of determination
}

// readGates reads the gate flags that the command has.
func readGates(c *cli.Context) (gates, error) {
	var g gates
	for _, f := range []struct {
		flag *cli.StringFlag
		dst  **float64
	}{{minAccuracyFlag, &g.accuracy}, {minAgreementFlag, &g.agreement}, {maxDropFlag, &g.drop}} {
		v, given, err := fraction(c, f.flag)
		if err != nil {
			return g, err
		}
		if given {
			*f.dst = &v
		}
	}
	if c.IsSet(maxMSEFlag.Name) {
		v, err := parseNumber(c.String(maxMSEFlag.Name))
		if err != nil || v < 0 {
			return g, usagef("flag --%s: got %q, want a number of at least 0", maxMSEFlag.Name, c.String(maxMSEFlag.Name))
		}
		g.mse = &v
	}
	if c.IsSet(minR2Flag.Name) {
		v, err := parseNumber(c.String(minR2Flag.Name))
		if err != nil || v > 1 {
			return g, usagef("flag --%s: got %q, want a number of at most 1", minR2Flag.Name, c.String(minR2Flag.Name))
		}
		g.r2 = &v
	}
	return g, nil
}

// any tells whether something is demanded.
func (g gates) any() bool {
	return g.accuracy != nil || g.agreement != nil || g.drop != nil || g.mse != nil || g.r2 != nil
}

// check compares a network, and the one it is measured against if any, with the demands.
// A demand that cannot be measured is missed.
func (g gates) check(m metrics, against *metrics) error {
	if g.accuracy != nil {
		switch {
		case m.Accuracy == nil:
			return inputf("flag --%s: the accuracy is not known, as the data have no labels or the outputs are no classes", minAccuracyFlag.Name)
		case *m.Accuracy < *g.accuracy:
			return &gateError{fmt.Sprintf("the accuracy is %s, want at least %s", percent(*m.Accuracy), percent(*g.accuracy))}
		}
	}
	if g.agreement != nil {
		switch {
		case m.Agreement == nil:
			return inputf("flag --%s: the agreement is not known, as the outputs are no classes: --%s bounds the error of numbers", minAgreementFlag.Name, maxMSEFlag.Name)
		case *m.Agreement < *g.agreement:
			return &gateError{fmt.Sprintf("the agreement is %s, want at least %s", percent(*m.Agreement), percent(*g.agreement))}
		}
	}
	if g.drop != nil {
		switch {
		case m.Accuracy == nil || against == nil || against.Accuracy == nil:
			return inputf("flag --%s: the accuracy is not known, as the data have no labels or the outputs are no classes", maxDropFlag.Name)
		case *against.Accuracy-*m.Accuracy > *g.drop:
			return &gateError{fmt.Sprintf("the accuracy falls from %s to %s, want a fall of at most %s", percent(*against.Accuracy), percent(*m.Accuracy), percent(*g.drop))}
		}
	}
	if g.mse != nil {
		switch {
		case m.MSE == nil:
			return inputf("flag --%s: the error is not known, as the data have no targets and the network not as many outputs as inputs, or outputs that are no numbers", maxMSEFlag.Name)
		case *m.MSE > *g.mse:
			return &gateError{fmt.Sprintf("the mean squared error is %.6g, want at most %.6g", *m.MSE, *g.mse)}
		}
	}
	if g.r2 != nil {
		switch {
		case m.R2 == nil:
			return inputf("flag --%s: R2 is not known, as the data have no targets that vary", minR2Flag.Name)
		case *m.R2 < *g.r2:
			return &gateError{fmt.Sprintf("R2 is %.4f, want at least %g", *m.R2, *g.r2)}
		}
	}
	return nil
}

// minR2Flag is the gate of numbers.
var minR2Flag = &cli.StringFlag{Name: "min-r2", Category: catResult, Usage: "exit with 5 unless R2, the coefficient of determination of numbers against targets, reaches `X`"}

// failedName is what a result that missed a gate is called in place of its own name.
func failedName(path string) string { return path + ".failed" }

// destination is where a result goes that was measured with the given outcome: where it was meant to go, or, if a gate is missed or could not be
// looked at, beside that with .failed at its end, so that nobody takes it for good. It is nil for a failed one that was
// meant for a pipe or device.
func (g gates) destination(c *cli.Context, meant *atomicfile.File, outcome error) (*atomicfile.File, error) {
	switch {
	case outcome == nil || !g.any() && !is[*gateError](outcome):
		return meant, nil
	case meant.IsStream():
		return nil, nil
	}
	return claim(c, failedName(meant.Path()))
}
