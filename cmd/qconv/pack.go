package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	goruntime "runtime"

	"github.com/urfave/cli/v2"

	qrt "qconv/runtime"
	"qconv/runtime/printable"
)

var (
	packTargetFlag = &cli.StringFlag{Name: "target", Category: catResult, DefaultText: "this machine", Action: checkTarget,
		Usage: "the `MACHINE` it is for, named as Go does: linux/arm/5, linux/arm64, linux/mips"}
	qrunFlag = &cli.StringFlag{Name: "qrun", Category: catResult,
		Usage: "the qrun to join the model to, a `FILE` built for the target; without it one beside qconv, such as qrun-linux-armv5, or else it is built where Go and the source are"}
)

var packCommand = &cli.Command{
	Name:      "pack",
	Usage:     "join qrun and a model to one executable for a board",
	ArgsUsage: "MODEL.qlut",
	Description: "The result is one static file that does what qrun does with that model: all flags of qrun, without MODEL.qlut. The same qrun and model give the " +
		"same bytes. Targets are those of executables in ELF format, such as Linux.\n\n" +
		"Example: qconv pack model.qlut --target linux/arm/5 -o qrun-model",
	Flags:  []cli.Flag{packTargetFlag, qrunFlag, outFlag, maxMemoryFlag, jsonFlag},
	Action: runPack,
}

// packReport is what pack prints.
type packReport struct {
	Model  string `json:"model"`
	Target string `json:"target"`
	// Qrun is the file that the model was joined to; Built says that it was made for that instead.
	Qrun   string `json:"qrun,omitempty"`
	Built  bool   `json:"built"`
	Output string `json:"output"`
	Bytes  int    `json:"bytes"`
	// QrunBytes and ModelBytes are its parts.
	QrunBytes  int `json:"qrun_bytes"`
	ModelBytes int `json:"model_bytes"`
}

func runPack(c *cli.Context) error {
	path, err := oneArgument(c, "MODEL.qlut")
	if err != nil {
		return err
	}
	r := packReport{Model: path, Target: c.String(packTargetFlag.Name), Qrun: c.String(qrunFlag.Name), Output: c.String(outFlag.Name)}
	if r.Target == "" {
		r.Target = goruntime.GOOS + "/" + goruntime.GOARCH
	}
	if r.Output == "" {
		r.Output = filepath.Join(filepath.Dir(path), "qrun-"+filepath.Base(outputName(path, "")))
	}
	file, err := claim(c, r.Output, path)
	if err != nil {
		return err
	}
	defer file.Release()
	p, err := readProgram(c, path)
	if err != nil {
		return err
	}
	model, err := os.ReadFile(path)
	if err != nil {
		return &inputError{err}
	}
	if err := notePacked(c, p, len(model), r.Target); err != nil {
		return err
	}
	qrun, err := r.findQrun(c)
	if err != nil {
		return err
	}
	r.QrunBytes, r.ModelBytes, r.Bytes = len(qrun), len(model), len(qrun)+len(model)
	file.Executable = true
	if err := writeResult(file, append(qrun, model...)); err != nil {
		return err
	}
	return report(c, r, r.print)
}

// notePacked warns of a model that qrun refuses on its target unless it is told more memory or time.
func notePacked(c *cli.Context, p *qrt.Program, size int, name string) error {
	target, err := qrt.ParseTarget(name)
	if err != nil {
		return err
	}
	_, _, err = p.MemoryOn(target, int64(size), qrt.Options{})
	if is[*qrt.LimitError](err) {
		note(c, "warning: on %s it starts with --max-memory or --max-macs alone: %v", name, err)
		err = nil
	}
	return err
}

func (r packReport) print(w io.Writer) {
	from := "built from the source"
	if !r.Built {
		from = printable.Name(r.Qrun)
	}
	fmt.Fprintf(w, "qrun     %s bytes for %s, %s\n", grouped(r.QrunBytes), r.Target, from)
	fmt.Fprintf(w, "model    %s bytes, %s\n", grouped(r.ModelBytes), printable.Name(r.Model))
	fmt.Fprintf(w, "written: %s, %s bytes\n", printable.Name(r.Output), grouped(r.Bytes))
}
