//go:build !purego

#include "textflag.h"

// FLUSH adds the lanes of T and D to the accumulators of positions 4i, 4i+1, 4i+2, 4i+3, which
// are vectors at offset AT of out (R15), and clears them. X14 is the shift, Y12 the sign, Y13
// the low halves.
#define FLUSH(T, D, SHIFT, AT) \
	VPSLLW  $8, D, Y10          \
	VPSUBW  Y10, T, T           \
	VPSRLD  $16, T, Y10         \
	VPSRLD  $16, D, Y11         \
	VPAND   Y13, T, T           \
	VPAND   Y13, D, D           \
	VPSLLD  $SHIFT, T, T        \
	VPSLLD  $SHIFT, D, D        \
	VPSLLD  $SHIFT, Y10, Y10    \
	VPSLLD  $SHIFT, Y11, Y11    \
	VPADDD  AT+0(R15), T, T     \
	VPADDD  AT+32(R15), D, D    \
	VPADDD  AT+64(R15), Y10, Y10 \
	VPADDD  AT+96(R15), Y11, Y11 \
	VMOVDQU T, AT+0(R15)        \
	VMOVDQU D, AT+32(R15)       \
	VMOVDQU Y10, AT+64(R15)     \
	VMOVDQU Y11, AT+96(R15)     \
	VPXOR   T, T, T             \
	VPXOR   D, D, D

// ORDER brings the accumulators at offset AT of out into the order of position.
#define ORDER(AT) \
	VMOVDQU     AT+0(R15), Y0    \
	VMOVDQU     AT+32(R15), Y1   \
	VMOVDQU     AT+64(R15), Y2   \
	VMOVDQU     AT+96(R15), Y3   \
	VPUNPCKLDQ  Y1, Y0, Y4       \
	VPUNPCKHDQ  Y1, Y0, Y5       \
	VPUNPCKLDQ  Y3, Y2, Y6       \
	VPUNPCKHDQ  Y3, Y2, Y7       \
	VPUNPCKLQDQ Y6, Y4, Y0       \
	VPUNPCKHQDQ Y6, Y4, Y1       \
	VPUNPCKLQDQ Y7, Y5, Y2       \
	VPUNPCKHQDQ Y7, Y5, Y3       \
	VMOVDQU     X0, AT+0(R15)    \
	VMOVDQU     X1, AT+16(R15)   \
	VMOVDQU     X2, AT+32(R15)   \
	VMOVDQU     X3, AT+48(R15)   \
	VEXTRACTI128 $1, Y0, AT+64(R15)  \
	VEXTRACTI128 $1, Y1, AT+80(R15)  \
	VEXTRACTI128 $1, Y2, AT+96(R15)  \
	VEXTRACTI128 $1, Y3, AT+112(R15)

// SPREAD adds the bytes of R to the words of T, and those at odd places to D.
#define SPREAD(R, T, D) \
	VPADDW R, T, T  \
	VPSRLW $8, R, R \
	VPADDW R, D, D

// func looksAVX2(out *stripSums, base unsafe.Pointer, small *uint32, few int, large *uint32, many int, tables *byte, group, groups int)
//
// Sums of the low nibbles of rows: Y0, Y1 of all and of odd places of the low bytes of
// products, Y4 of high bytes, Y6, Y7 of high bytes of earlier groups; of the high nibbles:
// Y2, Y3, Y5, Y8, Y9.
TEXT ·looksAVX2(SB), NOSPLIT, $0-72
	MOVQ out+0(FP), R15
	MOVQ base+8(FP), SI
	MOVQ small+16(FP), DI
	MOVQ few+24(FP), DX
	MOVQ tables+48(FP), R9
	VPCMPEQB Y13, Y13, Y13
	VPSRLW   $12, Y13, Y15
	VPSLLW   $8, Y15, Y14
	VPOR     Y14, Y15, Y15
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y6, Y6, Y6
	VPXOR Y7, Y7, Y7
	VPXOR Y8, Y8, Y8
	VPXOR Y9, Y9, Y9
	VMOVDQU Y0, 0(R15)
	VMOVDQU Y0, 32(R15)
	VMOVDQU Y0, 64(R15)
	VMOVDQU Y0, 96(R15)
	VMOVDQU Y0, 128(R15)
	VMOVDQU Y0, 160(R15)
	VMOVDQU Y0, 192(R15)
	VMOVDQU Y0, 224(R15)

	MOVQ    $0xFF, R8 // rows of one byte that 16-bit lanes hold
	TESTQ   DX, DX
	JE      alllarge
smallchunk:
	MOVQ    R8, CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
smallrow:
	MOVL           (DI), R11
	MOVL           4(DI), AX
	ADDQ           $8, DI
	VMOVDQU        (SI)(R11*1), Y10
	VBROADCASTI128 (R9)(AX*1), Y12
	VPSRLW         $4, Y10, Y11
	VPAND          Y15, Y10, Y10
	VPAND          Y15, Y11, Y11
	VPSHUFB        Y10, Y12, Y14
	VPSHUFB        Y11, Y12, Y12
	SPREAD(Y14, Y0, Y1)
	SPREAD(Y12, Y2, Y3)
	SUBQ           $1, CX
	JNE            smallrow
	VPCMPEQB Y13, Y13, Y13
	VPSRLD   $16, Y13, Y13
	FLUSH(Y0, Y1, 0, 0)
	FLUSH(Y2, Y3, 0, 128)
	TESTQ    DX, DX
	JNE      smallchunk
alllarge:
	MOVQ  large+32(FP), DI
	MOVQ  many+40(FP), DX
	TESTQ DX, DX
	JE    order

chunk:
	MOVQ groups+64(FP), R10
group:
	MOVQ    group+56(FP), CX
	CMPQ    DX, CX
	CMOVQLT DX, CX
	SUBQ    CX, DX
	VPXOR   Y4, Y4, Y4
	VPXOR   Y5, Y5, Y5
row:
	MOVL           (DI), R11
	MOVL           4(DI), AX
	ADDQ           $8, DI
	VMOVDQU        (SI)(R11*1), Y10
	VBROADCASTI128 (R9)(AX*1), Y12
	VBROADCASTI128 16(R9)(AX*1), Y13
	VPSRLW         $4, Y10, Y11
	VPAND          Y15, Y10, Y10
	VPAND          Y15, Y11, Y11
	VPSHUFB        Y10, Y12, Y14
	VPSHUFB        Y11, Y12, Y12
	VPSHUFB        Y10, Y13, Y10
	VPSHUFB        Y11, Y13, Y11
	SPREAD(Y14, Y0, Y1)
	SPREAD(Y12, Y2, Y3)
	VPADDB         Y10, Y4, Y4
	VPADDB         Y11, Y5, Y5
	SUBQ           $1, CX
	JNE            row
	SPREAD(Y4, Y6, Y7)
	SPREAD(Y5, Y8, Y9)
	TESTQ    DX, DX
	JE       flush
	SUBQ     $1, R10
	JNE      group
flush:
	VPCMPEQB Y13, Y13, Y13
	VPSRLD   $16, Y13, Y13
	FLUSH(Y0, Y1, 0, 0)
	FLUSH(Y2, Y3, 0, 128)
	FLUSH(Y6, Y7, 8, 0)
	FLUSH(Y8, Y9, 8, 128)
	TESTQ    DX, DX
	JNE      chunk

order:
	ORDER(0)
	ORDER(128)
	VZEROUPPER
	RET

// func streamsAVX2(acc *int32, sums *stripSums, streams *stream, n, high int)
TEXT ·streamsAVX2(SB), NOSPLIT, $0-40
	MOVQ acc+0(FP), DI
	MOVQ sums+8(FP), SI
	MOVQ streams+16(FP), R8
	MOVQ n+24(FP), CX
	MOVQ high+32(FP), R9
	LEAQ (SI)(R9*4), R9
stream:
	MOVL    (R8), AX
	MOVBLZX 4(R8), DX
	VMOVD   DX, X1
	VMOVDQU (SI), Y0
	VPSLLD  X1, Y0, Y0
	VPADDD  (DI)(AX*4), Y0, Y0
	VMOVDQU Y0, (DI)(AX*4)
	SUBQ    $1, CX
	JE      done
	MOVL    8(R8), AX
	MOVBLZX 12(R8), DX
	VMOVD   DX, X1
	VMOVDQU (R9), Y0
	VPSLLD  X1, Y0, Y0
	VPADDD  (DI)(AX*4), Y0, Y0
	VMOVDQU Y0, (DI)(AX*4)
	ADDQ    $16, R8
	ADDQ    $32, SI
	ADDQ    $32, R9
	SUBQ    $1, CX
	JNE     stream
done:
	VZEROUPPER
	RET

// func limitAVX2(lanes *uint16, acc *int32, n int, add, top int32)
TEXT ·limitAVX2(SB), NOSPLIT, $0-32
	MOVQ         lanes+0(FP), DI
	MOVQ         acc+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVL         add+24(FP), AX
	MOVL         top+28(FP), DX
	VMOVD        AX, X1
	VMOVD        DX, X2
	VPBROADCASTD X1, Y1
	VPBROADCASTD X2, Y2
	VPXOR        Y3, Y3, Y3
limit:
	VPADDD       (SI), Y1, Y0
	VPMAXSD      Y3, Y0, Y0
	VPMINSD      Y2, Y0, Y0
	VEXTRACTI128 $1, Y0, X4
	VPACKUSDW    X4, X0, X0
	VMOVDQU      X0, (DI)
	ADDQ         $32, SI
	ADDQ         $16, DI
	SUBQ         $1, CX
	JNE          limit
	VZEROUPPER
	RET

// func addToAVX2(out, acc *int32, n int, add int32)
TEXT ·addToAVX2(SB), NOSPLIT, $0-28
	MOVQ         out+0(FP), DI
	MOVQ         acc+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVL         add+24(FP), AX
	VMOVD        AX, X1
	VPBROADCASTD X1, Y1
eight:
	VPADDD  (SI), Y1, Y0
	VMOVDQU Y0, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $1, CX
	JNE     eight
	VZEROUPPER
	RET

DATA eightRows<>+0(SB)/4, $256
GLOBL eightRows<>(SB), RODATA|NOPTR, $4

// LISTROWS appends the elements of set AX to the list at PTR. The elements are the bytes of X0, Y7 is
// where the row of the first one is.
#define LISTROWS(PTR) \
	VMOVQ      (R9)(AX*8), X2    \
	VPSHUFB    X2, X0, X3        \
	VPMOVZXBD  X3, Y3            \
	VPMOVZXBD  X2, Y2            \
	VPSLLD     $5, Y3, Y3        \
	VPSLLD     $5, Y2, Y2        \
	VPADDD     Y7, Y2, Y2        \
	VPUNPCKLDQ Y3, Y2, Y4        \
	VPUNPCKHDQ Y3, Y2, Y5        \
	VPERM2I128 $0x20, Y5, Y4, Y2 \
	VPERM2I128 $0x31, Y5, Y4, Y3 \
	VMOVDQU    Y2, (PTR)         \
	VMOVDQU    Y3, 32(PTR)       \
	POPCNTL    AX, AX            \
	LEAQ       (PTR)(AX*8), PTR

// func lookListAVX2(small, large *uint32, in *byte, n int, compact *[256][8]byte, take, below, top int) (few, many int, sum uint32)
//
// X6 is the sum, Y9 the top of small levels; R12 is the set of elements that there are.
TEXT ·lookListAVX2(SB), NOSPLIT, $0-84
	MOVQ small+0(FP), DI
	MOVQ large+8(FP), BX
	MOVQ in+16(FP), SI
	MOVQ n+24(FP), CX
	MOVQ compact+32(FP), R9
	MOVQ take+40(FP), R11
	MOVQ below+48(FP), R13
	MOVQ top+56(FP), AX
	VMOVD AX, X9
	VPBROADCASTB X9, X9
	MOVL $0xFF, R12
	VPXOR X10, X10, X10
	VPXOR X6, X6, X6
	VPXOR Y7, Y7, Y7
	VPBROADCASTD eightRows<>(SB), Y8
	CMPQ CX, $8
	JLT  listlast
listeight:
	VMOVQ (SI), X0
listrows:
	VPSADBW   X10, X0, X1
	VPADDQ    X1, X6, X6
	VPCMPEQB  X10, X0, X1
	VPMOVMSKB X1, DX
	NOTL      DX
	ORL       R11, DX
	ANDL      R12, DX
	TESTL     R13, R13
	JEQ       listlarge
	VPMINUB   X9, X0, X1
	VPCMPEQB  X0, X1, X1
	VPMOVMSKB X1, AX
	ANDL      R13, AX
	ANDL      DX, AX
	SUBL      AX, DX
	LISTROWS(DI)
listlarge:
	MOVL      DX, AX
	LISTROWS(BX)
	VPADDD    Y8, Y7, Y7
	ADDQ      $8, SI
	SUBQ      $8, CX
	JLE       listdone
	CMPQ      CX, $8
	JGE       listeight
listlast:
	MOVQ  (SI), AX
	MOVQ  $-1, R10
	SHLQ  $3, CX
	SHLQ  CX, R10
	NOTQ  R10
	SHRQ  $3, CX
	ANDQ  R10, AX
	VMOVQ AX, X0
	MOVL  $0xFF, R12
	SHLL  CX, R12
	NOTL  R12
	ANDL  $0xFF, R12
	JMP   listrows
listdone:
	SUBQ small+0(FP), DI
	SHRQ $2, DI
	MOVQ DI, few+64(FP)
	SUBQ large+8(FP), BX
	SHRQ $2, BX
	MOVQ BX, many+72(FP)
	VMOVD X6, AX
	MOVL AX, sum+80(FP)
	VZEROUPPER
	RET
