package main

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"qconv/export/c"
	qrt "qconv/runtime"
	"qconv/runtime/bytesize"
	"qconv/runtime/printable"
)

var exportCFlag = &cli.StringFlag{Name: "c", Category: catResult,
	Usage: "C99 for microcontrollers in the new folder `DIR`: sources without multiplication, division or floating point, what builds them, and a README with what they take"}

var (
	nameFlag = &cli.StringFlag{Name: "name", Category: catResult, DefaultText: "of the model's file",
		Usage: "with --c, the `NAME` that starts the names of functions and files: an identifier of C"}
	chipFlag = &cli.StringFlag{Name: "target", Category: catResult, Value: string(c.Generic), Action: checkChip,
		Usage: "with --c, the `MACHINE` that kernels are chosen for: cortex-m0, rv32i, rv32e, avr or generic"}
	optimizeFlag = &cli.StringFlag{Name: "optimize", Category: catResult, Value: string(c.Speed), Action: checkGoal,
		Usage: "what kernels are chosen for on a microcontroller, `GOAL` speed or size"}
	maxFlashFlag = &cli.StringFlag{Name: "max-flash", Category: catResult, Action: checkBytes("max-flash"),
		Usage: "with --c, the most `BYTES` of flash, such as 64KiB, that constants and code may take: the fastest mix of kernels that fits is taken"}
	exportRAMFlag = &cli.StringFlag{Name: "max-ram", Category: catResult, Action: checkBytes("max-ram"),
		Usage: "with --c, the most `BYTES` of RAM, such as 16KiB, that the arena may take"}
)

var exportC = exportKind{flag: exportCFlag, more: []cli.Flag{nameFlag, chipFlag, optimizeFlag, maxFlashFlag, exportRAMFlag}, write: writeC}

func checkChip(_ *cli.Context, name string) error {
	if _, err := c.ParseTarget(name); err != nil {
		return usagef("flag --target: %v", err)
	}
	return nil
}

func checkGoal(_ *cli.Context, name string) error {
	if _, err := c.ParseGoal(name); err != nil {
		return usagef("flag --optimize: %v", err)
	}
	return nil
}

// checkBytes refuses what is no number of bytes.
func checkBytes(flag string) func(*cli.Context, string) error {
	return func(_ *cli.Context, text string) error {
		if _, err := bytesize.Parse(text); err != nil {
			return usagef("flag --%s: %v", flag, err)
		}
		return nil
	}
}

// writeC writes a folder of C.
func writeC(ctx *cli.Context, path, dir string) error {
	name := ctx.String(nameFlag.Name)
	if name == "" && !ctx.IsSet(nameFlag.Name) {
		name = c.NameFrom(filepath.Base(outputName(path, "")))
	}
	if err := c.CheckName(name); err != nil {
		return usagef("flag --%s: %v", nameFlag.Name, err)
	}
	p, err := readProgram(ctx, path)
	if err != nil {
		return err
	}
	r, err := exportedC(ctx, p, c.Options{Name: name, Target: c.Target(ctx.String(chipFlag.Name)), MaxFlash: bytesOf(ctx, maxFlashFlag), MaxRAM: bytesOf(ctx, exportRAMFlag)})
	if err != nil {
		return named(path, err)
	}
	var files []resultFile
	for _, f := range r.Files {
		files = append(files, resultFile{f.Path, f.Data})
	}
	if err := writeDir(dir, files); err != nil {
		return err
	}
	w := ctx.App.Writer
	fmt.Fprintf(w, "written: %s, %d files: %s.h declares %s\n", printable.Name(dir), len(files), name, r.Entry)
	printChip(w, &r.Report, 0)
	return nil
}

// exportedC is c.Export with the goal that --optimize names.
func exportedC(ctx *cli.Context, p *qrt.Program, o c.Options) (*c.Result, error) {
	o.Optimize = c.Goal(ctx.String(optimizeFlag.Name))
	return c.Export(p, o)
}

// bytesOf is a number of bytes, at most an int; 0 where it is not given.
func bytesOf(ctx *cli.Context, f *cli.StringFlag) int {
	n, err := bytesize.Parse(ctx.String(f.Name))
	if err != nil {
		return 0 // not given: the flag's action refuses anything else
	}
	return int(min(n, math.MaxInt32))
}

// isChip says that a target is a microcontroller, which has no operating system.
func isChip(target string) bool {
	_, err := c.ParseTarget(target)
	return err == nil
}

// doesNotFit says that a machine cannot hold a network.
func doesNotFit(err error) bool {
	var fit *c.FitError
	return errors.As(err, &fit)
}
