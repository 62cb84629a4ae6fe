//go:build !purego

#include "textflag.h"

// The assembler has no name for USHL, the shift by a register: the lanes of Vn are shifted
// left by the lanes of Vm, and right where those are negative.
#define USHL_H8(m, n, d) WORD $(0x6E604400 + m<<16 + n<<5 + d)
#define USHL_S4(m, n, d) WORD $(0x6EA04400 + m<<16 + n<<5 + d)

// Registers: R0 dst, R1 and R2 sums, R5 blocks left, R6 bins.
//
// V0..V3 floor, ceil (of 32-bit sums: top), offset (add), -shift; V4 mask; V16.. below,
// V20.. above, V24.. low bytes of rest, V28.. their high bytes.

#define SPLITREST(lo, hi) \
	VLD2.P	32(R6), [V5.B16, V6.B16]; \
	VMOV	V5.B16, lo.B16; \
	VMOV	V6.B16, hi.B16

// TABLES loads bins: fields rest, below, above, rest8, mask, top, shift.
#define TABLES \
	SPLITREST(V24, V28); \
	SPLITREST(V25, V29); \
	SPLITREST(V26, V30); \
	SPLITREST(V27, V31); \
	VLD1.P	64(R6), [V16.B16, V17.B16, V18.B16, V19.B16]; \
	VLD1.P	64(R6), [V20.B16, V21.B16, V22.B16, V23.B16]; \
	MOVWU	64(R6), R7; \
	VDUP	R7, V4.H8; \
	MOVWU	72(R6), R7; \
	NEG	R7, R7

// LIMIT computes t of the lanes in V5 and V6, and shifts them to V7 and V8.
#define LIMIT \
	VUMAX	V0.H8, V5.H8, V5.H8; \
	VUMAX	V0.H8, V6.H8, V6.H8; \
	VUMIN	V1.H8, V5.H8, V5.H8; \
	VUMIN	V1.H8, V6.H8, V6.H8; \
	VADD	V2.H8, V5.H8, V5.H8; \
	VADD	V2.H8, V6.H8, V6.H8; \
	USHL_H8(3, 5, 7); \
	USHL_H8(3, 6, 8)

// LIMIT32 computes t, biased by 2^31, of the sums of 32 bits in V5..V8, and narrows it to V5
// and V6, bins to V7 and V8. Unsigned limits suit biased sums. The bias is gone with the
// high halves: shifts are not larger than 16, and of a bin only the low byte counts.
#define LIMIT32 \
	VUMAX	V0.S4, V5.S4, V5.S4; \
	VUMAX	V0.S4, V6.S4, V6.S4; \
	VUMAX	V0.S4, V7.S4, V7.S4; \
	VUMAX	V0.S4, V8.S4, V8.S4; \
	VUMIN	V1.S4, V5.S4, V5.S4; \
	VUMIN	V1.S4, V6.S4, V6.S4; \
	VUMIN	V1.S4, V7.S4, V7.S4; \
	VUMIN	V1.S4, V8.S4, V8.S4; \
	USHL_S4(3, 5, 9); \
	USHL_S4(3, 6, 10); \
	USHL_S4(3, 7, 11); \
	USHL_S4(3, 8, 12); \
	VUZP1	V6.H8, V5.H8, V5.H8; \
	VUZP1	V8.H8, V7.H8, V6.H8; \
	VUZP1	V10.H8, V9.H8, V7.H8; \
	VUZP1	V12.H8, V11.H8, V8.H8

// LOOKUP takes bins from the bytes of V7: below to V9, above to V10, rest to V11 (low) and
// V12 (high). It masks t.
#define LOOKUP \
	VTBL	V7.B16, [V24.B16, V25.B16, V26.B16, V27.B16], V11.B16; \
	VTBL	V7.B16, [V28.B16, V29.B16, V30.B16, V31.B16], V12.B16; \
	VTBL	V7.B16, [V16.B16, V17.B16, V18.B16, V19.B16], V9.B16; \
	VTBL	V7.B16, [V20.B16, V21.B16, V22.B16, V23.B16], V10.B16; \
	VAND	V4.B16, V5.B16, V5.B16; \
	VAND	V4.B16, V6.B16, V6.B16

// COMPARE sets the lanes of V5 where V5 <= V13, those of V6 where V6 <= V14: where the
// larger of the two is the second.
#define COMPARE \
	VUMAX	V13.H8, V5.H8, V5.H8; \
	VUMAX	V14.H8, V6.H8, V6.H8; \
	VCMEQ	V13.H8, V5.H8, V5.H8; \
	VCMEQ	V14.H8, V6.H8, V6.H8

// WRITE stores below where the bytes of V5 are set, above elsewhere.
#define WRITE \
	VBSL	V10.B16, V9.B16, V5.B16; \
	VST1.P	[V5.B16], 16(R0)

// PAIRS writes levels from t of even and odd positions in V5 and V6, bins in V7 and V8.
#define PAIRS \
	VSLI	$8, V8.H8, V7.H8; \
	LOOKUP; \
	VTRN1	V12.B16, V11.B16, V13.B16; \
	VTRN2	V12.B16, V11.B16, V14.B16; \
	COMPARE; \
	VTRN1	V6.B16, V5.B16, V5.B16; \
	WRITE

// LANES is PAIRS for lanes in order.
#define LANES \
	VUZP1	V8.B16, V7.B16, V7.B16; \
	LOOKUP; \
	VZIP1	V12.B16, V11.B16, V13.B16; \
	VZIP2	V12.B16, V11.B16, V14.B16; \
	COMPARE; \
	VUZP1	V6.B16, V5.B16, V5.B16; \
	WRITE

// func pairLevelsNEON(dst *byte, even, odd *uint16, blocks int, b *bins, floor, ceil, offset uint16)
TEXT ·pairLevelsNEON(SB), NOSPLIT, $0-46
	MOVD	dst+0(FP), R0
	MOVD	even+8(FP), R1
	MOVD	odd+16(FP), R2
	MOVD	blocks+24(FP), R5
	MOVD	b+32(FP), R6
	TABLES
	VDUP	R7, V3.H8
	MOVHU	floor+40(FP), R7
	VDUP	R7, V0.H8
	MOVHU	ceil+42(FP), R7
	VDUP	R7, V1.H8
	MOVHU	offset+44(FP), R7
	VDUP	R7, V2.H8

block:
	VLD1.P	16(R1), [V5.H8]
	VLD1.P	16(R2), [V6.H8]
	LIMIT
	PAIRS
	SUBS	$1, R5
	BNE	block
	RET

// func laneLevelsNEON(dst *byte, lanes *uint16, blocks int, b *bins, floor, ceil, offset uint16)
TEXT ·laneLevelsNEON(SB), NOSPLIT, $0-38
	MOVD	dst+0(FP), R0
	MOVD	lanes+8(FP), R1
	MOVD	blocks+16(FP), R5
	MOVD	b+24(FP), R6
	TABLES
	VDUP	R7, V3.H8
	MOVHU	floor+32(FP), R7
	VDUP	R7, V0.H8
	MOVHU	ceil+34(FP), R7
	VDUP	R7, V1.H8
	MOVHU	offset+36(FP), R7
	VDUP	R7, V2.H8

block:
	VLD1.P	32(R1), [V5.H8, V6.H8]
	LIMIT
	LANES
	SUBS	$1, R5
	BNE	block
	RET

// WIDEN loads eight lanes and widens them to lo and hi.
#define WIDEN(from, lo, hi) \
	VLD1	(from), [lo.H8]; \
	VUXTL2	lo.H8, hi.S4; \
	VUXTL	lo.H4, lo.S4

// func mixLevelsNEON(dst *byte, lanes *uint16, odd, step, blocks int, list *mixEntry, entries int, b *bins, add int32, wide bool)
//
// The lanes of an entry are widened to V9..V12. R8 is the entry, R9 its lanes, R10 its shift
// and, from bit 32 on, its flags.
TEXT ·mixLevelsNEON(SB), NOSPLIT, $0-69
	MOVD	dst+0(FP), R0
	MOVD	lanes+8(FP), R1
	MOVD	odd+16(FP), R2
	MOVD	step+24(FP), R3
	MOVD	blocks+32(FP), R5
	MOVD	b+56(FP), R6
	TABLES
	VDUP	R7, V3.S4
	MOVD	$0x80000000, R8
	VDUP	R8, V0.S4
	MOVWU	68(R6), R7
	ADDW	R8, R7, R7
	VDUP	R7, V1.S4
	MOVWU	add+64(FP), R7
	ADDW	R8, R7, R7
	VDUP	R7, V2.S4
	MOVBU	wide+68(FP), R4

block:
	VMOV	V2.B16, V5.B16
	VMOV	V2.B16, V6.B16
	VMOV	V2.B16, V7.B16
	VMOV	V2.B16, V8.B16
	MOVD	list+40(FP), R8
	MOVD	entries+48(FP), R7

entry:
	LDP.P	16(R8), (R9, R10)
	VDUP	R10, V13.S4
	TBNZ	$33, R10, same
	ADD	R1, R9
	ADD	R2, R9, R11
	WIDEN(R9, V9, V10)
	WIDEN(R11, V11, V12)

same:
	USHL_S4(13, 9, 14)
	USHL_S4(13, 10, 15)
	TBNZ	$32, R10, negate
	VADD	V14.S4, V5.S4, V5.S4
	VADD	V15.S4, V6.S4, V6.S4
	USHL_S4(13, 11, 14)
	USHL_S4(13, 12, 15)
	VADD	V14.S4, V7.S4, V7.S4
	VADD	V15.S4, V8.S4, V8.S4
	SUBS	$1, R7
	BNE	entry
	B	write

negate:
	VSUB	V14.S4, V5.S4, V5.S4
	VSUB	V15.S4, V6.S4, V6.S4
	USHL_S4(13, 11, 14)
	USHL_S4(13, 12, 15)
	VSUB	V14.S4, V7.S4, V7.S4
	VSUB	V15.S4, V8.S4, V8.S4
	SUBS	$1, R7
	BNE	entry

write:
	ADD	R3, R1
	LIMIT32
	CBNZ	R4, wide
	PAIRS
	SUBS	$1, R5
	BNE	block
	RET

wide:
	LANES
	SUBS	$1, R5
	BNE	block
	RET
