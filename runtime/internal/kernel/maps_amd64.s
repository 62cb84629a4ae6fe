//go:build !purego

#include "textflag.h"

// func mapBytesAVX2(dst, in *byte, n int, t *[256]uint8)
//
// Y4 the first 16 entries of the table, Y5 the next ones. Bit 4 of an index, moved to bit 7, tells which one counts.
TEXT ·mapBytesAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ in+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ t+24(FP), DX
	VBROADCASTI128 (DX), Y4
	VBROADCASTI128 16(DX), Y5
block:
	VMOVDQU (SI), Y0
	VPSLLW  $3, Y0, Y3
	VPSHUFB Y0, Y4, Y1
	VPSHUFB Y0, Y5, Y2
	VPBLENDVB Y3, Y2, Y1, Y1
	VMOVDQU Y1, (DI)
	ADDQ $32, SI
	ADDQ $32, DI
	SUBQ $1, CX
	JNE  block
	VZEROUPPER
	RET
