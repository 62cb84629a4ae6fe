//go:build !purego

#include "textflag.h"

// PAIR adds the weights of two outputs at R9 to the word in R3.
#define PAIR \
	MOVHU	(R9), R12; \
	MOVHU	R5<<0(R9), R14; \
	MOVW	R12<<2(R7), R12; \
	MOVW	R14<<2(R8), R14; \
	ORR	R3<<8, R12, R3; \
	ORR	R14, R3, R3

// func packWords(dst *word, step int, from unsafe.Pointer, next, taps, away, n int, low, high *word)
TEXT ·packWords(SB), NOSPLIT, $4-36
	MOVW	dst+0(FP), R0
	MOVW	step+4(FP), R1
	MOVW	from+8(FP), R2
	MOVW	taps+16(FP), R4
	MOVW	away+20(FP), R5
	MOVW	n+24(FP), R6
	MOVW	low+28(FP), R7
	MOVW	high+32(FP), R8

next:
	MOVW	R2, R9
	MOVW	$0, R3
	PAIR
	SUB	R4, R9
	PAIR
	SUB	R4, R9
	PAIR
	SUB	R4, R9
	PAIR
	MOVW	R3, (R0)
	ADD	R1, R0
	MOVW	next+12(FP), R3
	ADD	R3, R2
	SUB.S	$1, R6
	BNE	next
	RET
