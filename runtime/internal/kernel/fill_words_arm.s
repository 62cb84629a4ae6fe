//go:build !purego

#include "textflag.h"

// func fillWordsARM(dst, src *byte, pieces *wordPiece, n int, job *wordFill, channels int)
//
// R2 piece, behind its first six fields; R4 row of the plane, R5 row of the input, R8 rows left, R9 words or
// columns of a row, R14 the index worth zero in every byte.
TEXT ·fillWordsARM(SB), NOSPLIT, $8-24
channel:
	MOVW	pieces+8(FP), R2
	MOVW	n+12(FP), R3

piece:
	MOVW	R3, left-4(SP)
	MOVW	dst+0(FP), R0
	MOVW	src+4(FP), R1
	MOVW	job+16(FP), R12
	MOVM.IA.W	(R2), [R3-R9] // dst, src, above, below, bottom, rows, cols
	MOVW	20(R12), R14
	ORR	R14<<8, R14
	ORR	R14<<16, R14
	ADD	R0, R7
	CMP	$0, R6
	BEQ	top

bottom:
	MOVW.P	R14, 4(R7)
	SUB.S	$1, R6
	BNE	bottom

top:
	ADD	R0, R3, R0
	MOVW	R4, R6
	MOVW	R0, R4
	CMP	$0, R5
	BEQ	inside

above:
	MOVW.P	R14, 4(R4)
	SUB.S	$1, R5
	BNE	above

inside:
	ADD	R1, R6, R5
	CMP	$0, R8
	BEQ	next
	MOVW	24(R12), R6
	CMP	$0, R6
	BEQ	bytes

row:
	BIC	$3, R5, R0
	AND	$3, R5, R1
	MOVW	R1<<3, R1
	RSB	$32, R1, R3
	MOVW	R4, R12
	MOVW.P	4(R0), R6
	SUB.S	$2, R9, R7
	BLT	odd

two:
	MOVW.P	4(R0), R11
	MOVW	R6>>R1, R6
	ORR	R11<<R3, R6
	MOVW.P	R6, 4(R12)
	MOVW.P	4(R0), R6
	MOVW	R11>>R1, R11
	ORR	R6<<R3, R11
	MOVW.P	R11, 4(R12)
	SUB.S	$2, R7
	BGE	two

odd:
	CMP	$-1, R7
	BNE	edges
	MOVW	(R0), R11
	MOVW	R6>>R1, R6
	ORR	R11<<R3, R6
	MOVW	R6, (R12)

edges:
	MOVM.IA	(R2), [R1, R3, R6] // before, after, behind
	SUB.S	$1, R1
	BLT	behind

before:
	MOVB	R14, R1<<0(R4)
	SUB.S	$1, R1
	BGE	before

behind:
	SUB.S	$1, R6
	BLT	moved
	ADD	R4, R3

last:
	MOVB	R14, R6<<0(R3)
	SUB.S	$1, R6
	BGE	last

moved:
	MOVW	job+16(FP), R12
	ADD	$8, R12
	MOVM.IA	(R12), [R0-R1] // pitch, srcRow
	ADD	R0, R4
	ADD	R1, R5
	SUB.S	$1, R8
	BNE	row
	B	next

bytes:
	MOVW	16(R12), R3 // stride
	MOVM.IA	(R2), [R1, R6, R7] // before, after, behind
	MOVW	R7, behind-8(SP)
	MOVW	R4, R12
	MOVW	R5, R0
	SUB.S	$1, R1
	BLT	columns

first:
	MOVB.P	R14, 1(R12)
	SUB.S	$1, R1
	BGE	first

columns:
	CMP	$2, R3
	SUB	$4, R9, R7
	BNE	any
	CMP	$0, R7
	BLT	rest

four:
	MOVBU.P	2(R0), R1
	MOVB.P	R1, 1(R12)
	MOVBU.P	2(R0), R6
	MOVB.P	R6, 1(R12)
	MOVBU.P	2(R0), R1
	MOVB.P	R1, 1(R12)
	MOVBU.P	2(R0), R6
	MOVB.P	R6, 1(R12)
	SUB.S	$4, R7
	BGE	four

rest:
	ADD.S	$4, R7
	BEQ	ends

one:
	MOVBU.P	2(R0), R1
	MOVB.P	R1, 1(R12)
	SUB.S	$1, R7
	BNE	one
	B	ends

any:
	ADD	$4, R7

step:
	MOVBU	(R0), R1
	ADD	R3, R0
	MOVB.P	R1, 1(R12)
	SUB.S	$1, R7
	BNE	step

ends:
	MOVW	behind-8(SP), R7
	SUB.S	$1, R7
	BLT	copied

tail:
	MOVB.P	R14, 1(R12)
	SUB.S	$1, R7
	BGE	tail

copied:
	MOVW	job+16(FP), R12
	ADD	$8, R12
	MOVM.IA	(R12), [R0-R1] // pitch, srcRow
	ADD	R0, R4
	ADD	R1, R5
	MOVW	job+16(FP), R12
	SUB.S	$1, R8
	BNE	bytes

next:
	ADD	$12, R2
	MOVW	left-4(SP), R3
	SUB.S	$1, R3
	BNE	piece
	MOVW	job+16(FP), R12
	MOVM.IA	(R12), [R0-R1] // dstChan, srcChan
	MOVW	dst+0(FP), R3
	ADD	R0, R3
	MOVW	R3, dst+0(FP)
	MOVW	src+4(FP), R3
	ADD	R1, R3
	MOVW	R3, src+4(FP)
	MOVW	channels+20(FP), R3
	SUB.S	$1, R3
	MOVW	R3, channels+20(FP)
	BNE	channel
	RET
