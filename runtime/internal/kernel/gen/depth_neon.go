package main

// depthNEON writes depthBytesNEON and depthWideNEON of depthwise_arm64.go.
//
// Registers: R0 even, R1 odd, R2 vectors left, R3 buffer, R4 taps, R5 taps left, R6 tables, R7
// starts, R8 channels left, R9 buffer of the channel, R10 tables of the channel.
//
// Sums of all places are in V16.., of odd places in V20.., of high bytes in V24..; levels in V0..V3,
// products in V4..V7.
func depthNEON(f *file) {
	for _, kind := range []string{"Bytes", "Wide"} {
		f.line("\n// func depth%sNEON(even, odd *uint16, vectors int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)", kind)
		f.line("TEXT ·depth%sNEON(SB), NOSPLIT, $0-80", kind)
		f.load("even+0", "R0", "odd+8", "R1", "buffer+24", "R9", "tables+56", "R10", "starts+64", "R7", "channels+72", "R8")
		f.line("channel:")
		f.op("MOVD R9, R3")
		f.op("MOVD vectors+16(FP), R2")
		f.line("pass:")
		f.op("CMP $4, R2")
		f.op("BGE vectors4")
		f.op("TBNZ $1, R2, vectors2")
		f.op("TBNZ $0, R2, vectors1")
		f.op("MOVD R6, R10")
		f.op("MOVD step+32(FP), R11")
		f.op("ADD R11, R9")
		f.op("ADD $4, R7")
		f.op("SUBS $1, R8")
		f.op("BNE channel")
		f.op("RET")
		for _, n := range []int{4, 2, 1} {
			f.depthBlockNEON(n, kind == "Wide")
		}
	}
}

// depthBlockNEON computes the sums of n vectors.
func (f *file) depthBlockNEON(n int, wide bool) {
	const t, d, h = 16, 20, 24
	f.line("vectors%d:", n)
	f.op("MOVD taps+40(FP), R4")
	f.op("MOVD n+48(FP), R5")
	f.op("MOVD R10, R6")
	f.op("MOVHU (R7), R11")
	f.each(n, "VDUP R11, V%d.H8", t)
	f.op("MOVHU 2(R7), R11")
	f.each(n, "VDUP R11, V%d.H8", d)
	if wide {
		f.each(n, "VEOR V%d.B16, V%d.B16, V%d.B16", h, h, h)
	}
	f.line("taps%d:", n)
	f.op("MOVW.P 4(R4), R11")
	f.op("ADD R3, R11, R11")
	f.loadRow("R11", 0, n)
	if wide {
		f.op("VLD1.P 64(R6), %s", vectorList(4, 4))
		f.each(n, "VTBL V%d.B16, [V6.B16, V7.B16], V%d.B16", 0, 8)
		f.each(n, "VADD V%d.B16, V%d.B16, V%d.B16", 8, h, h)
	} else {
		f.op("VLD1.P 32(R6), %s", vectorList(4, 2))
	}
	f.each(n, "VTBL V%d.B16, [V4.B16, V5.B16], V%d.B16", 0, 0)
	f.each(n, "VADD V%d.H8, V%d.H8, V%d.H8", 0, t, t)
	f.each(n, "VUSRA $8, V%d.H8, V%d.H8", 0, d)
	f.op("SUBS $1, R5")
	f.op("BNE taps%d", n)
	// Sums of all places become those of even ones.
	f.each(n, "VSHL $8, V%d.H8, V%d.H8", d, 0)
	f.each(n, "VSUB V%d.H8, V%d.H8, V%d.H8", 0, t, t)
	if wide {
		f.each(n, "VSHL $8, V%d.H8, V%d.H8", h, 0)
		f.each(n, "VADD V%d.H8, V%d.H8, V%d.H8", 0, t, t)
		f.each(n, "VUSHR $8, V%d.H8, V%d.H8", h, 0)
		f.each(n, "VSHL $8, V%d.H8, V%d.H8", 0, 0)
		f.each(n, "VADD V%d.H8, V%d.H8, V%d.H8", 0, d, d)
	}
	f.storeRow("R0", t, n)
	f.storeRow("R1", d, n)
	f.op("ADD $%d, R3", 16*n)
	f.op("SUB $%d, R2", n)
	f.op("B pass")
}
