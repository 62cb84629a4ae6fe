package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"qconv/quant"
	"qconv/runtime/printable"
)

var exportONNX = exportKind{write: writeProgramONNX, flag: &cli.StringFlag{Name: "onnx", Category: catResult,
	Usage: "the same integers in standard ONNX operators, opset 17, to `FILE`: inputs are bytes as qrun takes them, outputs int32; scales and labels are in its metadata"}}

// writeProgramONNX writes a program as an ONNX file of integer operators.
func writeProgramONNX(c *cli.Context, path, out string) error {
	if err := checkKind(out, ".onnx"); err != nil {
		return err
	}
	file, err := claim(c, out, path)
	if err != nil {
		return err
	}
	defer file.Release()
	p, err := readProgram(c, path)
	if err != nil {
		return err
	}
	data, err := quant.ProgramONNX(p)
	if err != nil {
		return named(path, err)
	}
	if err := writeResult(file, data); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "written: %s, %s bytes\n", printable.Name(out), grouped(len(data)))
	return err
}
