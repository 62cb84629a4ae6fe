//go:build !purego

#include "textflag.h"

// Registers: R0 even, R1 odd, R2 steps left, R3 buffer, R4 taps, R5 taps left, R6 tables, R7
// starts, R8 channels left, R9 buffer of the channel, R10 tables of the channel.
//
// V16..V19 sums of all places, V20..V23 of odd places, V24..V27 of high bytes; V31 what is
// added to indices.

#define DEPTHARGS \
	MOVD	even+0(FP), R0; \
	MOVD	odd+8(FP), R1; \
	MOVD	buffer+24(FP), R9; \
	MOVD	tables+56(FP), R10; \
	MOVD	starts+64(FP), R7; \
	MOVD	channels+72(FP), R8; \
	MOVD	$0x70, R11; \
	VDUP	R11, V31.B16

#define DEPTHCHANNEL \
	MOVD	R9, R3; \
	MOVD	steps+16(FP), R2

#define DEPTHTAPS \
	MOVD	taps+40(FP), R4; \
	MOVD	n+48(FP), R5; \
	MOVD	R10, R6; \
	MOVHU	(R7), R11; \
	VDUP	R11, V16.H8; \
	VDUP	R11, V17.H8; \
	VDUP	R11, V18.H8; \
	VDUP	R11, V19.H8; \
	MOVHU	2(R7), R11; \
	VDUP	R11, V20.H8; \
	VDUP	R11, V21.H8; \
	VDUP	R11, V22.H8; \
	VDUP	R11, V23.H8

#define INDICES \
	MOVW.P	4(R4), R11; \
	ADD	R3, R11, R11; \
	VLD1	(R11), [V0.B16, V1.B16, V2.B16, V3.B16]; \
	VSUB	V31.B16, V0.B16, V0.B16; \
	VSUB	V31.B16, V1.B16, V1.B16; \
	VSUB	V31.B16, V2.B16, V2.B16; \
	VSUB	V31.B16, V3.B16, V3.B16

// SPREAD adds the bytes of x to the words of t, and those at odd places to d.
#define SPREAD(x, t, d) \
	VADD	x.H8, t.H8, t.H8; \
	VUSRA	$8, x.H8, d.H8

// EVEN subtracts from t what odd places have added.
#define EVEN(t, d) \
	VSHL	$8, d.H8, V0.H8; \
	VSUB	V0.H8, t.H8, t.H8

#define STORE \
	VST1.P	[V16.B16, V17.B16, V18.B16, V19.B16], 64(R0); \
	VST1.P	[V20.B16, V21.B16, V22.B16, V23.B16], 64(R1); \
	ADD	$64, R3; \
	SUBS	$1, R2, R2

#define DEPTHNEXT \
	MOVD	R6, R10; \
	MOVD	step+32(FP), R11; \
	ADD	R11, R9; \
	ADD	$4, R7; \
	SUBS	$1, R8, R8

// func depthBytesNEON(even, odd *uint16, steps int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)
TEXT ·depthBytesNEON(SB), NOSPLIT, $0-80
	DEPTHARGS
bytechannels:
	DEPTHCHANNEL
bytesteps:
	DEPTHTAPS
bytetaps:
	INDICES
	VLD1.P	32(R6), [V4.B16, V5.B16]
	VTBL	V0.B16, [V4.B16, V5.B16], V0.B16
	VTBL	V1.B16, [V4.B16, V5.B16], V1.B16
	VTBL	V2.B16, [V4.B16, V5.B16], V2.B16
	VTBL	V3.B16, [V4.B16, V5.B16], V3.B16
	SPREAD(V0, V16, V20)
	SPREAD(V1, V17, V21)
	SPREAD(V2, V18, V22)
	SPREAD(V3, V19, V23)
	SUBS	$1, R5, R5
	BNE	bytetaps
	EVEN(V16, V20)
	EVEN(V17, V21)
	EVEN(V18, V22)
	EVEN(V19, V23)
	STORE
	BNE	bytesteps
	DEPTHNEXT
	BNE	bytechannels
	RET

// LOOKWIDE adds the products of the indices x to t, d and to h, the sums of high bytes.
#define LOOKWIDE(x, t, d, h) \
	VTBL	x.B16, [V6.B16, V7.B16], V8.B16; \
	VTBL	x.B16, [V4.B16, V5.B16], V9.B16; \
	VADD	V8.B16, h.B16, h.B16; \
	SPREAD(V9, t, d)

// HIGH adds high bytes to both sums.
#define HIGH(t, d, h) \
	EVEN(t, d); \
	VSHL	$8, h.H8, V0.H8; \
	VADD	V0.H8, t.H8, t.H8; \
	VUSHR	$8, h.H8, V0.H8; \
	VSHL	$8, V0.H8, V0.H8; \
	VADD	V0.H8, d.H8, d.H8

// func depthWideNEON(even, odd *uint16, steps int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)
TEXT ·depthWideNEON(SB), NOSPLIT, $0-80
	DEPTHARGS
widechannels:
	DEPTHCHANNEL
widesteps:
	DEPTHTAPS
	VEOR	V24.B16, V24.B16, V24.B16
	VEOR	V25.B16, V25.B16, V25.B16
	VEOR	V26.B16, V26.B16, V26.B16
	VEOR	V27.B16, V27.B16, V27.B16
widetaps:
	INDICES
	VLD1.P	64(R6), [V4.B16, V5.B16, V6.B16, V7.B16]
	LOOKWIDE(V0, V16, V20, V24)
	LOOKWIDE(V1, V17, V21, V25)
	LOOKWIDE(V2, V18, V22, V26)
	LOOKWIDE(V3, V19, V23, V27)
	SUBS	$1, R5, R5
	BNE	widetaps
	HIGH(V16, V20, V24)
	HIGH(V17, V21, V25)
	HIGH(V18, V22, V26)
	HIGH(V19, V23, V27)
	STORE
	BNE	widesteps
	DEPTHNEXT
	BNE	widechannels
	RET
