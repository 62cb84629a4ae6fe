//go:build !purego

#include "textflag.h"

// PRODUCT adds to sum what level b at offset makes with the rows R8 of plus and R9 of minus.
#define PRODUCT(offset, sum) \
	MOVBU	offset(R6), R11; \
	ADD	R11, R11; \
	MOVHU	R11<<0(R8), R12; \
	MOVHU	R11<<0(R9), R14; \
	ADD	R12, sum; \
	SUB	R14, sum

// func fourProductsARM(sums *[4]int32, a *byte, n int, b *byte, columns int, zero uint32, plus, minus *uint16)
TEXT ·fourProductsARM(SB), NOSPLIT, $4-32
	MOVW	a+4(FP), R4
	MOVW	n+8(FP), R5
	MOVW	b+12(FP), R6
	MOVW	columns+16(FP), R7
	ADD	R4, R5
	MOVW	$0, R0
	MOVW	$0, R1
	MOVW	$0, R2
	MOVW	$0, R3

level:
	MOVBU.P	1(R4), R11
	MOVW	zero+20(FP), R12
	CMP	R12, R11
	BEQ	next
	MOVW	plus+24(FP), R8
	MOVW	minus+28(FP), R9
	ADD	R11<<1, R8
	SUB	R11<<1, R9
	PRODUCT(0, R0)
	PRODUCT(1, R1)
	PRODUCT(2, R2)
	PRODUCT(3, R3)

next:
	ADD	R7, R6
	CMP	R5, R4
	BNE	level
	MOVW	sums+0(FP), R12
	MOVM.IA	[R0-R3], (R12)
	RET
