package main

// levelsARM writes the functions of levels_arm.go.
//
// Registers: R0 levels, R1 accumulators or even lanes, R2 odd lanes, R3 left of a row, R4 add, R5 top, R6 table,
// R7 and R8 two of them, R9 shift, R11 a mark, R12 job, R14 rows left.
func levelsARM(f *file) {
	for _, k := range []struct {
		name           string
		clamped, marks bool
	}{{"direct", false, false}, {"near", true, false}, {"covered", false, true}, {"clamped", true, true}} {
		level := func(r int) {
			switch {
			case k.clamped:
				f.op("ADD.S R4, R%d, R%d", r, r)
				f.op("MOVW.MI $0, R%d", r)
				f.op("CMP R5, R%d", r)
				f.op("MOVW.GT R5, R%d", r)
			case k.marks:
				f.op("ADD R4, R%d, R%d", r, r)
			}
			if k.marks {
				f.op("MOVW R%d>>R9, R11", r)
				f.op("MOVW R11<<2(R6), R11")
				f.op("ADD R11, R%d, R%d", r, r)
				f.op("MOVW R%d>>24, R%d", r, r)
			} else {
				f.op("MOVBU R%d<<0(R6), R%d", r, r)
			}
			f.op("MOVB.P R%d, 1(R0)", r)
		}
		load := func(job string) {
			f.op("MOVW %s(FP), R12", job)
			f.op("MOVW 0(R12), R4")
			f.op("MOVW 4(R12), R5")
			f.op("MOVW 8(R12), R9")
			if k.marks {
				f.op("MOVW 12(R12), R6")
				return
			}
			f.op("MOVW 16(R12), R6")
			if !k.clamped {
				f.op("ADD R4, R6") // so that nothing is added to indices
			}
		}
		f.line("\n// func %sLevelsARM(dst *byte, acc *int32, n int, job *levelJob)", k.name)
		f.line("TEXT ·%sLevelsARM(SB), NOSPLIT, $0-16", k.name)
		f.op("MOVW dst+0(FP), R0")
		f.op("MOVW acc+4(FP), R1")
		f.op("MOVW n+8(FP), R3")
		load("job+12")
		f.op("SUB.S $2, R3")
		f.op("BLT one")
		f.line("two:")
		f.op("MOVW.P 4(R1), R7")
		f.op("MOVW.P 4(R1), R8")
		level(7)
		level(8)
		f.op("SUB.S $2, R3")
		f.op("BGE two")
		f.line("one:")
		f.op("ADD.S $2, R3")
		f.op("BEQ done")
		f.op("MOVW (R1), R7")
		level(7)
		f.line("done:")
		f.op("RET")

		f.line("\n// func %sPairsARM(dst *byte, even, odd *uint16, job *levelJob)", k.name)
		f.line("TEXT ·%sPairsARM(SB), NOSPLIT, $4-16", k.name) // a frame keeps R14
		f.op("MOVW dst+0(FP), R0")
		f.op("MOVW even+4(FP), R1")
		f.op("MOVW odd+8(FP), R2")
		load("job+12")
		f.op("MOVW 20(R12), R14")
		f.line("row:")
		f.op("MOVW 24(R12), R3")
		f.op("SUB.S $1, R3")
		f.op("BLT single")
		f.line("pair:")
		f.op("MOVHU.P 2(R1), R7")
		f.op("MOVHU.P 2(R2), R8")
		level(7)
		level(8)
		f.op("SUB.S $1, R3")
		f.op("BGE pair")
		f.line("single:")
		f.op("MOVW 28(R12), R7")
		f.op("CMP $0, R7")
		f.op("BEQ next")
		f.op("MOVHU (R1), R7")
		level(7)
		f.line("next:")
		f.op("MOVW 32(R12), R7")
		f.op("ADD R7, R0")
		f.op("MOVW 36(R12), R7")
		f.op("ADD R7, R1")
		f.op("ADD R7, R2")
		f.op("SUB.S $1, R14")
		f.op("BNE row")
		f.op("RET")
	}
}
