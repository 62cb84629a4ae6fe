package runtime

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// target is a platform whose machine code is read.
type target struct {
	goarch string
	env    []string
}

var targets = []target{
	{"arm", []string{"GOARM=5"}},
	{"arm64", nil},
	{"amd64", nil},
}

// instruction is one line of a disassembly.
type instruction struct {
	where    string // file:line
	text     string
	mnemonic string // without conditions and other suffixes
	operands string
}

// disassemble builds the test binary of this package for a target and returns the
// instructions of all functions whose symbols match pattern, by name.
func disassemble(t *testing.T, tg target, pattern string) map[string][]instruction {
	t.Helper()
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command is not at hand")
	}
	bin := filepath.Join(t.TempDir(), "runtime.test")
	build := exec.Command(tool, "test", "-c", "-o", bin, ".")
	build.Env = append(append(os.Environ(), "GOOS=linux", "GOARCH="+tg.goarch, "CGO_ENABLED=0"), tg.env...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for %s: %v\n%s", tg.goarch, err, out)
	}
	dump, err := exec.Command(tool, "tool", "objdump", "-s", pattern, bin).Output()
	if err != nil {
		t.Fatalf("objdump for %s: %v", tg.goarch, err)
	}
	return parseDisassembly(dump)
}

// parseDisassembly reads the output of go tool objdump.
func parseDisassembly(dump []byte) map[string][]instruction {
	funcs := map[string][]instruction{}
	name := ""
	lines := bufio.NewScanner(bytes.NewReader(dump))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if rest, found := strings.CutPrefix(line, "TEXT "); found {
			name = rest[:strings.LastIndex(rest, "(SB)")]
			funcs[name] = nil
			continue
		}
		var fields []string // file:line, address, code, text
		for f := range strings.SplitSeq(line, "\t") {
			if f = strings.TrimSpace(f); f != "" {
				fields = append(fields, f)
			}
		}
		if len(fields) < 4 {
			continue
		}
		in := instruction{where: fields[0], text: fields[3]}
		op, operands, _ := strings.Cut(in.text, " ")
		in.mnemonic, _, _ = strings.Cut(op, ".")
		in.operands = operands
		funcs[name] = append(funcs[name], in)
	}
	return funcs
}

// calls says that the instruction is a call, and returns the symbol it goes to; the
// symbol is empty for a call through a register or memory.
func (in *instruction) calls() (symbol string, ok bool) {
	switch in.mnemonic {
	case "CALL", "BL", "BLX":
		symbol, _ = strings.CutSuffix(in.operands, "(SB)")
		if symbol == in.operands {
			symbol = ""
		}
		return symbol, true
	case "JMP", "B":
		// To another function: a tail call. Jumps within a function have an address.
		return strings.CutSuffix(in.operands, "(SB)")
	}
	return "", false
}
