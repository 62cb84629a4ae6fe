//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// func assignAVX2(dst *float32, idx *uint16, w *float32, k int, n *nearest)
// k is a positive multiple of 8.
TEXT ·assignAVX2(SB), NOSPLIT, $0-40
	MOVQ         dst+0(FP), DI
	MOVQ         idx+8(FP), R8
	MOVQ         w+16(FP), SI
	MOVQ         k+24(FP), CX
	MOVQ         n+32(FP), AX
	VBROADCASTSS nearest_low(AX), Y15
	VBROADCASTSS nearest_scale(AX), Y14
	VBROADCASTSS nearest_last(AX), Y13
	MOVQ         nearest_start(AX), R9
	MOVQ         nearest_borders(AX), R10
	MOVQ         nearest_centres(AX), R11
	VPCMPEQD     Y12, Y12, Y12
	VPSRLD       $16, Y12, Y11
	VXORPS       Y10, Y10, Y10

loop:
	// bins
	VMOVUPS    (SI), Y0
	VSUBPS     Y15, Y0, Y1
	VMULPS     Y14, Y1, Y1
	VMAXPS     Y10, Y1, Y1 // NaN becomes 0
	VMINPS     Y13, Y1, Y1
	VCVTTPS2DQ Y1, Y1

	// Y2: the first candidates
	VMOVAPS    Y12, Y3
	VPGATHERDD Y3, (R9)(Y1*2), Y2
	VPAND      Y11, Y2, Y2

borders:
	VMOVAPS    Y12, Y3
	VGATHERDPS Y3, (R10)(Y2*4), Y4
	VCMPPS     $13, Y4, Y0, Y4 // w >= border
	VPSUBD     Y4, Y2, Y2
	VMOVMSKPS  Y4, DX
	TESTL      DX, DX
	JNZ        borders

	TESTQ      DI, DI
	JZ         indices
	VMOVAPS    Y12, Y3
	VGATHERDPS Y3, (R11)(Y2*4), Y4
	VMOVUPS    Y4, (DI)
	ADDQ       $32, DI

indices:
	TESTQ        R8, R8
	JZ           next
	VEXTRACTI128 $1, Y2, X4
	VPACKUSDW    X4, X2, X2
	VMOVDQU      X2, (R8)
	ADDQ         $16, R8

next:
	ADDQ $32, SI
	SUBQ $8, CX
	JNZ  loop
	VZEROUPPER
	RET
