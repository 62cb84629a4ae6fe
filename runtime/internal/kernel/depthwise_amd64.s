//go:build !purego

#include "textflag.h"

DATA biases<>+0(SB)/4, $0x70707070
GLOBL biases<>(SB), RODATA|NOPTR, $4
DATA tops<>+0(SB)/4, $0x80808080
GLOBL tops<>(SB), RODATA|NOPTR, $4

// A vector of bytes 0xFF and one of 0.
DATA window<>+0(SB)/8, $-1
DATA window<>+8(SB)/8, $-1
DATA window<>+16(SB)/8, $-1
DATA window<>+24(SB)/8, $-1
GLOBL window<>(SB), RODATA|NOPTR, $64

// SPILL adds the bytes of R to the words of T, and those at odd places to D.
#define SPILL(R, T, D) \
	VPADDW R, T, T  \
	VPSRLW $8, R, R \
	VPADDW R, D, D

// LOOK looks up the bytes of X in the tables Y8 and Y9 with the result in X; U is used.
#define LOOK(X, U) \
	VPXOR   Y15, X, U \
	VPSHUFB X, Y8, X  \
	VPSHUFB U, Y9, U  \
	VPOR    U, X, X

#define DEPTHARGS \
	MOVQ even+0(FP), DI    \
	MOVQ odd+8(FP), DX     \
	MOVQ buffer+24(FP), R12 \
	MOVQ tables+56(FP), R11 \
	MOVQ starts+64(FP), BX \
	MOVQ channels+72(FP), R13 \
	VPBROADCASTD tops<>(SB), Y15

#define DEPTHCHANNEL \
	MOVQ R12, SI          \
	MOVQ steps+16(FP), R8

#define DEPTHTAPS \
	MOVQ taps+40(FP), R9 \
	MOVQ n+48(FP), CX    \
	MOVQ R11, R10

#define DEPTHSTEP \
	ADDQ $64, DI \
	ADDQ $64, DX \
	ADDQ $64, SI \
	SUBQ $1, R8

#define DEPTHNEXT \
	MOVQ R10, R11         \
	ADDQ step+32(FP), R12 \
	ADDQ $4, BX           \
	SUBQ $1, R13

#define FILLARGS \
	MOVQ dst+0(FP), DI           \
	MOVQ src+8(FP), SI           \
	MOVQ f+16(FP), R8            \
	MOVQ 24(R8), R11             \
	MOVQ channels+24(FP), R13    \
	VPBROADCASTB 48(R8), Y13     \
	VPBROADCASTD biases<>(SB), Y14 \
	LEAQ window<>(SB), R12       \
	MOVQ 56(R8), AX              \
	VMOVDQU (R12)(AX*1), Y15

#define FILLCHANNEL \
	MOVQ 0(R8), R9 \
	MOVQ 8(R8), R10

#define FILLNEXT \
	ADDQ step+32(FP), DI \
	ADDQ plane+40(FP), SI \
	SUBQ $1, R13

#define FILLROW \
	MOVQ (R9), AX  \
	MOVQ 8(R9), BX \
	ADDQ $16, R9   \
	ADDQ SI, AX    \
	ADDQ DI, BX    \
	MOVQ R11, CX

#define MOVEARGS \
	MOVQ dst+0(FP), R12       \
	MOVQ src+8(FP), R13       \
	MOVQ m+16(FP), R8         \
	MOVQ channels+24(FP), DX  \
	VMOVDQU (R8), X1          \
	VMOVDQU 16(R8), X2        \
	MOVQ 40(R8), R10          \
	MOVQ 48(R8), R11

#define MOVECHANNEL \
	MOVQ R12, DI \
	MOVQ R13, SI \
	MOVQ 32(R8), CX

#define MOVEGROUP \
	VMOVDQU (SI), X0     \
	VPSHUFB X1, X0, X0   \
	VPADDB  X2, X0, X0   \
	ADDQ    R10, SI

// func depthBytesAVX2(even, odd *uint16, steps int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)
//
// Y0, Y1 and Y2, Y3: sums of all and of odd places of two vectors of positions.
TEXT ·depthBytesAVX2(SB), NOSPLIT, $0-80
	DEPTHARGS
bytechannels:
	DEPTHCHANNEL
bytesteps:
	DEPTHTAPS
	VPBROADCASTW (BX), Y0
	VPBROADCASTW 2(BX), Y1
	VPBROADCASTW (BX), Y2
	VPBROADCASTW 2(BX), Y3
bytetaps:
	MOVL           (R9), AX
	ADDQ           $4, R9
	VBROADCASTI128 (R10), Y8
	VBROADCASTI128 16(R10), Y9
	ADDQ           $32, R10
	VMOVDQU        (SI)(AX*1), Y10
	VMOVDQU        32(SI)(AX*1), Y11
	LOOK(Y10, Y12)
	LOOK(Y11, Y13)
	SPILL(Y10, Y0, Y1)
	SPILL(Y11, Y2, Y3)
	SUBQ           $1, CX
	JNE            bytetaps
	VPSLLW  $8, Y1, Y10
	VPSLLW  $8, Y3, Y11
	VPSUBW  Y10, Y0, Y0
	VPSUBW  Y11, Y2, Y2
	VMOVDQU Y0, (DI)
	VMOVDQU Y2, 32(DI)
	VMOVDQU Y1, (DX)
	VMOVDQU Y3, 32(DX)
	DEPTHSTEP
	JNE     bytesteps
	DEPTHNEXT
	JNE     bytechannels
	VZEROUPPER
	RET

// PAIR reads 16 bytes each of both channels.
#define PAIR(AT, X, Y) \
	VMOVDQU AT(AX), X \
	VINSERTI128 $1, AT(AX)(R14*1), Y, Y

// START sets T and D to the starts of both channels; U is used.
#define START(T, D, XT, XD, XU) \
	VPBROADCASTW (BX), XT    \
	VPBROADCASTW 4(BX), XU   \
	VINSERTI128 $1, XU, T, T \
	VPBROADCASTW 2(BX), XD   \
	VPBROADCASTW 6(BX), XU   \
	VINSERTI128 $1, XU, D, D

// LANEPAIR stores the even and odd lanes of both channels; U is used.
#define LANEPAIR(AT, T, D, XT, XD, U) \
	VPSLLW  $8, D, U      \
	VPSUBW  U, T, T       \
	VMOVDQU XT, AT(DI)    \
	VMOVDQU XD, AT(DX)    \
	VEXTRACTI128 $1, T, AT(DI)(R15*1) \
	VEXTRACTI128 $1, D, AT(DX)(R15*1)

// func depthPairsAVX2(even, odd *uint16, half int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, pairs int)
//
// Y0, Y1 and Y2, Y3 and Y4, Y5: sums of all and of odd places of 16 positions each of two channels.
// R14 and R15 are the bytes from one channel to the other in buffer and in lanes.
TEXT ·depthPairsAVX2(SB), NOSPLIT, $0-80
	MOVQ even+0(FP), DI
	MOVQ odd+8(FP), DX
	MOVQ half+16(FP), R15
	ADDQ R15, R15
	MOVQ buffer+24(FP), R12
	MOVQ step+32(FP), R14
	MOVQ tables+56(FP), R11
	MOVQ starts+64(FP), BX
	MOVQ pairs+72(FP), R13
	VPBROADCASTD tops<>(SB), Y15
pairs:
	MOVQ R12, SI
	MOVQ R15, R8
	SHRQ $4, R8
	CMPQ R8, $3
	JLT  single
triple:
	DEPTHTAPS
	START(Y0, Y1, X0, X1, X10)
	VMOVDQA Y0, Y2
	VMOVDQA Y1, Y3
	VMOVDQA Y0, Y4
	VMOVDQA Y1, Y5
tripletaps:
	MOVL (R9), AX
	ADDQ $4, R9
	ADDQ SI, AX
	VMOVDQU (R10), Y8
	VMOVDQU 32(R10), Y9
	ADDQ $64, R10
	PAIR(0, X10, Y10)
	PAIR(16, X11, Y11)
	PAIR(32, X12, Y12)
	LOOK(Y10, Y13)
	LOOK(Y11, Y14)
	LOOK(Y12, Y13)
	SPILL(Y10, Y0, Y1)
	SPILL(Y11, Y2, Y3)
	SPILL(Y12, Y4, Y5)
	SUBQ $1, CX
	JNE  tripletaps
	LANEPAIR(0, Y0, Y1, X0, X1, Y10)
	LANEPAIR(16, Y2, Y3, X2, X3, Y10)
	LANEPAIR(32, Y4, Y5, X4, X5, Y10)
	ADDQ $48, DI
	ADDQ $48, DX
	ADDQ $48, SI
	SUBQ $3, R8
	CMPQ R8, $3
	JGE  triple
	TESTQ R8, R8
	JEQ  pairdone
single:
	DEPTHTAPS
	START(Y0, Y1, X0, X1, X10)
singletaps:
	MOVL (R9), AX
	ADDQ $4, R9
	ADDQ SI, AX
	VMOVDQU (R10), Y8
	VMOVDQU 32(R10), Y9
	ADDQ $64, R10
	PAIR(0, X10, Y10)
	LOOK(Y10, Y13)
	SPILL(Y10, Y0, Y1)
	SUBQ $1, CX
	JNE  singletaps
	LANEPAIR(0, Y0, Y1, X0, X1, Y10)
	ADDQ $16, DI
	ADDQ $16, DX
	ADDQ $16, SI
	SUBQ $1, R8
	JNE  single
pairdone:
	ADDQ R15, DI
	ADDQ R15, DX
	ADDQ R14, R12
	ADDQ R14, R12
	MOVQ R10, R11
	ADDQ $8, BX
	SUBQ $1, R13
	JNE  pairs
	VZEROUPPER
	RET

// LOOKWIDE adds the products of the indices X to T, D and to H, the sums of high bytes.
#define LOOKWIDE(X, T, D, H) \
	VPXOR   Y15, X, Y11    \
	VPSHUFB X, Y8, Y12     \
	VPSHUFB Y11, Y9, Y13   \
	VPSHUFB X, Y6, X       \
	VPSHUFB Y11, Y7, Y14   \
	VPOR    Y12, Y13, Y12  \
	VPADDB  X, H, H        \
	VPADDB  Y14, H, H      \
	SPILL(Y12, T, D)

// func depthWideAVX2(even, odd *uint16, steps int, buffer *byte, step int, taps *int32, n int, tables *byte, starts *depthStart, channels int)
//
// Y0, Y1, Y2 and Y3, Y4, Y5: sums of all and of odd places, and of high bytes, of two
// vectors of positions.
TEXT ·depthWideAVX2(SB), NOSPLIT, $0-80
	DEPTHARGS
widechannels:
	DEPTHCHANNEL
widesteps:
	DEPTHTAPS
	VPBROADCASTW (BX), Y0
	VPBROADCASTW 2(BX), Y1
	VPXOR        Y2, Y2, Y2
	VPBROADCASTW (BX), Y3
	VPBROADCASTW 2(BX), Y4
	VPXOR        Y5, Y5, Y5
widetaps:
	MOVL           (R9), AX
	ADDQ           $4, R9
	VBROADCASTI128 (R10), Y8
	VBROADCASTI128 16(R10), Y9
	VBROADCASTI128 32(R10), Y6
	VBROADCASTI128 48(R10), Y7
	ADDQ           $64, R10
	VMOVDQU        (SI)(AX*1), Y10
	LOOKWIDE(Y10, Y0, Y1, Y2)
	VMOVDQU        32(SI)(AX*1), Y10
	LOOKWIDE(Y10, Y3, Y4, Y5)
	SUBQ           $1, CX
	JNE            widetaps
	VPSUBB  Y1, Y2, Y10
	VPSUBB  Y4, Y5, Y11
	VPSLLW  $8, Y10, Y10
	VPSLLW  $8, Y11, Y11
	VPADDW  Y10, Y0, Y0
	VPADDW  Y11, Y3, Y3
	VPSRLW  $8, Y2, Y2
	VPSRLW  $8, Y5, Y5
	VPSLLW  $8, Y2, Y2
	VPSLLW  $8, Y5, Y5
	VPADDW  Y2, Y1, Y1
	VPADDW  Y5, Y4, Y4
	VMOVDQU Y0, (DI)
	VMOVDQU Y3, 32(DI)
	VMOVDQU Y1, (DX)
	VMOVDQU Y4, 32(DX)
	DEPTHSTEP
	JNE     widesteps
	DEPTHNEXT
	JNE     widechannels
	VZEROUPPER
	RET

// func depthFillAVX2(dst, src *byte, f *depthFill, channels, step, plane int)
TEXT ·depthFillAVX2(SB), NOSPLIT, $0-48
	FILLARGS
channel:
	FILLCHANNEL
row:
	FILLROW
	CMPQ CX, $32
	JLS  last
whole:
	VPADDB  (AX), Y14, Y0
	VMOVDQU Y0, (BX)
	ADDQ    $32, AX
	ADDQ    $32, BX
	SUBQ    $32, CX
	CMPQ    CX, $32
	JHI     whole
last:
	VPADDB    (AX), Y14, Y0
	VPBLENDVB Y15, Y0, Y13, Y0
	VMOVDQU   Y0, (BX)
	SUBQ      $1, R10
	JNE       row
	FILLNEXT
	JNE       channel
	VZEROUPPER
	RET

// PAIRS writes 32 bytes at even places of 64 to Y2, those at odd places to Y3.
#define PAIRS \
	VMOVDQU   (AX), Y0     \
	VMOVDQU   32(AX), Y1   \
	VPSRLW    $8, Y0, Y2   \
	VPSRLW    $8, Y1, Y3   \
	VPAND     Y11, Y0, Y0  \
	VPAND     Y11, Y1, Y1  \
	VPACKUSWB Y3, Y2, Y3   \
	VPACKUSWB Y1, Y0, Y2   \
	VPERMQ    $0xD8, Y2, Y2 \
	VPERMQ    $0xD8, Y3, Y3 \
	VPADDB    Y14, Y2, Y2  \
	VPADDB    Y14, Y3, Y3

// func depthFillPairsAVX2(dst, src *byte, f *depthFill, channels, step, plane int)
TEXT ·depthFillPairsAVX2(SB), NOSPLIT, $0-48
	FILLARGS
	MOVQ     64(R8), AX
	VMOVDQU  (R12)(AX*1), Y12
	MOVQ     40(R8), DX
	VPCMPEQB Y11, Y11, Y11
	VPSRLW   $8, Y11, Y11
channelpair:
	FILLCHANNEL
rowpair:
	FILLROW
	CMPQ CX, $64
	JLS  lastpair
wholepair:
	PAIRS
	VMOVDQU Y2, (BX)
	VMOVDQU Y3, (BX)(DX*1)
	ADDQ    $64, AX
	ADDQ    $32, BX
	SUBQ    $64, CX
	CMPQ    CX, $64
	JHI     wholepair
lastpair:
	PAIRS
	VPBLENDVB Y15, Y2, Y13, Y2
	VPBLENDVB Y12, Y3, Y13, Y3
	VMOVDQU   Y2, (BX)
	VMOVDQU   Y3, (BX)(DX*1)
	SUBQ      $1, R10
	JNE       rowpair
	FILLNEXT
	JNE       channelpair
	VZEROUPPER
	RET

// func gatherAVX2(dst, line *byte, channels, rows, cols, pitch, step int)
TEXT ·gatherAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ line+8(FP), R8
	MOVQ channels+16(FP), R9
	MOVQ cols+32(FP), R11
	MOVQ pitch+40(FP), R12
gatherchannel:
	MOVQ R8, SI
	MOVQ rows+24(FP), R10
gatherrow:
	XORL AX, AX
gather:
	VMOVDQU (SI)(AX*1), Y0
	VMOVDQU Y0, (DI)(AX*1)
	ADDQ    $32, AX
	CMPQ    AX, R11
	JLT     gather
	ADDQ    R11, DI
	ADDQ    R12, SI
	SUBQ    $1, R10
	JNE     gatherrow
	ADDQ    step+48(FP), R8
	SUBQ    $1, R9
	JNE     gatherchannel
	VZEROUPPER
	RET

// func moveRowsAVX2(dst, src *byte, m *rowMoves, channels, toStep, fromStep int)
TEXT ·moveRowsAVX2(SB), NOSPLIT, $0-48
	MOVEARGS
movechannel:
	MOVECHANNEL
movegroup:
	MOVEGROUP
	VMOVDQU X0, (DI)
	ADDQ    R11, DI
	SUBQ    $1, CX
	JNE     movegroup
	ADDQ    toStep+32(FP), R12
	ADDQ    fromStep+40(FP), R13
	SUBQ    $1, DX
	JNE     movechannel
	VZEROUPPER
	RET

// func moveRows8AVX2(dst, src *byte, m *rowMoves, channels, toStep, fromStep int)
TEXT ·moveRows8AVX2(SB), NOSPLIT, $0-48
	MOVEARGS
eightmovechannel:
	MOVECHANNEL
eightmovegroup:
	MOVEGROUP
	VMOVQ   X0, (DI)
	ADDQ    R11, DI
	SUBQ    $1, CX
	JNE     eightmovegroup
	ADDQ    toStep+32(FP), R12
	ADDQ    fromStep+40(FP), R13
	SUBQ    $1, DX
	JNE     eightmovechannel
	VZEROUPPER
	RET
