//go:build !purego

#include "textflag.h"

// func takeSecondNEON(dst, src *byte, rows, cols, pitch, srcRow int)
TEXT ·takeSecondNEON(SB), NOSPLIT, $0-48
	MOVD	dst+0(FP), R0
	MOVD	src+8(FP), R1
	MOVD	rows+16(FP), R2
	MOVD	cols+24(FP), R3
	MOVD	pitch+32(FP), R4
	MOVD	srcRow+40(FP), R5
	LSR	$3, R3, R10
	AND	$7, R3, R11

row:
	MOVD	R0, R6
	MOVD	R1, R7
	MOVD	R10, R8
	CBZ	R8, tail

block:
	VLD1.P	16(R7), [V0.B16]
	VUZP1	V0.B16, V0.B16, V0.B16
	VST1.P	[V0.B8], 8(R6)
	SUBS	$1, R8
	BNE	block

tail:
	CBZ	R11, next
	VLD1	(R7), [V0.B16]
	VUZP1	V0.B16, V0.B16, V0.B16
	VMOV	V0.D[0], R9
	TBZ	$2, R11, two
	MOVW.P	R9, 4(R6)
	LSR	$32, R9

two:
	TBZ	$1, R11, one
	MOVH.P	R9, 2(R6)
	LSR	$16, R9

one:
	TBZ	$0, R11, next
	MOVB	R9, (R6)

next:
	ADD	R4, R0
	ADD	R5, R1
	SUBS	$1, R2
	BNE	row
	RET
