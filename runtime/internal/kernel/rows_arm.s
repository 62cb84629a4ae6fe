//go:build !purego

#include "textflag.h"

// func addRows2ARM(s *laneSums, base unsafe.Pointer, list *uint32, n, group int)
//
// R1 base, R2 list, R3 rows left, R4 rows left of a group, R5..R8 sums of the four streams, R9 low nibbles.
TEXT ·addRows2ARM(SB), NOSPLIT, $4-20
	MOVW	base+4(FP), R1
	MOVW	list+8(FP), R2
	MOVW	n+12(FP), R3
	MOVW	$0x0F0F0F0F, R9

group:
	MOVW	group+16(FP), R4
	CMP	R4, R3
	MOVW.LT	R3, R4
	SUB	R4, R3
	MOVW	$0, R5
	MOVW	$0, R6
	MOVW	$0, R7
	MOVW	$0, R8

row:
	MOVW.P	4(R2), R14
	ADD	R1, R14
	MOVM.IA	(R14), [R12, R14]
	AND	R9, R12, R0
	ADD	R0, R5
	AND	R12>>4, R9, R0
	ADD	R0, R6
	AND	R9, R14, R0
	ADD	R0, R7
	AND	R14>>4, R9, R0
	ADD	R0, R8
	SUB.S	$1, R4
	BNE	row

	MOVW	s+0(FP), R0
	MOVW	$0x00FF00FF, R4
	MOVW	0(R0), R12
	ADD	R5, R12
	MOVW	R12, 0(R0)
	MOVW	16(R0), R12
	AND	R5>>8, R4, R14
	ADD	R14, R12
	MOVW	R12, 16(R0)
	MOVW	4(R0), R12
	ADD	R6, R12
	MOVW	R12, 4(R0)
	MOVW	20(R0), R12
	AND	R6>>8, R4, R14
	ADD	R14, R12
	MOVW	R12, 20(R0)
	MOVW	8(R0), R12
	ADD	R7, R12
	MOVW	R12, 8(R0)
	MOVW	24(R0), R12
	AND	R7>>8, R4, R14
	ADD	R14, R12
	MOVW	R12, 24(R0)
	MOVW	12(R0), R12
	ADD	R8, R12
	MOVW	R12, 12(R0)
	MOVW	28(R0), R12
	AND	R8>>8, R4, R14
	ADD	R14, R12
	MOVW	R12, 28(R0)
	CMP	$0, R3
	BNE	group
	RET

// func addRows1ARM(s *laneSums, base unsafe.Pointer, list *uint32, n, group int)
TEXT ·addRows1ARM(SB), NOSPLIT, $4-20
	MOVW	base+4(FP), R1
	MOVW	list+8(FP), R2
	MOVW	n+12(FP), R3
	MOVW	$0x0F0F0F0F, R9

group:
	MOVW	group+16(FP), R4
	CMP	R4, R3
	MOVW.LT	R3, R4
	SUB	R4, R3
	MOVW	$0, R5
	MOVW	$0, R6

row:
	MOVW.P	4(R2), R14
	ADD	R14>>1, R1, R14
	MOVW	(R14), R12
	AND	R9, R12, R0
	ADD	R0, R5
	AND	R12>>4, R9, R0
	ADD	R0, R6
	SUB.S	$1, R4
	BNE	row

	MOVW	s+0(FP), R0
	MOVW	$0x00FF00FF, R4
	MOVW	0(R0), R12
	ADD	R5, R12
	MOVW	R12, 0(R0)
	MOVW	16(R0), R12
	AND	R5>>8, R4, R14
	ADD	R14, R12
	MOVW	R12, 16(R0)
	MOVW	4(R0), R12
	ADD	R6, R12
	MOVW	R12, 4(R0)
	MOVW	20(R0), R12
	AND	R6>>8, R4, R14
	ADD	R14, R12
	MOVW	R12, 20(R0)
	CMP	$0, R3
	BNE	group
	RET
