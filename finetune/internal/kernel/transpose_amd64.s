//go:build !purego

#include "textflag.h"

// ROWPTR sets p to the row that follows last by DX bytes if i < rows, else to row 0.
#define ROWPTR(i, last, p) \
	LEAQ    (last)(DX*1), p \
	CMPQ    BX, $i          \
	CMOVQLE SI, p

#define PUT(v) \
	VMOVUPS v, (DI)    \
	ADDQ    AX, DI

// func transposeAVX2(dst *float32, ldd int, src *float32, lds, rows, blocks int)
TEXT ·transposeAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ ldd+8(FP), AX
	MOVQ src+16(FP), SI
	MOVQ lds+24(FP), DX
	MOVQ rows+32(FP), BX
	MOVQ blocks+40(FP), CX
	SHLQ $2, AX
	SHLQ $2, DX
	ROWPTR(1, SI, R8)
	ROWPTR(2, R8, R9)
	ROWPTR(3, R9, R10)
	ROWPTR(4, R10, R11)
	ROWPTR(5, R11, R12)
	ROWPTR(6, R12, R13)
	ROWPTR(7, R13, DX)
	XORQ BX, BX

loop:
	VMOVUPS (SI)(BX*1), Y0
	VMOVUPS (R8)(BX*1), Y1
	VMOVUPS (R9)(BX*1), Y2
	VMOVUPS (R10)(BX*1), Y3
	VMOVUPS (R11)(BX*1), Y4
	VMOVUPS (R12)(BX*1), Y5
	VMOVUPS (R13)(BX*1), Y6
	VMOVUPS (DX)(BX*1), Y7
	ADDQ    $32, BX

	// pairs of rows, then fours, then the halves
	VUNPCKLPS Y1, Y0, Y8
	VUNPCKHPS Y1, Y0, Y9
	VUNPCKLPS Y3, Y2, Y10
	VUNPCKHPS Y3, Y2, Y11
	VUNPCKLPS Y5, Y4, Y12
	VUNPCKHPS Y5, Y4, Y13
	VUNPCKLPS Y7, Y6, Y14
	VUNPCKHPS Y7, Y6, Y15

	VUNPCKLPD Y10, Y8, Y0
	VUNPCKHPD Y10, Y8, Y1
	VUNPCKLPD Y11, Y9, Y2
	VUNPCKHPD Y11, Y9, Y3
	VUNPCKLPD Y14, Y12, Y4
	VUNPCKHPD Y14, Y12, Y5
	VUNPCKLPD Y15, Y13, Y6
	VUNPCKHPD Y15, Y13, Y7

	VINSERTF128 $1, X4, Y0, Y8
	VINSERTF128 $1, X5, Y1, Y9
	VINSERTF128 $1, X6, Y2, Y10
	VINSERTF128 $1, X7, Y3, Y11
	VPERM2F128  $0x31, Y4, Y0, Y12
	VPERM2F128  $0x31, Y5, Y1, Y13
	VPERM2F128  $0x31, Y6, Y2, Y14
	VPERM2F128  $0x31, Y7, Y3, Y15

	PUT(Y8)
	PUT(Y9)
	PUT(Y10)
	PUT(Y11)
	PUT(Y12)
	PUT(Y13)
	PUT(Y14)
	PUT(Y15)
	DECQ CX
	JNZ  loop
	VZEROUPPER
	RET
