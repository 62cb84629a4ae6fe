/* A step function: how an accumulator becomes a level. The level is the number of breaks that are not above the
 * accumulator, or the value at that position. A bin of accumulators tells how many breaks lie at or below its start. */
typedef struct {
    const FLASH int32_t *breaks; /* ascending */
    const FLASH uint8_t *values; /* one more than breaks; NULL: 0, 1, 2, ... */
    const FLASH uint8_t *bins;
    int32_t low;                 /* where the first bin starts: the first break */
    uint16_t count;              /* of breaks, at most 255 */
    uint16_t last;               /* bin */
    uint8_t shift;               /* a bin holds 2^shift accumulators */
} q_step;

static uint8_t q_level(const FLASH q_step *s, int32_t acc) {
    const FLASH int32_t *next;
    uint8_t n = 0;
    if (acc >= s->low) {
        uint32_t bin = ((uint32_t)acc - (uint32_t)s->low) >> s->shift;
        n = (uint8_t)s->count;
        if (bin <= s->last) {
            n = s->bins[bin];
            for (next = s->breaks + n; n < s->count && *next <= acc; next++) n++;
        }
    }
    return s->values != NULL ? s->values[n] : n;
}
