package main

// fillNEON writes the functions of fill_arm64.go.
//
// Registers: R0 first row of the channel, R1 input of the channel, R2 job, R3 channels left, R4 bytes
// of a row, R5 bytes from one input row to the next, R6 piece, R7 pieces left, R8 row, R9 input, R10
// rows left. V31 the index worth zero, V30 the lanes inside the input, V29 the low bytes of words.
func fillNEON(f *file) {
	for _, kind := range []string{"Bytes", "Pairs", "Wide", "WidePairs"} {
		f.line("\n// func fill%sNEON(dst, src *byte, job *fillJob, pieces *fillPiece, n, channels int)", kind)
		f.line("TEXT ·fill%sNEON(SB), NOSPLIT, $0-48", kind)
		f.load("dst+0", "R0", "src+8", "R1", "job+16", "R2", "channels+40", "R3")
		f.op("MOVD 16(R2), R4")
		f.op("MOVD 24(R2), R5")
		f.op("MOVD 32(R2), R11")
		if kind == "Bytes" || kind == "Pairs" {
			f.op("VDUP R11, V31.B16")
		} else {
			f.op("VDUP R11, V31.H8")
		}
		if kind == "WidePairs" {
			f.op("MOVD $0xFF, R11")
			f.op("VDUP R11, V29.H8")
		}
		f.op("LDP 0(R2), (R13, R14)")
		f.op("MOVD $·laneRuns(SB), R12")
		f.line("channel:")
		f.load("pieces+24", "R6", "n+32", "R7")
		f.line("piece:")
		f.op("LDP.P 16(R6), (R8, R9)")
		f.op("ADD R0, R8")
		f.op("ADD R1, R9")
		f.op("LDP.P 16(R6), (R10, R11)")
		f.op("ADD R12, R10")
		f.op("ADD R12, R11")
		f.op("VLD1 (R10), [V30.B16]")
		f.op("VLD1 (R11), [V0.B16]")
		f.op("VAND V0.B16, V30.B16, V30.B16")
		f.fillRowNEON("above", func() { f.op("VST1 [V31.B16], (R8)") })
		f.fillRowNEON("inside", func() {
			switch kind {
			case "Bytes":
				f.op("VLD1 (R9), [V0.B16]")
			case "Pairs":
				f.op("VLD2 (R9), [V0.B16, V1.B16]")
			case "Wide":
				f.op("VLD1 (R9), [V0.B8]")
				f.op("VUXTL V0.B8, V0.H8")
			case "WidePairs":
				f.op("VLD1 (R9), [V0.B16]")
				f.op("VAND V29.B16, V0.B16, V0.B16")
			}
			f.op("VMOV V30.B16, V2.B16")
			f.op("VBSL V31.B16, V0.B16, V2.B16")
			f.op("VST1 [V2.B16], (R8)")
			f.op("ADD R5, R9")
		})
		f.fillRowNEON("below", func() { f.op("VST1 [V31.B16], (R8)") })
		f.op("SUBS $1, R7")
		f.op("BNE piece")
		f.op("ADD R13, R0")
		f.op("ADD R14, R1")
		f.op("SUBS $1, R3")
		f.op("BNE channel")
		f.op("RET")
	}
}

// fillRowNEON writes as many rows as the piece says next, which may be none.
func (f *file) fillRowNEON(label string, row func()) {
	f.op("MOVD.P 8(R6), R10")
	f.op("CBZ R10, %sdone", label)
	f.line("%s:", label)
	row()
	f.op("ADD R4, R8")
	f.op("SUBS $1, R10")
	f.op("BNE %s", label)
	f.line("%sdone:", label)
}
