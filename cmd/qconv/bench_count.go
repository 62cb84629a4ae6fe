package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/urfave/cli/v2"

	source "qconv"
	qrt "qconv/runtime"
)

// measurePackage runs inferences that are counted.
const measurePackage = "qconv/runtime/bench/cmd/measure"

// emulators run the programs of a machine, by GOARCH. Those of the packages with -static in their names take no plugins.
var emulators = map[string]string{"arm": "qemu-arm", "arm64": "qemu-aarch64"}

// notCountedError says what is missing for counting.
type notCountedError struct{ lack string }

func (e *notCountedError) Error() string { return e.lack }

// section is what QEMU executed between two marks: instructions, loads, stores, and instructions of other threads.
type section [4]int64

// count runs the program at path under QEMU, and fills in what is counted. The error is a [*notCountedError] where
// something is missing for that.
func (r *machineReport) count(c *cli.Context, p *qrt.Program, path string) error {
	_, architecture, _ := targetParts(r.Target)
	qemu, err := exec.LookPath(emulators[architecture])
	if err != nil {
		return &notCountedError{fmt.Sprintf("there is no %s (apt-get install qemu-user)", emulators[architecture])}
	}
	compiler, err := exec.LookPath("cc")
	if err != nil {
		return &notCountedError{"there is no C compiler cc for what counts under QEMU (apt-get install gcc)"}
	}
	dir, err := os.MkdirTemp("", "qconv-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	k := counting{ctx: c.Context, qemu: qemu, plugin: filepath.Join(dir, "count.so"), measure: filepath.Join(dir, "measure"), dir: dir, model: path}
	plugin := filepath.Join(dir, "count.c")
	if err := os.WriteFile(plugin, source.CountPlugin, 0o666); err != nil {
		return err
	}
	if err := k.run(exec.CommandContext(c.Context, compiler, "-O2", "-shared", "-fPIC", "-o", k.plugin, plugin)); err != nil {
		return err
	}
	if err := buildFor(c.Context, r.Target, measurePackage, sourceFolders(), k.measure); err != nil {
		if is[*noSourceError](err) {
			err = &notCountedError{"there is nothing to count yet, and " + err.Error() + ", want both Go and the source of qconv in this folder"}
		}
		return err
	}
	if k.samples, err = writeSample(dir, p); err != nil {
		return err
	}
	whole, err := k.sections("2")
	if err != nil {
		return err
	}
	layers, err := k.sections("layers")
	if err != nil {
		return err
	}
	// Three sections end before the first inference, and before the inputs of one whose instructions are counted.
	order := p.Executed()
	if len(whole) != 3+2+1 || len(layers) != 4+len(order)+1 {
		return fmt.Errorf("counting: QEMU told of %d and %d sections, want 6 and %d", len(whole), len(layers), 5+len(order))
	}
	r.Counted, r.Loads, r.Stores = whole[4][0], whole[4][1], whole[4][2]
	for i, n := range order {
		r.Layers[n].Counted += layers[4+i][0]
	}
	return nil
}

// writeSample stores a generated sample as the numbers that it stands for.
func writeSample(dir string, p *qrt.Program) (string, error) {
	var data []byte
	for _, in := range levelInputs(p, p.GenerateInputs(1)) {
		data = append(data, in.Data...)
	}
	path := filepath.Join(dir, "sample.f32")
	return path, os.WriteFile(path, data, 0o666)
}

// counting runs the command measure under QEMU.
type counting struct {
	ctx                                        context.Context
	qemu, plugin, measure, dir, model, samples string
}

// sections runs a mode of measure.
func (k counting) sections(mode string) ([]section, error) {
	list := filepath.Join(k.dir, "sections.json")
	cmd := exec.CommandContext(k.ctx, k.qemu, "-d", "plugin", "-D", list, "-plugin", k.plugin, k.measure, k.model, k.samples, mode)
	// One thread, and no signals in between.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	if err := k.run(cmd); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	var s []section
	return s, json.Unmarshal(text, &s)
}

// run runs a tool; what it says is the error.
func (k counting) run(cmd *exec.Cmd) error {
	message, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case k.ctx.Err() != nil:
		return k.ctx.Err()
	case errors.As(err, &exit):
		return fmt.Errorf("counting: %s: %v: %s", filepath.Base(cmd.Path), err, bytes.TrimSpace(message))
	}
	return err
}
