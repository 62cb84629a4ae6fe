/* Levels are small, so four of them lie in a word and are added at once: each byte is a lane. A list of rows starts with
 * how many there are, then comes where each lies. A few rows are added before a lane could overflow; then lanes become two words of two
 * halves each: those of the odd bytes go to odd, and all of them to both. What they hold in the end is
 *
 *     odd  = lane 1 + 2^16 lane 3,    both - 2^8 odd = lane 0 + 2^16 lane 2
 *
 * whatever overflows on the way, as long as the sums fit 16 bits.
 *
 * Lists come in pairs, rows to add and rows to subtract, one pair for each binary digit of the weights, the highest first. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the lanes of words are in order of little-endian machines"
#endif
#define Q_ODD 0x00FF00FFU
#if defined(__GNUC__)
typedef uint16_t __attribute__((may_alias)) q_half; /* lists lie in flash, or in the arena beside everything else */
#else
typedef uint16_t q_half;
#endif
#define Q_NONE 0xFFFFFFFFU /* in place of an offset */
#define Q_ROW(at) ((const uint32_t *)(const void *)(rows + (at)))

#define Q_ADD1(i) { const uint32_t *r = Q_ROW(list[i]); s0 += r[0]; }
#define Q_ADD4(i) { const uint32_t *r = Q_ROW(list[i]); s0 += r[0]; s1 += r[1]; s2 += r[2]; s3 += r[3]; }
#define Q_SPREAD(op, n) both##n op s##n; odd##n op (s##n >> 8) & Q_ODD

/* q_unlane writes the four lanes of sums, which are within 0..65535 with offset added, to four accumulators. */
static void q_unlane(const uint32_t *sums, uint32_t offset, uint32_t *acc) {
    uint32_t even = sums[0] + offset, odd = sums[1] + offset;
    acc[0] = even & 0xFFFFU;
    acc[1] = odd & 0xFFFFU;
    acc[2] = even >> 16;
    acc[3] = odd >> 16;
}

{{if .ANYWORDS}}/* Machines of 64 bits take two words at once, as one. */
#if UINTPTR_MAX > 0xFFFFFFFFU
#define Q_LONG 1
static inline uint64_t q_long(const uint8_t *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}
#else
#define Q_LONG 0
#endif

/* q_unlane4 does so with the sums of four words, in the order of a list of sixteen. */
static void q_unlane4(const uint32_t *sums, uint32_t offset, uint32_t *acc) {
    int i;
#if Q_LONG
    uint64_t long_offset = offset | (uint64_t)offset << 32;
    for (i = 0; i < 2; i++, sums += 4, acc += 8) {
        uint64_t even, odd;
        memcpy(&even, sums, sizeof even);
        memcpy(&odd, sums + 2, sizeof odd);
        even += long_offset;
        odd += long_offset;
        acc[0] = even & 0xFFFFU;
        acc[1] = odd & 0xFFFFU;
        acc[2] = (even >> 16) & 0xFFFFU;
        acc[3] = (odd >> 16) & 0xFFFFU;
        acc[4] = (even >> 32) & 0xFFFFU;
        acc[5] = (odd >> 32) & 0xFFFFU;
        acc[6] = (uint32_t)(even >> 48);
        acc[7] = (uint32_t)(odd >> 48);
    }
#else
    for (i = 0; i < 4; i++, sums += 2, acc += 4) q_unlane(sums, offset, acc);
#endif
}
{{end}}