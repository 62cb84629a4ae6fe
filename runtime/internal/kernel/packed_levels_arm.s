//go:build !purego

#include "textflag.h"

// ADD1 adds the centre of a weight.
#define ADD1 \
	MOVHU.P	2(R2), R4; \
	MOVBU.P	1(R1), R5; \
	MOVW	R4<<2(R3), R4; \
	MOVW	R5<<2(R0), R6; \
	ADD	R4, R6; \
	MOVW	R6, R5<<2(R0)

// func addByLevelARM(sums *[256]int32, in *byte, weights *uint16, n int, centres *int32)
//
// R0 sums, R1 in, R2 weights, R3 centres, R7 weights left.
TEXT ·addByLevelARM(SB), NOSPLIT, $0-20
	MOVW	sums+0(FP), R0
	MOVW	in+4(FP), R1
	MOVW	weights+8(FP), R2
	MOVW	n+12(FP), R7
	MOVW	centres+16(FP), R3
	SUB.S	$4, R7
	BLT	rest

four:
	ADD1
	ADD1
	ADD1
	ADD1
	SUB.S	$4, R7
	BGE	four

rest:
	ADD.S	$4, R7
	BEQ	done

one:
	ADD1
	SUB.S	$1, R7
	BNE	one

done:
	RET
