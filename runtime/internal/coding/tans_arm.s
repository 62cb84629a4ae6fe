//go:build !purego

#include "textflag.h"

// FILL takes two bytes more, as there are less than 16 bits: R5 becomes what there were, which is now their number above 16.
#define FILL \
	MOVBU.P	1(R3), R7; \
	MOVBU.P	1(R3), R8; \
	ADD	$16, R5; \
	ORR	R8<<8, R7, R7; \
	ORR	R7<<R5, R4, R4

// NEXT delivers an index. A state holds index and base in its first word and the width in its second one.
#define NEXT(enough) \
	ADD	R6<<3, R2, R7; \
	MOVM.IA	(R7), [R8,R9]; \
	MOVH.P	R8, 2(R0); \
	BIC	R12<<R9, R4, R7; \
	ADD	R8>>16, R7, R6; \
	MOVW	R4>>R9, R4; \
	SUB.S	R9, R5; \
	BGE	enough; \
	FILL; \
enough: \

// func readTANSARM(dst *uint16, count int, states *tansState, data *byte, acc, n, state *uint32) (taken int)
//
// R0 dst, R1 indices left, R2 states, R3 data, R4 bits that are read, R5 their number less 16, which is not negative
// before an index, R6 state.
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
	MOVW	state+24(FP), R7
	MOVW	R6, (R7)
	MOVW	data+12(FP), R7
	SUB	R7, R3, R3
	MOVW	R3, taken+28(FP)
	RET
