package main

import (
	"math"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune/dataset"
	"qconv/onnx"
)

// readBindings reads the inputs that are to be constants: numbers, or arrays from files.
func readBindings(c *cli.Context) (onnx.ReadOptions, error) {
	o := onnx.ReadOptions{Constants: map[string]*onnx.Tensor{}, Numbers: map[string]float64{}}
	for _, pair := range c.StringSlice(bindFlag.Name) {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" || value == "" {
			return o, usagef("flag --%s: got %q, want NAME=NUMBER or NAME=FILE.npy", bindFlag.Name, pair)
		}
		if _, twice := o.Numbers[name]; twice || o.Constants[name] != nil {
			return o, usagef("flag --%s: input %q is bound twice", bindFlag.Name, name)
		}
		if x, err := parseNumber(value); err == nil && !math.IsInf(x, 0) {
			o.Numbers[name] = x
			continue
		}
		array, err := dataset.LoadArray(value, readOptions(c, nil))
		if err != nil {
			return o, err
		}
		t := &onnx.Tensor{Type: onnx.Float, Shape: append(onnx.Shape{}, array.Shape...), Floats: make([]float32, array.Len())}
		for i := range t.Floats {
			t.Floats[i] = float32(array.At(i))
		}
		o.Constants[name] = t
	}
	return o, nil
}
