//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Registers of tileAVX2
// AX tile, SI a, DI b of vector 0, R8 b of vector 1, R9 off, CX k to go, R10 offset,
// R11 and R12 c of the vectors, R13 bytes from row to row of c, BX init
// Y0..Y11 sums, Y12 and Y13 b, Y14 a

// INIT starts the sums of row i.
#define INIT(i, s0, s1) \
	VBROADCASTSS (4*(i))(BX), s0 \
	VMOVAPS      s0, s1

// BCOLS loads the columns of the next k.
#define BCOLS \
	MOVLQSX (R9), R10\
	VMOVUPS (DI)(R10*4), Y12       \
	VMOVUPS (R8)(R10*4), Y13

// FMA adds the product of a[i] and the columns to the sums of a row.
#define FMA(i, s0, s1) \
	VBROADCASTSS (4*(i))(SI), Y14 \
	VFMADD231PS  Y12, Y14, s0   \
	VFMADD231PS  Y13, Y14, s1

#define PUT(s0, s1) \
	VMOVUPS s0, (R11)  \
	VMOVUPS s1, (R12)  \
	ADDQ    R13, R11   \
	ADDQ    R13, R12

#define PUTADD(s0, s1) \
	VADDPS  (R11), s0, s0 \
	VADDPS  (R12), s1, s1 \
	PUT(s0, s1)

// NAMEn does NAME for the rows 0 to n-1.
#define INIT1 \
	INIT(0, Y0, Y1)
#define INIT2 \
	INIT1 \
	INIT(1, Y2, Y3)
#define INIT3 \
	INIT2 \
	INIT(2, Y4, Y5)
#define INIT4 \
	INIT3 \
	INIT(3, Y6, Y7)
#define INIT5 \
	INIT4 \
	INIT(4, Y8, Y9)
#define INIT6 \
	INIT5 \
	INIT(5, Y10, Y11)

#define FMA1(i) \
	FMA(i+0, Y0, Y1)
#define FMA2(i) \
	FMA1(i) \
	FMA(i+1, Y2, Y3)
#define FMA3(i) \
	FMA2(i) \
	FMA(i+2, Y4, Y5)
#define FMA4(i) \
	FMA3(i) \
	FMA(i+3, Y6, Y7)
#define FMA5(i) \
	FMA4(i) \
	FMA(i+4, Y8, Y9)
#define FMA6(i) \
	FMA5(i) \
	FMA(i+5, Y10, Y11)

#define PUT1 \
	PUT(Y0, Y1)
#define PUT2 \
	PUT1 \
	PUT(Y2, Y3)
#define PUT3 \
	PUT2 \
	PUT(Y4, Y5)
#define PUT4 \
	PUT3 \
	PUT(Y6, Y7)
#define PUT5 \
	PUT4 \
	PUT(Y8, Y9)
#define PUT6 \
	PUT5 \
	PUT(Y10, Y11)

#define PUTADD1 \
	PUTADD(Y0, Y1)
#define PUTADD2 \
	PUTADD1 \
	PUTADD(Y2, Y3)
#define PUTADD3 \
	PUTADD2 \
	PUTADD(Y4, Y5)
#define PUTADD4 \
	PUTADD3 \
	PUTADD(Y6, Y7)
#define PUTADD5 \
	PUTADD4 \
	PUTADD(Y8, Y9)
#define PUTADD6 \
	PUTADD5 \
	PUTADD(Y10, Y11)

// func tileAVX2(t *tile)
TEXT ·tileAVX2(SB), NOSPLIT, $0-8
	MOVQ    t+0(FP), AX
	MOVQ    tile_a(AX), SI
	MOVQ    tile_b(AX), R8
	MOVQ    tile_bAt(AX), DI
	LEAQ    (R8)(DI*4), DI
	MOVQ    (tile_bAt+8)(AX), R10
	LEAQ    (R8)(R10*4), R8
	MOVQ    tile_off(AX), R9
	MOVQ    (tile_off+8)(AX), CX
	MOVQ    tile_init(AX), BX
	MOVQ    tile_c(AX), R12
	MOVQ    tile_cAt(AX), R11
	LEAQ    (R12)(R11*4), R11
	MOVQ    (tile_cAt+8)(AX), R13
	LEAQ    (R12)(R13*4), R12
	MOVQ    tile_ldc(AX), R13
	SHLQ    $2, R13
	MOVQ    tile_rows(AX), DX
	MOVBLZX tile_add(AX), AX
	CMPQ    DX, $5
	JGT     rows6
	JEQ     rows5
	CMPQ    DX, $3
	JGT     rows4
	JEQ     rows3
	CMPQ    DX, $1
	JGT     rows2

rows1:
	INIT1

loop1:
	BCOLS
	FMA1(0)
	ADDQ  $4, SI
	ADDQ  $4, R9
	DECQ  CX
	JNZ   loop1
	TESTL AX, AX
	JNZ   add1
	PUT1
	VZEROUPPER
	RET

add1:
	PUTADD1
	VZEROUPPER
	RET

rows2:
	INIT2

loop2:
	BCOLS
	FMA2(0)
	ADDQ  $8, SI
	ADDQ  $4, R9
	DECQ  CX
	JNZ   loop2
	TESTL AX, AX
	JNZ   add2
	PUT2
	VZEROUPPER
	RET

add2:
	PUTADD2
	VZEROUPPER
	RET

rows3:
	INIT3

loop3:
	BCOLS
	FMA3(0)
	ADDQ  $12, SI
	ADDQ  $4, R9
	DECQ  CX
	JNZ   loop3
	TESTL AX, AX
	JNZ   add3
	PUT3
	VZEROUPPER
	RET

add3:
	PUTADD3
	VZEROUPPER
	RET

rows4:
	INIT4

loop4:
	BCOLS
	FMA4(0)
	ADDQ  $16, SI
	ADDQ  $4, R9
	DECQ  CX
	JNZ   loop4
	TESTL AX, AX
	JNZ   add4
	PUT4
	VZEROUPPER
	RET

add4:
	PUTADD4
	VZEROUPPER
	RET

rows5:
	INIT5

loop5:
	BCOLS
	FMA5(0)
	ADDQ  $20, SI
	ADDQ  $4, R9
	DECQ  CX
	JNZ   loop5
	TESTL AX, AX
	JNZ   add5
	PUT5
	VZEROUPPER
	RET

add5:
	PUTADD5
	VZEROUPPER
	RET

rows6:
	INIT6

loop6:
	BCOLS
	FMA6(0)
	ADDQ  $24, SI
	ADDQ  $4, R9
	DECQ  CX
	JNZ   loop6
	TESTL AX, AX
	JNZ   add6
	PUT6
	VZEROUPPER
	RET

add6:
	PUTADD6
	VZEROUPPER
	RET
