/* A step function: how an accumulator becomes a level. The level is the number of breaks that are not above the
 * accumulator, or the value at that position. A bin of accumulators tells how many breaks lie at or below its start. */
typedef struct {
    const FLASH {{.BREAK}} *breaks; /* ascending, less the first one; behind them one that nothing reaches */
    const FLASH uint8_t *values;  /* one more than breaks; NULL: 0, 1, 2, ... */
    const FLASH uint8_t *bins;
    int32_t low;                  /* the first break, where the first bin starts */
    uint16_t last;                /* bin */
    uint8_t count;                /* of breaks */
    uint8_t shift;                /* a bin holds 2^shift accumulators */
} q_step;

/* q_levels writes the levels of count accumulators, to each of which bias is added. */
static void q_levels(const FLASH q_step *s, const uint32_t *acc, uint32_t count, uint32_t bias, uint8_t *to) {
    const FLASH {{.BREAK}} *breaks = s->breaks;
    const FLASH uint8_t *bins = s->bins;
    uint32_t shift = s->shift, last = s->last, i;
    int32_t low = s->low;
    for (i = 0; i < count; i++) {
        int32_t a = (int32_t)(acc[i] + bias);
        uint32_t n = 0;
        if (a >= low) {
            uint32_t x = (uint32_t)a - (uint32_t)low, bin = x >> shift;
            n = s->count;
            if (bin <= last) {
                n = bins[bin];
                while (x >= breaks[n]) n++;
            }
        }
        to[i] = (uint8_t)n;
    }
    if (s->values != NULL) {
        for (i = 0; i < count; i++) to[i] = s->values[to[i]];
    }
}
