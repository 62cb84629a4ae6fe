//go:build !purego

#include "textflag.h"

// ONE counts an index. R0 counts, R1 indices.
#define ONE(index, n) \
	MOVBU.P	2(R1), index; \
	MOVW	index<<2(R0), n; \
	ADD	$1, n; \
	MOVW	n, index<<2(R0)

// func countARM(counts *[256]uint32, indices *uint16, fours int)
TEXT ·countARM(SB), NOSPLIT, $0-12
	MOVW	counts+0(FP), R0
	MOVW	indices+4(FP), R1
	MOVW	fours+8(FP), R2

four:
	ONE(R3, R4)
	ONE(R5, R6)
	ONE(R7, R8)
	ONE(R3, R4)
	SUB.S	$1, R2
	BNE	four
	RET
