package main

import (
	"fmt"
	"io"

	"qconv/onnx"
	"qconv/quant"

	"github.com/urfave/cli/v2"
)

var opsCommand = &cli.Command{
	Name:  "ops",
	Usage: "list the operators of ONNX that are supported, and why others are not",
	Flags: []cli.Flag{jsonFlag},
	Action: func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		list := operators()
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
