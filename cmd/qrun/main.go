// Command qrun runs an integer program on the board: additions and table look-ups only.
//
//	qrun MODEL.qlut picture.png    what the network says
//	qrun MODEL.qlut --input A=a.png --input B=b.raw    the same, of several inputs
//	arecord -t raw -f S16_LE -r 16000 | qrun --stream --format s16 MODEL.qlut    step after step of a stream
//	camera | qrun --loop --size 320x240 --pixel yuyv MODEL.qlut -    frame after frame
//	qrun --selftest MODEL.qlut     is this board right?
//	qrun --info MODEL.qlut         inputs, layers, bytes, exact RAM
//	qrun --bench MODEL.qlut        time per inference, kernel of every layer
//
// One that "qconv pack" made carries its program behind itself: MODEL.qlut is left out everywhere.
//
// Results go to standard output. Exit codes: 0 ok, 1 failure, 2 usage, 3 bad input file.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"qconv/runtime"
	"qconv/runtime/printable"
)

func main() { os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program: args[0] is the program's name. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	program, err := carried(args[0])
	o := options{}
	if err == nil {
		o, err = parse(args, program)
	}
	o.stdin, o.stderr = stdin, stderr
	w := bufio.NewWriter(stdout)
	switch {
	case err != nil:
	case o.help:
		_, err = io.WriteString(stdout, usage)
	case o.version:
		_, err = fmt.Fprintln(stdout, "qrun", version())
	default:
		err = errors.Join(execute(o, w), w.Flush())
	}
	if err == nil {
		return exitOK
	}
	code := exitCode(err)
	for _, e := range separate(err) {
		fmt.Fprintf(stderr, "qrun: %s\n", explain(e))
	}
	if code == exitUsage {
		io.WriteString(stderr, "See: qrun --help\n")
	}
	return code
}

// document is what --json prints. All figures but those of Bench, and what stands behind a normalization, are exact
// integers, and Inputs is the same on every machine.
type document struct {
	Model    string    `json:"model"`
	Info     *info     `json:"info,omitempty"`
	SelfTest *selfTest `json:"selftest,omitempty"`
	Bench    *bench    `json:"bench,omitempty"`
	Inputs   []result  `json:"inputs,omitempty"`
}

// selfTest is the outcome of --selftest; a failure is an error instead.
type selfTest struct {
	Tests int  `json:"tests"`
	OK    bool `json:"ok"`
}

// execute does what the options ask for, in a fixed order.
func execute(o options, w *bufio.Writer) error {
	if size, err := o.fileBytes(); err == nil {
		o.limits.Memory = o.maxMemory
		o.limits = o.limits.For(size)
		debug.SetMemoryLimit(o.limits.Memory) // garbage is collected before it takes more
	}
	p, r, err := load(o)
	if r != nil {
		defer r.Close()
	}
	if o.nothing() && (p == nil || len(p.Inputs) == 1) {
		if o.own != nil {
			return usagef("no input file given, want FILE...: the model is the one that this executable carries")
		}
		return usagef("no input file given, want qrun MODEL.qlut FILE...")
	}
	if p == nil {
		return err
	}
	groups, wrong := o.groups(p)
	if wrong != nil {
		return wrong
	}
	if o.selftest && len(p.SelfTests) == 0 {
		return fmt.Errorf("%s carries no self-test", printable.Name(o.model))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", printable.Name(o.model), err)
	}
	doc := document{Model: o.model}
	if o.info {
		if doc.Info, err = readInfo(o, p, r); err != nil {
			return err
		}
		if !o.json {
			doc.Info.print(w)
		}
	}
	if o.selftest {
		if err := r.SelfTest(); err != nil {
			return fmt.Errorf("self-test failed: %w", err)
		}
		doc.SelfTest = &selfTest{Tests: len(p.SelfTests), OK: true}
		if !o.json {
			fmt.Fprintf(w, "self-test ok: %d of %d\n", len(p.SelfTests), len(p.SelfTests))
		}
	}
	if o.bench {
		if doc.Bench, err = runBench(p, r, o); err != nil {
			return err
		}
		if !o.json {
			doc.Bench.print(w)
		}
	}
	if !o.mode() {
		o.noteStream(p)
	}
	if o.loop || o.stream {
		return o.serve(p, r, groups[0][0], w)
	}
	var bad []error
	for _, files := range groups {
		samples, err := o.readSamples(p, files)
		var results []result
		if err == nil {
			results, err = classify(p, r, samples, o.top)
		}
		var usage *usageError
		if errors.As(err, &usage) {
			return err
		}
		if err != nil {
			bad = append(bad, err)
			results = []result{{Input: strings.Join(files, ", "), Error: explain(err)}}
		}
		for _, res := range results {
			if !o.json && res.Error == "" {
				res.print(w)
			}
		}
		// A board may have little memory: keep what --json prints at the end, no more.
		if o.json {
			doc.Inputs = append(doc.Inputs, results...)
		}
	}
	if o.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		bad = append(bad, e.Encode(doc))
	}
	return errors.Join(bad...)
}

// load reads the program file and prepares it. Without a program, the failure is the file's. Where it takes more memory
// than was given, the error says how much would do.
func load(o options) (*runtime.Program, *runtime.Runner, error) {
	p, r, err := o.load()
	var limit *runtime.LimitError
	if p == nil && errors.As(err, &limit) && limit.Memory && o.maxMemory > 0 {
		if p, err := o.open(runtime.Limits{MACs: o.limits.MACs}); err == nil {
			limit.Need = p.Least(o.runtime()).Memory
		}
	}
	if p == nil {
		err = &inputError{err}
	}
	return p, r, err
}
