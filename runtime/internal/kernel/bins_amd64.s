//go:build !purego

#include "textflag.h"
#include "table_amd64.h"

// func levelsAVX512(dst *byte, even, odd *uint16, n, step int, order *[64]byte, b *bins, plus, minus uint16)
TEXT ·levelsAVX512(SB), NOSPLIT, $0-60
	MOVQ dst+0(FP), DI
	MOVQ even+8(FP), SI
	MOVQ odd+16(FP), BX
	MOVQ n+24(FP), CX
	MOVQ step+32(FP), DX
	MOVQ order+40(FP), R9
	MOVQ b+48(FP), R8
	CMPQ DX, $128
	JNE  pairs
	LEAQ 64(SI), BX
pairs:
	VMOVDQU64    (R9), Z31
	VPBROADCASTW plus+56(FP), Z20
	VPBROADCASTW minus+58(FP), Z21
	VPBROADCASTW TOP(R8), Z22
	VPBROADCASTW MASK(R8), Z23
	VMOVDQU64    REST8(R8), Z24
	VMOVDQU64    BELOW(R8), Z25
	VMOVDQU64    ABOVE(R8), Z26
	VMOVD        SHIFT(R8), X27
	CMPL         TOP(R8), $0xFFFF
	JLS          small
	VPTERNLOGD   $0xFF, Z22, Z22, Z22 // lanes are below top
small:
	CMPL SHIFT(R8), $8
	JHI  wide

bytes:
	VMOVDQU64 (SI), Z0
	VMOVDQU64 (BX), Z1
	ADDQ      DX, SI
	ADDQ      DX, BX
	VPADDUSW  Z20, Z0, Z0
	VPADDUSW  Z20, Z1, Z1
	VPSUBUSW  Z21, Z0, Z0
	VPSUBUSW  Z21, Z1, Z1
	VPMINUW   Z22, Z0, Z0
	VPMINUW   Z22, Z1, Z1
	VPSRLW    X27, Z0, Z2
	VPSRLW    X27, Z1, Z3
	VPANDQ    Z23, Z0, Z0
	VPANDQ    Z23, Z1, Z1
	VPSLLW    $8, Z3, Z3
	VPSLLW    $8, Z1, Z1
	VPORQ     Z3, Z2, Z2
	VPORQ     Z1, Z0, Z0
	VPERMB    Z24, Z2, Z3
	VPERMB    Z25, Z2, Z4
	VPCMPUB   $6, Z3, Z0, K1
	VPERMB    Z26, Z2, K1, Z4
	VPERMB    Z4, Z31, Z4
	CMPQ      CX, $64
	JLT       bytestail
	VMOVDQU64 Z4, (DI)
	ADDQ      $64, DI
	SUBQ      $64, CX
	JNE       bytes
	VZEROUPPER
	RET

bytestail:
	MOVQ    $-1, AX
	SHLQ    CX, AX
	NOTQ    AX
	KMOVQ   AX, K1
	VMOVDQU8 Z4, K1, (DI)
	VZEROUPPER
	RET

wide:
	VMOVDQU64 REST(R8), Z24
	VMOVDQU64 REST+64(R8), Z28
words:
	VMOVDQU64 (SI), Z0
	VMOVDQU64 (BX), Z1
	ADDQ      DX, SI
	ADDQ      DX, BX
	VPADDUSW  Z20, Z0, Z0
	VPADDUSW  Z20, Z1, Z1
	VPSUBUSW  Z21, Z0, Z0
	VPSUBUSW  Z21, Z1, Z1
	VPMINUW   Z22, Z0, Z0
	VPMINUW   Z22, Z1, Z1
	VPSRLW    X27, Z0, Z2
	VPSRLW    X27, Z1, Z3
	VPANDQ    Z23, Z0, Z0
	VPANDQ    Z23, Z1, Z1
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
	VPMOVB2M  Z4, K1
	VPERMB    Z25, Z2, Z4
	VPERMB    Z26, Z2, K1, Z4
	VPERMB    Z4, Z31, Z4
	CMPQ      CX, $64
	JLT       bytestail
	VMOVDQU64 Z4, (DI)
	ADDQ      $64, DI
	SUBQ      $64, CX
	JNE       words
	VZEROUPPER
	RET

// func levelsAVX2(dst *byte, even, odd *uint16, n, step int, b *bins, minus uint16)
//
// R10 is 0 where there are at most 48 bins, which need no last quarter of tables.
TEXT ·levelsAVX2(SB), NOSPLIT, $0-50
	MOVQ dst+0(FP), DI
	MOVQ even+8(FP), SI
	MOVQ odd+16(FP), BX
	MOVQ n+24(FP), CX
	MOVQ step+32(FP), DX
	MOVQ b+40(FP), R8
	CMPQ DX, $64
	JNE  pairs2
	LEAQ 32(SI), BX
pairs2:
	VPBROADCASTW minus+48(FP), Y9
	VPBROADCASTD seventy<>(SB), Y13
	BINS(small2)
	MOVBLZX LAST(R8), R10
loop2:
	LANES
	CMPQ     DX, $64
	JEQ      lanes2
	PAIRS
table2:
	VPADDUSB Y13, Y2, Y4
	VPSUBB   sixteens<>(SB), Y2, Y2
	VPADDUSB Y13, Y2, Y5
	VPSUBB   sixteens<>(SB), Y2, Y2
	VPADDUSB Y13, Y2, Y6
	LOOK3(REST8, Y1, Y14, Y15)
	LOOK3(ABOVE, Y3, Y14, Y15)
	TESTL    R10, R10
	JEQ      three2
	VPSUBB   sixteens<>(SB), Y2, Y2
	VPADDUSB Y13, Y2, Y7
	LOOK4(REST8, Y1, Y14)
	LOOK4(ABOVE, Y3, Y15)
three2:
	BREAKS
	CMPL     UNIT(R8), $1
	JNE      steps2
	VPADDB   Y0, Y3, Y3
found2:
	CMPQ     CX, $32
	JLT      tail2
	VMOVDQU  Y3, (DI)
	ADDQ     $32, DI
	SUBQ     $32, CX
	JNE      loop2
	VZEROUPPER
	RET

steps2:
	LOOK3(BELOW, Y2, Y14, Y15)
	LOOK4(BELOW, Y2, Y14)
	VPBLENDVB Y0, Y2, Y3, Y3
	JMP      found2

lanes2:
	VPACKUSWB Y3, Y2, Y2
	VPACKUSWB Y1, Y0, Y0
	VPERMQ    $0xD8, Y2, Y2
	VPERMQ    $0xD8, Y0, Y0
	JMP       table2

tail2:
	TAIL(tail28, tail24, tail22, tail21, tail2end)
	VZEROUPPER
	RET
