package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune/dataset"
	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime/printable"
)

// loadInputs reads a file for every input of a network, and the values that enter it, one sample after the
// other. All hold as many samples.
func loadInputs(c *cli.Context, f *floatModel, specs []string) (inputs []*dataset.Input, values [][]float32, err error) {
	if len(f.graph.Inputs) == 0 {
		return nil, nil, inputf("the network has no input")
	}
	files, err := inputFiles(f.graph, specs)
	if err != nil {
		return nil, nil, err
	}
	for i, v := range f.graph.Inputs {
		shape := slices.Clone(quant.SampleShape(v.Shape))
		if len(shape) == 0 {
			shape = onnx.Shape{1}
		}
		in, err := dataset.LoadInput(files[i], readOptions(c, shape))
		if err != nil {
			return nil, nil, err
		}
		if i > 0 && in.Count != inputs[0].Count {
			return nil, nil, inputf("%s holds %d samples for input %s, want %d as for %s", printable.Name(in.Name), in.Count,
				printable.Name(v.Name), inputs[0].Count, printable.Name(f.graph.Inputs[0].Name))
		}
		x := in.Floats
		if in.Kind == dataset.Pixels {
			lookup, err := pixelValues(f.input, shape[0])
			if err != nil {
				return nil, nil, err
			}
			size := elems(shape)
			x = make([]float32, in.Count*size)
			for k := range in.Count {
				applyPixels(x[k*size:][:size], in.Pixels[k*size:], lookup, elems(shape[1:]))
			}
		}
		inputs, values = append(inputs, in), append(values, x)
	}
	return inputs, values, nil
}

// inputFiles finds the file for every input: the only one given, NAME=FILE for each, or one .npz with arrays of
// their names.
func inputFiles(g *onnx.Graph, specs []string) ([]string, error) {
	named := map[string]string{}
	for _, spec := range specs {
		name, file, ok := strings.Cut(spec, "=")
		known := slices.ContainsFunc(g.Inputs, func(v *onnx.Value) bool { return v.Name == name })
		switch {
		case ok && known && named[name] != "":
			return nil, usagef("flag --%s: input %q is given twice", inputFlag.Name, name)
		case ok && known && file != "":
			named[name] = file
		case len(specs) == 1 && len(g.Inputs) == 1:
			return []string{spec}, nil // also a file with = in its name
		case len(specs) == 1 && strings.EqualFold(filepath.Ext(spec), ".npz"):
			for _, v := range g.Inputs {
				named[v.Name] = spec + "#" + v.Name
			}
		default:
			return nil, usagef("flag --%s: got %q, want NAME=FILE for each of the inputs %s", inputFlag.Name, spec, inputNames(g))
		}
	}
	files := make([]string, len(g.Inputs))
	for i, v := range g.Inputs {
		if files[i] = named[v.Name]; files[i] == "" {
			return nil, usagef("flag --%s: no file for input %q, want NAME=FILE for each of the inputs %s", inputFlag.Name, v.Name, inputNames(g))
		}
	}
	return files, nil
}

// inputNames lists the inputs of a network.
func inputNames(g *onnx.Graph) string {
	var names []string
	for _, v := range g.Inputs {
		names = append(names, v.Name)
	}
	return printable.Names(names)
}
