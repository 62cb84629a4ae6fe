/* A block of levels moves, whatever its strides are. The last dimension is the inner one. In a loop it may be further on. */
typedef struct {
    uint32_t out, in; /* in the arena: of the first element */
    uint32_t dims[6];
    int32_t out_steps[6], in_steps[6]; /* along a dimension; of the outer five less what the dimension inside has gone */
} q_piece;

static void q_copy(const FLASH q_piece *p, uint32_t out_further, uint32_t in_further) {
    uint8_t *out = Q_BYTES(0);
    uint32_t left[5], n, d, to = p->out + out_further, from = p->in + in_further;
    for (d = 0; d < 5; d++) left[d] = p->dims[d];
    for (;;) {
        for (n = p->dims[5]; n > 0; n--) {
            out[to] = out[from];
            to += (uint32_t)p->out_steps[5];
            from += (uint32_t)p->in_steps[5];
            Q_KEEP(to);
            Q_KEEP(from);
        }
        for (d = 5; d > 0 && --left[d - 1] == 0; d--) left[d - 1] = p->dims[d - 1];
        if (d == 0) return;
        to += (uint32_t)p->out_steps[d - 1];
        from += (uint32_t)p->in_steps[d - 1];
    }
}
