//go:build !purego

#include "textflag.h"

// func maxPairsAVX512(dst, src *byte, rows, n, cols, inCols int)
TEXT ·maxPairsAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), DX
	MOVQ n+24(FP), CX
	MOVQ cols+32(FP), R8
	MOVQ inCols+40(FP), R9
	LEAQ (SI)(R9*1), BX
	ADDQ R9, R9
	MOVL $1, AX
	SHLQ CX, AX
	SUBQ $1, AX
	KMOVQ AX, K1 // n columns
	MOVQ $-1, AX
	ADDL CX, CX
	NEGL CX
	ADDL $64, CX
	SHRQ CX, AX
	KMOVQ AX, K2 // 2n columns
rows:
	VMOVDQU8.Z (SI), K2, Z0
	VMOVDQU8.Z (BX), K2, Z1
	VPMAXUB    Z1, Z0, Z0
	VPSRLW     $8, Z0, Z1
	VPMAXUB    Z1, Z0, Z0
	VPMOVWB    Z0, Y0
	VMOVDQU8   Y0, K1, (DI)
	ADDQ R9, SI
	ADDQ R9, BX
	ADDQ R8, DI
	SUBQ $1, DX
	JNE  rows
	VZEROUPPER
	RET
