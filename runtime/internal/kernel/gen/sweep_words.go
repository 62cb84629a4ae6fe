package main

import "fmt"

// sweepARM writes the functions of taps_arm.go: the loops of sums for one segment, on words of 32 bits. A
// unit is one tap.
//
// Registers: R0 position in the program, R1 rows, R2.. sums, R6.. a row, R12 taps left, R14 address of a row.
// Loads and stores of several words take one instruction; T and D of byte rows are in memory, see stepKind.
func sweepARM(f *file) {
	for _, n := range []int{4, 2} {
		f.line("\n// func byteSumsARM%d(even, odd *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)", n)
		f.line("TEXT ·byteSumsARM%d(SB), NOSPLIT, $%d-24", n, 8*n)
		f.byteSegmentARM(n)
		f.line("\n// func wideSumsARM%d(sum *word, rows, prog unsafe.Pointer, blocks int) (next unsafe.Pointer)", n)
		f.line("TEXT ·wideSumsARM%d(SB), NOSPLIT, $8-20", n)
		f.wideSegmentARM(n)
	}
}

// span is n registers from first on.
func span(first, n int) string { return fmt.Sprintf("[R%d-R%d]", first, first+n-1) }

// tapARM reads the row of the next tap to registers from first on.
func (f *file) tapARM(first, n int) {
	f.op("MOVHU.P 2(R0), R14")
	f.op("ADD R14<<2, R1, R14")
	f.op("MOVM.IA (R14), %s", span(first, n))
}

// tapsARM combines R12 taps, at least one, with the sums by instr.
func (f *file) tapsARM(label, instr string, n int) {
	each := func() {
		f.tapARM(6, n)
		f.each(n, instr+" R%d, R%d, R%d", 6, 2, 2)
	}
	f.line("%sfour:", label)
	f.op("SUB.S $4, R12")
	f.op("BLT %srest", label)
	for range 4 {
		each()
	}
	f.op("B %sfour", label)
	f.line("%srest:", label)
	f.op("ADD.S $4, R12")
	f.op("BEQ %sdone", label)
	f.line("%sone:", label)
	each()
	f.op("SUB.S $1, R12")
	f.op("BNE %sone", label)
	f.line("%sdone:", label)
}

// listARM combines R12 taps, at least one, with the sums by instr. Flags tell how many there are beyond multiples of four.
func (f *file) listARM(label, instr string, n int) {
	each := func() {
		f.tapARM(6, n)
		f.each(n, instr+" R%d, R%d, R%d", 6, 2, 2)
	}
	f.op("MOVW.S R12<<31, R14")
	f.op("BPL %stwo", label)
	each()
	f.line("%stwo:", label)
	f.op("BCC %srest", label)
	each()
	each()
	f.line("%srest:", label)
	f.op("MOVW.S R12>>2, R12")
	f.op("BEQ %sdone", label)
	f.line("%sfour:", label)
	for range 4 {
		each()
	}
	f.op("SUB.S $1, R12")
	f.op("BNE %sfour", label)
	f.line("%sdone:", label)
}

// byteSegmentARM has the counts of a step in R11, s in R2.., its tail in R12. T and D are in the frame.
func (f *file) byteSegmentARM(n int) {
	sums := fmt.Sprintf("MOVW $sums-%d(SP), R14", 8*n)
	f.line("block:")
	f.op("MOVW prog+12(FP), R0")
	f.op("MOVW rows+8(FP), R1")
	f.line("group:")
	f.op("MOVHU.P 2(R0), R11")
	f.op("MOVW.S R11>>8, R12")
	f.op("BEQ fresh")
	f.op("MOVHU.P 2(R0), R%d", 1+n)
	f.op("ORR R%d<<16, R%d, R%d", 1+n, 1+n, 1+n)
	f.tapARM(6, n)
	for i := range n {
		f.op("SUB R%d, R%d, R%d", 6+i, 1+n, 2+i)
	}
	f.op("SUB.S $1, R12")
	f.op("BEQ adds")
	f.line("subs:")
	f.listARM("sub", "SUB", n)
	f.line("adds:")
	f.op("AND.S $255, R11, R12")
	f.op("BEQ tail")
	f.line("more:")
	f.listARM("add", "ADD", n)
	f.line("tail:")
	f.op("MOVHU.P 2(R0), R12")
	f.op("MOVW.S R12>>8, R11")
	f.op("BNE kinds")
	f.op("%s", sums)
	f.op("MOVM.IA (R14), %s", span(6, n))
	f.each(n, "ADD R%d<<R12, R%d, R%d", 6, 2, 6)
	f.op("MOVM.IA.W %s, (R14)", span(6, n))
	f.op("MOVW $0x00FF00FF, R11")
	f.op("MOVM.IA (R14), %s", span(6, n))
	f.each(n, "AND R%d>>8, R11, R%d", 2, 2)
	f.each(n, "ADD R%d<<R12, R%d, R%d", 6, 2, 6)
	f.op("MOVM.IA %s, (R14)", span(6, n))
	f.op("B group")

	f.line("fresh:")
	f.tapARM(2, n)
	f.op("SUB.S $1, R11, R12")
	f.op("BNE more")
	f.op("B tail")

	f.line("kinds:")
	f.op("CMP $2, R11")
	f.op("BEQ last")
	f.op("BGT others")
	f.op("%s", sums)
	f.op("MOVM.IA.W %s, (R14)", span(2, n))
	f.op("MOVW $0x00FF00FF, R11")
	f.each(n, "AND R%d>>8, R11, R%d", 2, 2)
	f.op("MOVM.IA %s, (R14)", span(2, n))
	f.op("B group")

	f.line("others:")
	f.op("CMP $4, R11")
	f.op("BEQ double")
	f.op("MOVW $0x00FF00FF, R11")
	f.each(n, "AND R%d>>8, R11, R%d", 2, 6)
	f.each(n, "AND R%d, R11, R%d", 2, 2)
	f.storeARM("odd+4", 6, n)
	f.op("B even")

	f.line("double:")
	f.each(n, "MOVW R%d<<R12, R%d", 2, 2)
	f.op("MOVHU.P 2(R0), R11")
	f.op("MOVW.S R11>>8, R12")
	f.op("BEQ adds")
	f.op("MOVHU.P 2(R0), R14")
	f.op("ORR R14<<16, R14, R14")
	f.each(n, "ADD R14, R%d, R%d", 2, 2)
	f.op("B subs")

	f.line("last:")
	f.op("%s", sums)
	f.op("ADD $%d, R14, R11", 4*n)
	f.op("MOVM.IA (R11), %s", span(6, n))
	f.op("MOVW $0x00FF00FF, R11")
	for i := range n {
		f.op("AND R%d>>8, R11, R1", 2+i)
		f.op("ADD R%d<<R12, R1, R%d", 6+i, 6+i)
	}
	f.each(n, "SUB R%d<<8, R%d, R%d", 6, 2, 2)
	f.storeARM("odd+4", 6, n)
	f.op("%s", sums)
	f.op("MOVM.IA (R14), %s", span(6, n))
	f.each(n, "ADD R%d<<R12, R%d, R%d", 6, 2, 2)
	f.line("even:")
	f.storeARM("even+0", 2, n)
	f.nextBlockARM(n, "rows+8", "blocks+16", "next+20")
}

// storeARM stores n words where an argument points to, and moves it on.
func (f *file) storeARM(argument string, first, n int) {
	f.op("MOVW %s(FP), R14", argument)
	f.op("MOVM.IA.W %s, (R14)", span(first, n))
	f.op("MOVW R14, %s(FP)", argument)
}

// nextBlockARM goes on n words further, or returns.
func (f *file) nextBlockARM(n int, rows, blocks, next string) {
	f.op("MOVW %s(FP), R1", rows)
	f.op("ADD $%d, R1", 4*n)
	f.op("MOVW R1, %s(FP)", rows)
	f.op("MOVW %s(FP), R12", blocks)
	f.op("SUB.S $1, R12")
	f.op("MOVW R12, %s(FP)", blocks)
	f.op("BNE block")
	f.op("MOVW R0, %s(FP)", next)
	f.op("RET")
}

func (f *file) wideSegmentARM(n int) {
	f.line("block:")
	f.op("MOVW prog+8(FP), R0")
	f.op("MOVW rows+4(FP), R1")
	f.each(n, "MOVW $0, R%d", 2)
	f.op("MOVHU 2(R0), R12")
	f.op("ADD $4, R0")
	f.line("plane:")
	f.op("SUB.S $1, R12")
	f.op("BLT end")
	f.op("MOVW R12, planes-4(SP)")
	f.op("MOVHU (R0), R12")
	f.each(n, "MOVW R%d<<R12, R%d", 2, 2)
	f.op("MOVHU 4(R0), R14")
	f.op("MOVW R14, subs-8(SP)")
	f.op("MOVHU 2(R0), R12")
	f.op("ADD $6, R0")
	f.tapsARM("add", "ADD", n)
	f.op("MOVW subs-8(SP), R12")
	f.tapsARM("sub", "SUB", n)
	f.op("MOVW planes-4(SP), R12")
	f.op("B plane")
	f.line("end:")
	f.op("MOVW prog+8(FP), R12")
	f.op("MOVHU (R12), R12")
	f.op("ORR R12<<16, R12, R12")
	f.each(n, "ADD R12, R%d, R%d", 2, 2)
	f.op("MOVW sum+0(FP), R14")
	f.op("MOVM.IA.W %s, (R14)", span(2, n))
	f.op("MOVW R14, sum+0(FP)")
	f.nextBlockARM(n, "rows+4", "blocks+12", "next+16")
}
