//go:build !purego

#include "textflag.h"

// R0..R7 sums, R8 weights, R9 list, R11 row, R12 weights of a word, R14 weight and product.

// PRODUCT adds the product of the weight that mask selects in R12 and shift makes an offset.
#define PRODUCT(mask, offset, sum) \
	AND	mask, R12, R14; \
	MOVW	offset(R11), R14; \
	ADD	R14, sum

// func narrowProductsARM(acc *[productGroup]int32, list *uint32, codes unsafe.Pointer) unsafe.Pointer
TEXT ·narrowProductsARM(SB), NOSPLIT, $4-16
	MOVW	acc+0(FP), R12
	MOVW	list+4(FP), R9
	MOVW	codes+8(FP), R8
	MOVM.IA	(R12), [R0-R7]
	MOVW.P	4(R9), R11
	CMP	$0, R11
	BEQ	done

input:
	MOVW.P	4(R8), R12
	PRODUCT($0xf, R14<<2, R0)
	PRODUCT($0xf0, R14>>2, R1)
	PRODUCT($0xf00, R14>>6, R2)
	PRODUCT($0xf000, R14>>10, R3)
	PRODUCT($0xf0000, R14>>14, R4)
	PRODUCT($0xf00000, R14>>18, R5)
	PRODUCT($0xf000000, R14>>22, R6)
	PRODUCT($0xf0000000, R14>>26, R7)
	MOVW.P	4(R9), R11
	CMP	$0, R11
	BNE	input

done:
	MOVW	acc+0(FP), R12
	MOVM.IA	[R0-R7], (R12)
	MOVW	R8, ret+12(FP)
	RET

// func wideProductsARM(acc *[productGroup]int32, list *uint32, codes unsafe.Pointer) unsafe.Pointer
TEXT ·wideProductsARM(SB), NOSPLIT, $4-16
	MOVW	acc+0(FP), R12
	MOVW	list+4(FP), R9
	MOVW	codes+8(FP), R8
	MOVM.IA	(R12), [R0-R7]
	MOVW.P	4(R9), R11
	CMP	$0, R11
	BEQ	done

input:
	MOVW.P	4(R8), R12
	PRODUCT($0xff, R14<<2, R0)
	PRODUCT($0xff00, R14>>6, R1)
	PRODUCT($0xff0000, R14>>14, R2)
	PRODUCT($0xff000000, R14>>22, R3)
	MOVW.P	4(R8), R12
	PRODUCT($0xff, R14<<2, R4)
	PRODUCT($0xff00, R14>>6, R5)
	PRODUCT($0xff0000, R14>>14, R6)
	PRODUCT($0xff000000, R14>>22, R7)
	MOVW.P	4(R9), R11
	CMP	$0, R11
	BNE	input

done:
	MOVW	acc+0(FP), R12
	MOVM.IA	[R0-R7], (R12)
	MOVW	R8, ret+12(FP)
	RET

// LINK adds to R6 what the next link at R3 makes of the table R4 and the input R5, and counts R7 down.
#define LINK \
	MOVM.IA.W	(R3), [R8, R9]; \
	MOVBU	R8<<0(R5), R8; \
	ADD	R9, R8; \
	MOVW	R8<<2(R4), R8; \
	SUB.S	$1, R7; \
	ADD	R8, R6

// func addLinksARM(acc *int32, n, each int, links *productLink, table, in unsafe.Pointer)
TEXT ·addLinksARM(SB), NOSPLIT, $0-24
	MOVW	acc+0(FP), R0
	MOVW	n+4(FP), R1
	MOVW	each+8(FP), R2
	MOVW	links+12(FP), R3
	MOVW	table+16(FP), R4
	MOVW	in+20(FP), R5

output:
	MOVW	(R0), R6
	MOVW	R2, R7

link:
	LINK
	BNE	link

	MOVW.P	R6, 4(R0)
	SUB.S	$1, R1
	BNE	output
	RET

// func addCountedLinksARM(acc *int32, n int, counts *uint16, links *productLink, table, in unsafe.Pointer)
TEXT ·addCountedLinksARM(SB), NOSPLIT, $0-24
	MOVW	acc+0(FP), R0
	MOVW	n+4(FP), R1
	MOVW	counts+8(FP), R2
	MOVW	links+12(FP), R3
	MOVW	table+16(FP), R4
	MOVW	in+20(FP), R5

output:
	MOVW	(R0), R6
	MOVHU.P	2(R2), R7
	CMP	$0, R7
	BEQ	next

link:
	LINK
	BNE	link

next:
	MOVW.P	R6, 4(R0)
	SUB.S	$1, R1
	BNE	output
	RET
