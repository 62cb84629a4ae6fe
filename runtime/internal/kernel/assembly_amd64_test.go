package kernel

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowedAssembly are the instructions that assembly may use: moves, integer additions and
// subtractions, logic, shifts, comparisons, minima and maxima, permutations, jumps within
// a function. No multiplication, no division, no floating point, no call.
var allowedAssembly = strings.Fields(`
	MOVQ MOVL MOVW MOVB MOVWLZX MOVBLZX MOVLQSX MOVLQZX JGT LEAQ ADDQ ADDL SUBQ SUBL INCQ NEGL NOTQ XORQ XORL SHLQ SHLL SHRQ
	CMPQ CMPL CMPB TESTQ TESTL CMOVQLT CMOVLLT JMP JE JEQ JNE JLT JGE JLS JHI RET VZEROUPPER KMOVQ
	VMOVDQU VMOVDQU8 VMOVDQU8.Z VMOVDQU64 VMOVDQA VMOVDQA64 VMOVD VMOVQ VPMOVZXBW VEXTRACTI128 VEXTRACTI32X4
	VPBROADCASTB VPBROADCASTW VPBROADCASTD VBROADCASTI128
	VPADDB VPADDW VPADDD VPSUBB VPSUBW VPSUBD VPADDUSB VPADDUSW VPSUBUSB VPSUBUSW
	VPSLLW VPSLLD VPSRLW VPSRLD VPSRLDQ VPXOR VPOR VPAND VPANDN VPXORQ VPORQ VPANDQ VPTERNLOGD VPTERNLOGD.Z VPTESTMD VPCMPUD VPERMI2D VMOVDQA32
	VPCMPEQB VPCMPEQW VPCMPEQD VPCMPUB VPCMPUW VPMINUW VPMINUB VPMAXUB VPMINSD VPMAXSD VPMOVM2W VPMOVB2M VPBLENDVB
	VPSHUFB VPERMQ VPERMB VPERMI2W VPERMT2B VPACKUSWB VPACKUSDW VPMOVWB
	VINSERTI128 VPERM2I128 VPSADBW VPADDQ VPMOVZXBD VPMOVMSKB POPCNTL NOTL ORL ANDL ANDQ JLE VPUNPCKLBW VPUNPCKLWD VPUNPCKHWD VPUNPCKLDQ VPUNPCKHDQ VPUNPCKLQDQ VPUNPCKHQDQ`)

// TestAssemblyInstructions reads the sources of the assembly, because go tool objdump does
// not know vector instructions of amd64.
func TestAssemblyInstructions(t *testing.T) {
	files, err := filepath.Glob("*_amd64.[hs]") // headers, which define macros, come first
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly found: %v", err)
	}
	slices.SortStableFunc(files, func(a, b string) int { return strings.Compare(filepath.Ext(a), filepath.Ext(b)) })
	var macros []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "\\\n", "\n")
		function := ""
		for n, line := range strings.Split(text, "\n") {
			line, _, _ = strings.Cut(line, "//")
			if rest, ok := strings.CutPrefix(line, "TEXT ·"); ok {
				function, _, _ = strings.Cut(rest, "(")
			}
			if rest, ok := strings.CutPrefix(line, "#define "); ok {
				macro, _, _ := strings.Cut(strings.Fields(rest)[0], "(")
				macros = append(macros, macro)
				continue
			}
			fields := strings.Fields(line)
			if len(fields) == 0 || !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, " ") {
				continue // labels, directives
			}
			op, _, _ := strings.Cut(fields[0], "(")
			if function == "cpuid" || function == "xgetbv" || slices.Contains(macros, op) {
				continue // detection is not on the run path
			}
			if !slices.Contains(allowedAssembly, op) {
				t.Errorf("%s:%d: %s: instruction %s is not allowed", name, n+1, function, op)
			}
			if op == "JMP" && strings.Contains(line, "(") {
				t.Errorf("%s:%d: %s: jump to another function: %s", name, n+1, function, strings.TrimSpace(line))
			}
		}
	}
}
