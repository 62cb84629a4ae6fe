package main

import (
	"fmt"
	"strings"
)

// sweepNEON writes the functions of sweep_arm64.go: the loops of sums for one segment after the other.
//
// Registers: R0 even, R1 odd, R2 rows, R3 start of the segment, R4 units of a group, R5 vectors
// left, R6 position in the program, R7 planes left, R8 and R15 units to add and to subtract, R9
// units left of a group, R10..R13 addresses of rows, R14 four taps, R16 segments left, R17 and R19
// the steps to the next segment, R20, R21 and R22 even, odd and rows of the segment, R23 vectors.
func sweepNEON(f *file) {
	f.line("\n// func sweepBytesNEON(even, odd unsafe.Pointer, low, high int, rows, prog unsafe.Pointer, vectors, group, segments int) (next unsafe.Pointer)")
	f.line("TEXT ·sweepBytesNEON(SB), NOSPLIT, $0-80")
	f.load("even+0", "R20", "odd+8", "R21", "low+16", "R17", "high+24", "R19", "rows+32", "R22",
		"prog+40", "R6", "vectors+48", "R23", "group+56", "R4", "segments+64", "R16")
	f.line("segment:")
	f.op("ADD $4, R6, R3")
	f.op("MOVD R20, R0")
	f.op("MOVD R21, R1")
	f.op("MOVD R22, R2")
	f.op("MOVD R23, R5")
	f.line("pass:")
	f.op("CMP $8, R5")
	f.op("BGE bytes8")
	f.branchByBits(2, 0)
	f.line("none:")
	f.op("CMP R17, R19")
	f.op("BEQ same")
	f.op("MOVD R20, R0")
	f.op("MOVD R21, R20")
	f.op("MOVD R0, R21")
	f.line("same:")
	f.op("ADD R17, R20")
	f.op("ADD R19, R21")
	f.op("SUBS $1, R16")
	f.op("BNE segment")
	f.op("MOVD R6, next+72(FP)")
	f.op("RET")
	for n := 8; n > 0; n-- {
		f.byteSegmentNEON(n)
	}

	f.line("\n// func sweepWideNEON(lanes unsafe.Pointer, step int, rows, prog unsafe.Pointer, vectors, segments int) (next unsafe.Pointer)")
	f.line("TEXT ·sweepWideNEON(SB), NOSPLIT, $0-56")
	f.load("lanes+0", "R20", "step+8", "R17", "rows+16", "R22", "prog+24", "R6", "vectors+32", "R23", "segments+40", "R16")
	f.line("segment:")
	f.op("ADD $4, R6, R3")
	f.op("MOVD R20, R0")
	f.op("MOVD R22, R2")
	f.op("MOVD R23, R5")
	sizes := []int{16, 8, 4, 2, 1}
	for i, n := range sizes {
		f.line("pass%d:", n)
		f.op("CMP $%d, R5", n)
		next := "none"
		if i+1 < len(sizes) {
			next = fmt.Sprintf("pass%d", sizes[i+1])
		}
		f.op("BLT %s", next)
		f.wideSegmentNEON(n)
	}
	f.line("none:")
	f.op("ADD R17, R20")
	f.op("SUBS $1, R16")
	f.op("BNE segment")
	f.op("MOVD R6, next+48(FP)")
	f.op("RET")
}

// load reads arguments: pairs of their names and the registers they go to.
func (f *file) load(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		f.op("MOVD %s(FP), %s", pairs[i], pairs[i+1])
	}
}

// branchByBits goes to bytesN for N in R5 by bits bit and below, those above being those of n.
func (f *file) branchByBits(bit, n int) {
	set := n | 1<<bit
	if bit == 0 {
		f.op("TBNZ $0, R5, bytes%d", set)
		if n == 0 {
			f.op("B none")
		} else {
			f.op("B bytes%d", n)
		}
		return
	}
	f.op("TBNZ $%d, R5, bit%dof%d", bit, bit-1, set)
	f.branchByBits(bit-1, n)
	f.line("bit%dof%d:", bit-1, set)
	f.branchByBits(bit-1, set)
}

// list is n vector registers from first on, as loads and stores name them.
func vectorList(first, n int) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("V%d.B16", first+i))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// loadRow reads n vectors from the address in row, which it may change, to registers from first on.
func (f *file) loadRow(row string, first, n int) {
	for ; n > 4; n -= 4 {
		f.op("VLD1.P 64(%s), %s", row, vectorList(first, 4))
		first += 4
	}
	f.op("VLD1 (%s), %s", row, vectorList(first, n))
}

// storeRow writes n vectors from register first on to the address in to, and advances it.
func (f *file) storeRow(to string, first, n int) {
	for n > 0 {
		m := min(n, 4)
		f.op("VST1.P %s, %d(%s)", vectorList(first, m), 16*m, to)
		first, n = first+m, n-m
	}
}

// each writes an instruction for every one of n registers, whose numbers it adds to first.
func (f *file) each(n int, format string, first ...int) {
	for i := range n {
		args := make([]any, len(first))
		for j, r := range first {
			args[j] = r + i
		}
		f.op(format, args...)
	}
}

// planeNEON reads the head of a plane, R9 being its shift, and doubles n registers from first on so many
// times. label is that of the segment; end is where to go when there is no plane left.
func (f *file) planeNEON(label string, first, n int) {
	f.line("%splane:", label)
	f.op("CBZ R7, %send", label)
	f.op("SUB $1, R7")
	f.op("MOVHU (R6), R9")
	f.op("MOVHU 2(R6), R8")
	f.op("MOVHU 4(R6), R15")
	f.op("ADD $6, R6")
	f.op("CBZ R9, %sadd", label)
	f.line("%sdouble:", label)
	f.each(n, "VADD V%d.H8, V%d.H8, V%d.H8", first, first, first)
	f.op("SUBS $1, R9")
	f.op("BNE %sdouble", label)
}

// unitNEON adds the rows of four taps to the group, or moves the first one there if fresh.
func (f *file) unitNEON(n int, fresh bool) {
	f.op("MOVD.P 8(R6), R14")
	f.op("ADD R14.UXTH<<2, R2, R10")
	f.op("LSR $16, R14, R11")
	f.op("ADD R11.UXTH<<2, R2, R11")
	f.op("LSR $32, R14, R12")
	f.op("ADD R12.UXTH<<2, R2, R12")
	f.op("LSR $48, R14, R13")
	f.op("ADD R13<<2, R2, R13")
	for _, row := range []string{"R10", "R11", "R12", "R13"} {
		if fresh && row == "R10" {
			f.loadRow(row, 0, n)
			continue
		}
		f.loadRow(row, 3*n, n)
		f.each(n, "VADD V%d.B16, V%d.B16, V%d.B16", 3*n, 0, 0)
	}
}

// byteSegmentNEON keeps a group in registers 0..n-1, T in the next n, then D, then a row.
func (f *file) byteSegmentNEON(n int) {
	label := fmt.Sprintf("bytes%d", n)
	t, d, row := n, 2*n, 3*n
	f.line("%s:", label)
	f.op("MOVHU 2(R3), R7")
	f.op("ADD $4, R3, R6")
	f.each(2*n, "VEOR V%d.B16, V%d.B16, V%d.B16", t, t, t)
	f.planeNEON(label, t, 2*n)
	for _, list := range []struct{ name, count string }{{"add", "R8"}, {"sub", "R15"}} {
		l := label + list.name
		f.line("%s:", l)
		f.op("CBZ %s, %sdone", list.count, l)
		f.op("CMP R4, %s", list.count)
		f.op("CSEL LO, %s, R4, R9", list.count)
		f.op("SUB R9, %s", list.count)
		f.unitNEON(n, true)
		f.op("SUBS $1, R9")
		f.op("BEQ %sspill", l)
		f.line("%sunit:", l)
		f.unitNEON(n, false)
		f.op("SUBS $1, R9")
		f.op("BNE %sunit", l)
		f.line("%sspill:", l)
		if list.name == "add" {
			f.each(n, "VADD V%d.H8, V%d.H8, V%d.H8", 0, t, t)
			f.each(n, "VUSRA $8, V%d.H8, V%d.H8", 0, d)
		} else {
			f.each(n, "VSUB V%d.H8, V%d.H8, V%d.H8", 0, t, t)
			f.each(n, "VUSHR $8, V%d.H8, V%d.H8", 0, 0)
			f.each(n, "VSUB V%d.H8, V%d.H8, V%d.H8", 0, d, d)
		}
		f.op("B %s", l)
		f.line("%sdone:", l)
	}
	f.op("B %splane", label)
	f.line("%send:", label)
	f.op("MOVHU (R3), R9")
	f.op("VDUP R9, V%d.H8", row)
	f.each(n, "VSHL $8, V%d.H8, V%d.H8", d, 0)
	f.each(n, "VSUB V%d.H8, V%d.H8, V%d.H8", 0, t, t)
	for i := range 2 * n {
		f.op("VADD V%d.H8, V%d.H8, V%d.H8", row, t+i, t+i)
	}
	f.storeRow("R0", t, n)
	f.storeRow("R1", d, n)
	f.op("ADD $%d, R2", 16*n)
	f.op("SUB $%d, R5", n)
	f.op("B pass")
}

// wideSegmentNEON keeps the sums in registers 0..n-1 and a row in those from 16 on. A unit is one tap.
func (f *file) wideSegmentNEON(n int) {
	label := fmt.Sprintf("wide%d", n)
	f.op("MOVHU 2(R3), R7")
	f.op("ADD $4, R3, R6")
	f.each(n, "VEOR V%d.B16, V%d.B16, V%d.B16", 0, 0, 0)
	f.planeNEON(label, 0, n)
	for _, list := range []struct{ name, count, instr string }{{"add", "R8", "VADD"}, {"sub", "R15", "VSUB"}} {
		l := label + list.name
		f.line("%s:", l)
		f.op("CBZ %s, %sdone", list.count, l)
		f.line("%sone:", l)
		f.op("MOVHU.P 2(R6), R10")
		f.op("ADD R10<<2, R2, R10")
		f.loadRow("R10", 16, n)
		f.each(n, list.instr+" V%d.H8, V%d.H8, V%d.H8", 16, 0, 0)
		f.op("SUBS $1, %s", list.count)
		f.op("BNE %sone", l)
		f.line("%sdone:", l)
	}
	f.op("B %splane", label)
	f.line("%send:", label)
	f.op("MOVHU (R3), R9")
	f.op("VDUP R9, V16.H8")
	for i := range n {
		f.op("VADD V16.H8, V%d.H8, V%d.H8", i, i)
	}
	f.storeRow("R0", 0, n)
	f.op("ADD $%d, R2", 16*n)
	f.op("SUB $%d, R5", n)
	f.op("B pass%d", n)
}
