//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// TAP adds tap k+i of four vectors to the sums s0 to s3.
#define TAP(i, s0, s1, s2, s3) \
	MOVLQSX      (4*i)(R13), BX         \
	VBROADCASTSS (4*i)(SI), Y8          \
	VFMADD231PS  (R8)(BX*4), Y8, s0     \
	VFMADD231PS  (R9)(BX*4), Y8, s1     \
	VFMADD231PS  (R10)(BX*4), Y8, s2    \
	VFMADD231PS  (R11)(BX*4), Y8, s3

#define FROM(i, p) \
	MOVLQSX (4*i)(DI), BX    \
	LEAQ    (R12)(BX*4), p

#define PUT(i, v) \
	MOVLQSX (4*i)(AX), BX        \
	VMOVUPS v, (R12)(BX*4)

// func stripAVX2(s *strip)
// DX strip, DI at, AX to, SI w, R13 off, CX taps to go, R8 to R11 vectors of b, R12 b or c
TEXT ·stripAVX2(SB), NOSPLIT, $8-8
	MOVQ s+0(FP), DX
	MOVQ strip_at(DX), DI
	MOVQ strip_to(DX), AX
	MOVQ (strip_at+8)(DX), CX
	SHRQ $2, CX
	MOVQ CX, groups-8(SP)

vectors:
	MOVQ         strip_b(DX), R12
	FROM(0, R8)
	FROM(1, R9)
	FROM(2, R10)
	FROM(3, R11)
	VBROADCASTSS strip_init(DX), Y0
	VMOVAPS      Y0, Y1
	VMOVAPS      Y0, Y2
	VMOVAPS      Y0, Y3
	VXORPS       Y4, Y4, Y4
	VXORPS       Y5, Y5, Y5
	VXORPS       Y6, Y6, Y6
	VXORPS       Y7, Y7, Y7
	MOVQ         strip_w(DX), SI
	MOVQ         strip_off(DX), R13
	MOVQ         (strip_off+8)(DX), CX
	SUBQ         $2, CX
	JLT          odd

pairs:
	TAP(0, Y0, Y1, Y2, Y3)
	TAP(1, Y4, Y5, Y6, Y7)
	ADDQ $8, SI
	ADDQ $8, R13
	SUBQ $2, CX
	JGE  pairs

odd:
	ADDQ $2, CX
	JZ   put
	TAP(0, Y0, Y1, Y2, Y3)

put:
	VADDPS Y4, Y0, Y0
	VADDPS Y5, Y1, Y1
	VADDPS Y6, Y2, Y2
	VADDPS Y7, Y3, Y3
	MOVQ   strip_c(DX), R12
	PUT(0, Y0)
	PUT(1, Y1)
	PUT(2, Y2)
	PUT(3, Y3)
	ADDQ   $16, DI
	ADDQ   $16, AX
	DECQ   groups-8(SP)
	JNZ    vectors
	VZEROUPPER
	RET
