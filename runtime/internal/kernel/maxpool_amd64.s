//go:build !purego

#include "textflag.h"

// func maxPairsAVX512(dst, src *byte, rows, n, cols, inCols int)
TEXT ·maxPairsAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), DX
	MOVQ n+24(FP), CX
	MOVQ cols+32(FP), R8
	MOVQ inCols+40(FP), R9
	LEAQ (SI)(R9*1), BX
	ADDQ R9, R9
	MOVL $1, AX
	SHLQ CX, AX
	SUBQ $1, AX
	KMOVQ AX, K1 // n columns
	MOVQ $-1, AX
	ADDL CX, CX
	NEGL CX
	ADDL $64, CX
	SHRQ CX, AX
	KMOVQ AX, K2 // 2n columns
rows:
	VMOVDQU8.Z (SI), K2, Z0
	VMOVDQU8.Z (BX), K2, Z1
	VPMAXUB    Z1, Z0, Z0
	VPSRLW     $8, Z0, Z1
	VPMAXUB    Z1, Z0, Z0
	VPMOVWB    Z0, Y0
	VMOVDQU8   Y0, K1, (DI)
	ADDQ R9, SI
	ADDQ R9, BX
	ADDQ R8, DI
	SUBQ $1, DX
	JNE  rows
	VZEROUPPER
	RET

// func maxPairs8AVX2(dst, src *byte, rows, cols, inCols int)
TEXT ·maxPairs8AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), DX
	MOVQ cols+24(FP), R8
	MOVQ inCols+32(FP), R9
	VMOVDQU ·lowBytes(SB), X3
	MOVQ R8, R11
	SUBQ $8, R11 // first of the last 8 columns
row8:
	XORQ AX, AX
block8:
	LEAQ (SI)(AX*2), R10
	VMOVDQU (R10), X0
	VMOVDQU (R10)(R9*1), X1
	VPMAXUB X1, X0, X0
	VPSRLW  $8, X0, X1
	VPMAXUB X1, X0, X0
	VPAND   X3, X0, X0
	VPACKUSWB X0, X0, X0
	VMOVQ X0, (DI)(AX*1)
	CMPQ AX, R11
	JEQ  next8
	ADDQ $8, AX
	CMPQ AX, R11
	JLT  block8
	MOVQ R11, AX
	JMP  block8
next8:
	LEAQ (SI)(R9*2), SI
	ADDQ R8, DI
	SUBQ $1, DX
	JNE  row8
	VZEROUPPER
	RET

// func maxPairs4AVX2(dst, src *byte, rows, cols, inCols int)
TEXT ·maxPairs4AVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), DX
	MOVQ cols+24(FP), R8
	MOVQ inCols+32(FP), R9
	VMOVDQU ·lowBytes(SB), X3
	MOVQ R8, R11
	SUBQ $4, R11 // first of the last 4 columns
row4:
	XORQ AX, AX
block4:
	LEAQ (SI)(AX*2), R10
	VMOVQ (R10), X0
	VMOVQ (R10)(R9*1), X1
	VPMAXUB X1, X0, X0
	VPSRLW  $8, X0, X1
	VPMAXUB X1, X0, X0
	VPAND   X3, X0, X0
	VPACKUSWB X0, X0, X0
	VMOVD X0, (DI)(AX*1)
	CMPQ AX, R11
	JEQ  next4
	ADDQ $4, AX
	CMPQ AX, R11
	JLT  block4
	MOVQ R11, AX
	JMP  block4
next4:
	LEAQ (SI)(R9*2), SI
	ADDQ R8, DI
	SUBQ $1, DX
	JNE  row4
	VZEROUPPER
	RET

// func poolRowsAVX2(dst, src *byte, rows *poolRow, n, width, pitch, step int)
TEXT ·poolRowsAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ rows+16(FP), DX
	MOVQ n+24(FP), CX
	MOVQ step+48(FP), R8
row:
	MOVLQSX (DX), SI
	ADDQ src+8(FP), SI
	MOVLQZX 4(DX), R9
	ADDQ $8, DX
	MOVQ DI, R10
	MOVQ width+32(FP), R11
block:
	VPXOR Y0, Y0, Y0
	MOVQ SI, R12
	MOVQ R9, R13
	TESTQ R13, R13
	JE   write
line:
	VPMAXUB (R12), Y0, Y0
	ADDQ R8, R12
	SUBQ $1, R13
	JNE  line
write:
	VMOVDQU Y0, (R10)
	ADDQ $32, R10
	ADDQ $32, SI
	SUBQ $32, R11
	JGT  block
	ADDQ pitch+40(FP), DI
	SUBQ $1, CX
	JNE  row
	VZEROUPPER
	RET

// func poolColumnsAVX2(buffer *byte, n, taps, step int)
TEXT ·poolColumnsAVX2(SB), NOSPLIT, $0-32
	MOVQ buffer+0(FP), DI
	MOVQ n+8(FP), CX
	MOVQ taps+16(FP), DX
	MOVQ step+24(FP), R8
	SUBQ $1, DX
columns:
	VMOVDQU (DI), Y0
	LEAQ (DI)(R8*1), SI
	MOVQ DX, R9
tap:
	VPMAXUB (SI), Y0, Y0
	ADDQ R8, SI
	SUBQ $1, R9
	JNE  tap
	VMOVDQU Y0, (DI)
	ADDQ $32, DI
	SUBQ $32, CX
	JGT  columns
	VZEROUPPER
	RET

// func takeSecondAVX2(dst, src *byte, rows, cols, pitch, srcRow int)
TEXT ·takeSecondAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ rows+16(FP), CX
	MOVQ cols+24(FP), DX
	VMOVDQU ·lowBytes(SB), X3
second:
	MOVQ DI, R8
	MOVQ SI, R9
	MOVQ DX, R10
sixteen:
	VPAND (R9), X3, X0
	VPAND 16(R9), X3, X1
	VPACKUSWB X1, X0, X0
	VMOVDQU X0, (R8)
	ADDQ $16, R8
	ADDQ $32, R9
	SUBQ $16, R10
	JGT  sixteen
	ADDQ pitch+32(FP), DI
	ADDQ srcRow+40(FP), SI
	SUBQ $1, CX
	JNE  second
	RET
