//go:build !purego

#include "textflag.h"

// FILL takes two bytes more, as there are less than 16 bits: R5 becomes what there were, which is now their number above 16.
#define FILL \
	MOVBU.P	1(R3), R7; \
	MOVBU.P	1(R3), R8; \
	ADD	$16, R5; \
	ORR	R8<<8, R7, R7; \
	ORR	R7<<R5, R4, R4

// NEXT delivers an index. A state holds it in its low half and a number in its high one, which the bits that follow continue.
#define NEXT(enough) \
	MOVW	R6<<2(R2), R8; \
	MOVH.P	R8, 2(R0); \
	MOVW	R8>>16, R9; \
	CLZ	R9, R7; \
	SUB	R14, R7; \
	BIC	R12<<R7, R4, R8; \
	ORR	R9<<R7, R8, R6; \
	MOVW	R4>>R7, R4; \
	SUB.S	R7, R5; \
	BGE	enough; \
	FILL; \
enough: \

// func readTANSARM(dst *uint16, count int, states *tansState, data *byte, acc, n, state *uint32, log uint) (taken int)
//
// R0 dst, R1 indices left, R2 states less as many of them as there are, R3 data, R4 bits that are read, R5 their number less
// 16, which is not negative before an index, R6 state plus the number of states, R14 the zeros in front of that number.
TEXT ·readTANSARM(SB), NOSPLIT, $4-36
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
	MOVW	log+28(FP), R7
	MOVW	$1, R8
	MOVW	R8<<R7, R8
	ADD	R8, R6
	SUB	R8<<2, R2
	RSB	$31, R7, R14
	MOVW	$-1, R12

	SUB.S	$16, R5
	BGE	begin
	FILL

begin:
	SUB.S	$4, R1
	BLT	rest

four:
	NEXT(enough1)
	NEXT(enough2)
	NEXT(enough3)
	NEXT(enough4)
	SUB.S	$4, R1
	BGE	four

rest:
	ADD.S	$4, R1
	BEQ	done

one:
	NEXT(enough5)
	SUB.S	$1, R1
	BNE	one

done:
	ADD	$16, R5
	MOVW	acc+16(FP), R7
	MOVW	R4, (R7)
	MOVW	n+20(FP), R7
	MOVW	R5, (R7)
	MOVW	log+28(FP), R7
	MOVW	$1, R8
	SUB	R8<<R7, R6
	MOVW	state+24(FP), R7
	MOVW	R6, (R7)
	MOVW	data+12(FP), R7
	SUB	R7, R3, R3
	MOVW	R3, taken+32(FP)
	RET

// func spreadTANSARM(states *tansState, index uint16, n, pos, step, mask uint32) uint32
//
// R0 states, R1 index, R2 states left, R3 position, R4 step, R5 mask.
TEXT ·spreadTANSARM(SB), NOSPLIT, $0-28
	MOVW	states+0(FP), R0
	MOVHU	index+4(FP), R1
	MOVW	n+8(FP), R2
	MOVW	pos+12(FP), R3
	MOVW	step+16(FP), R4
	MOVW	mask+20(FP), R5

state:
	MOVW	R1, R3<<2(R0)
	ADD	R4, R3
	AND	R5, R3
	SUB.S	$1, R2
	BNE	state
	MOVW	R3, ret+24(FP)
	RET

// func followTANSARM(states *tansState, n int, next *uint32)
//
// R0 states, R1 states left, R2 next.
TEXT ·followTANSARM(SB), NOSPLIT, $0-12
	MOVW	states+0(FP), R0
	MOVW	n+4(FP), R1
	MOVW	next+8(FP), R2

state:
	MOVHU	(R0), R3
	MOVW	R3<<2(R2), R4
	ORR	R4<<16, R3, R5
	MOVW.P	R5, 4(R0)
	ADD	$1, R4
	MOVW	R4, R3<<2(R2)
	SUB.S	$1, R1
	BNE	state
	RET
