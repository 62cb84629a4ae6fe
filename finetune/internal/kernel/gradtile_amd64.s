//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Registers of gradTileAVX2
// AX gradTile, DX a and init, SI, BX, R8 to R11 rows of a, R12 pos, R13 position, DI b, CX positions to go
// Y0..Y11 sums, Y12 and Y13 b, Y14 a

// FROM sets p to row i of a.
#define FROM(i, p) \
	MOVQ (gradTile_at+8*i)(AX), p   \
	LEAQ (DX)(p*4), p

// INIT starts the sums of a row.
#define INIT(s0, s1) \
	VMOVUPS (DX), s0   \
	VMOVUPS 32(DX), s1

// FMA adds the product of row p and the columns to the sums of the row.
#define FMA(p, s0, s1) \
	VBROADCASTSS (p)(R13*4), Y14 \
	VFMADD231PS  Y12, Y14, s0    \
	VFMADD231PS  Y13, Y14, s1

#define PUT(s0, s1) \
	VMOVUPS s0, (SI)   \
	VMOVUPS s1, 32(SI) \
	ADDQ    R13, SI

#define PUTADD(s0, s1) \
	VADDPS (SI), s0, s0   \
	VADDPS 32(SI), s1, s1 \
	PUT(s0, s1)

// NAMEn does NAME for the rows 0 to n-1.
#define FROM1 \
	FROM(0, SI)
#define FROM2 \
	FROM1 \
	FROM(1, BX)
#define FROM3 \
	FROM2 \
	FROM(2, R8)
#define FROM4 \
	FROM3 \
	FROM(3, R9)
#define FROM5 \
	FROM4 \
	FROM(4, R10)
#define FROM6 \
	FROM5 \
	FROM(5, R11)

#define INIT1 \
	INIT(Y0, Y1)
#define INIT2 \
	INIT1 \
	INIT(Y2, Y3)
#define INIT3 \
	INIT2 \
	INIT(Y4, Y5)
#define INIT4 \
	INIT3 \
	INIT(Y6, Y7)
#define INIT5 \
	INIT4 \
	INIT(Y8, Y9)
#define INIT6 \
	INIT5 \
	INIT(Y10, Y11)

#define FMA1 \
	FMA(SI, Y0, Y1)
#define FMA2 \
	FMA1 \
	FMA(BX, Y2, Y3)
#define FMA3 \
	FMA2 \
	FMA(R8, Y4, Y5)
#define FMA4 \
	FMA3 \
	FMA(R9, Y6, Y7)
#define FMA5 \
	FMA4 \
	FMA(R10, Y8, Y9)
#define FMA6 \
	FMA5 \
	FMA(R11, Y10, Y11)

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

// func gradTileAVX2(t *gradTile)
TEXT ·gradTileAVX2(SB), NOSPLIT, $0-8
	MOVQ t+0(FP), AX
	MOVQ gradTile_a(AX), DX
	MOVQ gradTile_pos(AX), R12
	MOVQ (gradTile_pos+8)(AX), CX
	MOVQ gradTile_b(AX), DI
	MOVQ gradTile_rows(AX), R13
	CMPQ R13, $5
	JGT  rows6
	JEQ  rows5
	CMPQ R13, $3
	JGT  rows4
	JEQ  rows3
	CMPQ R13, $1
	JGT  rows2

rows1:
	FROM1
	MOVQ gradTile_init(AX), DX
	INIT1

loop1:
	MOVLQSX (R12), R13
	VMOVUPS (DI), Y12
	VMOVUPS 32(DI), Y13
	FMA1
	ADDQ    $4, R12
	ADDQ    $64, DI
	DECQ    CX
	JNZ     loop1
	MOVQ    gradTile_c(AX), SI
	MOVQ    gradTile_ldc(AX), R13
	SHLQ    $2, R13
	CMPB    gradTile_add(AX), $0
	JNE     add1
	PUT1
	VZEROUPPER
	RET

add1:
	PUTADD1
	VZEROUPPER
	RET

rows2:
	FROM2
	MOVQ gradTile_init(AX), DX
	INIT2

loop2:
	MOVLQSX (R12), R13
	VMOVUPS (DI), Y12
	VMOVUPS 32(DI), Y13
	FMA2
	ADDQ    $4, R12
	ADDQ    $64, DI
	DECQ    CX
	JNZ     loop2
	MOVQ    gradTile_c(AX), SI
	MOVQ    gradTile_ldc(AX), R13
	SHLQ    $2, R13
	CMPB    gradTile_add(AX), $0
	JNE     add2
	PUT2
	VZEROUPPER
	RET

add2:
	PUTADD2
	VZEROUPPER
	RET

rows3:
	FROM3
	MOVQ gradTile_init(AX), DX
	INIT3

loop3:
	MOVLQSX (R12), R13
	VMOVUPS (DI), Y12
	VMOVUPS 32(DI), Y13
	FMA3
	ADDQ    $4, R12
	ADDQ    $64, DI
	DECQ    CX
	JNZ     loop3
	MOVQ    gradTile_c(AX), SI
	MOVQ    gradTile_ldc(AX), R13
	SHLQ    $2, R13
	CMPB    gradTile_add(AX), $0
	JNE     add3
	PUT3
	VZEROUPPER
	RET

add3:
	PUTADD3
	VZEROUPPER
	RET

rows4:
	FROM4
	MOVQ gradTile_init(AX), DX
	INIT4

loop4:
	MOVLQSX (R12), R13
	VMOVUPS (DI), Y12
	VMOVUPS 32(DI), Y13
	FMA4
	ADDQ    $4, R12
	ADDQ    $64, DI
	DECQ    CX
	JNZ     loop4
	MOVQ    gradTile_c(AX), SI
	MOVQ    gradTile_ldc(AX), R13
	SHLQ    $2, R13
	CMPB    gradTile_add(AX), $0
	JNE     add4
	PUT4
	VZEROUPPER
	RET

add4:
	PUTADD4
	VZEROUPPER
	RET

rows5:
	FROM5
	MOVQ gradTile_init(AX), DX
	INIT5

loop5:
	MOVLQSX (R12), R13
	VMOVUPS (DI), Y12
	VMOVUPS 32(DI), Y13
	FMA5
	ADDQ    $4, R12
	ADDQ    $64, DI
	DECQ    CX
	JNZ     loop5
	MOVQ    gradTile_c(AX), SI
	MOVQ    gradTile_ldc(AX), R13
	SHLQ    $2, R13
	CMPB    gradTile_add(AX), $0
	JNE     add5
	PUT5
	VZEROUPPER
	RET

add5:
	PUTADD5
	VZEROUPPER
	RET

rows6:
	FROM6
	MOVQ gradTile_init(AX), DX
	INIT6

loop6:
	MOVLQSX (R12), R13
	VMOVUPS (DI), Y12
	VMOVUPS 32(DI), Y13
	FMA6
	ADDQ    $4, R12
	ADDQ    $64, DI
	DECQ    CX
	JNZ     loop6
	MOVQ    gradTile_c(AX), SI
	MOVQ    gradTile_ldc(AX), R13
	SHLQ    $2, R13
	CMPB    gradTile_add(AX), $0
	JNE     add6
	PUT6
	VZEROUPPER
	RET

add6:
	PUTADD6
	VZEROUPPER
	RET
