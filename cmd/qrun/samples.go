package main

import (
	"slices"
	"strings"

	"qconv/runtime"
	"qconv/runtime/printable"
)

// samples are what a program gets, in [C][H][W] order.
type samples struct {
	inputs [][][]byte // by input, then by sample
	levels []bool     // by input: they are levels, else bytes as the program takes them
	// names are those of the files that hold a sample, then by sample: one file, or one for each input.
	names [][]string
}

// onlyName is what the command line calls the input of a program with one, which has no name.
const onlyName = "input"

// inputNames are the names of the inputs on the command line.
func inputNames(p *runtime.Program) []string {
	if len(p.Inputs) == 1 {
		return []string{onlyName}
	}
	var names []string
	for i := range p.Inputs {
		names = append(names, p.Inputs[i].Name)
	}
	return names
}

// matchInputs finds the file of every input in the values of --input: NAME=FILE for each, or FILE alone for a program
// with one.
func matchInputs(p *runtime.Program, values []string) ([]string, error) {
	names := inputNames(p)
	files := make([]string, len(names))
	for _, value := range values {
		// A name may hold a = itself, so the longest that fits is meant.
		at := -1
		for i, name := range names {
			if strings.HasPrefix(value, name+"=") && (at < 0 || len(name) > len(names[at])) {
				at = i
			}
		}
		file := value
		switch name, _, assigned := strings.Cut(value, "="); {
		case at >= 0:
			file = value[len(names[at])+1:]
		case len(names) == 1:
			at = 0
		case assigned:
			return nil, usagef("flag --input: no input is called %s, want one of: %s", printable.Name(name), printable.Names(names))
		default:
			return nil, usagef("flag --input: got %s, want NAME=FILE for each of the inputs %s", printable.Name(value), printable.Names(names))
		}
		switch {
		case file == "":
			return nil, usagef("flag --input: no file for input %s, want %s=FILE", printable.Name(names[at]), shellWord(names[at]))
		case files[at] != "":
			return nil, usagef("flag --input: input %s is given twice, as %s and %s", printable.Name(names[at]), printable.Name(files[at]), printable.Name(file))
		}
		files[at] = file
	}
	if slices.Contains(files, "") {
		var missing []string
		for i, file := range files {
			if file == "" {
				missing = append(missing, names[i])
			}
		}
		return nil, usagef("no file for %s, want: %s", printable.Names(missing), inputFlags(names, files))
	}
	return files, nil
}

// inputFlags are the flags that name a file for every input; FILE stands for one that is not known.
func inputFlags(names, files []string) string {
	flags := make([]string, len(names))
	for i, name := range names {
		file := "FILE"
		if files[i] != "" {
			file = shellWord(files[i])
		}
		flags[i] = "--input " + shellWord(name) + "=" + file
	}
	return strings.Join(flags, " ")
}

// shellWord is s as a shell takes it, in single quotes where need be.
func shellWord(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,-#"
	if strings.Trim(s, plain) == "" && !strings.HasPrefix(s, "#") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// groups are the files that belong together: one for each input, or one that holds all inputs.
func (o *options) groups(p *runtime.Program) ([][]string, error) {
	if o.mode() {
		return nil, nil
	}
	if len(o.files) == 0 {
		files, err := matchInputs(p, o.inputs)
		return [][]string{files}, err
	}
	var groups [][]string
	for _, file := range o.files {
		groups = append(groups, []string{file})
	}
	return groups, nil
}

// readSamples reads the samples of a group of files.
func (o *options) readSamples(p *runtime.Program, files []string) (*samples, error) {
	if len(files) == len(p.Inputs) {
		return o.readNamed(p, files)
	}
	return o.readJoined(p, files[0])
}

// readNamed reads the samples of files, one for each input of the program, which hold as many.
func (o *options) readNamed(p *runtime.Program, files []string) (*samples, error) {
	s := &samples{}
	for i, file := range files {
		name := printable.Name(p.Inputs[i].Name)
		in, err := readInputs(file, p, i, o)
		if err != nil {
			if len(files) > 1 {
				err = inputf("input %s: %w", name, err)
			}
			return nil, err
		}
		if i == 0 { // the others hold as many
			if err := fitsMemory(len(in.samples), p.SampleBytes()); err != nil {
				return nil, inputf("%s: %w", file, err)
			}
		} else if want := len(s.names[0]); len(in.samples) != want {
			return nil, inputf("input %s: %s holds %d samples, want %d as %s holds for input %s; choose as many with #, such as #0:%d",
				name, file, len(in.samples), want, files[0], printable.Name(p.Inputs[0].Name), min(len(in.samples), want))
		}
		s.inputs, s.levels, s.names = append(s.inputs, in.samples), append(s.levels, in.levels), append(s.names, in.names)
	}
	return s, nil
}

// readJoined reads the samples of one file of raw bytes, in every sample the inputs one after the other
// (FORMAT.md, "PORT: input and outputs").
func (o *options) readJoined(p *runtime.Program, path string) (*samples, error) {
	f, err := locate(path, o)
	if err != nil {
		return nil, err
	}
	if f.kind != kindRaw {
		names := inputNames(p)
		return nil, usagef("%s: a file of this kind fills one input, and the program has several; want: %s", path, inputFlags(names, make([]string, len(names))))
	}
	joined, first, err := rawBytes(f, p.SampleBytes(), joinedShape(p), true)
	if err != nil {
		return nil, inputf("%s: %w", f.path, err)
	}
	s := &samples{inputs: make([][][]byte, len(p.Inputs)), levels: make([]bool, len(p.Inputs)), names: [][]string{f.names(first, len(joined), f.size > int64(p.SampleBytes()))}}
	for _, sample := range joined {
		for i := range p.Inputs {
			n := p.Tensors[p.Inputs[i].Tensor].Elems()
			s.inputs[i] = append(s.inputs[i], sample[:n:n])
			sample = sample[n:]
		}
	}
	return s, nil
}

// joinedShape says what a sample of all inputs consists of.
func joinedShape(p *runtime.Program) string {
	parts := make([]string, len(p.Inputs))
	for i := range p.Inputs {
		parts[i] = printable.Name(p.Inputs[i].Name) + " " + times(p.Tensors[p.Inputs[i].Tensor].Shape)
	}
	return strings.Join(parts, ", ") + ", one after the other"
}

// describe names the files of sample i, for a message.
func (s *samples) describe(i int) string {
	var names []string
	for _, list := range s.names {
		names = append(names, list[i])
	}
	return strings.Join(names, ", ")
}
