//go:build !purego

#include "textflag.h"

// MOVES prepares moves: R3 groups, R4 and R5 from a group to the next, V30 the order, V31 what is added.
#define MOVES \
	MOVD	dst+0(FP), R0; \
	MOVD	src+8(FP), R1; \
	MOVD	m+16(FP), R2; \
	MOVD	channels+24(FP), R6; \
	MOVD	toStep+32(FP), R7; \
	MOVD	fromStep+40(FP), R8; \
	VLD1	(R2), [V30.B16, V31.B16]; \
	MOVD	40(R2), R4; \
	MOVD	48(R2), R5

#define MOVE \
	VLD1	(R10), [V0.B16]; \
	VTBL	V30.B16, [V0.B16], V0.B16; \
	VADD	V31.B16, V0.B16, V0.B16

// func depthFillNEON(dst, src *byte, f *depthFill, channels, step, plane int)
//
// R3 rows, R4 rows left, R5 vectors of a row before the last one. V31 the empty byte, V30 the columns of the last
// vector.
TEXT ·depthFillNEON(SB), NOSPLIT, $0-48
	MOVD	dst+0(FP), R0
	MOVD	src+8(FP), R1
	MOVD	f+16(FP), R2
	MOVD	channels+24(FP), R6
	MOVD	step+32(FP), R7
	MOVD	plane+40(FP), R8
	MOVD	48(R2), R9
	VDUP	R9, V31.B16
	MOVD	24(R2), R9
	SUB	$1, R9, R5
	AND	$15, R5, R9
	LSR	$4, R5, R5
	MOVD	$·laneRuns+63(SB), R10
	SUB	R9, R10, R10
	VLD1	(R10), [V30.B16]

channel:
	MOVD	(R2), R3
	MOVD	8(R2), R4

row:
	LDP.P	16(R3), (R9, R10)
	ADD	R1, R9, R9
	ADD	R0, R10, R10
	MOVD	R5, R11
	CBZ	R11, last

block:
	VLD1.P	16(R9), [V0.B16]
	VST1.P	[V0.B16], 16(R10)
	SUBS	$1, R11
	BNE	block

last:
	VLD1	(R9), [V0.B16]
	VMOV	V30.B16, V2.B16
	VBSL	V31.B16, V0.B16, V2.B16
	VST1	[V2.B16], (R10)
	SUBS	$1, R4
	BNE	row
	ADD	R7, R0
	ADD	R8, R1
	SUBS	$1, R6
	BNE	channel
	RET

// func depthFillPairsNEON(dst, src *byte, f *depthFill, channels, step, plane int)
//
// As depthFillNEON, with R14 from a column to the next one, and V29 the columns of the second plane.
TEXT ·depthFillPairsNEON(SB), NOSPLIT, $0-48
	MOVD	dst+0(FP), R0
	MOVD	src+8(FP), R1
	MOVD	f+16(FP), R2
	MOVD	channels+24(FP), R6
	MOVD	step+32(FP), R7
	MOVD	plane+40(FP), R8
	MOVD	48(R2), R9
	VDUP	R9, V31.B16
	MOVD	24(R2), R9
	SUB	$1, R9, R5
	AND	$31, R5, R9
	LSR	$5, R5, R5
	ADD	$2, R9, R10
	LSR	$1, R10, R10
	MOVD	$·laneRuns+64(SB), R11
	SUB	R10, R11, R12
	VLD1	(R12), [V30.B16]
	ADD	$1, R9, R10
	LSR	$1, R10, R10
	SUB	R10, R11, R12
	VLD1	(R12), [V29.B16]
	MOVD	40(R2), R14

channel:
	MOVD	(R2), R3
	MOVD	8(R2), R4

row:
	LDP.P	16(R3), (R9, R10)
	ADD	R1, R9, R9
	ADD	R0, R10, R10
	ADD	R14, R10, R13
	MOVD	R5, R11
	CBZ	R11, last

block:
	VLD2.P	32(R9), [V0.B16, V1.B16]
	VST1.P	[V0.B16], 16(R10)
	VST1.P	[V1.B16], 16(R13)
	SUBS	$1, R11
	BNE	block

last:
	VLD2	(R9), [V0.B16, V1.B16]
	VMOV	V30.B16, V2.B16
	VBSL	V31.B16, V0.B16, V2.B16
	VMOV	V29.B16, V3.B16
	VBSL	V31.B16, V1.B16, V3.B16
	VST1	[V2.B16], (R10)
	VST1	[V3.B16], (R13)
	SUBS	$1, R4
	BNE	row
	ADD	R7, R0
	ADD	R8, R1
	SUBS	$1, R6
	BNE	channel
	RET

// func gatherNEON(dst, line *byte, channels, rows, cols, pitch, step int)
TEXT ·gatherNEON(SB), NOSPLIT, $0-56
	MOVD	dst+0(FP), R0
	MOVD	line+8(FP), R1
	MOVD	channels+16(FP), R2
	MOVD	cols+32(FP), R4
	MOVD	pitch+40(FP), R5
	MOVD	step+48(FP), R6

channel:
	MOVD	rows+24(FP), R3
	MOVD	R1, R7

row:
	MOVD	R0, R8
	MOVD	R7, R9
	MOVD	R4, R10

block:
	VLD1.P	16(R9), [V0.B16]
	VST1.P	[V0.B16], 16(R8)
	SUBS	$16, R10
	BGT	block
	ADD	R4, R0
	ADD	R5, R7
	SUBS	$1, R3
	BNE	row
	ADD	R6, R1
	SUBS	$1, R2
	BNE	channel
	RET

// func moveRowsNEON(dst, src *byte, m *rowMoves, channels, toStep, fromStep int)
TEXT ·moveRowsNEON(SB), NOSPLIT, $0-48
	MOVES

channel:
	MOVD	32(R2), R3
	MOVD	R0, R9
	MOVD	R1, R10

group:
	MOVE
	VST1	[V0.B16], (R9)
	ADD	R4, R10
	ADD	R5, R9
	SUBS	$1, R3
	BNE	group
	ADD	R7, R0
	ADD	R8, R1
	SUBS	$1, R6
	BNE	channel
	RET

// func moveRows8NEON(dst, src *byte, m *rowMoves, channels, toStep, fromStep int)
TEXT ·moveRows8NEON(SB), NOSPLIT, $0-48
	MOVES

channel:
	MOVD	32(R2), R3
	MOVD	R0, R9
	MOVD	R1, R10

group:
	MOVE
	VST1	[V0.B8], (R9)
	ADD	R4, R10
	ADD	R5, R9
	SUBS	$1, R3
	BNE	group
	ADD	R7, R0
	ADD	R8, R1
	SUBS	$1, R6
	BNE	channel
	RET
