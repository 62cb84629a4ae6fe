//go:build !purego

#include "textflag.h"

// COUNT counts the level in bits at.. of R3.
#define COUNT(at) \
	UBFX	$at, R3, $8, R4; \
	MOVWU	(R0)(R4<<2), R5; \
	ADD	$1, R5, R5; \
	MOVW	R5, (R0)(R4<<2)

// func countLevelsNEON(counts *[256]uint32, in *byte, n int)
TEXT ·countLevelsNEON(SB), NOSPLIT, $0-24
	MOVD	counts+0(FP), R0
	MOVD	in+8(FP), R1
	MOVD	n+16(FP), R2
	SUBS	$8, R2
	BLT	rest

eight:
	MOVD.P	8(R1), R3
	COUNT(0)
	COUNT(8)
	COUNT(16)
	COUNT(24)
	COUNT(32)
	COUNT(40)
	COUNT(48)
	COUNT(56)
	SUBS	$8, R2
	BGE	eight

rest:
	ADDS	$8, R2
	BEQ	done

one:
	MOVBU.P	1(R1), R3
	COUNT(0)
	SUBS	$1, R2
	BNE	one

done:
	RET

// PLACE places the row of the level in bits at.. of R3.
#define PLACE(at) \
	UBFX	$at, R3, $8, R4; \
	MOVWU	(R0)(R4<<2), R5; \
	ADD	$1, R5, R6; \
	MOVW	R6, (R0)(R4<<2); \
	MOVW	R7, (R8)(R5<<2); \
	ADD	R9, R7, R7

// func placeRowsNEON(list *uint32, at *[256]uint32, in *byte, n int, step uint32)
TEXT ·placeRowsNEON(SB), NOSPLIT, $0-36
	MOVD	list+0(FP), R8
	MOVD	at+8(FP), R0
	MOVD	in+16(FP), R1
	MOVD	n+24(FP), R2
	MOVWU	step+32(FP), R9
	MOVD	$0, R7
	SUBS	$8, R2
	BLT	rest

eight:
	MOVD.P	8(R1), R3
	PLACE(0)
	PLACE(8)
	PLACE(16)
	PLACE(24)
	PLACE(32)
	PLACE(40)
	PLACE(48)
	PLACE(56)
	SUBS	$8, R2
	BGE	eight

rest:
	ADDS	$8, R2
	BEQ	done

one:
	MOVBU.P	1(R1), R3
	PLACE(0)
	SUBS	$1, R2
	BNE	one

done:
	RET

// USHL_S4 shifts the lanes of Vn left by those of Vm; the assembler has no name for it.
#define USHL_S4(m, n, d) WORD $(0x6EA04400 + m<<16 + n<<5 + d)

// STREAM adds eight sums at from, which it advances, to the accumulators of the next stream.
#define STREAM(from) \
	MOVW	(R3), R5; \
	MOVBU	4(R3), R6; \
	ADD	$8, R3; \
	ADD	R5<<2, R0, R5; \
	VDUP	R6, V6.S4; \
	VLD1.P	32(from), [V0.S4, V1.S4]; \
	VLD1	(R5), [V2.S4, V3.S4]; \
	USHL_S4(6, 0, 0); \
	USHL_S4(6, 1, 1); \
	VADD	V0.S4, V2.S4, V2.S4; \
	VADD	V1.S4, V3.S4, V3.S4; \
	VST1	[V2.S4, V3.S4], (R5)

// func streamsNEON(acc *int32, sums *stripSums, streams *stream, n, high int)
TEXT ·streamsNEON(SB), NOSPLIT, $0-40
	MOVD	acc+0(FP), R0
	MOVD	sums+8(FP), R1
	MOVD	streams+16(FP), R3
	MOVD	n+24(FP), R4
	MOVD	high+32(FP), R2
	ADD	R2<<2, R1, R2

pair:
	STREAM(R1)
	SUBS	$1, R4
	BEQ	done
	STREAM(R2)
	SUBS	$1, R4
	BNE	pair

done:
	RET

// func limitNEON(lanes *uint16, acc *int32, n int, add, top int32)
//
// Sums are biased by 2^31, which suits unsigned limits and is gone with the high halves.
TEXT ·limitNEON(SB), NOSPLIT, $0-32
	MOVD	lanes+0(FP), R0
	MOVD	acc+8(FP), R1
	MOVD	n+16(FP), R2
	MOVWU	add+24(FP), R3
	MOVWU	top+28(FP), R4
	MOVD	$0x80000000, R5
	ADDW	R5, R3, R3
	ADDW	R5, R4, R4
	VDUP	R3, V6.S4
	VDUP	R5, V7.S4
	VDUP	R4, V8.S4

eight:
	VLD1.P	32(R1), [V0.S4, V1.S4]
	VADD	V6.S4, V0.S4, V0.S4
	VADD	V6.S4, V1.S4, V1.S4
	VUMAX	V7.S4, V0.S4, V0.S4
	VUMAX	V7.S4, V1.S4, V1.S4
	VUMIN	V8.S4, V0.S4, V0.S4
	VUMIN	V8.S4, V1.S4, V1.S4
	VUZP1	V1.H8, V0.H8, V0.H8
	VST1.P	[V0.B16], 16(R0)
	SUBS	$1, R2
	BNE	eight
	RET
