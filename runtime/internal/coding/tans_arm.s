//go:build !purego

#include "textflag.h"

// func readTANSARM(dst *uint16, count int, states *tansState, data *byte, acc, n, state *uint32) (taken int)
//
// R0 dst, R1 indices left, R2 states, R3 data, R4 bits that are read, R5 their number, R6 state.
TEXT ·readTANSARM(SB), NOSPLIT, $0-32
	MOVW	dst+0(FP), R0
	MOVW	count+4(FP), R1
	MOVW	states+8(FP), R2
	MOVW	data+12(FP), R3
	MOVW	acc+16(FP), R4
	MOVW	(R4), R4
	MOVW	n+20(FP), R5
	MOVW	(R5), R5
	MOVW	state+24(FP), R6
	MOVW	(R6), R6
	MOVW	$-1, R12

next:
	CMP	$16, R5
	BGE	enough
	MOVBU.P	1(R3), R7
	MOVBU.P	1(R3), R8
	ORR	R8<<8, R7, R7
	ORR	R7<<R5, R4, R4
	ADD	$16, R5

enough:
	ADD	R6<<3, R2, R7
	MOVW	(R7), R8
	MOVW	4(R7), R9
	MOVH.P	R8, 2(R0)
	BIC	R12<<R9, R4, R7
	ADD	R8>>16, R7, R6
	MOVW	R4>>R9, R4
	SUB	R9, R5
	SUB.S	$1, R1
	BNE	next

	MOVW	acc+16(FP), R7
	MOVW	R4, (R7)
	MOVW	n+20(FP), R7
	MOVW	R5, (R7)
	MOVW	state+24(FP), R7
	MOVW	R6, (R7)
	MOVW	data+12(FP), R7
	SUB	R7, R3, R3
	MOVW	R3, taken+28(FP)
	RET
