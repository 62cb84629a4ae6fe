package main

import (
	"fmt"
	"io"
	"strings"

	"qconv/onnx"
	"qconv/quant"

	"github.com/urfave/cli/v2"
)

var opsCommand = &cli.Command{
	Name:      "ops",
	Usage:     "list the operators of ONNX that are supported, and why others are not",
	ArgsUsage: "[OPERATOR...]",
	Description: "Without OPERATOR all of them. Names are those of ONNX, with their domain in front where it has one.\n\n" +
		example("qconv ops Conv com.microsoft:FusedConv"),
	Flags: []cli.Flag{jsonFlag},
	Action: func(c *cli.Context) error {
		list, err := pickOperators(operators(), c.Args().Slice())
		if err != nil {
			return err
		}
		return report(c, list, func(w io.Writer) { writeOperators(w, list) })
	},
}

// operatorReport is how far one operator is supported.
type operatorReport struct {
	Name    string `json:"name"`
	Since   int    `json:"since,omitempty"`
	Until   int    `json:"until,omitempty"`
	Integer bool   `json:"integer"`
	Note    string `json:"note,omitempty"`
}

// pickOperators are those of a list that have some names, or all of them for no names.
func pickOperators(list []operatorReport, names []string) ([]operatorReport, error) {
	if len(names) == 0 {
		return list, nil
	}
	var picked []operatorReport
	for _, name := range names {
		var all []string
		found := false
		for _, o := range list {
			all = append(all, o.Name)
			if strings.EqualFold(o.Name, name) {
				picked, found = append(picked, o), true
			}
		}
		if !found {
			return nil, usagef("no operator %q is known, neither supported nor refused%s", name, didYouMean(name, "", all))
		}
	}
	return picked, nil
}

// operators joins what the reader takes with what has an integer form.
func operators() []operatorReport {
	var list []operatorReport
	for _, o := range onnx.Operators() {
		r := operatorReport{Name: o.Name, Since: o.Since, Until: o.Until, Note: o.Note}
		reason := quant.FloatOnly(o.Name)
		r.Integer = o.Since > 0 && reason == ""
		if reason != "" {
			r.Note = "float only: " + reason
		}
		list = append(list, r)
	}
	return list
}

// writeOperators prints a Markdown table: the supported operators, then the refused ones.
func writeOperators(w io.Writer, list []operatorReport) {
	fmt.Fprintln(w, "| operator | opsets | integer | |\n|---|---|---|---|")
	for _, o := range list {
		if o.Since > 0 {
			integer := "yes"
			if !o.Integer {
				integer = "no"
			}
			fmt.Fprintf(w, "| %s | %d..%d | %s | %s |\n", o.Name, o.Since, o.Until, integer, o.Note)
		}
	}
	for _, o := range list {
		if o.Since == 0 {
			fmt.Fprintf(w, "| %s | none | no | %s |\n", o.Name, o.Note)
		}
	}
}
