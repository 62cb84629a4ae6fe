/* Where along a line the largest element stands, or the smallest. */
typedef struct {
    uint32_t out, in;              /* in the arena */
    uint32_t outer, length, inner; /* the input is [outer][length][inner] */
    uint32_t line;                 /* elements from an outer index to the next: length * inner */
    uint8_t wide;                  /* the input holds accumulators */
    uint8_t last;                  /* of equal elements the last counts */
    uint8_t least;                 /* the smallest counts */
} q_argmax_layer;

static void q_argmax(const FLASH q_argmax_layer *l) {
    int32_t *out = (int32_t *)Q_WORDS(l->out);
    const uint8_t *levels = Q_BYTES(l->in);
    const int32_t *numbers = (const int32_t *)Q_WORDS(l->in & ~(uint32_t)3);
    uint32_t outer, i, k, start = 0;
    for (outer = l->outer; outer > 0; outer--, start += l->line) {
        Q_KEEP(start);
        for (i = 0; i < l->inner; i++) {
            uint32_t at = start + i;
            int32_t best = 0, found = 0;
            for (k = 0; k < l->length; k++, at += l->inner) {
                int32_t v = l->wide ? numbers[at] : (int32_t)levels[at];
                Q_KEEP(at);
                if (k == 0 || (l->least ? v < best : v > best) || (l->last && v == best)) {
                    best = v;
                    found = (int32_t)k;
                }
            }
            *out++ = found;
        }
    }
}
