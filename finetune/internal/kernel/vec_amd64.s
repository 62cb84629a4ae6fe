//go:build !purego

#include "textflag.h"

// In all functions n is a positive multiple of 8.

// func axpyAVX2(y, x *float32, n int, a float32)
TEXT ·axpyAVX2(SB), NOSPLIT, $0-28
	MOVQ         y+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSS a+24(FP), Y0
	XORQ         BX, BX

loop:
	VMOVUPS     (DI)(BX*4), Y1
	VFMADD231PS (SI)(BX*4), Y0, Y1
	VMOVUPS     Y1, (DI)(BX*4)
	ADDQ        $8, BX
	CMPQ        BX, CX
	JLT         loop
	VZEROUPPER
	RET

// func scaleAVX2(y, x *float32, n int, a, b float32)
TEXT ·scaleAVX2(SB), NOSPLIT, $0-32
	MOVQ         y+0(FP), DI
	MOVQ         x+8(FP), SI
	MOVQ         n+16(FP), CX
	VBROADCASTSS a+24(FP), Y0
	VBROADCASTSS b+28(FP), Y2
	XORQ         BX, BX

loop:
	VMOVAPS     Y2, Y1
	VFMADD231PS (SI)(BX*4), Y0, Y1
	VMOVUPS     Y1, (DI)(BX*4)
	ADDQ        $8, BX
	CMPQ        BX, CX
	JLT         loop
	VZEROUPPER
	RET

// func sumAVX2(lanes *[vecLen]float32, x *float32, n int)
TEXT ·sumAVX2(SB), NOSPLIT, $0-24
	MOVQ   lanes+0(FP), DI
	MOVQ   x+8(FP), SI
	MOVQ   n+16(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	SUBQ   $32, CX
	JLT    rest

loop:
	VADDPS (SI), Y0, Y0
	VADDPS 32(SI), Y1, Y1
	VADDPS 64(SI), Y2, Y2
	VADDPS 96(SI), Y3, Y3
	ADDQ   $128, SI
	SUBQ   $32, CX
	JGE    loop

rest:
	ADDQ $32, CX
	JZ   done

single:
	VADDPS (SI), Y0, Y0
	ADDQ   $32, SI
	SUBQ   $8, CX
	JNZ    single

done:
	VADDPS  Y1, Y0, Y0
	VADDPS  Y3, Y2, Y2
	VADDPS  Y2, Y0, Y0
	VMOVUPS Y0, (DI)
	VZEROUPPER
	RET

// func reluAVX2(y, x *float32, n int)
TEXT ·reluAVX2(SB), NOSPLIT, $0-24
	MOVQ   y+0(FP), DI
	MOVQ   x+8(FP), SI
	MOVQ   n+16(FP), CX
	VXORPS Y0, Y0, Y0
	XORQ   BX, BX

loop:
	VMAXPS  (SI)(BX*4), Y0, Y1 // a NaN of x stays
	VMOVUPS Y1, (DI)(BX*4)
	ADDQ    $8, BX
	CMPQ    BX, CX
	JLT     loop
	VZEROUPPER
	RET

// func reluGradAVX2(dx, dy, x *float32, n int)
TEXT ·reluGradAVX2(SB), NOSPLIT, $0-32
	MOVQ   dx+0(FP), DI
	MOVQ   dy+8(FP), SI
	MOVQ   x+16(FP), DX
	MOVQ   n+24(FP), CX
	VXORPS Y0, Y0, Y0
	XORQ   BX, BX

loop:
	VCMPPS  $1, (DX)(BX*4), Y0, Y1 // 0 < x
	VANDPS  (SI)(BX*4), Y1, Y1
	VMOVUPS Y1, (DI)(BX*4)
	ADDQ    $8, BX
	CMPQ    BX, CX
	JLT     loop
	VZEROUPPER
	RET

// LEVELCONSTS loads the parameters of a quantizer: Y8 step, Y9 lo, Y10 hi, Y13 1/2.
#define LEVELCONSTS(p) \
	VBROADCASTSS (p), Y8     \
	VBROADCASTSS 4(p), Y9    \
	VBROADCASTSS 8(p), Y10   \
	VPCMPEQD     Y13, Y13, Y13 \
	VPSRLD       $26, Y13, Y13 \
	VPSLLD       $24, Y13, Y13

// LEVEL sets t = x/step, x being element BX of p, and q = t rounded to the nearest level.
#define LEVEL(p, t, q) \
	VMOVUPS  (p)(BX*4), t    \
	VDIVPS   Y8, t, t        \
	VADDPS   Y13, t, q       \
	VROUNDPS $1, q, q        \
	VMAXPS   q, Y9, q        \
	VMINPS   q, Y10, q

// func quantizeAVX2(y, x *float32, n int, p *[8]float32)
TEXT ·quantizeAVX2(SB), NOSPLIT, $0-32
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ p+24(FP), DX
	LEVELCONSTS(DX)
	XORQ BX, BX

loop:
	LEVEL(SI, Y0, Y1)
	VMULPS  Y8, Y1, Y1
	VMOVUPS Y1, (DI)(BX*4)
	ADDQ    $8, BX
	CMPQ    BX, CX
	JLT     loop
	VZEROUPPER
	RET

// func quantizeGradAVX2(dx, dy, x *float32, n int, p *[8]float32, lanes *[vecLen]float32)
TEXT ·quantizeGradAVX2(SB), NOSPLIT, $0-48
	MOVQ         dx+0(FP), DI
	MOVQ         dy+8(FP), SI
	MOVQ         x+16(FP), DX
	MOVQ         n+24(FP), CX
	MOVQ         p+32(FP), AX
	LEVELCONSTS(AX)
	VBROADCASTSS 12(AX), Y11
	VBROADCASTSS 16(AX), Y12
	VXORPS       Y7, Y7, Y7
	XORQ         BX, BX

loop:
	LEVEL(DX, Y0, Y1)
	VCMPPS      $2, Y0, Y11, Y2  // lo-1/2 <= t
	VCMPPS      $2, Y12, Y0, Y3  // t <= hi+1/2
	VANDPS      Y3, Y2, Y2
	VMOVUPS     (SI)(BX*4), Y4
	VANDPS      Y0, Y2, Y0
	VSUBPS      Y0, Y1, Y1
	VFMADD231PS Y4, Y1, Y7
	VANDPS      Y4, Y2, Y2
	VMOVUPS     Y2, (DI)(BX*4)
	ADDQ        $8, BX
	CMPQ        BX, CX
	JLT         loop
	MOVQ        lanes+40(FP), DI
	VMOVUPS     Y7, (DI)
	VZEROUPPER
	RET

// func adamAVX2(w, grad, m, v *float32, n int, p *[8]float32)
TEXT ·adamAVX2(SB), NOSPLIT, $0-48
	MOVQ         w+0(FP), DI
	MOVQ         grad+8(FP), SI
	MOVQ         m+16(FP), R8
	MOVQ         v+24(FP), R9
	MOVQ         n+32(FP), CX
	MOVQ         p+40(FP), AX
	VBROADCASTSS (AX), Y8
	VBROADCASTSS 4(AX), Y9
	VBROADCASTSS 8(AX), Y10
	VBROADCASTSS 12(AX), Y11
	VBROADCASTSS 16(AX), Y12
	VBROADCASTSS 20(AX), Y13
	VBROADCASTSS 24(AX), Y14
	XORQ         BX, BX

loop:
	VMOVUPS     (SI)(BX*4), Y0
	VMULPS      (R8)(BX*4), Y8, Y1
	VFMADD231PS Y0, Y9, Y1
	VMOVUPS     Y1, (R8)(BX*4)
	VMULPS      (R9)(BX*4), Y10, Y2
	VMULPS      Y0, Y0, Y0
	VFMADD231PS Y0, Y11, Y2
	VMOVUPS     Y2, (R9)(BX*4)
	VMULPS      Y12, Y2, Y2
	VSQRTPS     Y2, Y2
	VADDPS      Y13, Y2, Y2
	VMULPS      Y14, Y1, Y1
	VDIVPS      Y2, Y1, Y1
	VMOVUPS     (DI)(BX*4), Y0
	VSUBPS      Y1, Y0, Y0
	VMOVUPS     Y0, (DI)(BX*4)
	ADDQ        $8, BX
	CMPQ        BX, CX
	JLT         loop
	VZEROUPPER
	RET
