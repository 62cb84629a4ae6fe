//go:build !purego

#include "textflag.h"

// func maxWindowsAVX2(y *float32, argmax *int32, x *float32, pos *int32, n int, off []int32)
// n is a positive multiple of 8.
TEXT ·maxWindowsAVX2(SB), NOSPLIT, $0-64
	MOVQ     y+0(FP), DI
	MOVQ     argmax+8(FP), R8
	MOVQ     x+16(FP), SI
	MOVQ     pos+24(FP), R9
	MOVQ     n+32(FP), CX
	MOVQ     off_base+40(FP), R10
	MOVQ     off_len+48(FP), R11
	VPCMPEQD Y15, Y15, Y15

windows:
	VMOVDQU    (R9), Y0       // position of the window
	VMOVAPS    Y0, Y1         // position of the best element
	VMOVAPS    Y15, Y3
	VGATHERDPS Y3, (SI)(Y0*4), Y2 // the best element
	MOVQ       R10, AX
	MOVQ       R11, DX
	DECQ       DX
	JZ         put

taps:
	ADDQ         $4, AX
	VPBROADCASTD (AX), Y4
	VPADDD       Y0, Y4, Y4
	VMOVAPS      Y15, Y3
	VGATHERDPS   Y3, (SI)(Y4*4), Y5
	VCMPPS       $6, Y2, Y5, Y6  // not element <= best
	VCMPPS       $7, Y2, Y2, Y7  // best is a number
	VANDPS       Y7, Y6, Y6
	VBLENDVPS    Y6, Y5, Y2, Y2
	VBLENDVPS    Y6, Y4, Y1, Y1
	DECQ         DX
	JNZ          taps

put:
	VMOVUPS Y2, (DI)
	VMOVDQU Y1, (R8)
	ADDQ    $32, DI
	ADDQ    $32, R8
	ADDQ    $32, R9
	SUBQ    $8, CX
	JNZ     windows
	VZEROUPPER
	RET
