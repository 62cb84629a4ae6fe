//go:build !purego

#include "textflag.h"

// The assembler has no name for USHL, the shift by a register: the lanes of Vn are shifted
// left by the lanes of Vm.
#define USHL_S4(m, n, d) WORD $(0x6EA04400 + m<<16 + n<<5 + d)

// func mergePairsNEON(acc *int32, even, odd *uint16, blocks int)
TEXT ·mergePairsNEON(SB), NOSPLIT, $0-32
	MOVD	acc+0(FP), R0
	MOVD	even+8(FP), R1
	MOVD	odd+16(FP), R2
	MOVD	blocks+24(FP), R3

block:
	VLD1.P	16(R1), [V0.H8]
	VLD1.P	16(R2), [V1.H8]
	VZIP1	V1.H8, V0.H8, V2.H8
	VZIP2	V1.H8, V0.H8, V3.H8
	VUXTL	V2.H4, V4.S4
	VUXTL2	V2.H8, V5.S4
	VUXTL	V3.H4, V6.S4
	VUXTL2	V3.H8, V7.S4
	VST1.P	[V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUBS	$1, R3
	BNE	block
	RET

// func addPairsNEON(acc *int32, even, odd *uint16, blocks, shift int)
TEXT ·addPairsNEON(SB), NOSPLIT, $0-40
	MOVD	acc+0(FP), R0
	MOVD	even+8(FP), R1
	MOVD	odd+16(FP), R2
	MOVD	blocks+24(FP), R3
	MOVD	shift+32(FP), R4
	VDUP	R4, V8.S4

block:
	VLD1.P	16(R1), [V0.H8]
	VLD1.P	16(R2), [V1.H8]
	VLD1	(R0), [V4.S4, V5.S4, V6.S4, V7.S4]
	VZIP1	V1.H8, V0.H8, V2.H8
	VZIP2	V1.H8, V0.H8, V3.H8
	USHL_S4(8, 4, 4)
	USHL_S4(8, 5, 5)
	USHL_S4(8, 6, 6)
	USHL_S4(8, 7, 7)
	VUADDW	V2.H4, V4.S4, V4.S4
	VUADDW2	V2.H8, V5.S4, V5.S4
	VUADDW	V3.H4, V6.S4, V6.S4
	VUADDW2	V3.H8, V7.S4, V7.S4
	VST1.P	[V4.S4, V5.S4, V6.S4, V7.S4], 64(R0)
	SUBS	$1, R3
	BNE	block
	RET
