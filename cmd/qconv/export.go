package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// exportKind is a form that export writes: its flag, whose value says where to, and what writes it. The file at path is the model
// that was given, out the value of the flag.
type exportKind struct {
	flag  *cli.StringFlag
	more  []cli.Flag // that only this form takes
	write func(c *cli.Context, path, out string) error
}

// exportKinds are the forms, in the order of the help text.
func exportKinds() []exportKind {
	return []exportKind{
		exportONNX,
		exportQDQ,
		exportGo,
		exportC,
		// one line for each, as in export_NAME.go
	}
}

func exportCommand() *cli.Command {
	c := &cli.Command{
		Name:      "export",
		Usage:     "write a converted network in a form that others build or run",
		ArgsUsage: "MODEL",
		Description: "One form for each call, of a .qlut unless it says otherwise. The same model gives the same bytes.\n\n" +
			example("qconv export model.qlut --onnx model.integer.onnx"),
		Action: runExport,
	}
	for _, k := range exportKinds() {
		c.Flags = append(append(c.Flags, k.flag), k.more...)
	}
	c.Flags = append(c.Flags, maxMemoryFlag)
	return c
}

func runExport(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL")
	if err != nil {
		return err
	}
	var names, given []string
	var chosen exportKind
	for _, k := range exportKinds() {
		names = append(names, "--"+k.flag.Name)
		if c.IsSet(k.flag.Name) {
			given = append(given, "--"+k.flag.Name)
			chosen = k
		}
	}
	switch {
	case len(given) == 0:
		return usagef("no form given, want one of %s", strings.Join(names, ", "))
	case len(given) > 1:
		return usagef("flags %s exclude each other: one form for each call", strings.Join(given, " and "))
	}
	for _, k := range exportKinds() {
		if name := anySet(c, k.more); name != "" && k.flag != chosen.flag {
			return usagef("flag --%s belongs to --%s", name, k.flag.Name)
		}
	}
	out := c.String(chosen.flag.Name)
	if out == "" {
		return usagef("flag --%s needs a value", chosen.flag.Name)
	}
	return chosen.write(c, path, out)
}
