package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/runtime/printable"
)

// checkedWriter remembers the first error of its writer, so that printing code need not
// look at every call.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(p)
	c.err = err
	return n, err
}

// printJSON writes v, whose fields come in the order of its type, as one document.
func printJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(printable.JSON(text), '\n'))
	return err
}

// number is a number that JSON shows as null where it is none, or infinite.
type number float64

func (v number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(v))
}

// numbers are numbers that JSON shows alike.
type numbers []float64

func (v numbers) MarshalJSON() ([]byte, error) {
	list := make([]number, len(v))
	for i, x := range v {
		list[i] = number(x)
	}
	return json.Marshal(list)
}

// report prints v as JSON where --json was given, and otherwise calls text.
func report(c *cli.Context, v any, text func(w io.Writer)) error {
	if c.Bool(jsonFlag.Name) {
		return printJSON(c.App.Writer, v)
	}
	text(c.App.Writer)
	return nil
}

// note prints a line on standard error, in which names are quoted already.
func note(c *cli.Context, format string, args ...any) {
	fmt.Fprintln(c.App.ErrWriter, printable.Text(fmt.Sprintf(format, args...)))
}

// table aligns rows of tab-separated cells; cells of all columns but the first few, named
// by left, are aligned to the right.
type table struct {
	left int // columns aligned to the left
	rows [][]string
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, cell := range cells {
		row[i] = fmt.Sprint(cell)
	}
	t.rows = append(t.rows, row)
}

func (t *table) print(w io.Writer) {
	widths := map[int]int{}
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range t.rows {
		for i, cell := range row {
			if i >= t.left {
				cell = strings.Repeat(" ", widths[i]-len([]rune(cell))) + cell
			}
			if i > 0 {
				io.WriteString(tw, "\t")
			}
			io.WriteString(tw, cell)
		}
		io.WriteString(tw, "\n")
	}
	tw.Flush()
}

// grouped prints an integer with a comma every three digits.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent prints a fraction as 98.15 %.
func percent(fraction float64) string { return fmt.Sprintf("%.2f %%", 100*fraction) }

// outputName replaces the extension of a model's file name: .q.onnx, .onnx or .qlut.
func outputName(model, extension string) string {
	for _, old := range []string{".q.onnx", ".onnx", ".qlut"} {
		if base, ok := strings.CutSuffix(model, old); ok {
			return base + extension
		}
	}
	return model + extension
}

// checkOutput reports, before long work, an output file that cannot be written.
func checkOutput(path string, inputs ...string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return &outputError{fmt.Errorf("%s is a directory, want a file name", printable.Name(path))}
	case err == nil:
		for _, in := range inputs {
			if other, err := os.Stat(in); err == nil && os.SameFile(info, other) {
				return usagef("%s is the input itself, give another file", printable.Name(path))
			}
		}
	case !errors.Is(err, fs.ErrNotExist):
		return &outputError{err}
	}
	dir, err := os.Stat(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return &outputError{fmt.Errorf("%s: %w: make the folder, or give another file", printable.Name(path), err)}
	}
	if err != nil {
		return &outputError{err}
	}
	if !dir.IsDir() {
		return &outputError{fmt.Errorf("%s is not a directory", printable.Name(filepath.Dir(path)))}
	}
	return nil
}

// standardOutput is the name that writes a result to standard output.
const standardOutput = "-"

// otherKinds are the names' endings that say what is in a file, of files that qconv reads or writes.
var otherKinds = map[string]string{
	".onnx": "an ONNX file", ".qlut": "an integer program", ".npy": "an array", ".npz": "arrays", ".csv": "a table", ".json": "JSON", ".jsonl": "JSON",
	".html": "a page", ".zip": "an archive", ".txt": "text", ".png": "a picture", ".svg": "a picture", ".jpg": "a picture", ".jpeg": "a picture",
	".gif": "a picture", ".bmp": "a picture", ".webp": "a picture",
}

// checkKind refuses an output name whose ending says another kind of file than its own, such as .qlut.
func checkKind(path, own string) error {
	ending := strings.ToLower(filepath.Ext(path))
	if kind := otherKinds[ending]; kind != "" && ending != own {
		return usagef("the result is %s, want a name that ends in %s: %s would be %s", otherKinds[own], own, printable.Name(path), kind)
	}
	return nil
}

// claim checks an output and takes hold of it, before long work. The caller releases it. "-" is the standard output; reports then go to
// standard error.
func claim(c *cli.Context, path string, inputs ...string) (*atomicfile.File, error) {
	if path == standardOutput {
		if w, ok := c.App.Writer.(*checkedWriter); ok && isTerminal(w.w) {
			return nil, usagef("standard output is a terminal, want a pipe or a file for the result")
		}
		f := atomicfile.To(c.App.Writer, path)
		c.App.Writer = c.App.ErrWriter
		return f, nil
	}
	if err := checkOutput(path, inputs...); err != nil {
		return nil, err
	}
	f, err := atomicfile.Claim(path)
	if err != nil {
		return nil, &outputError{err}
	}
	if f.Unprotected() {
		note(c, "note: the file system of %s knows no locks; let no other process write it meanwhile", path)
	}
	return f, nil
}

// writeResult stores a result, and ends the claim of its file. A failed one of an earlier run is no longer what it stands beside, and goes.
func writeResult(f *atomicfile.File, data []byte) error {
	defer f.Release()
	if err := f.Write(data); err != nil {
		return &outputError{err}
	}
	if !f.IsStream() {
		os.Remove(failedName(f.Path()))
	}
	return nil
}
