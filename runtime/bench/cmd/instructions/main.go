// Command instructions counts the instructions that a program executes under QEMU, exactly.
//
//	instructions QEMU PROGRAM [ARG...]
//
// PROGRAM is a static executable with a function main.mark (Go) or mark (C) that does
// nothing. Every call of it ends a section; the result is one line of JSON with the
// number of instructions of each, the first of which is the start-up. What PROGRAM
// itself prints goes to standard error.
//
// QEMU writes a line for every block of instructions before executing it, and a listing
// of the block when it meets it first. Only the main thread is counted, so PROGRAM must
// do its work there.
package main

import (
	"bufio"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "instructions: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("got %d arguments, want QEMU PROGRAM [ARG...]", len(args))
	}
	mark, err := findMark(args[1])
	if err != nil {
		return err
	}
	log, w, err := os.Pipe()
	if err != nil {
		return err
	}
	// /dev/fd/3 is the first of ExtraFiles.
	cmd := exec.Command(args[0], append([]string{"-d", "in_asm,exec,nochain", "-D", "/dev/fd/3"}, args[1:]...)...)
	cmd.ExtraFiles = []*os.File{w}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	// One thread and no signals in between, where PROGRAM is written in Go.
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1", "GOGC=off")
	if err := cmd.Start(); err != nil {
		return err
	}
	w.Close()
	sections, err := count(bufio.NewReaderSize(log, 1<<20), mark)
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string][]int64{"sections": sections})
}

// findMark returns the address of the function that ends a section.
func findMark(path string) (uint64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	for _, s := range symbols {
		if (s.Name == "main.mark" || s.Name == "mark") && elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			return s.Value, nil
		}
	}
	return 0, fmt.Errorf("%s: no function mark", path)
}
