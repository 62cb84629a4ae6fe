package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"qconv/finetune/dataset"
	"qconv/quant"
	"qconv/runtime/printable"
)

// loadInputs reads the samples for every input of a network or program, as many for each. One alone serves all
// those of the other inputs.
func loadInputs(c *cli.Context, ports []port, pre quant.Preprocess, specs []string) ([]*dataset.Input, error) {
	if len(ports) == 0 {
		return nil, inputf("the network has no input")
	}
	zero, err := states(c, ports)
	if err != nil {
		return nil, err
	}
	files, err := inputFiles(ports, zero, specs)
	if err != nil {
		return nil, err
	}
	var inputs []*dataset.Input
	for i, p := range ports {
		if files[i] == "" {
			inputs = append(inputs, &dataset.Input{Name: p.name, Kind: dataset.Floats, Shape: p.shape, Count: 1, Floats: make([]float32, elems(p.shape))})
			continue
		}
		o, err := sequenceOptions(c, p.shape, pre)
		if err != nil {
			return nil, err
		}
		in, err := dataset.LoadInput(files[i], o)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, in)
	}
	most := slices.MaxFunc(inputs, func(a, b *dataset.Input) int { return a.Count - b.Count })
	for i, in := range inputs {
		switch {
		case in.Count == most.Count:
		case in.Count > 1:
			k := slices.Index(inputs, most)
			return nil, inputf("%s holds %d samples for input %s, want %d as for %s, or 1 for all of these", printable.Name(in.Name), in.Count,
				printable.Name(ports[i].name), most.Count, printable.Name(ports[k].name))
		default:
			size, allowed := int64(4*elems(ports[i].shape)), readOptions(c, nil).Allowance(most.FileBytes+in.FileBytes)
			if size*int64(most.Count) > allowed {
				return nil, inputf("%s: one sample of %d bytes for each of %d takes more than %d bytes", printable.Name(in.Name), size, most.Count, allowed)
			}
			in.Pixels, in.Floats = slices.Repeat(in.Pixels, most.Count), slices.Repeat(in.Floats, most.Count)
			in.Count = most.Count
		}
	}
	return inputs, nil
}

// inputValues are the numbers that samples are for an input of a network, one sample after the other.
func inputValues(in *dataset.Input, p port, pre quant.Preprocess) ([]float32, error) {
	switch {
	case in.Kind != dataset.Pixels:
		return in.Floats, nil
	case !p.pixels:
		return bytesAsNumbers(in.Pixels), nil
	}
	values, err := dataset.PixelValues(pre, p.shape[0])
	if err != nil {
		return nil, &inputError{err}
	}
	size := elems(p.shape)
	x := make([]float32, in.Count*size)
	for k := range in.Count {
		dataset.ApplyPixels(x[k*size:][:size], in.Pixels[k*size:][:size], values)
	}
	return x, nil
}

// bytesAsNumbers are the numbers 0..255.
func bytesAsNumbers(b []byte) []float32 {
	x := make([]float32, len(b))
	for i, v := range b {
		x[i] = float32(v)
	}
	return x
}

// inputFiles finds the file for every input: the only one given, NAME=FILE for each, or one .npz with arrays of
// their names. States begin with zeros where no file is named for them, which is then empty.
func inputFiles(ports []port, states, specs []string) ([]string, error) {
	named := map[string]string{}
	for _, spec := range specs {
		name, file, ok := strings.Cut(spec, "=")
		known := slices.ContainsFunc(ports, func(p port) bool { return p.name == name })
		switch {
		case ok && known && named[name] != "":
			return nil, usagef("flag --%s: input %q is given twice", inputFlag.Name, name)
		case ok && known && file != "":
			named[name] = file
		case len(specs) == 1 && len(ports) == len(states)+1 && len(states) > 0:
			k := slices.IndexFunc(ports, func(p port) bool { return !slices.Contains(states, p.name) })
			named[ports[k].name] = spec
		case len(specs) == 1 && len(ports) == 1:
			return []string{spec}, nil // also a file with = in its name
		case len(specs) == 1 && strings.EqualFold(filepath.Ext(spec), ".npz"):
			for _, p := range ports {
				named[p.name] = spec + "#" + p.name
			}
		default:
			return nil, usagef("flag --%s: got %q, want NAME=FILE for each of the inputs %s", inputFlag.Name, spec, portNames(ports))
		}
	}
	files := make([]string, len(ports))
	for i, p := range ports {
		if files[i] = named[p.name]; files[i] == "" && !slices.Contains(states, p.name) {
			return nil, usagef("flag --%s: no file for input %q, want NAME=FILE for each of the inputs %s", inputFlag.Name, p.name, portNames(ports))
		}
	}
	return files, nil
}
