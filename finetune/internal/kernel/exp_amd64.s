//go:build !purego

#include "go_asm.h"
#include "textflag.h"

#define CONSTS(t) \
	VBROADCASTSS expTable_log2e(t), Y15 \
	VBROADCASTSS expTable_ln2Hi(t), Y14 \
	VBROADCASTSS expTable_ln2Lo(t), Y13 \
	VBROADCASTSS expTable_c7(t), Y12    \
	VBROADCASTSS expTable_c6(t), Y11    \
	VBROADCASTSS expTable_c5(t), Y10    \
	VBROADCASTSS expTable_c4(t), Y9     \
	VBROADCASTSS expTable_c3(t), Y8     \
	VBROADCASTSS expTable_one(t), Y7    \
	VBROADCASTSS expTable_bias(t), Y6

// EXPM1 does the same as the Go function expm1: x becomes e, one becomes one; r and n are
// lost, and c2 is read from t.
#define EXPM1(x, one, r, n, t) \
	VMULPS       Y15, x, n              \
	VROUNDPS     $0, n, n               \
	VFNMADD231PS Y14, n, x              \
	VFNMADD231PS Y13, n, x              \
	VCVTPS2DQ    n, n                   \
	VPADDD       Y6, n, n               \
	VPSLLD       $23, n, one            \
	VMOVAPS      Y12, r                 \
	VFMADD213PS  Y11, x, r              \
	VFMADD213PS  Y10, x, r              \
	VFMADD213PS  Y9, x, r               \
	VFMADD213PS  Y8, x, r               \
	VBROADCASTSS expTable_c2(t), n      \
	VFMADD213PS  n, x, r                \
	VMULPS       x, x, n                \
	VFMADD231PS  n, r, x                \
	VMULPS       one, x, x

// func tanhAVX2(y, x *float32, n int, t *expTable)
TEXT ·tanhAVX2(SB), NOSPLIT, $0-32
	MOVQ         y+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         t+24(FP), DX
	CONSTS(DX)
	VBROADCASTSS expTable_abs(DX), Y5
	VBROADCASTSS expTable_tanhMax(DX), Y4
	XORQ         BX, BX

loop:
	VANDPS  (SI)(BX*4), Y5, Y0
	VADDPS  Y0, Y0, Y0
	VMINPS  Y0, Y4, Y0 // a NaN of x stays
	EXPM1(Y0, Y1, Y2, Y3, DX)
	VSUBPS  Y7, Y1, Y1
	VADDPS  Y1, Y0, Y0
	VADDPS  Y7, Y7, Y1
	VADDPS  Y1, Y0, Y1
	VDIVPS  Y1, Y0, Y0
	VMOVUPS (SI)(BX*4), Y1
	VANDNPS Y1, Y5, Y1 // sign of x
	VORPS   Y1, Y0, Y0
	VMOVUPS Y0, (DI)(BX*4)
	ADDQ    $8, BX
	CMPQ    BX, CX
	JLT     loop
	VZEROUPPER
	RET

// func sigmoidAVX2(y, x *float32, n int, t *expTable)
TEXT ·sigmoidAVX2(SB), NOSPLIT, $0-32
	MOVQ         y+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         t+24(FP), DX
	CONSTS(DX)
	VBROADCASTSS expTable_sigmoidMax(DX), Y4
	VXORPS       Y5, Y5, Y5
	VSUBPS       Y4, Y5, Y5
	XORQ         BX, BX

loop:
	VXORPS  Y0, Y0, Y0
	VSUBPS  (SI)(BX*4), Y0, Y0
	VMINPS  Y0, Y4, Y0 // a NaN of x stays
	VMAXPS  Y0, Y5, Y0
	EXPM1(Y0, Y1, Y2, Y3, DX)
	VADDPS  Y1, Y0, Y0
	VADDPS  Y7, Y0, Y0
	VDIVPS  Y0, Y7, Y0
	VMOVUPS Y0, (DI)(BX*4)
	ADDQ    $8, BX
	CMPQ    BX, CX
	JLT     loop
	VZEROUPPER
	RET

// func tanhGradAVX2(dx, dy, y *float32, n int)
TEXT ·tanhGradAVX2(SB), NOSPLIT, $0-32
	MOVQ     dx+0(FP), DI
	MOVQ     dy+8(FP), SI
	MOVQ     y+16(FP), DX
	MOVQ     n+24(FP), CX
	VPCMPEQD Y2, Y2, Y2
	VPSRLD   $25, Y2, Y2
	VPSLLD   $23, Y2, Y2 // 1
	XORQ     BX, BX

loop:
	VMOVUPS      (DX)(BX*4), Y0
	VMOVAPS      Y2, Y1
	VFNMADD231PS Y0, Y0, Y1
	VMULPS       (SI)(BX*4), Y1, Y1
	VMOVUPS      Y1, (DI)(BX*4)
	ADDQ         $8, BX
	CMPQ         BX, CX
	JLT          loop
	VZEROUPPER
	RET

// func sigmoidGradAVX2(dx, dy, y *float32, n int)
TEXT ·sigmoidGradAVX2(SB), NOSPLIT, $0-32
	MOVQ dx+0(FP), DI
	MOVQ dy+8(FP), SI
	MOVQ y+16(FP), DX
	MOVQ n+24(FP), CX
	XORQ BX, BX

loop:
	VMOVUPS      (DX)(BX*4), Y0
	VMOVAPS      Y0, Y1
	VFNMADD231PS Y0, Y0, Y1 // y-y*y
	VMULPS       (SI)(BX*4), Y1, Y1
	VMOVUPS      Y1, (DI)(BX*4)
	ADDQ         $8, BX
	CMPQ         BX, CX
	JLT          loop
	VZEROUPPER
	RET
