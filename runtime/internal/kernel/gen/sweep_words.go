package main

import "fmt"

// sweepARM writes the functions of taps_arm.go: the loops of sums for one segment, on words of 32 bits. A
// unit is one tap.
//
// Registers: R0 position in the program, R1 rows, R2.. sums, R6.. a row, R12 taps left, R14 address of a row.
// Loads and stores of several words take one instruction; T and D of byte rows are in memory.
func sweepARM(f *file) {
	for _, n := range []int{4, 2} {
		f.line("\n// func byteSumsARM%d(even, odd *word, rows, prog unsafe.Pointer, blocks, group int) (next unsafe.Pointer)", n)
		f.line("TEXT ·byteSumsARM%d(SB), NOSPLIT, $12-28", n)
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

// updateARM changes n words in memory, whose address is an argument, by f.each of the instruction.
func (f *file) updateARM(argument string, n int, format string, first ...int) {
	f.op("MOVW %s(FP), R14", argument)
	f.op("MOVM.IA (R14), %s", span(6, n))
	f.each(n, format, first...)
	f.op("MOVM.IA %s, (R14)", span(6, n))
}

func (f *file) byteSegmentARM(n int) {
	f.line("block:")
	f.op("MOVW prog+12(FP), R0")
	f.op("MOVW rows+8(FP), R1")
	f.each(n, "MOVW $0, R%d", 2)
	f.op("MOVW even+0(FP), R14")
	f.op("MOVM.IA %s, (R14)", span(2, n))
	f.op("MOVW odd+4(FP), R14")
	f.op("MOVM.IA %s, (R14)", span(2, n))
	f.op("MOVHU 2(R0), R12")
	f.op("ADD $4, R0")
	f.line("plane:")
	f.op("SUB.S $1, R12")
	f.op("BLT end")
	f.op("MOVW R12, planes-4(SP)")
	f.op("MOVHU (R0), R12")
	f.op("CMP $0, R12")
	f.op("BEQ lists")
	f.updateARM("even+0", n, "MOVW R%d<<R12, R%d", 6, 6)
	f.updateARM("odd+4", n, "MOVW R%d<<R12, R%d", 6, 6)
	f.line("lists:")
	f.op("MOVHU 4(R0), R14")
	f.op("MOVW R14, subs-8(SP)")
	f.op("MOVHU 2(R0), R12")
	f.op("ADD $6, R0")
	for _, list := range []struct{ name, instr string }{{"add", "ADD"}, {"sub", "SUB"}} {
		f.line("%s:", list.name)
		f.op("CMP $0, R12")
		f.op("BEQ %snext", list.name)
		f.op("MOVW group+20(FP), R14")
		f.op("SUB R14, R12, R2")
		f.op("CMP R14, R12")
		f.op("MOVW.LT $0, R2")
		f.op("MOVW.GT R14, R12")
		f.op("MOVW R2, left-12(SP)")
		f.tapARM(2, n)
		f.op("SUB.S $1, R12")
		f.op("BEQ %sdone", list.name)
		f.tapsARM(list.name, "ADD", n)
		f.updateARM("even+0", n, list.instr+" R%d, R%d, R%d", 2, 6, 6)
		f.op("MOVW $0x00FF00FF, R12")
		f.each(n, "AND R%d>>8, R12, R%d", 2, 2)
		f.updateARM("odd+4", n, list.instr+" R%d, R%d, R%d", 2, 6, 6)
		f.op("MOVW left-12(SP), R12")
		f.op("B %s", list.name)
		f.line("%snext:", list.name)
		if list.name == "add" {
			f.op("MOVW subs-8(SP), R12")
		}
	}
	f.op("MOVW planes-4(SP), R12")
	f.op("B plane")
	f.line("end:")
	f.op("MOVW prog+12(FP), R12")
	f.op("MOVHU (R12), R12")
	f.op("ORR R12<<16, R12, R12")
	f.op("MOVW odd+4(FP), R14")
	f.op("MOVM.IA (R14), %s", span(6, n))
	f.op("MOVW even+0(FP), R14")
	f.op("MOVM.IA (R14), %s", span(2, n))
	f.each(n, "SUB R%d<<8, R%d, R%d", 6, 2, 2)
	f.each(n, "ADD R12, R%d, R%d", 2, 2)
	f.each(n, "ADD R12, R%d, R%d", 6, 6)
	f.op("MOVM.IA.W %s, (R14)", span(2, n))
	f.op("MOVW R14, even+0(FP)")
	f.op("MOVW odd+4(FP), R14")
	f.op("MOVM.IA.W %s, (R14)", span(6, n))
	f.op("MOVW R14, odd+4(FP)")
	f.nextBlockARM(n, "rows+8", "blocks+16", "next+24")
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
