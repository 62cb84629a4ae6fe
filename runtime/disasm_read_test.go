package runtime

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
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
	symbols, err := exec.Command(tool, "tool", "nm", "-n", bin).Output()
	if err != nil {
		t.Fatalf("nm for %s: %v", tg.goarch, err)
	}
	return parseDisassembly(dump, parseSymbols(symbols), tg.goarch)
}

// symbol is a name in a binary and where it starts.
type symbol struct {
	at   uint64
	name string
}

// parseSymbols reads the output of go tool nm -n: symbols by address.
func parseSymbols(list []byte) []symbol {
	var symbols []symbol
	for line := range strings.Lines(string(list)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		if at, err := strconv.ParseUint(fields[0], 16, 64); err == nil {
			symbols = append(symbols, symbol{at, fields[2]})
		}
	}
	return symbols
}

// symbolAt is the name of the symbol that covers an address written as 0x1234, or "".
func symbolAt(symbols []symbol, address string) string {
	at, err := strconv.ParseUint(address, 0, 64)
	if err != nil {
		return ""
	}
	n := sort.Search(len(symbols), func(i int) bool { return symbols[i].at > at })
	if n == 0 {
		return ""
	}
	return symbols[n-1].name
}

// literal matches an ARM load of a constant that lies behind the code.
var literal = regexp.MustCompile(`^(0x[0-9a-f]+)\(R15\)`)

// parseDisassembly reads the output of go tool objdump. Constants that lie behind the
// code of a function, which the tool shows as instructions, are left out. Calls of plain
// addresses (the middle of runtime.duffzero, for example) get the name of their symbol.
func parseDisassembly(dump []byte, symbols []symbol, goarch string) map[string][]instruction {
	funcs := map[string][]instruction{}
	literals := map[uint64]bool{}
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
		at, _ := strconv.ParseUint(fields[1], 0, 64)
		if padding := strings.Trim(fields[2], "0") == ""; padding || literals[at] {
			continue
		}
		in := instruction{where: fields[0], text: fields[3]}
		op, operands, _ := strings.Cut(in.text, " ")
		in.mnemonic, _, _ = strings.Cut(op, ".")
		in.operands = operands
		if m := literal.FindStringSubmatch(operands); m != nil {
			distance, _ := strconv.ParseUint(m[1], 0, 64)
			literals[at+8+distance] = true
		}
		if in.mnemonic == "BL" && strings.HasPrefix(operands, "0x") {
			in.operands = symbolAt(symbols, operands) + "(SB)"
		}
		if code, _ := strconv.ParseUint(fields[2], 16, 64); in.text == "?" && goarch == "arm" && code&0x0E000010 == 0x06000000 {
			in.mnemonic = "MOVW" // a store with a shifted register, which the tool does not name
		}
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
