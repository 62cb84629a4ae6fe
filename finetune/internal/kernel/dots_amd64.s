//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Registers of dotsAVX2
// AX dots, SI, BX, DX, R8 to R11, R13 rows of a, R12 off, DI b, CX vectors to go,
// R15 offset; Y0..Y7 sums, Y8 b

// FROM sets p to row i of a.
#define FROM(i, p) \
	MOVLQSX (4*i)(R12), p \
	LEAQ    (R15)(p*4), p

#define GET(i, s) \
	VMOVUPS (32*i)(DI), s

#define FMA(p, s) \
	VFMADD231PS (p)(R15*4), Y8, s

#define PUT(i, s) \
	VMOVUPS s, (32*i)(DI)

// NAMEn does NAME for the rows 0 to n-1.
#define FROM1 \
	FROM(0, SI)
#define FROM2 \
	FROM1 \
	FROM(1, BX)
#define FROM3 \
	FROM2 \
	FROM(2, DX)
#define FROM4 \
	FROM3 \
	FROM(3, R8)
#define FROM5 \
	FROM4 \
	FROM(4, R9)
#define FROM6 \
	FROM5 \
	FROM(5, R10)
#define FROM7 \
	FROM6 \
	FROM(6, R11)
#define FROM8 \
	FROM7 \
	FROM(7, R13)

#define GET1 \
	GET(0, Y0)
#define GET2 \
	GET1 \
	GET(1, Y1)
#define GET3 \
	GET2 \
	GET(2, Y2)
#define GET4 \
	GET3 \
	GET(3, Y3)
#define GET5 \
	GET4 \
	GET(4, Y4)
#define GET6 \
	GET5 \
	GET(5, Y5)
#define GET7 \
	GET6 \
	GET(6, Y6)
#define GET8 \
	GET7 \
	GET(7, Y7)

#define FMA1 \
	FMA(SI, Y0)
#define FMA2 \
	FMA1 \
	FMA(BX, Y1)
#define FMA3 \
	FMA2 \
	FMA(DX, Y2)
#define FMA4 \
	FMA3 \
	FMA(R8, Y3)
#define FMA5 \
	FMA4 \
	FMA(R9, Y4)
#define FMA6 \
	FMA5 \
	FMA(R10, Y5)
#define FMA7 \
	FMA6 \
	FMA(R11, Y6)
#define FMA8 \
	FMA7 \
	FMA(R13, Y7)

#define PUT1 \
	PUT(0, Y0)
#define PUT2 \
	PUT1 \
	PUT(1, Y1)
#define PUT3 \
	PUT2 \
	PUT(2, Y2)
#define PUT4 \
	PUT3 \
	PUT(3, Y3)
#define PUT5 \
	PUT4 \
	PUT(4, Y4)
#define PUT6 \
	PUT5 \
	PUT(5, Y5)
#define PUT7 \
	PUT6 \
	PUT(6, Y6)
#define PUT8 \
	PUT7 \
	PUT(7, Y7)

// func dotsAVX2(d *dots)
TEXT ·dotsAVX2(SB), NOSPLIT, $0-8
	MOVQ d+0(FP), AX
	MOVQ dots_a(AX), R15
	MOVQ dots_at(AX), R12
	MOVQ (dots_at+8)(AX), DX
	MOVQ (dots_off+8)(AX), CX
	MOVQ dots_c(AX), DI
	CMPQ DX, $7
	JGT  rows8
	JEQ  rows7
	CMPQ DX, $5
	JGT  rows6
	JEQ  rows5
	CMPQ DX, $3
	JGT  rows4
	JEQ  rows3
	CMPQ DX, $1
	JGT  rows2

rows1:
	FROM1
	GET1
	MOVQ dots_off(AX), R12
	MOVQ dots_b(AX), DI

loop1:
	MOVLQSX (R12), R15
	VMOVUPS (DI), Y8
	FMA1
	ADDQ    $4, R12
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop1
	MOVQ    dots_c(AX), DI
	PUT1
	VZEROUPPER
	RET

rows2:
	FROM2
	GET2
	MOVQ dots_off(AX), R12
	MOVQ dots_b(AX), DI

loop2:
	MOVLQSX (R12), R15
	VMOVUPS (DI), Y8
	FMA2
	ADDQ    $4, R12
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop2
	MOVQ    dots_c(AX), DI
	PUT2
	VZEROUPPER
	RET

rows3:
	FROM3
	GET3
	MOVQ dots_off(AX), R12
	MOVQ dots_b(AX), DI

loop3:
	MOVLQSX (R12), R15
	VMOVUPS (DI), Y8
	FMA3
	ADDQ    $4, R12
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop3
	MOVQ    dots_c(AX), DI
	PUT3
	VZEROUPPER
	RET

rows4:
	FROM4
	GET4
	MOVQ dots_off(AX), R12
	MOVQ dots_b(AX), DI

loop4:
	MOVLQSX (R12), R15
	VMOVUPS (DI), Y8
	FMA4
	ADDQ    $4, R12
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop4
	MOVQ    dots_c(AX), DI
	PUT4
	VZEROUPPER
	RET

rows5:
	FROM5
	GET5
	MOVQ dots_off(AX), R12
	MOVQ dots_b(AX), DI

loop5:
	MOVLQSX (R12), R15
	VMOVUPS (DI), Y8
	FMA5
	ADDQ    $4, R12
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop5
	MOVQ    dots_c(AX), DI
	PUT5
	VZEROUPPER
	RET

rows6:
	FROM6
	GET6
	MOVQ dots_off(AX), R12
	MOVQ dots_b(AX), DI

loop6:
	MOVLQSX (R12), R15
	VMOVUPS (DI), Y8
	FMA6
	ADDQ    $4, R12
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop6
	MOVQ    dots_c(AX), DI
	PUT6
	VZEROUPPER
	RET

rows7:
	FROM7
	GET7
	MOVQ dots_off(AX), R12
	MOVQ dots_b(AX), DI

loop7:
	MOVLQSX (R12), R15
	VMOVUPS (DI), Y8
	FMA7
	ADDQ    $4, R12
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop7
	MOVQ    dots_c(AX), DI
	PUT7
	VZEROUPPER
	RET

rows8:
	FROM8
	GET8
	MOVQ dots_off(AX), R12
	MOVQ dots_b(AX), DI

loop8:
	MOVLQSX (R12), R15
	VMOVUPS (DI), Y8
	FMA8
	ADDQ    $4, R12
	ADDQ    $32, DI
	DECQ    CX
	JNZ     loop8
	MOVQ    dots_c(AX), DI
	PUT8
	VZEROUPPER
	RET
