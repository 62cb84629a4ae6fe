package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"qconv/onnx"
	"qconv/quant"
	"qconv/runtime"
	"qconv/runtime/printable"
)

// checkInput reports an input that is missing, unreadable or not a regular file: a device never ends, a FIFO
// waits for a writer.
func checkInput(path, want string) error {
	info, err := os.Stat(path)
	if err != nil {
		return &inputError{err}
	}
	if info.IsDir() {
		return inputf("%s is a directory, want %s", printable.Name(path), want)
	}
	if !info.Mode().IsRegular() {
		return inputf("%s is not a regular file, want %s", printable.Name(path), want)
	}
	return nil
}

// named adds the file to an error of reading it, unless the error names it already, and
// makes an I/O error one of the input.
func named(path string, err error) error {
	if err == nil {
		return nil
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return &inputError{err}
	}
	return fmt.Errorf("%s: %w", printable.Name(path), err)
}

// readGraph reads an ONNX file as it is, within the memory that the command may take.
func readGraph(c *cli.Context, path string, o onnx.ReadOptions) (*onnx.Graph, error) {
	if err := checkInput(path, "an ONNX file"); err != nil {
		return nil, err
	}
	o = modelOptions(c, o)
	g, err := onnx.ReadWith(path, o)
	if err != nil && onnx.AboutBatch(err) {
		one, other := readOneSample(path, o)
		if one != nil {
			return one, nil
		}
		// Of one sample, what the network would need says more than what its nodes do to the batch.
		var unsupported *onnx.UnsupportedError
		if errors.As(other, &unsupported) && !onnx.AboutBatch(other) {
			err = other
		}
	}
	return g, named(path, err)
}

// modelOptions are those of a command, which bounds the memory.
func modelOptions(c *cli.Context, o onnx.ReadOptions) onnx.ReadOptions {
	o.MaxMemory = maxMemory(c)
	return o
}

// readModel reads an ONNX file, imported or not, as a model that can become integer.
func readModel(c *cli.Context, path string) (*quant.Model, error) {
	g, err := readGraph(c, path, onnx.ReadOptions{})
	if err != nil {
		return nil, err
	}
	m, err := quant.FromGraph(g)
	return m, named(path, err)
}

// floatModel is an ONNX network for float execution: it need not have an integer form.
type floatModel struct {
	graph  *onnx.Graph
	levels map[string]quant.Levels // nil before calibration
	input  quant.Preprocess
	labels []string
	// balance is that of a model, see [quant.Model], and so are pixels.
	balance map[string][]int
	pixels  *quant.PixelHint
	model   *quant.Model // nil where the network has no integer form
}

func readFloat(c *cli.Context, path string) (*floatModel, error) {
	g, err := readGraph(c, path, onnx.ReadOptions{})
	if err != nil {
		return nil, err
	}
	if quant.IsImported(g) {
		m, err := quant.FromGraph(g)
		if err != nil {
			return nil, named(path, err)
		}
		return &floatModel{m.Graph, m.Levels, m.Input, m.Labels, m.Balance, m.Pixels, m}, nil
	}
	f := &floatModel{graph: g, pixels: quant.PixelsOf(g)}
	if _, err := onnx.Simplify(g); err != nil {
		return nil, named(path, err)
	}
	if m, err := quant.NewModel(g); err == nil {
		f.model = m
	}
	return f, nil
}

// openFloatModel reads an ONNX file and takes over the preprocessing flags of the command.
func openFloatModel(c *cli.Context, path string) (*floatModel, error) {
	f, err := readFloat(c, path)
	if err != nil {
		return nil, err
	}
	if err := setPreprocess(c, &f.input); err != nil {
		return nil, err
	}
	labels, err := readLabels(c)
	if labels != nil {
		f.labels = labels
	}
	return f, err
}

// refusePreprocess reports preprocessing flags given with a program, which carries its own.
func refusePreprocess(c *cli.Context, path string) error {
	if name := anySet(c, preprocessFlags); name != "" {
		return usagef("flag --%s: %s carries its preprocessing and labels already", name, printable.Name(path))
	}
	return nil
}

// programLimits are those of a host that runs programs of its own making: memory is bounded, time is the user's.
func programLimits(c *cli.Context) runtime.Limits {
	return runtime.Limits{Memory: maxMemory(c), MACs: -1}
}

// readProgram reads a .qlut file.
func readProgram(c *cli.Context, path string) (*runtime.Program, error) {
	if err := checkInput(path, "a .qlut file"); err != nil {
		return nil, err
	}
	p, err := runtime.OpenWithin(path, programLimits(c))
	return p, named(path, err)
}

// isProgram tells a .qlut file from an ONNX file: by its name, or by its content where the
// name says nothing.
func isProgram(c *cli.Context, path string) (bool, error) {
	if err := checkInput(path, "an ONNX or .qlut file"); err != nil {
		return false, err
	}
	switch filepath.Ext(path) {
	case ".qlut":
		return true, nil
	case ".onnx":
		return false, nil
	}
	_, err := runtime.OpenWithin(path, programLimits(c))
	return err == nil || is[*runtime.LimitError](err), nil
}
