package c_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"qconv/export/c"
	"qconv/export/c/ctest"
	"qconv/internal/testtool"
	"qconv/runtime"
)

// digits is the network of the runtime's test data.
func digits(t *testing.T) *runtime.Program {
	t.Helper()
	p, err := runtime.Open("../../runtime/testdata/digits.qlut")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var goals = []c.Goal{c.Speed, c.Size}

// samples is how many are run.
const samples = 2

// written exports the digits in a folder and returns the files to compile.
func written(t *testing.T, o c.Options) (dir string, files []string) {
	t.Helper()
	return sources(t, o, digits(t), 3, samples)
}

// sources exports a program with a check of some samples, or steps, and returns the files to compile.
func sources(t *testing.T, o c.Options, p *runtime.Program, seed uint32, samples int) (dir string, files []string) {
	t.Helper()
	k, err := ctest.FromRuntime(o, p, seed, samples)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if files, err = ctest.Write(dir, []ctest.Case{k}); err != nil {
		t.Fatal(err)
	}
	return dir, files
}

// TestHost builds with every compiler of this machine, as C and as C++, without warnings, and demands the integers of the runtime.
func TestHost(t *testing.T) {
	for _, cc := range []struct{ name, install string }{{"gcc", "apt-get install gcc"}, {"clang", "apt-get install clang"}, {"g++", "apt-get install g++"}} {
		t.Run(cc.name, func(t *testing.T) {
			tool := testtool.Path(t, cc.name, cc.install)
			for _, target := range c.Targets {
				for _, goal := range goals {
					dir, files := written(t, c.Options{Name: "digits", Target: target, Optimize: goal})
					board := ctest.Host(tool, "-O2")
					switch cc.name {
					case "gcc":
						board = ctest.Host(tool, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
					case "g++":
						board = ctest.Host(tool, "-x", "c++", "-O1")
					}
					program, err := board.Build(dir, "check", files)
					if err != nil {
						t.Fatal(err)
					}
					if err := board.Check(program); err != nil {
						t.Errorf("%s for %s: %v", target, goal, err)
					}
				}
			}
		})
	}
}

// TestBoards does so on the machines of QEMU, where nothing that a run reaches multiplies or divides.
func TestBoards(t *testing.T) {
	for i := range ctest.Boards {
		b := &ctest.Boards[i]
		t.Run(b.Name, func(t *testing.T) {
			for tool, install := range b.Tools {
				testtool.Path(t, tool, install)
			}
			for _, goal := range goals {
				r, err := c.Export(digits(t), c.Options{Name: "digits", Target: b.Target, Optimize: goal})
				if err != nil {
					t.Fatal(err)
				}
				if b.RAM > 0 && r.RAMBytes > b.RAM {
					t.Fatalf("the digits take %d bytes of RAM, want at most %d", r.RAMBytes, b.RAM)
				}
				dir, files := written(t, c.Options{Name: "digits", Target: b.Target, Optimize: goal})
				for _, flag := range []string{"-O2", "-Os", "-O3"} {
					program, err := b.Build(dir, "check", files, flag)
					if err != nil {
						t.Fatal(err)
					}
					if err := b.Check(program); err != nil {
						t.Errorf("for %s with %s: %v", goal, flag, err)
					}
					noMultiplications(t, strings.TrimSuffix(b.Compile[0], "gcc")+"objdump", program, "digits_run")
				}
			}
		})
	}
}

var (
	functionLine = regexp.MustCompile(`^[0-9a-f]+ <(.+)>:$`)
	targetOfCall = regexp.MustCompile(`<([^+>]+)(\+0x[0-9a-f]+)?>`)
	multiplies   = regexp.MustCompile(`^(f?mul|u?mla|smul|umull|smull|s?div|u?div|rem|v?mul)`)
	softArith    = regexp.MustCompile(`^__(aeabi_.*(mul|div)|.*(mul|div|mod)[a-z]*[0-9]?$)`)
)

// noMultiplications reports every instruction that multiplies or divides in what start reaches in a program.
func noMultiplications(t *testing.T, objdump, program, start string) {
	t.Helper()
	text, err := exec.Command(objdump, "-d", "--no-show-raw-insn", program).Output()
	if err != nil {
		t.Fatalf("%s: %v", objdump, err)
	}
	body, name := map[string][]string{}, ""
	for _, line := range strings.Split(string(text), "\n") {
		if m := functionLine.FindStringSubmatch(line); m != nil {
			name = m[1]
		} else if _, instruction, found := strings.Cut(line, "\t"); found {
			body[name] = append(body[name], strings.TrimSpace(instruction))
		}
	}
	if len(body[start]) == 0 {
		t.Fatalf("%s has no function %s", program, start)
	}
	seen, todo, count := map[string]bool{start: true}, []string{start}, 0
	for len(todo) > 0 {
		name, todo = todo[0], todo[1:]
		if softArith.MatchString(name) {
			t.Errorf("%s calls %s", start, name)
		}
		for _, i := range body[name] {
			count++
			if multiplies.MatchString(i) {
				t.Errorf("%s: %s", name, i)
			}
			if m := targetOfCall.FindStringSubmatch(i); m != nil && !seen[m[1]] && body[m[1]] != nil {
				seen[m[1]] = true
				todo = append(todo, m[1])
			}
		}
	}
	if count < 300 {
		t.Errorf("only %d instructions are reached, want those of the kernels", count)
	}
}

// TestEstimate compares what is estimated with what QEMU counts.
func TestEstimate(t *testing.T) {
	testtool.Path(t, "cc", "apt-get install gcc") // for the plugin
	for i := range ctest.Boards {
		b := &ctest.Boards[i]
		for tool, install := range b.Tools {
			testtool.Path(t, tool, install)
		}
		if b.RAM > 0 { // the processor of another one
			continue
		}
		for _, goal := range goals {
			o := c.Options{Name: "digits", Target: b.Target, Optimize: goal}
			r, err := c.Export(digits(t), o)
			if err != nil {
				t.Fatal(err)
			}
			dir, files := written(t, o)
			if _, err := b.Build(dir, "check", files, ctest.Flag(goal)); err != nil {
				t.Fatal(err)
			}
			count, err := b.Count(dir, files, ctest.Flag(goal))
			if err != nil {
				t.Fatal(err)
			}
			count /= samples
			off := float64(r.Instructions)/float64(count) - 1
			t.Logf("%s for %s: %d instructions, estimated %d, %+.1f %%", b.Name, goal, count, r.Instructions, 100*off)
			if off < -0.15 || off > 0.15 {
				t.Errorf("%s for %s: %d instructions are counted and %d estimated, want within 15 %%", b.Name, goal, count, r.Instructions)
			}
		}
	}
}

// TestFolder builds and tests the folder as its README says.
func TestFolder(t *testing.T) {
	testtool.Path(t, "make", "apt-get install make")
	p := digits(t)
	p.Labels = []string{`say "zero"`, `back\slash`, "drei", "vier??!", "fünf", "six\n", "7", "8", "9", "ten"}
	r, err := c.Export(p, c.Options{Name: "digits"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range r.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	printer := "#include <stdio.h>\n#include \"digits.h\"\nint main(void) { int i; for (i = 0; i < DIGITS_LABELS; i++) printf(\"%s|\", digits_labels[i]); return 0; }\n"
	if err := os.WriteFile(filepath.Join(dir, "labels.c"), []byte(printer), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"make", "make test", "cc -std=c99 -Wall -Werror -o labels labels.c digits.c", "./labels"} {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		text, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, text)
		}
		if want := strings.Join(p.Labels, "|") + "|"; command == "./labels" && string(text) != want {
			t.Errorf("labels are %q, want %q", text, want)
		}
	}
	if _, err := exec.LookPath("cmake"); err == nil {
		cmd := exec.Command("sh", "-c", "cmake -B build . && cmake --build build && ctest --test-dir build")
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("cmake: %v\n%s", err, text)
		}
	}
	again, err := c.Export(p, c.Options{Name: "digits"})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.Files {
		if !bytes.Equal(f.Data, again.Files[i].Data) {
			t.Errorf("%s differs from one export to the next", f.Path)
		}
	}
}

// TestRows feeds the input row by row.
func TestRows(t *testing.T) {
	gcc := testtool.Path(t, "gcc", "apt-get install gcc")
	p := digits(t)
	r, err := c.Export(p, c.Options{Name: "digits"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range r.Files {
		if !strings.Contains(f.Path, "/") {
			if err := os.WriteFile(filepath.Join(dir, f.Path), f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	main := `#include <string.h>
#include "digits.h"
int main(void) {
    static uint8_t in[DIGITS_INPUT_BYTES];
    static int32_t a[DIGITS_OUTPUT_COUNT], b[DIGITS_OUTPUT_COUNT];
    uint32_t i;
    for (i = 0; i < DIGITS_INPUT_BYTES; i++) in[i] = (uint8_t)((i << 3) ^ (i >> 2));
    if (digits_run(in, a)) return 1;
    for (i = 0; i < DIGITS_INPUT_ROWS; i++) {
        uint8_t row[DIGITS_INPUT_CHANNELS * DIGITS_INPUT_COLUMNS];
        uint32_t c;
        for (c = 0; c < DIGITS_INPUT_CHANNELS; c++)
            memcpy(row + c * DIGITS_INPUT_COLUMNS, in + (c * DIGITS_INPUT_ROWS + i) * DIGITS_INPUT_COLUMNS, DIGITS_INPUT_COLUMNS);
        if (digits_input_row(i, row)) return 2;
    }
    if (digits_input_row(DIGITS_INPUT_ROWS, in) != 1) return 3;
    if (digits_run(NULL, b)) return 4;
    if (a[0] == 0 && a[1] == 0 && a[2] == 0) return 5;
    return memcmp(a, b, sizeof a) ? 6 : 0;
}
`
	if err := os.WriteFile(filepath.Join(dir, "main.c"), []byte(main), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", gcc+" -std=c99 -o rows main.c digits.c && ./rows")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "a-b", "9net", "int", "class", "q", "ünder", "a b", "_x", strings.Repeat("a", 41)} {
		if c.CheckName(name) == nil {
			t.Errorf("name %q is taken", name)
		}
		if err := c.CheckName(c.NameFrom(name)); err != nil {
			t.Errorf("the name made of %q: %v", name, err)
		}
	}
	if err := c.CheckName("Net_2"); err != nil {
		t.Error(err)
	}
}

// TestLimits demands what fits, or the least that would.
func TestLimits(t *testing.T) {
	p := digits(t)
	free, err := c.Export(p, c.Options{Name: "digits"})
	if err != nil {
		t.Fatal(err)
	}
	small, err := c.Export(p, c.Options{Name: "digits", Optimize: c.Size})
	if err != nil {
		t.Fatal(err)
	}
	if small.FlashBytes >= free.FlashBytes {
		t.Fatalf("for size it takes %d bytes of flash, for speed %d", small.FlashBytes, free.FlashBytes)
	}
	most := (small.FlashBytes + free.FlashBytes) / 2
	between, err := c.Export(p, c.Options{Name: "digits", MaxFlash: most})
	if err != nil {
		t.Fatal(err)
	}
	if between.FlashBytes > most || between.Instructions < free.Instructions {
		t.Errorf("%d bytes of flash and %d instructions, want at most %d and at least %d", between.FlashBytes, between.Instructions, most, free.Instructions)
	}
	var fit *c.FitError
	for _, o := range []c.Options{{Name: "digits", MaxFlash: 2000}, {Name: "digits", MaxRAM: 100}, {Name: "digits", MaxFlash: 2000, Optimize: c.Size}} {
		if _, err := c.Export(p, o); !errors.As(err, &fit) || fit.Least <= fit.Max {
			t.Errorf("%+v: got %v, want what the network takes at least", o, err)
		}
	}
}
