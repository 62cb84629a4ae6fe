//go:build !purego

#include "textflag.h"

// func fillInsideARM(dst, src *byte, rows, before, inside, behind, stride int, zero uint32, pitch, srcRow int)
TEXT ·fillInsideARM(SB), NOSPLIT, $4-40
	MOVW	dst+0(FP), R0
	MOVW	src+4(FP), R1
	MOVW	rows+8(FP), R2
	MOVW	before+12(FP), R3
	MOVW	inside+16(FP), R4
	MOVW	behind+20(FP), R5
	MOVW	stride+24(FP), R7
	MOVW	zero+28(FP), R6

row:
	MOVW	R0, R8
	MOVW	R1, R9
	MOVW	R3, R12
	CMP	$0, R12
	BEQ	copy

before:
	MOVB.P	R6, 1(R8)
	SUB.S	$1, R12
	BNE	before

copy:
	MOVW	R4, R12
	SUB.S	$4, R12
	BLT	rest

four:
	MOVBU	(R9), R14
	ADD	R7, R9
	MOVB.P	R14, 1(R8)
	MOVBU	(R9), R14
	ADD	R7, R9
	MOVB.P	R14, 1(R8)
	MOVBU	(R9), R14
	ADD	R7, R9
	MOVB.P	R14, 1(R8)
	MOVBU	(R9), R14
	ADD	R7, R9
	MOVB.P	R14, 1(R8)
	SUB.S	$4, R12
	BGE	four

rest:
	ADD.S	$4, R12
	BEQ	copied

one:
	MOVBU	(R9), R14
	ADD	R7, R9
	MOVB.P	R14, 1(R8)
	SUB.S	$1, R12
	BNE	one

copied:
	MOVW	R5, R12
	CMP	$0, R12
	BEQ	next

behind:
	MOVB.P	R6, 1(R8)
	SUB.S	$1, R12
	BNE	behind

next:
	MOVW	pitch+32(FP), R14
	ADD	R14, R0
	MOVW	srcRow+36(FP), R14
	ADD	R14, R1
	SUB.S	$1, R2
	BNE	row
	RET
