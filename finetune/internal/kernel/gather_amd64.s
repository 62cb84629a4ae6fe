//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// GET loads the places of move i.
#define GET(i, s, d) \
	MOVLQSX (moves_src+4*i)(R10), s \
	MOVLQSX (moves_dst+4*i)(R10), d

// TAP sets R9 to src of the next tap.
#define TAP \
	MOVLQSX (R8), R9         \
	LEAQ    (SI)(R9*4), R9

#define MOVE(s, d, v) \
	VMOVUPS (R9)(s*4), v   \
	VMOVUPS v, (DI)(d*4)

#define NEXT \
	ADDQ $4, R8                      \
	ADDQ $(4*const_tileCols), DI     \
	DECQ CX

// func gatherAVX2(panel, src *float32, off []int32, m *moves)
// DI panel, SI src, R8 off, CX taps to go, R10 moves; the usual numbers of moves have
// loops of their own.
TEXT ·gatherAVX2(SB), NOSPLIT, $0-48
	MOVQ panel+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ off_base+16(FP), R8
	MOVQ off_len+24(FP), CX
	MOVQ m+40(FP), R10
	MOVQ moves_n(R10), R11
	CMPQ R11, $2
	JEQ  two
	CMPQ R11, $3
	JEQ  three
	CMPQ R11, $4
	JEQ  four

taps:
	TAP
	MOVQ R10, AX
	MOVQ R11, DX

move:
	MOVLQSX moves_src(AX), R12
	MOVLQSX moves_dst(AX), R13
	MOVE(R12, R13, Y0)
	ADDQ    $4, AX
	DECQ    DX
	JNZ     move
	NEXT
	JNZ     taps
	VZEROUPPER
	RET

two:
	GET(0, AX, BX)
	GET(1, DX, R11)

taps2:
	TAP
	MOVE(AX, BX, Y0)
	MOVE(DX, R11, Y1)
	NEXT
	JNZ taps2
	VZEROUPPER
	RET

three:
	GET(0, AX, BX)
	GET(1, DX, R11)
	GET(2, R12, R13)

taps3:
	TAP
	MOVE(AX, BX, Y0)
	MOVE(DX, R11, Y1)
	MOVE(R12, R13, Y2)
	NEXT
	JNZ taps3
	VZEROUPPER
	RET

four:
	GET(0, AX, BX)
	GET(1, DX, R11)
	GET(2, R12, R13)
	GET(3, R15, R10)

taps4:
	TAP
	MOVE(AX, BX, Y0)
	MOVE(DX, R11, Y1)
	MOVE(R12, R13, Y2)
	MOVE(R15, R10, Y3)
	NEXT
	JNZ taps4
	VZEROUPPER
	RET
