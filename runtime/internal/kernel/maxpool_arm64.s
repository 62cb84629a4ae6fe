//go:build !purego

#include "textflag.h"

// FOUR pools 16 columns of the rows at R7 and R8 to 8 columns in V0.
#define FOUR \
	VLD1.P	16(R7), [V0.B16]; \
	VLD1.P	16(R8), [V1.B16]; \
	VUMAX	V1.B16, V0.B16, V0.B16; \
	VUZP2	V0.B16, V0.B16, V1.B16; \
	VUZP1	V0.B16, V0.B16, V0.B16; \
	VUMAX	V1.B8, V0.B8, V0.B8

// func maxPairsNEON(dst, src *byte, rows, cols, inCols int)
TEXT ·maxPairsNEON(SB), NOSPLIT, $0-40
	MOVD	dst+0(FP), R0
	MOVD	src+8(FP), R1
	MOVD	rows+16(FP), R2
	MOVD	cols+24(FP), R3
	MOVD	inCols+32(FP), R4
	LSR	$3, R3, R10
	AND	$7, R3, R11
	SUB	$8, R11, R12 // from the end of the whole blocks to the start of the last one

row:
	MOVD	R1, R7
	ADD	R4, R1, R8
	MOVD	R10, R9

block:
	FOUR
	VST1.P	[V0.B8], 8(R0)
	SUBS	$1, R9
	BNE	block

	CBZ	R11, next
	ADD	R12, R0
	ADD	R12<<1, R7
	ADD	R12<<1, R8
	FOUR
	VST1.P	[V0.B8], 8(R0)

next:
	ADD	R4<<1, R1
	SUBS	$1, R2
	BNE	row
	RET
