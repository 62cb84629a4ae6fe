package main

import "fmt"

// fill writes the functions of fill_amd64.go.
//
// Registers: DI first row of the channel, SI input of the channel, DX job, CX channels left,
// R8 bytes of a row, R9 bytes from one input row to the next, AX piece, R10 pieces left, R11
// row, R12 input, R13 rows left. AVX512: vector 31 the index worth zero, 30 the order of
// bytes where columns are two apart. AVX2: vector 15 the index worth zero, 14 the low bytes of
// words, 13 the lanes inside the input, 12 the index worth zero in the others.
func fill(f *file) {
	kinds := []string{"Bytes", "Pairs", "Wide", "WidePairs"}
	for _, m := range []machine{{"AVX2", "X", 8, 15}, {"AVX2", "X", 16, 15}, {"AVX2", "Y", 32, 15}} {
		for _, kind := range kinds {
			if m.bytes > 8 || kind == "Bytes" || kind == "Pairs" {
				f.fillFunction(m, kind, f.rowAVX2)
			}
		}
	}
	for _, m := range []machine{{"AVX512", "X", 16, 31}, {"AVX512", "Y", 32, 31}, {"AVX512", "Z", 64, 31}} {
		for _, kind := range kinds {
			f.fillFunction(m, kind, f.rowAVX512)
		}
	}
}

// fillFunction writes the function of one kind; row writes how a vector of a row inside the
// input is made in vector 0.
func (f *file) fillFunction(m machine, kind string, row func(m machine, kind string)) {
	name := fmt.Sprintf("fill%s%d%s", kind, m.bytes, m.set)
	f.line("\n// func %s(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)", name)
	f.line("TEXT ·%s(SB), NOSPLIT, $0-48", name)
	f.op("MOVQ dst+0(FP), DI")
	f.op("MOVQ src+8(FP), SI")
	f.op("MOVQ job+16(FP), DX")
	f.op("MOVQ channels+40(FP), CX")
	f.op("MOVQ 16(DX), R8")
	f.op("MOVQ 24(DX), R9")
	zero := m.v(m.last)
	if kind == "Bytes" || kind == "Pairs" {
		f.op("VPBROADCASTB 32(DX), %s", zero)
	} else {
		f.op("VPBROADCASTW 32(DX), %s", zero)
	}
	switch {
	case m.set == "AVX2":
		f.op("LEAQ ·laneRuns(SB), BX")
		f.op("VMOVDQU ·lowBytes(SB), %s", m.v(14))
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
	if m.set == "AVX2" {
		f.op("MOVQ 16(AX), R13")
		f.op("VMOVDQU (BX)(R13*1), %s", m.v(13))
		f.op("MOVQ 24(AX), R13")
		f.op("VPAND (BX)(R13*1), %s, %s", m.v(13), m.v(13))
		f.op("VPANDN %s, %s, %s", zero, m.v(13), m.v(12))
	} else {
		f.op("KMOVQ 16(AX), K1")
		f.op("KMOVQ 24(AX), K2")
	}
	f.op("MOVQ 32(AX), R13")
	f.fillRow("above", func() { f.op("%s %s, (R11)", m.store(), zero) }, false)
	f.op("MOVQ 40(AX), R13")
	f.fillRow("inside", func() {
		row(m, kind)
		f.op("%s %s, (R11)", m.store(), m.v(0))
	}, true)
	f.op("MOVQ 48(AX), R13")
	f.fillRow("below", func() { f.op("%s %s, (R11)", m.store(), zero) }, false)
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

func (f *file) rowAVX512(m machine, kind string) {
	zero := m.v(31)
	f.op("VMOVDQA64 %s, %s", zero, m.v(0))
	switch kind {
	case "Bytes":
		f.op("VMOVDQU8 (R12), K1, %s", m.v(0))
	case "Pairs":
		f.op("VMOVDQA64 %s, %s", zero, m.v(1))
		f.op("VMOVDQU8 (R12), K1, %s", m.v(0))
		f.op("VMOVDQU8 %d(R12), K2, %s", m.bytes, m.v(1))
		f.op("VPERMT2B %s, %s, %s", m.v(1), m.v(30), m.v(0))
	case "Wide":
		f.op("VPMOVZXBW (R12), K1, %s", m.v(0))
	case "WidePairs":
		f.op("VMOVDQU8 (R12), K1, %s", m.v(0))
		f.op("VPANDQ %s, %s, %s", m.v(30), m.v(0), m.v(0))
	}
}

func (f *file) rowAVX2(m machine, kind string) {
	switch kind {
	case "Bytes":
		f.op("VMOVDQU (R12), %s", m.v(0))
	case "Pairs":
		f.op("VPAND (R12), %s, %s", m.v(14), m.v(0))
		f.op("VPAND %d(R12), %s, %s", m.bytes, m.v(14), m.v(1))
		f.op("VPACKUSWB %s, %s, %s", m.v(1), m.v(0), m.v(0))
		if m.bytes == 32 {
			f.op("VPERMQ $0xD8, %s, %s", m.v(0), m.v(0))
		}
	case "Wide":
		f.op("VPMOVZXBW (R12), %s", m.v(0))
	case "WidePairs":
		f.op("VPAND (R12), %s, %s", m.v(14), m.v(0))
	}
	f.op("VPAND %s, %s, %s", m.v(13), m.v(0), m.v(0))
	f.op("VPOR %s, %s, %s", m.v(12), m.v(0), m.v(0))
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
