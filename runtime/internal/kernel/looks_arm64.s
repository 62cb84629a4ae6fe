//go:build !purego

#include "textflag.h"

// Sums of four runs of 16 digits, the low nibbles of a row and then the high ones: V16..V19 of
// the low bytes of products at all places, V20..V23 at odd places, V24..V27 of high bytes,
// V8..V11 and V12..V15 of high bytes of earlier groups.

// SPREAD adds the bytes of x to the words of t, and those at odd places to d.
#define SPREAD(x, t, d) \
	VADD	x.H8, t.H8, t.H8; \
	VUSRA	$8, x.H8, d.H8

// LOOK adds the products of the digits x to t and d, their high bytes to h.
#define LOOK(x, t, d, h) \
	VTBL	x.B16, [V4.B16], V28.B16; \
	VTBL	x.B16, [V5.B16], V29.B16; \
	SPREAD(V28, t, d); \
	VADD	V29.B16, h.B16, h.B16

// WIDEN writes the sums of t and d to V0..V3 in order, and clears t and d.
#define WIDEN(t, d) \
	VSHL	$8, d.H8, V28.H8; \
	VSUB	V28.H8, t.H8, t.H8; \
	VZIP1	d.H8, t.H8, V28.H8; \
	VZIP2	d.H8, t.H8, V29.H8; \
	VUXTL	V28.H4, V0.S4; \
	VUXTL2	V28.H8, V1.S4; \
	VUXTL	V29.H4, V2.S4; \
	VUXTL2	V29.H8, V3.S4; \
	VEOR	t.B16, t.B16, t.B16; \
	VEOR	d.B16, d.B16, d.B16

#define FLUSH(t, d, ht, hd) \
	WIDEN(t, d); \
	VLD1	(R0), [V4.S4, V5.S4, V6.S4, V7.S4]; \
	VADD	V0.S4, V4.S4, V4.S4; \
	VADD	V1.S4, V5.S4, V5.S4; \
	VADD	V2.S4, V6.S4, V6.S4; \
	VADD	V3.S4, V7.S4, V7.S4; \
	WIDEN(ht, hd); \
	VSHL	$8, V0.S4, V0.S4; \
	VSHL	$8, V1.S4, V1.S4; \
	VSHL	$8, V2.S4, V2.S4; \
	VSHL	$8, V3.S4, V3.S4; \
	VADD	V0.S4, V4.S4, V4.S4; \
	VADD	V1.S4, V5.S4, V5.S4; \
	VADD	V2.S4, V6.S4, V6.S4; \
	VADD	V3.S4, V7.S4, V7.S4; \
	VST1.P	[V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)

#define CLEAR(v) VEOR v.B16, v.B16, v.B16

// func looksNEON(out *stripSums, base unsafe.Pointer, list *uint32, n int, tables *byte, group, groups int)
TEXT ·looksNEON(SB), NOSPLIT, $0-56
	MOVD	out+0(FP), R0
	MOVD	base+8(FP), R1
	MOVD	list+16(FP), R2
	MOVD	n+24(FP), R3
	MOVD	tables+32(FP), R4
	MOVD	group+40(FP), R5
	CLEAR(V16)
	CLEAR(V17)
	CLEAR(V18)
	CLEAR(V19)
	CLEAR(V20)
	CLEAR(V21)
	CLEAR(V22)
	CLEAR(V23)
	CLEAR(V8)
	CLEAR(V9)
	CLEAR(V10)
	CLEAR(V11)
	CLEAR(V12)
	CLEAR(V13)
	CLEAR(V14)
	CLEAR(V15)
	VST1.P	[V16.B16, V17.B16, V18.B16, V19.B16], 64(R0)
	VST1.P	[V16.B16, V17.B16, V18.B16, V19.B16], 64(R0)
	VST1.P	[V16.B16, V17.B16, V18.B16, V19.B16], 64(R0)
	VST1.P	[V16.B16, V17.B16, V18.B16, V19.B16], 64(R0)
	MOVD	$0x0F, R6
	VDUP	R6, V31.B16

chunk:
	MOVD	groups+48(FP), R7
group:
	CMP	R5, R3
	CSEL	LT, R3, R5, R8
	SUB	R8, R3, R3
	CLEAR(V24)
	CLEAR(V25)
	CLEAR(V26)
	CLEAR(V27)
row:
	MOVWU.P	4(R2), R9
	MOVWU.P	4(R2), R10
	ADD	R1, R9, R9
	ADD	R4, R10, R10
	VLD1	(R9), [V0.B16, V1.B16]
	VLD1	(R10), [V4.B16, V5.B16]
	VUSHR	$4, V0.B16, V2.B16
	VUSHR	$4, V1.B16, V3.B16
	VAND	V31.B16, V0.B16, V0.B16
	VAND	V31.B16, V1.B16, V1.B16
	LOOK(V0, V16, V20, V24)
	LOOK(V1, V17, V21, V25)
	LOOK(V2, V18, V22, V26)
	LOOK(V3, V19, V23, V27)
	SUBS	$1, R8, R8
	BNE	row
	SPREAD(V24, V8, V12)
	SPREAD(V25, V9, V13)
	SPREAD(V26, V10, V14)
	SPREAD(V27, V11, V15)
	CBZ	R3, flush
	SUBS	$1, R7, R7
	BNE	group
flush:
	MOVD	out+0(FP), R0
	FLUSH(V16, V20, V8, V12)
	FLUSH(V17, V21, V9, V13)
	FLUSH(V18, V22, V10, V14)
	FLUSH(V19, V23, V11, V15)
	CBNZ	R3, chunk
	RET
