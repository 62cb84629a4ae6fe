//go:build !purego

#include "textflag.h"

// func nearLevelsARM(dst *byte, acc *int32, n int, add, top int32, levels *uint8)
TEXT ·nearLevelsARM(SB), NOSPLIT, $0-24
	MOVW	dst+0(FP), R0
	MOVW	acc+4(FP), R1
	MOVW	n+8(FP), R3
	MOVW	add+12(FP), R4
	MOVW	top+16(FP), R5
	MOVW	levels+20(FP), R6

level:
	MOVW.P	4(R1), R7
	ADD.S	R4, R7, R7
	MOVW.MI	$0, R7
	CMP	R5, R7
	MOVW.GT	R5, R7
	MOVBU	R7<<0(R6), R7
	MOVB.P	R7, 1(R0)
	SUB.S	$1, R3
	BNE	level
	RET

// func nearPairsARM(dst *byte, even, odd *uint16, n int, add, top int32, levels *uint8)
TEXT ·nearPairsARM(SB), NOSPLIT, $0-28
	MOVW	dst+0(FP), R0
	MOVW	even+4(FP), R1
	MOVW	odd+8(FP), R2
	MOVW	n+12(FP), R3
	MOVW	add+16(FP), R4
	MOVW	top+20(FP), R5
	MOVW	levels+24(FP), R6

pair:
	MOVHU.P	2(R1), R7
	MOVHU.P	2(R2), R8
	ADD.S	R4, R7, R7
	MOVW.MI	$0, R7
	CMP	R5, R7
	MOVW.GT	R5, R7
	MOVBU	R7<<0(R6), R7
	MOVB.P	R7, 1(R0)
	ADD.S	R4, R8, R8
	MOVW.MI	$0, R8
	CMP	R5, R8
	MOVW.GT	R5, R8
	MOVBU	R8<<0(R6), R8
	MOVB.P	R8, 1(R0)
	SUB.S	$1, R3
	BNE	pair
	RET
