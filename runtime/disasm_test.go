package runtime

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
)

// module is the prefix of the symbols of this module; functions of other packages that
// the run path may call are listed in allowedCalls.
const module = "qconv/"

// allowedCalls are the functions outside this module that may be called from the run
// path. They move or clear memory, grow the stack, or end in an error or a panic. The
// list is closed: on machines without a divider or a floating-point unit these
// operations are calls as well.
var allowedCalls = []string{
	"runtime.memmove",
	"runtime.memclrNoHeapPointers",
	"runtime.duffzero", "runtime.duffcopy",
	"runtime.morestack_noctxt*",
	"runtime.panicBounds", "runtime.panicIndex", "runtime.panicIndexU",
	"runtime.panicSlice*", "runtime.panicExtend*", "runtime.panicdivide", "runtime.panicnil",
	"runtime.panicSliceConvert", "runtime.panicshift", "runtime.panicmem*", "runtime.panicunsafe*",
	// Pointers stored in the Runner while the garbage collector runs.
	"runtime.gcWriteBarrier*", "runtime.wbZero", "runtime.wbMove",
	// Layers handed to other workers and back: no data are computed there.
	"runtime.chansend1", "runtime.chanrecv1", "runtime.chanrecv2",
	// The errors of Run.
	"fmt.Errorf", "fmt.errorf", "runtime.newobject", "runtime.convT*",
}

// allowedInstructions are the instructions that may occur on the run path: moves,
// additions, logic, shifts, counts of leading zeros, comparisons, jumps. Vector registers may carry data from
// memory to memory (copies and clearing) but nothing may be computed in them that is
// not listed. Address arithmetic (LEA with a scale of 2, 4 or 8) is a shift and an
// addition. Everything else, known or unknown, is refused.
var allowedInstructions = map[string]string{
	"amd64": `
		MOVQ MOVL MOVW MOVB MOVZX MOVSX MOVSXD MOVBQSX MOVWQSX MOVLQSX XCHGQ MOVUPS MOVDQU MOVDQA MOVAPS
		LEAQ LEAL ADDQ ADDL ADDW ADDB ADCQ SUBQ SUBL SUBW SUBB SBBQ SBBL NEGQ NEGL INCQ INCL INCW DECQ DECL DECW
		ANDQ ANDL ANDW ANDB ORQ ORL ORW ORB XORQ XORL XORW XORB NOTQ NOTL
		SHLQ SHLL SHRQ SHRL SHRW SHRB SARQ SARL SARW SARB
		CMPQ CMPL CMPW CMPB TESTQ TESTL TESTW TESTB BTL BTQ BSRQ BSRL
		CMOVA CMOVAE CMOVB CMOVBE CMOVE CMOVG CMOVGE CMOVL CMOVLE CMOVNE
		CMOVQGT CMOVQLT CMOVQGE CMOVQLE CMOVQEQ CMOVQNE CMOVQHI CMOVQCS CMOVQCC CMOVQLS
		SETA SETAE SETB SETBE SETE SETG SETGE SETL SETLE SETNE
		XORPS JMP JA JAE JB JBE JE JG JGE JL JLE JNE JS JNS CALL RET PUSHQ POPQ NOPW NOPL NOP XCHGW INT`,
	"arm64": `
		MOVD MOVW MOVWU MOVH MOVHU MOVB MOVBU LDP STP LDPSW LDPW STPW FMOVQ FLDPQ FSTPQ
		ADD ADDW ADDS ADDSW SUB SUBW SUBS SUBSW NEG NEGW ADC SBC
		AND ANDW ANDS ANDSW BIC BICW ORR ORRW ORN ORNW EOR EORW EON EONW MVN MVNW TST TSTW
		LSL LSLW LSR LSRW ASR ASRW ROR RORW CLZ CLZW UBFX UBFXW UBFIZ UBFIZW SBFX SBFXW SBFIZ SBFIZW BFI BFIW BFXIL BFXILW EXTR
		SXTW SXTH SXTHW SXTB SXTBW UXTW UXTH UXTHW UXTB UXTBW
		CMP CMPW CMN CMNW CCMP CCMPW CSEL CSELW CSINC CSINCW CSINV CSNEG CSET CSETW CSETM CSETMW CNEG CNEGW CINC CINCW CINV CINVW
		B JMP BEQ BNE BLT BLE BGT BGE BHI BHS BLO BLS BCC BCS BMI BPL CBZ CBZW CBNZ CBNZW TBZ TBNZ CALL RET NOOP ADRP BRK UNDEF
		VLD1 VLD2 VST1 VMOV VDUP VADD VSUB VEOR VAND VBSL VSHL VUSHL VUSHR VUSRA VSLI VUXTL VUXTL2
		VUMAX VUMIN VCMEQ VTBL VTBX VTRN1 VTRN2 VUZP1 VUZP2 VZIP1 VZIP2`,
	"arm": `
		MOVW MOVH MOVHU MOVHS MOVB MOVBU MOVBS MOVM LDM STM PUSH POP
		ADD ADC SUB SBC RSB RSC AND BIC ORR EOR MVN LSL LSR ASR ROR CLZ CMP CMN TST TEQ
		B BL CALL JMP RET NOP`,
}

// follow returns the functions of this module that can be reached from root, and what
// on the way there is not allowed.
func follow(funcs map[string][]instruction, root, goarch string) (reached, faults []string) {
	allowed := strings.Fields(allowedInstructions[goarch])
	if _, found := funcs[root]; !found {
		return nil, []string{root + " is not in the binary"}
	}
	seen := map[string]bool{root: true}
	for todo := []string{root}; len(todo) > 0; todo = todo[1:] {
		name := todo[0]
		reached = append(reached, name)
		for _, in := range funcs[name] {
			if strings.Contains(in.where, "_amd64.s:") {
				continue // read by TestAssemblyInstructions: objdump does not know vectors
			}
			if !slices.Contains(allowed, in.mnemonic) {
				faults = append(faults, fmt.Sprintf("%s: %s: %s", name, in.where, in.text))
			}
			symbol, isCall := in.calls()
			switch {
			case !isCall || seen[symbol]:
			case symbol == "":
				faults = append(faults, fmt.Sprintf("%s: %s: indirect call: %s", name, in.where, in.text))
			case strings.HasPrefix(symbol, module):
				if funcs[symbol] == nil {
					faults = append(faults, fmt.Sprintf("%s: %s: no code of %s", name, in.where, symbol))
					continue
				}
				seen[symbol] = true
				todo = append(todo, symbol)
			case !slices.ContainsFunc(allowedCalls, func(pattern string) bool {
				prefix, open := strings.CutSuffix(pattern, "*")
				return symbol == pattern || open && strings.HasPrefix(symbol, prefix)
			}):
				faults = append(faults, fmt.Sprintf("%s: %s: call of %s", name, in.where, symbol))
			}
		}
	}
	sort.Strings(reached)
	return reached, faults
}

// The roots of the run path, and functions that must be among those reached: a change
// that hides them from the search is an error as well.
var (
	runRoots    = []string{"(*Runner).Run", "(*Runner).RunLevels", "(*Runner).StepSample", "(*Runner).StepLevels", "(*helper).serve", "(*seat).serve"}
	mustBeFound = []string{
		"runtime.(*Runner).execute",
		"runtime/internal/kernel.(*Lookup).Run",
		"runtime/internal/kernel.(*Packed).Run",
		"runtime/internal/coding.(*freqReader).next",
		"runtime/internal/kernel.(*grid).run",
		"runtime/internal/kernel.(*groupedTerm).fillRows",
		"runtime/internal/kernel.wordByteSums",
		"runtime/internal/kernel.wordWideSums",
		"runtime/internal/kernel.(*Sorted).Run",
		"runtime/internal/kernel.(*Patched).Run",
		"runtime/internal/kernel.(*sortedPart).pair",
		"runtime/internal/kernel.(*sortedPart).runLooks",
		"runtime/internal/kernel.(*Depthwise).Run",
		"runtime/internal/kernel.(*Pooled).Run",
		"runtime/internal/kernel.(*Products).Run",
		"runtime/internal/kernel.(*Requantizer).Run",
		"runtime/internal/kernel.(*Requantizer).RunPairRows",
		"runtime/internal/kernel.(*MaxPool).Run",
		"runtime/internal/kernel.(*Map2).Run",
		"runtime/internal/kernel.(*Copy).run",
		"runtime/internal/kernel.(*ArgMax).Run",
		"runtime/internal/kernel.(*ArgMax).RunWide",
		"runtime/internal/kernel.(*MatMul).Run",
	}
)

// TestRunPathInstructions reads the machine code of everything of this module that is
// reachable from Run.
func TestRunPathInstructions(t *testing.T) {
	if testing.Short() {
		t.Skip("builds for three platforms")
	}
	for _, tg := range targets {
		t.Run(tg.goarch, func(t *testing.T) {
			funcs := disassemble(t, tg, "^"+module)
			for _, root := range runRoots {
				reached, faults := follow(funcs, module+"runtime."+root, tg.goarch)
				for _, f := range faults {
					t.Error(f)
				}
				for _, name := range mustBeFound {
					if !slices.Contains(reached, module+name) {
						t.Errorf("%s is not reached from %s", name, root)
					}
				}
			}
			for name, want := range forbidden {
				_, faults := follow(funcs, module+"runtime."+name, tg.goarch)
				if len(faults) == 0 {
					t.Errorf("%s (%s) is not caught", name, want)
				}
			}
		})
	}
}

// forbidden are functions of this file that the search must catch, and why.
var forbidden = map[string]string{
	"forbiddenMultiply":      "a multiplication",
	"forbiddenMultiplyConst": "a multiplication by a constant",
	"forbiddenDivide":        "a division",
	"forbiddenRemainder":     "a remainder of a constant",
	"forbiddenFloat":         "a floating-point addition",
	"forbiddenConvert":       "a conversion to floating point",
	"forbiddenIndex":         "an index into elements of 184 bytes",
	"forbiddenIndirect":      "a call through a variable",
	"forbiddenBehindCall":    "a multiplication in a function it calls",
	"forbiddenStrings":       "a function outside this module",
}

type oddSize [23]int64

var forbiddenFunc = func(a int) int { return a }

//go:noinline
func forbiddenMultiply(a, b int) int { return a * b }

//go:noinline
func forbiddenMultiplyConst(a int) int { return a * 1000003 }

//go:noinline
func forbiddenDivide(a, b int) int { return a / (b | 1) }

//go:noinline
func forbiddenRemainder(a uint32) uint32 { return a % 10 }

//go:noinline
func forbiddenFloat(a, b float32) float32 { return a + b }

//go:noinline
func forbiddenConvert(a int32) float64 { return float64(a) }

//go:noinline
func forbiddenIndex(a []oddSize, i int) *oddSize { return &a[i&63:][i] }

//go:noinline
func forbiddenIndirect(a int) int { return forbiddenFunc(a) }

//go:noinline
func forbiddenBehindCall(a int) int { return forbiddenMultiply(a, a+1) + 1 }

//go:noinline
func forbiddenStrings(a string) string { return strings.ToUpper(a) }

// TestForbiddenFunctions keeps the functions above in the binary.
func TestForbiddenFunctions(t *testing.T) {
	got := []any{
		forbiddenMultiply(6, 7), forbiddenMultiplyConst(2), forbiddenDivide(42, 5), forbiddenRemainder(42),
		forbiddenFloat(1, 2), forbiddenConvert(3), forbiddenIndex(make([]oddSize, 9), 2)[0],
		forbiddenIndirect(4), forbiddenBehindCall(4), forbiddenStrings("x"),
	}
	want := []any{42, 2000006, 8, uint32(2), float32(3), 3.0, int64(0), 4, 21, "X"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseDisassembly(t *testing.T) {
	funcs := parseDisassembly([]byte("TEXT q/r.(*T).f(SB) /x/y.go\n"+
		"  y.go:5\t\t0x10\t\t4c8d\t\tLEAQ 0x8(SP), R12\t\t\n"+
		"  y.go:6\t\t0x14\t\te8\t\tCALL runtime.memmove(SB)\t\n"+
		"  y.go:7\t\t0x18\t\t9a\t\tB.LS 0x21286c\t\n"+
		"  y.go:8\t\t0x1c\t\tff\t\tCALL AX\t\n"+
		"  y.go:9\t\t0x20\t\teb\t\tJMP q/r.g(SB)\t\n"+
		"  y.go:10\t\t0x24\t\teb\t\tBL 0x108\t\n"+
		"  y.go:11\t\t0x28\t\te5\t\tMOVW 0x4(R15), R11\t\n"+
		"  y.go:11\t\t0x34\t\te1\t\tLDRSHT.EQ [PC], #15, R0\t\n"),
		parseSymbols([]byte("  10 T q/r.(*T).f\n 100 T runtime.duffzero\n 200 T x\n")), "arm")
	list := funcs["q/r.(*T).f"]
	if len(list) != 7 || list[2].mnemonic != "B" || list[0].where != "y.go:5" {
		t.Fatalf("got %+v", list)
	}
	for i, want := range []struct {
		symbol string
		call   bool
	}{{"", false}, {"runtime.memmove", true}, {"0x21286c", false}, {"", true}, {"q/r.g", true}, {"runtime.duffzero", true}, {"", false}} {
		symbol, call := list[i].calls()
		if call != want.call || call && symbol != want.symbol {
			t.Errorf("%s: got %q, %v, want %q, %v", list[i].text, symbol, call, want.symbol, want.call)
		}
	}
}
