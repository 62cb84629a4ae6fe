//go:build !purego

#include "textflag.h"

// FLUSH adds the lanes of T and D to the accumulators of positions 4i, 4i+1, 4i+2, 4i+3
// and clears them. X21 is the shift, Z20 the sign, Z31 the low halves.
#define FLUSH(T, D, A0, A1, A2, A3) \
	VPSLLW $8, D, Z18    \
	VPSUBW Z18, T, T     \
	VPSRLD $16, T, Z18   \
	VPSRLD $16, D, Z19   \
	VPANDQ Z31, T, T     \
	VPANDQ Z31, D, D     \
	VPSLLD X21, T, T     \
	VPSLLD X21, D, D     \
	VPSLLD X21, Z18, Z18 \
	VPSLLD X21, Z19, Z19 \
	VPXORQ Z20, T, T     \
	VPXORQ Z20, D, D     \
	VPXORQ Z20, Z18, Z18 \
	VPXORQ Z20, Z19, Z19 \
	VPSUBD Z20, T, T     \
	VPSUBD Z20, D, D     \
	VPSUBD Z20, Z18, Z18 \
	VPSUBD Z20, Z19, Z19 \
	VPADDD T, A0, A0     \
	VPADDD D, A1, A1     \
	VPADDD Z18, A2, A2   \
	VPADDD Z19, A3, A3   \
	VPXORQ T, T, T       \
	VPXORQ D, D, D

#define FLUSHALL \
	MOVBLZX      2(R9), R11 \
	VMOVD        R11, X21   \
	MOVBLZX      1(R9), R11 \
	NEGL         R11        \
	VPBROADCASTD R11, Z20   \
	FLUSH(Z4, Z5, Z8, Z9, Z10, Z11)    \
	FLUSH(Z6, Z7, Z12, Z13, Z14, Z15)

// STORE writes 64 accumulators in order of position to offset AT.
#define STORE(A0, A1, A2, A3, AT) \
	VPUNPCKLDQ  A1, A0, Z16   \
	VPUNPCKHDQ  A1, A0, Z17   \
	VPUNPCKLDQ  A3, A2, Z18   \
	VPUNPCKHDQ  A3, A2, Z19   \
	VPUNPCKLQDQ Z18, Z16, A0  \
	VPUNPCKHQDQ Z18, Z16, A1  \
	VPUNPCKLQDQ Z19, Z17, A2  \
	VPUNPCKHQDQ Z19, Z17, A3  \
	VEXTRACTI32X4 $0, A0, AT+0(DX)   \
	VEXTRACTI32X4 $0, A1, AT+16(DX)  \
	VEXTRACTI32X4 $0, A2, AT+32(DX)  \
	VEXTRACTI32X4 $0, A3, AT+48(DX)  \
	VEXTRACTI32X4 $1, A0, AT+64(DX)  \
	VEXTRACTI32X4 $1, A1, AT+80(DX)  \
	VEXTRACTI32X4 $1, A2, AT+96(DX)  \
	VEXTRACTI32X4 $1, A3, AT+112(DX) \
	VEXTRACTI32X4 $2, A0, AT+128(DX) \
	VEXTRACTI32X4 $2, A1, AT+144(DX) \
	VEXTRACTI32X4 $2, A2, AT+160(DX) \
	VEXTRACTI32X4 $2, A3, AT+176(DX) \
	VEXTRACTI32X4 $3, A0, AT+192(DX) \
	VEXTRACTI32X4 $3, A1, AT+208(DX) \
	VEXTRACTI32X4 $3, A2, AT+224(DX) \
	VEXTRACTI32X4 $3, A3, AT+240(DX)

// func stripAVX512(out *stripSums, base unsafe.Pointer, list *uint32, ends *[257]uint32, buckets *bucket, n, bits, group int)
//
// Z0, Z1: T and D of the low nibbles of the rows so far, Z2, Z3: of the high ones; Z4..Z7:
// the same of run after every value so far; Z8..Z15 accumulators. AX entries so far, DX
// entries of the bucket, R13 and BX the largest lanes of run and sum.
TEXT ·stripAVX512(SB), NOSPLIT, $0-64
	MOVQ base+8(FP), SI
	MOVQ list+16(FP), DI
	MOVQ ends+24(FP), R8
	MOVQ buckets+32(FP), R9
	MOVQ n+40(FP), R10
	MOVQ group+56(FP), R12
	XORL R13, R13
	XORL BX, BX
	MOVL (R8), AX
	LEAQ (DI)(AX*4), DI
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPXORQ Z4, Z4, Z4
	VPXORQ Z5, Z5, Z5
	VPXORQ Z6, Z6, Z6
	VPXORQ Z7, Z7, Z7
	VPXORQ Z8, Z8, Z8
	VPXORQ Z9, Z9, Z9
	VPXORQ Z10, Z10, Z10
	VPXORQ Z11, Z11, Z11
	VPXORQ Z12, Z12, Z12
	VPXORQ Z13, Z13, Z13
	VPXORQ Z14, Z14, Z14
	VPXORQ Z15, Z15, Z15
	VPTERNLOGD $0xFF, Z31, Z31, Z31
	VPSRLD $16, Z31, Z31
	MOVL   $0x0F0F0F0F, DX
	VPBROADCASTD DX, Z30

bucket:
	ADDQ $4, R8
	MOVL (R8), DX
	SUBL AX, DX
	ADDL DX, AX
	TESTL DX, DX
	JE   added
	MOVQ bits+48(FP), CX
	MOVL DX, R11
	SHLL CX, R11
	SUBL DX, R11
	ADDL R11, R13

group:
	MOVL    R12, CX
	CMPL    DX, CX
	CMOVLLT DX, CX
	SUBL    CX, DX
	VPXORQ  Z16, Z16, Z16
	VPXORQ  Z17, Z17, Z17
row:
	MOVL      (DI), R11
	ADDQ      $4, DI
	VMOVDQU64 (SI)(R11*1), Z18
	VPSRLW    $4, Z18, Z19
	VPANDQ    Z30, Z18, Z18
	VPANDQ    Z30, Z19, Z19
	VPADDB    Z18, Z16, Z16
	VPADDB    Z19, Z17, Z17
	SUBL      $1, CX
	JNE       row
	VPSRLW $8, Z16, Z18
	VPSRLW $8, Z17, Z19
	VPADDW Z16, Z0, Z0
	VPADDW Z18, Z1, Z1
	VPADDW Z17, Z2, Z2
	VPADDW Z19, Z3, Z3
	TESTL  DX, DX
	JNE    group

added:
	TESTL R13, R13
	JE    next
	ADDL  R13, BX
	CMPL  BX, $0xFFFF
	JLS   fits
	FLUSHALL
	MOVL  R13, BX
fits:
	VPADDW Z0, Z4, Z4
	VPADDW Z1, Z5, Z5
	VPADDW Z2, Z6, Z6
	VPADDW Z3, Z7, Z7
	CMPB   0(R9), $0
	JE     next
	FLUSHALL
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	XORL   R13, R13
	XORL   BX, BX
next:
	ADDQ $3, R9
	SUBQ $1, R10
	JNE  bucket

	MOVQ out+0(FP), DX
	STORE(Z8, Z9, Z10, Z11, 0)
	STORE(Z12, Z13, Z14, Z15, 256)
	VZEROUPPER
	RET
