//go:build !purego

#include "textflag.h"

// func countTapsARM(counts *[maxExpandLists]uint32, weights *uint16, n int, start *uint16, lists *uint8)
//
// R0 counts, R1 weights, R2 weights left, R3 start, R4 lists, R6 the next list of a weight, R7 its number.
TEXT ·countTapsARM(SB), NOSPLIT, $0-20
	MOVW	counts+0(FP), R0
	MOVW	weights+4(FP), R1
	MOVW	n+8(FP), R2
	MOVW	start+12(FP), R3
	MOVW	lists+16(FP), R4

weight:
	MOVHU.P	2(R1), R5
	ADD	R5<<1, R3, R6
	MOVHU	(R6), R6
	ADD	R4, R6
	MOVBU.P	1(R6), R7
	CMP	$0, R7
	BEQ	next

list:
	MOVW	R7<<2(R0), R8
	MOVBU.P	1(R6), R9
	ADD	$1, R8
	MOVW	R8, R7<<2(R0)
	MOVW	R9, R7
	CMP	$0, R7
	BNE	list

next:
	SUB.S	$1, R2
	BNE	weight
	RET

// func placeTapsARM(prog *uint16, ends *[maxExpandLists]uint32, weights, rows *uint16, n, first int, start *uint16, lists *uint8)
//
// R0 ends, R1 weights, R2 weights left, R3 start, R4 lists, R5 rows, R6 the next list of a weight, R7 its number, R12 prog,
// R14 the row.
TEXT ·placeTapsARM(SB), NOSPLIT, $4-32
	MOVW	prog+0(FP), R12
	MOVW	ends+4(FP), R0
	MOVW	weights+8(FP), R1
	MOVW	rows+12(FP), R5
	MOVW	n+16(FP), R2
	MOVW	start+24(FP), R3
	MOVW	lists+28(FP), R4

weight:
	MOVHU.P	2(R1), R6
	MOVHU.P	2(R5), R14
	ADD	R6<<1, R3, R6
	MOVHU	(R6), R6
	MOVW	first+20(FP), R9
	ADD	R9, R14
	ADD	R4, R6
	MOVBU.P	1(R6), R7
	CMP	$0, R7
	BEQ	next

list:
	MOVW	R7<<2(R0), R8
	ADD	R8<<1, R12, R9
	MOVH	R14, (R9)
	ADD	$1, R8
	MOVW	R8, R7<<2(R0)
	MOVBU.P	1(R6), R7
	CMP	$0, R7
	BNE	list

next:
	SUB.S	$1, R2
	BNE	weight
	RET
