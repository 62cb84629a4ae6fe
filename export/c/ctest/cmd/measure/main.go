// Command measure exports programs as C, runs them on the machines of QEMU, checks the integers and counts instructions.
//
//	go run ./export/c/ctest/cmd/measure [-board NAME,...] [-optimize speed] [-keep DIR] [-sample FILE] MODEL.qlut...
//
// Instructions are those of one run, or step of a stream, on average, counted by a plugin of QEMU; text and data are the bytes of the network alone, as size tells them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"qconv/export/c"
	"qconv/export/c/ctest"
	"qconv/runtime"
)

var (
	tally        bool
	maxRAM       = flag.Int("max-ram", 0, "bytes of RAM that the network may take")
	maxFlash     = flag.Int("max-flash", 0, "bytes of flash that it may take")
	sampleFile   = flag.String("sample", "", "bytes of the samples that are run, as qrun reads them, or of the steps of a stream; without, numbers are drawn")
	estimateOnly = flag.Bool("estimate", false, "run nothing: print what the kernels do as JSON")
)

// printTally prints what the kernels do, for the fit of rates.
func printTally(path, name string, goal c.Goal, r *c.Report, count, flash int) error {
	text, err := json.Marshal(map[string]any{"board": name, "model": filepath.Base(path), "goal": goal, "count": count, "estimate": r.Instructions,
		"tally": r.Tally, "flash": flash, "constants": r.Constants, "code": r.Code})
	if err == nil {
		_, err = fmt.Println(string(text))
	}
	return err
}

func main() {
	boardsFlag := flag.String("board", "an385,rv32i,rv32e", "boards")
	goal := flag.String("optimize", "speed", "what is made small")
	keep := flag.String("keep", "", "folder for sources and executables, which stay there")
	flag.BoolVar(&tally, "tally", false, "print as JSON, with what the kernels do")
	flag.Parse()
	for _, path := range flag.Args() {
		for _, name := range strings.Split(*boardsFlag, ",") {
			if err := measure(path, name, c.Goal(*goal), *keep); err != nil {
				fmt.Fprintf(os.Stderr, "measure: %s on %s: %v\n", path, name, err)
			}
		}
	}
}

func measure(path, name string, goal c.Goal, keep string) error {
	b := ctest.BoardNamed(name)
	if b == nil {
		return fmt.Errorf("unknown board %q", name)
	}
	p, err := runtime.Open(path)
	if err != nil {
		return err
	}
	if *estimateOnly {
		r, err := c.Export(p, c.Options{Name: "net", Target: b.Target, Optimize: goal})
		if err != nil {
			return err
		}
		return printTally(path, name, goal, &r.Report, 0, 0)
	}
	dir := keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "qconv-measure"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	o := c.Options{Name: "net", Target: b.Target, Optimize: goal, MaxRAM: *maxRAM, MaxFlash: *maxFlash}
	steps := 1
	if p.Stream != nil {
		steps = 8
	}
	k, err := ctest.FromRuntime(o, p, 7, steps)
	if *sampleFile != "" {
		var all []byte
		if all, err = os.ReadFile(*sampleFile); err == nil {
			k, err = ctest.FromSamples(o, p, slices.Collect(slices.Chunk(all, p.SampleBytes())))
		}
	}
	if err != nil {
		return err
	}
	sources, err := ctest.Write(dir, []ctest.Case{k})
	if err != nil {
		return err
	}
	program, err := b.Build(dir, "check", sources, ctest.Flag(goal))
	if err != nil {
		return err
	}
	if err := b.Check(program); err != nil {
		return err
	}
	count, err := b.Count(dir, sources, ctest.Flag(goal))
	if err != nil {
		return err
	}
	count /= len(k.Samples)
	object := filepath.Join(dir, "net.o")
	flags := append(b.Compile[1:len(b.Compile):len(b.Compile)], ctest.Flag(goal), "-c", "-o", object, filepath.Join(dir, "net.c"))
	cmd := exec.Command(b.Compile[0], flags...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	text, err := exec.Command(strings.TrimSuffix(b.Compile[0], "gcc")+"size", object).Output()
	if err != nil {
		return err
	}
	sizes := strings.Fields(strings.Split(string(text), "\n")[1])
	r, err := c.Export(p, o)
	if err != nil {
		return err
	}
	macs := p.MACs()
	if tally {
		flash, err := strconv.Atoi(sizes[0])
		if err != nil {
			return err
		}
		return printTally(path, name, goal, &r.Report, count, flash)
	}
	fmt.Printf("%-28s %-8s %10d instructions, %5.2f for each of %d MACs, %+.1f %% estimated; flash %s, RAM %s (arena %d, constants %d)\n",
		filepath.Base(path), name, count, float64(count)/float64(macs), macs, 100*(float64(r.Instructions)/float64(count)-1), sizes[0], sizes[2], r.RAMBytes, r.Constants)
	return nil
}
