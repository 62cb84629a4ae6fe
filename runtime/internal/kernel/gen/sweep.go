package main

import "fmt"

// sweep writes the functions of sweep_amd64.go: the loops of sums for one segment after the other.
//
// Registers: DI even, SI odd, BX rows, DX start of the segment, CX vectors left, R8 units
// of a group, AX position in the program, R9 planes left, R10 and R11 units to add and to
// subtract, R12 units left of a group, R13 address of a row.
func sweep(f *file) {
	for _, m := range []machine{avx2, avx512} {
		sizes := []int{4, 2, 1}
		if m.last > 15 {
			sizes = []int{8, 4, 2, 1}
		}
		f.line("\n// func sweepBytes%s(even, odd unsafe.Pointer, low, high int, rows, prog unsafe.Pointer, vectors, group, segments int) (next unsafe.Pointer)", m.set)
		f.line("TEXT ·sweepBytes%s(SB), NOSPLIT, $0-80", m.set)
		f.op("MOVQ prog+40(FP), AX")
		f.op("MOVQ group+56(FP), R8")
		f.line("bytesegment:")
		f.op("LEAQ 4(AX), DX")
		f.op("MOVQ even+0(FP), DI")
		f.op("MOVQ odd+8(FP), SI")
		f.op("MOVQ rows+32(FP), BX")
		f.op("MOVQ vectors+48(FP), CX")
		f.allPasses(m, "byte", sizes, f.byteSegment)
		f.op("MOVQ even+0(FP), R9")
		f.op("MOVQ odd+8(FP), R10")
		f.op("MOVQ low+16(FP), R11")
		f.op("MOVQ high+24(FP), R12")
		f.op("CMPQ R11, R12")
		f.op("JEQ bytesame")
		f.op("MOVQ R9, R13")
		f.op("MOVQ R10, R9")
		f.op("MOVQ R13, R10")
		f.line("bytesame:")
		f.op("ADDQ R11, R9")
		f.op("ADDQ R12, R10")
		f.op("MOVQ R9, even+0(FP)")
		f.op("MOVQ R10, odd+8(FP)")
		f.op("SUBQ $1, segments+64(FP)")
		f.op("JNE bytesegment")
		f.op("MOVQ AX, next+72(FP)")
		f.op("VZEROUPPER")
		f.op("RET")

		sizes = []int{8, 4, 2, 1}
		if m.last > 15 {
			sizes = []int{16, 8, 4, 2, 1}
		}
		f.line("\n// func sweepWide%s(lanes unsafe.Pointer, step int, rows, prog unsafe.Pointer, vectors, segments int) (next unsafe.Pointer)", m.set)
		f.line("TEXT ·sweepWide%s(SB), NOSPLIT, $0-56", m.set)
		f.op("MOVQ prog+24(FP), AX")
		f.line("widesegment:")
		f.op("LEAQ 4(AX), DX")
		f.op("MOVQ lanes+0(FP), DI")
		f.op("MOVQ rows+16(FP), BX")
		f.op("MOVQ vectors+32(FP), CX")
		f.allPasses(m, "wide", sizes, f.wideSegment)
		f.op("MOVQ step+8(FP), R9")
		f.op("ADDQ R9, lanes+0(FP)")
		f.op("SUBQ $1, segments+40(FP)")
		f.op("JNE widesegment")
		f.op("MOVQ AX, next+48(FP)")
		f.op("VZEROUPPER")
		f.op("RET")
	}
}

// allPasses runs segment for CX vectors, as many of sizes as possible at a time.
func (f *file) allPasses(m machine, label string, sizes []int, segment func(machine, int, string)) {
	for _, n := range sizes {
		f.passes(m, n, fmt.Sprintf("%s%d", label, n), segment)
	}
}

// passes runs segment for n vectors as long as n are left.
func (f *file) passes(m machine, n int, label string, segment func(machine, int, string)) {
	f.line("%s:", label)
	f.op("SUBQ $%d, CX", n)
	f.op("JLT %sdone", label)
	segment(m, n, label)
	f.op("ADDQ $%d, DI", n*m.bytes)
	f.op("ADDQ $%d, SI", n*m.bytes)
	f.op("ADDQ $%d, BX", n*m.bytes)
	f.op("JMP %s", label)
	f.line("%sdone:", label)
	f.op("ADDQ $%d, CX", n)
}

// taps adds the rows of count taps to registers first.., or moves the first one there
// if fresh. instr is the addition. Addresses with an index take more than others on some
// processors: more rows than two are better addressed without.
func (f *file) taps(m machine, n, first, count int, fresh bool, instr string) {
	for tap := range count {
		f.op("MOVWLZX %d(AX), R13", 2*tap)
		row := "(BX)(R13*4)"
		if n > 2 {
			f.op("LEAQ %s, R13", row)
			row = "(R13)"
		}
		for i := range n {
			r := m.v(first + i)
			if fresh && tap == 0 {
				f.op("%s %d%s, %s", m.move(), i*m.bytes, row, r)
			} else {
				f.op("%s %d%s, %s, %s", instr, i*m.bytes, row, r, r)
			}
		}
	}
	f.op("ADDQ $%d, AX", 2*count)
}

// plane reads the head of a plane and shifts registers first..first+n-1. end is where to
// go when there is none left.
func (f *file) plane(m machine, n int, end string) {
	f.op("SUBL $1, R9")
	f.op("JLT %s", end)
	f.op("MOVWLZX (AX), R12")
	f.op("MOVWLZX 2(AX), R10")
	f.op("MOVWLZX 4(AX), R11")
	f.op("ADDQ $6, AX")
	count := m.last // is free between groups
	f.op("VMOVD R12, X%d", count)
	for i := range n {
		f.op("VPSLLW X%d, %s, %s", count, m.v(i), m.v(i))
	}
}

// byteSegment keeps T in registers 0..n-1, D in n..2n-1, a group in the n after 15.
func (f *file) byteSegment(m machine, n int, label string) {
	group, spare := 2*n, 3*n
	if group+n > 15 {
		group, spare = 16, 24
	}
	f.op("MOVWLZX 2(DX), R9")
	f.op("LEAQ 4(DX), AX")
	for i := range 2 * n {
		f.zero(m, i)
	}
	f.line("%splane:", label)
	end := label + "end"
	f.plane(m, 2*n, end)
	for _, list := range []struct{ name, count, instr string }{{"add", "R10", "VPADDW"}, {"sub", "R11", "VPSUBW"}} {
		l := label + list.name
		f.line("%s:", l)
		f.op("MOVQ R8, R12")
		f.op("CMPQ %s, R8", list.count)
		f.op("CMOVQLT %s, R12", list.count)
		f.op("TESTQ R12, R12")
		f.op("JE %sdone", l)
		f.op("SUBQ R12, %s", list.count)
		f.taps(m, n, group, 4, true, "VPADDB")
		f.op("SUBQ $1, R12")
		f.op("JE %sspill", l)
		f.line("%sunit:", l)
		f.taps(m, n, group, 4, false, "VPADDB")
		f.op("SUBQ $1, R12")
		f.op("JNE %sunit", l)
		f.line("%sspill:", l)
		for i := range n {
			s, high := m.v(group+i), m.v(spare+i%2)
			f.op("VPSRLW $8, %s, %s", s, high)
			f.op("%s %s, %s, %s", list.instr, s, m.v(i), m.v(i))
			f.op("%s %s, %s, %s", list.instr, high, m.v(n+i), m.v(n+i))
		}
		f.op("JMP %s", l)
		f.line("%sdone:", l)
	}
	f.op("JMP %splane", label)
	f.line("%s:", end)
	offset, high := m.v(group), m.v(group+1)
	if n == 1 {
		high = m.v(spare)
	}
	f.op("VPBROADCASTW (DX), %s", offset)
	for i := range n {
		t, d := m.v(i), m.v(n+i)
		f.op("VPSLLW $8, %s, %s", d, high)
		f.op("VPADDW %s, %s, %s", offset, t, t)
		f.op("VPSUBW %s, %s, %s", high, t, t)
		f.op("VPADDW %s, %s, %s", offset, d, d)
		f.op("%s %s, %d(DI)", m.move(), t, i*m.bytes)
		f.op("%s %s, %d(SI)", m.move(), d, i*m.bytes)
	}
}

// wideSegment keeps the sums in registers 0..n-1. A unit is one tap; four are added at a time as long as
// there are.
func (f *file) wideSegment(m machine, n int, label string) {
	f.op("MOVWLZX 2(DX), R9")
	f.op("LEAQ 4(DX), AX")
	for i := range n {
		f.zero(m, i)
	}
	f.line("%splane:", label)
	end := label + "end"
	f.plane(m, n, end)
	for _, list := range []struct{ name, count, instr string }{{"add", "R10", "VPADDW"}, {"sub", "R11", "VPSUBW"}} {
		l := label + list.name
		f.op("SUBQ $4, %s", list.count)
		f.op("JLT %sleft", l)
		f.line("%sfour:", l)
		f.taps(m, n, 0, 4, false, list.instr)
		f.op("SUBQ $4, %s", list.count)
		f.op("JGE %sfour", l)
		f.line("%sleft:", l)
		f.op("ADDQ $4, %s", list.count)
		f.op("JE %sdone", l)
		f.line("%sone:", l)
		f.taps(m, n, 0, 1, false, list.instr)
		f.op("SUBQ $1, %s", list.count)
		f.op("JNE %sone", l)
		f.line("%sdone:", l)
	}
	f.op("JMP %splane", label)
	f.line("%s:", end)
	offset := m.v(15)
	if n > 15 {
		offset = m.v(24)
	}
	f.op("VPBROADCASTW (DX), %s", offset)
	for i := range n {
		f.op("VPADDW %s, %s, %s", offset, m.v(i), m.v(i))
		f.op("%s %s, %d(DI)", m.move(), m.v(i), i*m.bytes)
	}
}
