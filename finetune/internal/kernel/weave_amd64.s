//go:build !purego

#include "textflag.h"

// func weaveAVX2(dst *float32, ld int, a, b *float32, rows, na, nb int)
// DI, SI, DX row of dst, a and b, R8 rows to go, R9 na, CX nb-8, R10 bytes from row to row
// of dst, BX column of a and b; the last vectors overlap those before.
TEXT ·weaveAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ ld+8(FP), R10
	MOVQ a+16(FP), SI
	MOVQ b+24(FP), DX
	MOVQ rows+32(FP), R8
	MOVQ na+40(FP), R9
	MOVQ nb+48(FP), CX
	SHLQ $2, R10
	SUBQ $8, CX

row:
	// the odd element of a
	MOVL -4(SI)(R9*4), AX
	MOVL AX, -8(DI)(R9*8)
	XORQ BX, BX

vector:
	VMOVUPS    (SI)(BX*4), Y0
	VMOVUPS    (DX)(BX*4), Y1
	VUNPCKLPS  Y1, Y0, Y2
	VUNPCKHPS  Y1, Y0, Y3
	VPERM2F128 $0x20, Y3, Y2, Y4
	VPERM2F128 $0x31, Y3, Y2, Y5
	VMOVUPS    Y4, (DI)(BX*8)
	VMOVUPS    Y5, 32(DI)(BX*8)
	CMPQ       BX, CX
	JEQ        next
	ADDQ       $8, BX
	CMPQ       BX, CX
	CMOVQGT    CX, BX
	JMP        vector

next:
	ADDQ R10, DI
	LEAQ (SI)(R9*4), SI
	LEAQ 32(DX)(CX*4), DX
	DECQ R8
	JNZ  row
	VZEROUPPER
	RET
