// Offsets in bins.
#define REST  0
#define BELOW 128
#define ABOVE 192
#define REST8 256
#define MASK  320
#define TOP   324
#define SHIFT 328
#define LONG  336
#define LOWER 344
#define UPPER 408
#define UNIT  472
#define LAST  476

// BINS loads what LANES takes from the bins at R8; SMALL is its label. A top beyond 16 bits limits
// nothing: lanes are below.
#define BINS(SMALL) \
	VPBROADCASTW TOP(R8), Y10     \
	VPBROADCASTW MASK(R8), Y11    \
	VMOVD        SHIFT(R8), X12   \
	CMPL         TOP(R8), $0xFFFF \
	JLS          SMALL            \
	VPCMPEQB     Y10, Y10, Y10    \
SMALL:

// LANES reads 16 lanes each at SI and BX, which advance by DX. Y0 and Y1 receive their places in
// bins, Y2 and Y3 the bins. Y9 is what to subtract from lanes.
#define LANES \
	VMOVDQU  (SI), Y0    \
	VMOVDQU  (BX), Y1    \
	ADDQ     DX, SI      \
	ADDQ     DX, BX      \
	VPSUBUSW Y9, Y0, Y0  \
	VPSUBUSW Y9, Y1, Y1  \
	VPMINUW  Y10, Y0, Y0 \
	VPMINUW  Y10, Y1, Y1 \
	VPSRLW   X12, Y0, Y2 \
	VPSRLW   X12, Y1, Y3 \
	VPAND    Y11, Y0, Y0 \
	VPAND    Y11, Y1, Y1

// PAIRS joins lanes of even and odd positions: places in Y0, bins in Y2.
#define PAIRS \
	VPSLLW $8, Y3, Y3 \
	VPSLLW $8, Y1, Y1 \
	VPOR   Y3, Y2, Y2 \
	VPOR   Y1, Y0, Y0

// BREAKS sets the bytes of Y0 to 0 where these places lie beyond the breaks in Y1, and to 0xFF
// elsewhere.
#define BREAKS \
	VPSUBUSB Y1, Y0, Y0 \
	VPXOR    Y1, Y1, Y1 \
	VPCMPEQB Y1, Y0, Y0

// Bins are 0..63, a table has four quarters of 16 entries. The bins less 0, 16, 32 and 48 are kept in Y4..Y7,
// with the top bit set where that is not in 0..15: then they look up 0.
//
// LOOK3 looks the bins prepared in Y4, Y5 and Y6 up in the first three quarters of the table at offset T
// of the bins at R8; LOOK4 those of Y7 in the last one, and joins them. The result is in R; A and B are used.
#define LOOK3(T, R, A, B) \
	VBROADCASTI128 T(R8), R    \
	VBROADCASTI128 T+16(R8), A \
	VBROADCASTI128 T+32(R8), B \
	VPSHUFB        Y4, R, R    \
	VPSHUFB        Y5, A, A    \
	VPSHUFB        Y6, B, B    \
	VPOR           A, R, R     \
	VPOR           B, R, R
#define LOOK4(T, R, A) \
	VBROADCASTI128 T+48(R8), A \
	VPSHUFB        Y7, A, A    \
	VPOR           A, R, R

DATA sixteens<>+0(SB)/8, $0x1010101010101010
DATA sixteens<>+8(SB)/8, $0x1010101010101010
DATA sixteens<>+16(SB)/8, $0x1010101010101010
DATA sixteens<>+24(SB)/8, $0x1010101010101010
GLOBL sixteens<>(SB), RODATA|NOPTR, $32
DATA seventy<>+0(SB)/4, $0x70707070
GLOBL seventy<>(SB), RODATA|NOPTR, $4
// TAIL stores the first CX < 32 bytes of Y3 at DI; A..E are its labels, AX is used.
#define TAIL(A, B, C, D, E) \
	TESTQ $16, CX             \
	JEQ   A                   \
	VMOVDQU X3, (DI)          \
	VEXTRACTI128 $1, Y3, X3   \
	ADDQ  $16, DI             \
A:                            \
	TESTQ $8, CX              \
	JEQ   B                   \
	VMOVQ X3, (DI)            \
	VPSRLDQ $8, X3, X3        \
	ADDQ  $8, DI              \
B:                            \
	VMOVQ X3, AX              \
	TESTQ $4, CX              \
	JEQ   C                   \
	MOVL  AX, (DI)            \
	SHRQ  $32, AX             \
	ADDQ  $4, DI              \
C:                            \
	TESTQ $2, CX              \
	JEQ   D                   \
	MOVW  AX, (DI)            \
	SHRQ  $16, AX             \
	ADDQ  $2, DI              \
D:                            \
	TESTQ $1, CX              \
	JEQ   E                   \
	MOVB  AX, (DI)            \
E:
