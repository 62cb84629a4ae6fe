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
