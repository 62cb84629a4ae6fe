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

// func poolRowsNEON(dst, src *byte, rows *poolRow, n, width, pitch, step int)
TEXT ·poolRowsNEON(SB), NOSPLIT, $0-56
	MOVD	dst+0(FP), R0
	MOVD	src+8(FP), R1
	MOVD	rows+16(FP), R2
	MOVD	n+24(FP), R3
	MOVD	width+32(FP), R4
	MOVD	pitch+40(FP), R5
	MOVD	step+48(FP), R6

row:
	MOVW.P	4(R2), R7
	ADD	R1, R7, R7
	MOVWU.P	4(R2), R8
	MOVD	R0, R9
	MOVD	R4, R10

block:
	VEOR	V0.B16, V0.B16, V0.B16
	VEOR	V1.B16, V1.B16, V1.B16
	CBZ	R8, write
	MOVD	R7, R11
	MOVD	R8, R12

line:
	VLD1	(R11), [V2.B16, V3.B16]
	ADD	R6, R11
	VUMAX	V2.B16, V0.B16, V0.B16
	VUMAX	V3.B16, V1.B16, V1.B16
	SUBS	$1, R12
	BNE	line

write:
	VST1.P	[V0.B16, V1.B16], 32(R9)
	ADD	$32, R7
	SUBS	$32, R10
	BGT	block

	ADD	R5, R0
	SUBS	$1, R3
	BNE	row
	RET

// func poolColumnsNEON(buffer *byte, n, taps, step int)
TEXT ·poolColumnsNEON(SB), NOSPLIT, $0-32
	MOVD	buffer+0(FP), R0
	MOVD	n+8(FP), R1
	MOVD	taps+16(FP), R2
	MOVD	step+24(FP), R3

block:
	VLD1	(R0), [V0.B16, V1.B16]
	ADD	R3, R0, R4
	SUB	$1, R2, R5

tap:
	VLD1	(R4), [V2.B16, V3.B16]
	ADD	R3, R4
	VUMAX	V2.B16, V0.B16, V0.B16
	VUMAX	V3.B16, V1.B16, V1.B16
	SUBS	$1, R5
	BNE	tap
	VST1.P	[V0.B16, V1.B16], 32(R0)
	SUBS	$32, R1
	BGT	block
	RET
