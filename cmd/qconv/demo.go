package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"qconv/cmd/qconv/internal/atomicfile"
	"qconv/runtime/printable"
	"qconv/testdata"
)

var demoDirFlag = &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Category: catResult, Usage: "work in folder `DIR`, which is made; without it in a new temporary one"}

// demoCommand is a function, because a variable would be needed to initialize itself: the
// demo runs the other commands.
func demoCommand() *cli.Command {
	return &cli.Command{
		Name:        "demo",
		Usage:       "run all steps on the bundled model and data",
		Description: "Takes about a minute. Every step is shown as the command one would type; the files stay, to play with.\n\n" + example("qconv demo"),
		Flags:       []cli.Flag{demoDirFlag, jsonFlag},
		Action:      runDemo,
	}
}

// demoReport is what demo prints.
type demoReport struct {
	Directory     string  `json:"directory"`
	FloatAccuracy float64 `json:"float_accuracy"`
	LUTAccuracy   float64 `json:"lut_accuracy"`
	Agreement     float64 `json:"agreement"`
	BytesBefore   int     `json:"bytes_before"`
	BytesAfter    int     `json:"bytes_after"`
	BitsPerWeight float64 `json:"bits_per_weight"`
	RAMBytes      int     `json:"ram_bytes"`
	FloatNs       int64   `json:"float_ns_per_inference"`
	LUTNs         int64   `json:"lut_ns_per_inference"`
}

func runDemo(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	dir, err := demoDir(c.String(demoDirFlag.Name))
	if err != nil {
		return err
	}
	var (
		imported  importReport
		tuned     tuneReport
		converted convertReport
		measured  evalReport
		float     benchReport
		integer   benchReport
	)
	d := demo{c: c, dir: dir}
	d.step(&imported, "import digits.onnx --scale 1/255 --mean 0.1 --std 0.22")
	d.step(&tuned, "finetune digits.q.onnx --data digits#train --val digits#test --levels 32 --weights 16 --codebook integer")
	d.step(&converted, "convert digits.tuned.q.onnx -o digits.qlut")
	d.step(&measured, "eval digits.qlut --data digits#test --against digits.q.onnx")
	d.step(&float, "bench digits.onnx --seconds 0.5")
	d.step(&integer, "bench digits.qlut --seconds 0.5")
	if d.err != nil {
		return d.err
	}
	before, err := fileSize(filepath.Join(dir, "digits.onnx"))
	if err != nil {
		return err
	}
	r := demoReport{
		Directory:     dir,
		FloatAccuracy: *measured.Against.Accuracy, LUTAccuracy: *measured.Accuracy, Agreement: *measured.Agreement,
		BytesBefore: before, BytesAfter: converted.FileBytes, BitsPerWeight: converted.BitsPerWeight,
		RAMBytes: converted.RAMBytes, FloatNs: float.NsPerInference, LUTNs: integer.NsPerInference,
	}
	return report(c, r, r.print)
}

// demoDir makes the folder and fills it with the bundled files.
func demoDir(dir string) (string, error) {
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "qconv-demo-")
	} else {
		err = os.MkdirAll(dir, 0o777)
	}
	if err != nil {
		return "", &outputError{err}
	}
	err = fs.WalkDir(testdata.Demo, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o777)
		}
		data, err := fs.ReadFile(testdata.Demo, path)
		if err != nil {
			return err
		}
		f, err := atomicfile.Claim(to)
		if err != nil {
			return err
		}
		defer f.Release()
		return f.Write(data)
	})
	if err != nil {
		return "", &outputError{err}
	}
	return dir, nil
}

// demo runs commands as a user would, in a folder of their own.
type demo struct {
	c   *cli.Context
	dir string
	err error // the first one; later steps then do nothing
}

// step shows a command, runs it and reads the JSON document it prints into result. File
// names stand for files in the folder.
func (d *demo) step(result any, line string) {
	if d.err != nil {
		return
	}
	note(d.c, "$ qconv %s", line)
	args := []string{"qconv"}
	for _, arg := range strings.Fields(line) {
		if strings.HasPrefix(arg, "digits") {
			arg = filepath.Join(d.dir, arg)
		}
		args = append(args, arg)
	}
	var out bytes.Buffer
	name, err := dispatch(d.c.Context, newApp(d.c.App.Reader, &out, d.c.App.ErrWriter), append(args, "--json"))
	if err == nil {
		err = json.Unmarshal(out.Bytes(), result)
	}
	if err != nil {
		d.err = fmt.Errorf("%s: %w", name, err)
	}
}

func (r demoReport) print(w io.Writer) {
	t := table{left: 1}
	t.add("", "float", "integer")
	t.add("accuracy", percent(r.FloatAccuracy), percent(r.LUTAccuracy))
	t.add("same answer", "", percent(r.Agreement))
	t.add("file, bytes", grouped(r.BytesBefore), grouped(r.BytesAfter))
	t.add("bits per weight", "32", fmt.Sprintf("%.2f", r.BitsPerWeight))
	t.add("RAM, bytes", "", grouped(r.RAMBytes))
	t.add("one inference", time.Duration(r.FloatNs), time.Duration(r.LUTNs))
	t.print(w)
	fmt.Fprintf(w, "The files are in %s\n", printable.Name(r.Directory))
}
