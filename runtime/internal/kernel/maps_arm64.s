//go:build !purego

#include "textflag.h"

// func mapBytesNEON(dst, in *byte, n int, t *[256]uint8)
//
// V16..V31 the table. An index that is out of range of a quarter leaves a byte as it is, or 0 in the first one.
TEXT ·mapBytesNEON(SB), NOSPLIT, $0-32
	MOVD	dst+0(FP), R0
	MOVD	in+8(FP), R1
	MOVD	n+16(FP), R2
	MOVD	t+24(FP), R3
	VLD1.P	64(R3), [V16.B16, V17.B16, V18.B16, V19.B16]
	VLD1.P	64(R3), [V20.B16, V21.B16, V22.B16, V23.B16]
	VLD1.P	64(R3), [V24.B16, V25.B16, V26.B16, V27.B16]
	VLD1.P	64(R3), [V28.B16, V29.B16, V30.B16, V31.B16]
	MOVD	$64, R4
	VDUP	R4, V7.B16

block:
	VLD1.P	16(R1), [V0.B16]
	VSUB	V7.B16, V0.B16, V1.B16
	VSUB	V7.B16, V1.B16, V2.B16
	VSUB	V7.B16, V2.B16, V3.B16
	VTBL	V0.B16, [V16.B16, V17.B16, V18.B16, V19.B16], V4.B16
	VTBX	V1.B16, [V20.B16, V21.B16, V22.B16, V23.B16], V4.B16
	VTBX	V2.B16, [V24.B16, V25.B16, V26.B16, V27.B16], V4.B16
	VTBX	V3.B16, [V28.B16, V29.B16, V30.B16, V31.B16], V4.B16
	VST1.P	[V4.B16], 16(R0)
	SUBS	$1, R2
	BNE	block
	RET
