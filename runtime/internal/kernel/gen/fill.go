package main

import "fmt"

// fill writes the functions of fill_amd64.go.
//
// Registers: DI first row of the channel, SI input of the channel, DX job, BX pieces, CX
// channels left, R8 bytes of a row, R9 bytes from one input row to the next, AX piece,
// R10 pieces left, R11 row, R12 input, R13 rows left, vector 31 the index worth zero,
// vector 30 the order of bytes where columns are two apart.
func fill(f *file) {
	for _, width := range []struct {
		reg   string
		bytes int
	}{{"X", 16}, {"Y", 32}, {"Z", 64}} {
		for _, kind := range []string{"Bytes", "Pairs", "Wide", "WidePairs"} {
			f.fillFunction(machine{"AVX512", width.reg, width.bytes, 31}, kind)
		}
	}
}

func (f *file) fillFunction(m machine, kind string) {
	name := fmt.Sprintf("fill%s%d", kind, m.bytes)
	f.line("\n// func %s(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)", name)
	f.line("TEXT ·%s(SB), NOSPLIT, $0-48", name)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ job+16(FP), DX")
	f.op("MOVQ channels+40(FP), CX")
	f.op("MOVQ 16(DX), R8")
	f.op("MOVQ 24(DX), R9")
	if kind == "Bytes" || kind == "Pairs" {
		f.op("VPBROADCASTB 32(DX), %s", m.v(31))
	} else {
		f.op("VPBROADCASTW 32(DX), %s", m.v(31))
	}
	switch {
	case kind == "Pairs":
		f.op("VMOVDQU64 ·everySecond(SB), %s", m.v(30))
	case kind == "WidePairs":
		f.op("VMOVDQU64 ·lowBytes(SB), %s", m.v(30))
	}
	f.line("channel:")
	f.op("MOVQ pieces+24(FP), AX")
	f.op("MOVQ n+32(FP), R10")
	f.line("piece:")
	f.op("MOVQ 0(AX), R11")
	f.op("MOVQ 8(AX), R12")
	f.op("ADDQ DI, R11")
	f.op("ADDQ SI, R12")
	f.op("KMOVQ 16(AX), K1")
	f.op("KMOVQ 24(AX), K2")
	f.op("MOVQ 32(AX), R13")
	f.fillRow("above", func() { f.op("VMOVDQU64 %s, (R11)", m.v(31)) }, false)
	f.op("MOVQ 40(AX), R13")
	f.fillRow("inside", func() {
		switch kind {
		case "Bytes":
			f.op("VMOVDQA64 %s, %s", m.v(31), m.v(0))
			f.op("VMOVDQU8 (R12), K1, %s", m.v(0))
		case "Pairs":
			f.op("VMOVDQA64 %s, %s", m.v(31), m.v(0))
			f.op("VMOVDQA64 %s, %s", m.v(31), m.v(1))
			f.op("VMOVDQU8 (R12), K1, %s", m.v(0))
			f.op("VMOVDQU8 %d(R12), K2, %s", m.bytes, m.v(1))
			f.op("VPERMT2B %s, %s, %s", m.v(1), m.v(30), m.v(0))
		case "Wide":
			f.op("VMOVDQA64 %s, %s", m.v(31), m.v(0))
			f.op("VPMOVZXBW (R12), K1, %s", m.v(0))
		case "WidePairs":
			f.op("VMOVDQA64 %s, %s", m.v(31), m.v(0))
			f.op("VMOVDQU8 (R12), K1, %s", m.v(0))
			f.op("VPANDQ %s, %s, %s", m.v(30), m.v(0), m.v(0))
		}
		f.op("VMOVDQU64 %s, (R11)", m.v(0))
	}, true)
	f.op("MOVQ 48(AX), R13")
	f.fillRow("below", func() { f.op("VMOVDQU64 %s, (R11)", m.v(31)) }, false)
	f.op("ADDQ $56, AX")
	f.op("SUBQ $1, R10")
	f.op("JNE piece")
	f.op("ADDQ 0(DX), DI")
	f.op("ADDQ 8(DX), SI")
	f.op("SUBQ $1, CX")
	f.op("JNE channel")
	f.op("VZEROUPPER")
	f.op("RET")
}

// fillRow writes R13 rows, which may be none.
func (f *file) fillRow(label string, row func(), advance bool) {
	f.op("SUBQ $1, R13")
	f.op("JLT %sdone", label)
	f.line("%s:", label)
	row()
	f.op("ADDQ R8, R11")
	if advance {
		f.op("ADDQ R9, R12")
	}
	f.op("SUBQ $1, R13")
	f.op("JGE %s", label)
	f.line("%sdone:", label)
}
