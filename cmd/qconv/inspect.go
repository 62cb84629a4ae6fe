package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

var bytesFlag = &cli.BoolFlag{Name: "bytes", Category: catResult, Usage: "print every byte of a .qlut file beside its meaning"}

var inspectCommand = &cli.Command{
	Name:      "inspect",
	Usage:     "show what a model consists of",
	ArgsUsage: "MODEL.{onnx,qlut}",
	Description: "Of a .qlut: inputs, layers, levels, weight values, bits per weight, bytes by purpose, exact RAM and the kernels, on this " +
		"machine or with --target on another one; on a microcontroller flash, RAM and instructions of what export --c writes. Of an .onnx: preprocessing, levels and weight values.\n\n" +
		"--html draws it: the network, its bytes, weights, RAM and kernels; with --data also how far levels are used, with --against what is lost to another network, with --log the " +
		"course of its training.\n\n" +
		example("qconv inspect model.qlut --target linux/arm/5\n   qconv inspect model.qlut --target cortex-m0 --clock 64MHz\n   qconv inspect model.qlut --html model.html --data pictures.zip#test --against model.q.onnx"),
	Flags:  flagList([]cli.Flag{bytesFlag, htmlFlag, historyFlag, inspectAgainstFlag, targetFlag, optimizeFlag, clockFlag, maxMemoryFlag, jsonFlag}, dataFlags, preprocessFlags),
	Action: runInspect,
}

func runInspect(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL")
	if err != nil {
		return err
	}
	integer, err := isProgram(c, path)
	if err != nil {
		return err
	}
	shown, err := newInspection(c, path, integer)
	if err != nil {
		return err
	}
	defer shown.release()
	if c.Bool(bytesFlag.Name) {
		if shown != nil {
			return usagef("flag --%s and flag --%s exclude each other", bytesFlag.Name, htmlFlag.Name)
		}
		if c.Bool(jsonFlag.Name) {
			return usagef("flag --%s and flag --%s exclude each other", bytesFlag.Name, jsonFlag.Name)
		}
		if c.IsSet(targetFlag.Name) {
			return usagef("flag --%s and flag --%s exclude each other", bytesFlag.Name, targetFlag.Name)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return &inputError{err}
		}
		return named(path, qrt.Dump(c.App.Writer, data))
	}
	if !integer && c.IsSet(targetFlag.Name) {
		return usagef("flag --%s: the memory of a machine is that of a .qlut file, which convert writes; %s is none", targetFlag.Name, printable.Name(path))
	}
	if !integer {
		return inspectONNX(c, path, shown)
	}
	p, err := readProgram(c, path)
	if err != nil {
		return err
	}
	if isChip(c.String(targetFlag.Name)) {
		return inspectChip(c, path, p)
	}
	if name := anySet(c, []cli.Flag{optimizeFlag, clockFlag}); name != "" {
		return usagef("flag --%s needs --%s with a microcontroller, such as cortex-m0", name, targetFlag.Name)
	}
	size, err := fileSize(path)
	if err != nil {
		return err
	}
	info, err := inspectProgram(p, size, c.String(targetFlag.Name), programLimits(c))
	if err != nil {
		return err
	}
	r := programReport{Model: path, Producer: p.Producer, Source: hex.EncodeToString(p.Source[:]),
		Inputs: p.InputInfos(), Features: p.Features, Labels: p.Labels, programInfo: *info}
	if len(r.Inputs) == 1 {
		r.Input = &r.Inputs[0].Shape
	}
	if err := shown.program(p, &r); err != nil {
		return err
	}
	return report(c, r, r.print)
}

// programReport is what inspect prints of a program.
type programReport struct {
	Model    string `json:"model"`
	Producer string `json:"producer,omitempty"`
	Source   string `json:"source_sha256"`
	// Input is the shape of the only input; Inputs tells all about each.
	Input  *[3]int         `json:"input_shape,omitempty"`
	Inputs []qrt.InputInfo `json:"inputs"`
	// Features says which features of sound enter.
	Features string   `json:"features,omitempty"`
	Labels   []string `json:"labels,omitempty"`
	programInfo
}

func (r programReport) print(w io.Writer) {
	if r.Input != nil {
		fmt.Fprintf(w, "%s: input %v", printable.Name(r.Model), *r.Input)
	} else {
		fmt.Fprintf(w, "%s: %d inputs", printable.Name(r.Model), len(r.Inputs))
	}
	if len(r.Labels) > 0 {
		fmt.Fprintf(w, ", labels %s", printable.Names(r.Labels))
	}
	fmt.Fprintln(w)
	for _, in := range r.Inputs {
		fmt.Fprintf(w, "input    %v\n", in)
	}
	if r.Features != "" {
		fmt.Fprintf(w, "features %s\n", printable.Text(r.Features))
	}
	fmt.Fprintf(w, "source   %s\n", r.Source)
	r.printTotals(w)
	fmt.Fprintln(w)
	r.printLayers(w)
}
