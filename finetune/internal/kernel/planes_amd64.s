//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// COPY2 copies the eight elements with even distance from s to d. It does not read beyond
// the last of them.
#define COPY2(s, d) \
	VMOVUPS (s), Y0               \
	VMOVUPS 28(s), Y1             \
	VSHUFPS $0xd8, Y1, Y0, Y0     \
	VPERMPD $0xd8, Y0, Y0         \
	VMOVUPS Y0, (d)

// func blockCopyAVX2(c *blockCopy)
// AX blockCopy, DI and SI row of dst and src, R8 rows to go, R9 planes to go, R10 and R11
// plane of dst and src, CX columns, BX column, R12 and R13 row length of dst and src in
// bytes. The last vector of a row overlaps the one before.
TEXT ·blockCopyAVX2(SB), NOSPLIT, $0-8
	MOVQ c+0(FP), AX
	MOVQ blockCopy_dst(AX), R10
	MOVQ blockCopy_src(AX), R11
	MOVQ blockCopy_planes(AX), R9
	MOVQ blockCopy_cols(AX), CX
	MOVQ blockCopy_dstRow(AX), R12
	MOVQ blockCopy_srcRow(AX), R13
	SHLQ $2, R12
	SHLQ $2, R13
	SUBQ $8, CX

plane:
	MOVQ R10, DI
	MOVQ R11, SI
	MOVQ blockCopy_rows(AX), R8
	CMPQ  CX, $-6
	JLT   one
	CMPQ  CX, $-4
	JLT   few
	TESTQ CX, CX
	JLT   narrow
	CMPQ  blockCopy_step(AX), $2
	JEQ   step2

row:
	XORQ BX, BX
	JMP  test

vector:
	VMOVUPS (SI)(BX*4), Y0
	VMOVUPS Y0, (DI)(BX*4)
	ADDQ    $8, BX

test:
	CMPQ    BX, CX
	JLT     vector
	VMOVUPS (SI)(CX*4), Y0
	VMOVUPS Y0, (DI)(CX*4)
	ADDQ    R12, DI
	ADDQ    R13, SI
	DECQ    R8
	JNZ     row
	JMP     next

narrow:
	VMOVUPS (SI), X0
	VMOVUPS 16(SI)(CX*4), X1
	VMOVUPS X0, (DI)
	VMOVUPS X1, 16(DI)(CX*4)
	ADDQ    R12, DI
	ADDQ    R13, SI
	DECQ    R8
	JNZ     narrow
	JMP     next

few:
	MOVQ (SI), BX
	MOVL 28(SI)(CX*4), DX
	MOVQ BX, (DI)
	MOVL DX, 28(DI)(CX*4)
	ADDQ R12, DI
	ADDQ R13, SI
	DECQ R8
	JNZ  few
	JMP  next

one:
	MOVL (SI), BX
	MOVL BX, (DI)
	ADDQ R12, DI
	ADDQ R13, SI
	DECQ R8
	JNZ  one
	JMP  next

step2:
	XORQ BX, BX
	JMP  test2

vector2:
	LEAQ (SI)(BX*8), R15
	LEAQ (DI)(BX*4), DX
	COPY2(R15, DX)
	ADDQ $8, BX

test2:
	CMPQ BX, CX
	JLT  vector2
	LEAQ (SI)(CX*8), R15
	LEAQ (DI)(CX*4), DX
	COPY2(R15, DX)
	ADDQ R12, DI
	ADDQ R13, SI
	DECQ R8
	JNZ  step2

next:
	MOVQ blockCopy_dstPlane(AX), DX
	LEAQ (R10)(DX*4), R10
	MOVQ blockCopy_srcPlane(AX), DX
	LEAQ (R11)(DX*4), R11
	DECQ R9
	JNZ  plane
	VZEROUPPER
	RET
