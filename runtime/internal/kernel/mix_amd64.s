//go:build !purego

#include "textflag.h"
#include "table_amd64.h"

// BEYOND sets the low byte of REST's lanes to 0xFF where they lie beyond the break of
// their BIN, and the lanes to 0 elsewhere.
#define BEYOND(REST, BIN) \
	VMOVDQA64  BIN, Z8            \
	VMOVDQA64  BIN, Z9            \
	VPERMI2D   Z13, Z12, Z8       \
	VPERMI2D   Z15, Z14, Z9       \
	VPTESTMD   Z16, BIN, K3       \
	VMOVDQA32  Z9, K3, Z8         \
	VPCMPUD    $6, Z8, REST, K1   \
	VPTERNLOGD.Z $0xFF, REST, REST, K1, REST \
	VPSRLD     $24, REST, REST

// func mixLevelsAVX512(dst *byte, lanes *uint16, odd, step int, order *[64]byte, n int, list *mixEntry, entries int, b *bins, add int32)
//
// Z0..Z3 are the sums of positions 4i, 4i+1, 4i+2, 4i+3 (of 16-bit rows: of another order,
// which Z29 undoes), Z4..Z7 the lanes of a segment.
TEXT ·mixLevelsAVX512(SB), NOSPLIT, $0-76
	MOVQ dst+0(FP), DI
	MOVQ lanes+8(FP), SI
	MOVQ odd+16(FP), BX
	MOVQ step+24(FP), R13
	MOVQ order+32(FP), AX
	VMOVDQU64 (AX), Z29
	MOVQ n+40(FP), CX
	MOVQ b+64(FP), R8
	MOVL add+72(FP), AX
	VPBROADCASTD AX, Z21
	VPBROADCASTD TOP(R8), Z22
	VPBROADCASTD MASK(R8), Z23
	VMOVDQU64 REST(R8), Z24
	VMOVDQU64 REST+64(R8), Z28
	VMOVDQU64 BELOW(R8), Z25
	VMOVDQU64 ABOVE(R8), Z26
	VMOVD     SHIFT(R8), X27
	VPXORQ    Z30, Z30, Z30
	VPTERNLOGD $0xFF, Z31, Z31, Z31
	VPSRLD    $16, Z31, Z31 // low halves

mix:
	VMOVDQA64 Z21, Z0
	VMOVDQA64 Z21, Z1
	VMOVDQA64 Z21, Z2
	VMOVDQA64 Z21, Z3
	MOVQ list+48(FP), R9
	MOVQ entries+56(FP), R10
entry:
	MOVQ  0(R9), R11
	VMOVD 8(R9), X20
	MOVL  12(R9), R12
	TESTL $2, R12
	JNE   same
	ADDQ  SI, R11
	VMOVDQU64 (R11), Z4
	VMOVDQU64 (R11)(BX*1), Z5
	VPSRLD $16, Z4, Z6
	VPSRLD $16, Z5, Z7
	VPANDQ Z31, Z4, Z4
	VPANDQ Z31, Z5, Z5
same:
	VPSLLD X20, Z4, Z8
	VPSLLD X20, Z5, Z9
	VPSLLD X20, Z6, Z10
	VPSLLD X20, Z7, Z11
	TESTL $1, R12
	JNE   minus
	VPADDD Z8, Z0, Z0
	VPADDD Z9, Z1, Z1
	VPADDD Z10, Z2, Z2
	VPADDD Z11, Z3, Z3
	JMP   next
minus:
	VPSUBD Z8, Z0, Z0
	VPSUBD Z9, Z1, Z1
	VPSUBD Z10, Z2, Z2
	VPSUBD Z11, Z3, Z3
next:
	ADDQ $16, R9
	SUBQ $1, R10
	JNE  entry
	ADDQ R13, SI

	VPMAXSD Z30, Z0, Z0
	VPMAXSD Z30, Z1, Z1
	VPMAXSD Z30, Z2, Z2
	VPMAXSD Z30, Z3, Z3
	VPMINSD Z22, Z0, Z0
	VPMINSD Z22, Z1, Z1
	VPMINSD Z22, Z2, Z2
	VPMINSD Z22, Z3, Z3
	VPSRLD X27, Z0, Z4
	VPSRLD X27, Z1, Z5
	VPSRLD X27, Z2, Z6
	VPSRLD X27, Z3, Z7
	VPANDQ Z23, Z0, Z0
	VPANDQ Z23, Z1, Z1
	VPANDQ Z23, Z2, Z2
	VPANDQ Z23, Z3, Z3
	CMPL   SHIFT(R8), $16
	JHI    long
	VPSLLD $16, Z2, Z2
	VPSLLD $16, Z3, Z3
	VPSLLD $16, Z6, Z6
	VPSLLD $16, Z7, Z7
	VPORQ  Z2, Z0, Z0 // rests of even positions
	VPORQ  Z3, Z1, Z1
	VPORQ  Z6, Z4, Z2 // bins
	VPORQ  Z7, Z5, Z3
	VMOVDQA64 Z2, Z4
	VMOVDQA64 Z3, Z5
	VPERMI2W  Z28, Z24, Z4
	VPERMI2W  Z28, Z24, Z5
	VPCMPUW   $6, Z4, Z0, K1
	VPCMPUW   $6, Z5, Z1, K2
	VPMOVM2W  K1, Z4
	VPMOVM2W  K2, Z5
	VPSLLW    $8, Z3, Z3
	VPSRLW    $8, Z4, Z4
	VPSLLW    $8, Z5, Z5
	VPORQ     Z3, Z2, Z2
	VPORQ     Z5, Z4, Z4
levels:
	VPMOVB2M  Z4, K1
	VPERMB    Z25, Z2, Z4
	VPERMB    Z26, Z2, K1, Z4
	VPERMB    Z4, Z29, Z4
	CMPQ      CX, $64
	JLT       mixtail
	VMOVDQU64 Z4, (DI)
	ADDQ      $64, DI
	SUBQ      $64, CX
	JNE       mix
	VZEROUPPER
	RET

long:
	MOVQ      LONG(R8), R11
	VMOVDQU64 (R11), Z12
	VMOVDQU64 64(R11), Z13
	VMOVDQU64 128(R11), Z14
	VMOVDQU64 192(R11), Z15
	MOVL      $32, R11
	VPBROADCASTD R11, Z16
	BEYOND(Z0, Z4)
	BEYOND(Z1, Z5)
	BEYOND(Z2, Z6)
	BEYOND(Z3, Z7)
	VPSLLD $8, Z1, Z1
	VPSLLD $8, Z5, Z5
	VPSLLD $16, Z2, Z2
	VPSLLD $16, Z6, Z6
	VPSLLD $24, Z3, Z3
	VPSLLD $24, Z7, Z7
	VPORQ  Z1, Z0, Z0
	VPORQ  Z3, Z2, Z2
	VPORQ  Z5, Z4, Z4
	VPORQ  Z7, Z6, Z6
	VPORQ  Z6, Z4, Z3
	VPORQ  Z2, Z0, Z4
	VMOVDQA64 Z3, Z2
	JMP    levels

mixtail:
	MOVQ    $-1, AX
	SHLQ    CX, AX
	NOTQ    AX
	KMOVQ   AX, K1
	VMOVDQU8 Z4, K1, (DI)
	VZEROUPPER
	RET

// func mixLevelsAVX2(dst *byte, lanes *uint16, odd, step int, wide bool, n int, list *mixEntry, entries int, b *bins, add int32)
//
// Y0..Y3 are the sums of positions 4i, 4i+1, 4i+2, 4i+3, 32 at a time (of 16-bit rows: of another
// order, which the end undoes), Y4..Y7 the lanes of a segment.
TEXT ·mixLevelsAVX2(SB), NOSPLIT, $0-76
	MOVQ dst+0(FP), DI
	MOVQ lanes+8(FP), SI
	MOVQ odd+16(FP), BX
	MOVQ step+24(FP), R13
	MOVQ n+40(FP), CX
	MOVQ b+64(FP), R8
	MOVL add+72(FP), AX
	VMOVD AX, X12
	VPBROADCASTD X12, Y12
	VPBROADCASTD TOP(R8), Y13
	VPBROADCASTD MASK(R8), Y14
	VPCMPEQD Y15, Y15, Y15
	VPSRLD   $16, Y15, Y15 // low halves

mix2:
	VMOVDQA Y12, Y0
	VMOVDQA Y12, Y1
	VMOVDQA Y12, Y2
	VMOVDQA Y12, Y3
	MOVQ list+48(FP), R9
	MOVQ entries+56(FP), R10
entry2:
	MOVQ  0(R9), R11
	VMOVD 8(R9), X11
	MOVL  12(R9), R12
	TESTL $2, R12
	JNE   same2
	ADDQ  SI, R11
	VMOVDQU (R11), Y4
	VMOVDQU (R11)(BX*1), Y5
	VPSRLD  $16, Y4, Y6
	VPSRLD  $16, Y5, Y7
	VPAND   Y15, Y4, Y4
	VPAND   Y15, Y5, Y5
same2:
	CMPQ   8(R9), $0 // no shift, to add
	JNE    shift2
	VPADDD Y4, Y0, Y0
	VPADDD Y5, Y1, Y1
	VPADDD Y6, Y2, Y2
	VPADDD Y7, Y3, Y3
	JMP    next2
shift2:
	VPSLLD X11, Y4, Y8
	VPSLLD X11, Y5, Y9
	VPSLLD X11, Y6, Y10
	VPSLLD X11, Y7, Y11
	TESTL  $1, R12
	JNE    minus2
	VPADDD Y8, Y0, Y0
	VPADDD Y9, Y1, Y1
	VPADDD Y10, Y2, Y2
	VPADDD Y11, Y3, Y3
	JMP    next2
minus2:
	VPSUBD Y8, Y0, Y0
	VPSUBD Y9, Y1, Y1
	VPSUBD Y10, Y2, Y2
	VPSUBD Y11, Y3, Y3
next2:
	ADDQ $16, R9
	SUBQ $1, R10
	JNE  entry2
	ADDQ R13, SI

	VPXOR   Y8, Y8, Y8
	VPMAXSD Y8, Y0, Y0
	VPMAXSD Y8, Y1, Y1
	VPMAXSD Y8, Y2, Y2
	VPMAXSD Y8, Y3, Y3
	VPMINSD Y13, Y0, Y0
	VPMINSD Y13, Y1, Y1
	VPMINSD Y13, Y2, Y2
	VPMINSD Y13, Y3, Y3
	VMOVD   SHIFT(R8), X9
	VPSRLD  X9, Y0, Y4
	VPSRLD  X9, Y1, Y5
	VPSRLD  X9, Y2, Y6
	VPSRLD  X9, Y3, Y7
	VPAND   Y14, Y0, Y0
	VPAND   Y14, Y1, Y1
	VPAND   Y14, Y2, Y2
	VPAND   Y14, Y3, Y3
	VPSLLD  $16, Y2, Y2
	VPSLLD  $16, Y3, Y3
	VPSLLD  $16, Y6, Y6
	VPSLLD  $16, Y7, Y7
	VPOR    Y2, Y0, Y0 // rests of even positions
	VPOR    Y3, Y1, Y1
	VPOR    Y6, Y4, Y2 // bins
	VPOR    Y7, Y5, Y3
	VPSLLW  $8, Y3, Y3
	VPOR    Y3, Y2, Y2
	VPBROADCASTD seventy<>(SB), Y10
	VPADDUSB Y10, Y2, Y4
	VPSUBB   sixteens<>(SB), Y2, Y2
	VPADDUSB Y10, Y2, Y5
	VPSUBB   sixteens<>(SB), Y2, Y2
	VPADDUSB Y10, Y2, Y6
	VPSUBB   sixteens<>(SB), Y2, Y2
	VPADDUSB Y10, Y2, Y7
	MOVBLZX  LAST(R8), R10
	CMPL     SHIFT(R8), $8
	JHI      words2
	VPSLLW   $8, Y1, Y1
	VPOR     Y1, Y0, Y0
	LOOK3(REST8, Y1, Y10, Y11)
	TESTL    R10, R10
	JEQ      bytes2
	LOOK4(REST8, Y1, Y10)
bytes2:
	BREAKS
	JMP      above2
words2:
	LOOK3(LOWER, Y2, Y10, Y11)
	LOOK3(UPPER, Y3, Y10, Y11)
	TESTL    R10, R10
	JEQ      rests2
	LOOK4(LOWER, Y2, Y10)
	LOOK4(UPPER, Y3, Y11)
rests2:
	VPSLLW   $8, Y3, Y8
	VPSLLW   $8, Y2, Y9
	VPSRLW   $8, Y9, Y9
	VPOR     Y8, Y9, Y8 // breaks of even positions
	VPSRLW   $8, Y2, Y9
	VPSRLW   $8, Y3, Y3
	VPSLLW   $8, Y3, Y3
	VPOR     Y3, Y9, Y9
	VPSUBUSW Y8, Y0, Y0 // not 0: beyond the break
	VPSUBUSW Y9, Y1, Y1
	VPXOR    Y8, Y8, Y8
	VPCMPEQW Y8, Y0, Y0
	VPCMPEQW Y8, Y1, Y1
	VPSRLW   $8, Y0, Y0
	VPSLLW   $8, Y1, Y1
	VPOR     Y1, Y0, Y0
above2:
	LOOK3(ABOVE, Y3, Y10, Y11)
	TESTL    R10, R10
	JEQ      three2
	LOOK4(ABOVE, Y3, Y10)
three2:
	CMPL     UNIT(R8), $1
	JNE      steps2
	VPADDB   Y0, Y3, Y3
found2:
	CMPB     wide+32(FP), $0
	JEQ      ordered2
	VBROADCASTI128 evenBytes<>(SB), Y2
	VPSHUFB  Y2, Y3, Y3
	VPERMQ   $0xD8, Y3, Y3
ordered2:
	CMPQ     CX, $32
	JLT      mixtail2
	VMOVDQU  Y3, (DI)
	ADDQ     $32, DI
	SUBQ     $32, CX
	JNE      mix2
	VZEROUPPER
	RET

steps2:
	LOOK3(BELOW, Y2, Y10, Y11)
	LOOK4(BELOW, Y2, Y10)
	VPBLENDVB Y0, Y2, Y3, Y3
	JMP      found2

mixtail2:
	TAIL(mixtail28, mixtail24, mixtail22, mixtail21, mixtail2end)
	VZEROUPPER
	RET

DATA evenBytes<>+0(SB)/8, $0x0E0C0A0806040200
DATA evenBytes<>+8(SB)/8, $0x0F0D0B0907050301
GLOBL evenBytes<>(SB), RODATA|NOPTR, $16
