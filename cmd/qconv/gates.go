package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

// gates are the demands on a network's accuracy; nil where there is none.
type gates struct {
	accuracy *float64 // least accuracy, a fraction
	drop     *float64 // largest loss of accuracy against another network, a fraction
	mse      *float64 // largest mean squared error
}

// readGates reads the gate flags that the command has.
func readGates(c *cli.Context) (gates, error) {
	var g gates
	for _, f := range []struct {
		flag *cli.StringFlag
		dst  **float64
	}{{minAccuracyFlag, &g.accuracy}, {maxDropFlag, &g.drop}} {
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
	return g, nil
}

// any tells whether something is demanded.
func (g gates) any() bool { return g.accuracy != nil || g.drop != nil || g.mse != nil }

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
			return inputf("flag --%s: the error is not known, as the network has not as many outputs as inputs, or outputs that are no numbers", maxMSEFlag.Name)
		case *m.MSE > *g.mse:
			return &gateError{fmt.Sprintf("the mean squared error is %.6g, want at most %.6g", *m.MSE, *g.mse)}
		}
	}
	return nil
}
