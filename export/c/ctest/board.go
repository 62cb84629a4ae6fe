package ctest

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"qconv/export/c"
)

//go:embed boards
var boards embed.FS

// Board is a machine that runs checks, and what builds for it.
type Board struct {
	Name    string
	Target  c.Target
	Tools   map[string]string // what is needed, and how to get it
	Compile []string          // compiler and flags
	Start   string            // the file of boards that starts the checks
	Run     []string          // in front of the executable; none: it runs itself
	RAM     int               // bytes that a network may take; 0: any
	Says    string            // what a run prints if all is well; empty: its exit code tells
	Loose   bool              // constants need extensions of C
}

// strict are the warnings that sources are free of.
var strict = []string{"-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"}

var arm = []string{"arm-none-eabi-gcc", "-mcpu=cortex-m0", "-mthumb", "-ffunction-sections", "-fdata-sections", "-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections"}

func riscv(march, mabi string) []string {
	return []string{"riscv64-unknown-elf-gcc", "-march=" + march, "-mabi=" + mabi, "-ffunction-sections", "-fdata-sections", "--specs=picolibc.specs", "-nostartfiles", "-Wl,--gc-sections"}
}

var (
	armTools   = map[string]string{"arm-none-eabi-gcc": "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi", "qemu-system-arm": "apt-get install qemu-system-arm"}
	riscvTools = map[string]string{"riscv64-unknown-elf-gcc": "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf", "qemu-system-riscv32": "apt-get install qemu-system-misc"}
	semihost   = []string{"-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config", "enable=on,target=native"}
)

// Boards lists the machines without an operating system.
var Boards = []Board{
	{Name: "microbit", Target: c.CortexM0, Tools: armTools, Compile: append(arm[:len(arm):len(arm)], "-T", "microbit.ld"), Start: "start.c",
		Run: append([]string{"qemu-system-arm", "-M", "microbit"}, append(semihost, "-kernel")...), RAM: 14 << 10},
	{Name: "an385", Target: c.CortexM0, Tools: armTools, Compile: append(arm[:len(arm):len(arm)], "-T", "an385.ld"), Start: "start.c",
		Run: append([]string{"qemu-system-arm", "-M", "mps2-an385"}, append(semihost, "-kernel")...)},
	{Name: "rv32i", Target: c.RV32I, Tools: riscvTools, Compile: append(riscv("rv32i", "ilp32"), "-T", "virt32.ld"), Start: "start.c",
		Run: append([]string{"qemu-system-riscv32", "-M", "virt", "-bios", "none"}, append(semihost, "-kernel")...)},
	{Name: "rv32e", Target: c.RV32E, Tools: riscvTools, Compile: append(riscv("rv32e", "ilp32e"), "-T", "virt32.ld"), Start: "start.c",
		Run: append([]string{"qemu-system-riscv32", "-M", "virt", "-bios", "none"}, append(semihost, "-kernel")...)},
}

// Arduino is a machine of 8 bits with 32 KB flash and 2 KB RAM.
var Arduino = Board{Name: "atmega328p", Target: c.AVR, Tools: map[string]string{"avr-gcc": "apt-get install gcc-avr avr-libc", "simavr": "apt-get install simavr"},
	Compile: []string{"avr-gcc", "-mmcu=atmega328p", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"}, Start: "avr.c",
	Run: []string{"simavr", "-m", "atmega328p", "-f", "16000000"}, RAM: 1 << 10, Says: "all right", Loose: true}

// BoardNamed finds a board.
func BoardNamed(name string) *Board {
	for i := range Boards {
		if Boards[i].Name == name {
			return &Boards[i]
		}
	}
	return nil
}

// Flag is the optimization that compilers are told for a goal.
func Flag(goal c.Goal) string {
	if goal == c.Size {
		return "-Os"
	}
	return "-O2"
}

// Host is this machine with a compiler and its flags.
func Host(compile ...string) *Board {
	return &Board{Name: "host", Target: c.Generic, Compile: compile, Start: "host.c"}
}

// Build compiles sources that Write made in dir, with further flags, and returns the executable.
func (b *Board) Build(dir, name string, sources []string, flags ...string) (string, error) {
	list, err := boards.ReadDir("boards")
	if err != nil {
		return "", err
	}
	for _, f := range list {
		data, err := boards.ReadFile("boards/" + f.Name())
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, f.Name()), data, 0o644); err != nil {
			return "", err
		}
	}
	out := filepath.Join(dir, name+".elf")
	strict, standard := strict, "-std=c99"
	if b.Loose {
		strict, standard = slices.DeleteFunc(slices.Clone(strict), func(f string) bool { return f == "-pedantic" }), "-std=gnu99"
	}
	if strings.HasSuffix(b.Compile[0], "++") {
		standard = "-std=c++11"
	}
	args := append(append(b.Compile[1:len(b.Compile):len(b.Compile)], strict...), standard)
	args = append(args, "-o", out)
	args = append(append(args, sources...), filepath.Join(dir, b.Start))
	cmd := exec.Command(b.Compile[0], append(args, flags...)...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, text)
	}
	return out, nil
}

// runTime is the longest that an executable may run.
const runTime = 5 * time.Minute

func (b *Board) command(ctx context.Context, program string, flags ...string) *exec.Cmd {
	args := append(append(append([]string{}, b.Run...), program), flags...)
	return exec.CommandContext(ctx, args[0], args[1:]...)
}

// Check runs an executable; it is an error if a result is wrong.
func (b *Board) Check(program string) error {
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	if text, err := b.command(ctx, program).CombinedOutput(); err != nil || !bytes.Contains(text, []byte(b.Says)) {
		return fmt.Errorf("%s: %v: wrong: %s", b.Name, err, bytes.TrimSpace(text))
	}
	return nil
}

// Count is the number of instructions for all samples of the only case of sources together, or for its steps of a stream.
func (b *Board) Count(dir string, sources []string, flags ...string) (int, error) {
	plugin := filepath.Join(dir, "count.so")
	if _, err := os.Stat(plugin); err != nil {
		if text, err := exec.Command("cc", "-O2", "-shared", "-fPIC", "-o", plugin, filepath.Join(dir, "count.c")).CombinedOutput(); err != nil {
			return 0, fmt.Errorf("%w: %s", err, text)
		}
	}
	var counts [2]int
	for runs := range counts {
		program, err := b.Build(dir, fmt.Sprintf("count%d", runs), sources, append(flags[:len(flags):len(flags)], fmt.Sprintf("-DCHECK_RUNS=%d", runs))...)
		if err != nil {
			return 0, err
		}
		if _, err := os.Stat(plugin); err != nil {
			return 0, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), runTime)
		log := filepath.Join(dir, "count.log")
		text, err := b.command(ctx, program, "-d", "plugin", "-D", log, "-plugin", plugin).CombinedOutput()
		cancel()
		if err != nil {
			return 0, fmt.Errorf("%s: %w: %s", b.Name, err, text)
		}
		data, err := os.ReadFile(log)
		if err != nil {
			return 0, err
		}
		if counts[runs], err = strconv.Atoi(strings.TrimSpace(string(data))); err != nil {
			return 0, err
		}
	}
	return counts[1] - counts[0], nil
}
