package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"qconv/runtime/printable"
)

var exportQDQ = exportKind{write: writeQDQ, flag: &cli.StringFlag{Name: "qdq", Category: catResult,
	Usage: "of a tuned model, what finetune writes and not a .qlut: floating point with QuantizeLinear and DequantizeLinear at every value with levels, and weights in int8 where they fit, to `FILE`, for other runtimes"}}

// writeQDQ writes a tuned model for runtimes that compute in eight bits.
func writeQDQ(c *cli.Context, path, out string) error {
	if err := checkKind(out, ".onnx"); err != nil {
		return err
	}
	file, err := claim(c, out, path)
	if err != nil {
		return err
	}
	defer file.Release()
	integer, err := isProgram(c, path)
	if err != nil {
		return err
	}
	if integer {
		return usagef("flag --qdq: %s is a .qlut, whose scales are gone into thresholds, want the tuned model that it was converted from", printable.Name(path))
	}
	m, err := readModel(c, path)
	if err != nil {
		return err
	}
	if !isTuned(m) {
		return usagef("flag --qdq: %s has no levels or no codebooks yet, want what qconv finetune writes", printable.Name(path))
	}
	m.Producer = producer()
	q, err := m.QDQ()
	if err != nil {
		return named(path, err)
	}
	if err := writeResult(file, q.File); err != nil {
		return err
	}
	if len(q.Floats) > 0 {
		note(c, "weights of more than 8 bits stay float32 (finetune --codebook integer has others): %s", firstNames(q.Floats))
	}
	_, err = fmt.Fprintf(c.App.Writer, "written: %s, %s bytes: %d values with levels, %d of %d weight tensors in int8\n",
		printable.Name(out), grouped(len(q.File)), len(m.Sites), q.Weights, q.Weights+len(q.Floats))
	return err
}
