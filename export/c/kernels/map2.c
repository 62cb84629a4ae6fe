/* Two levels become the entry of a table of two dimensions. Where b has size 1 its step is 0. */
typedef struct {
    const FLASH uint8_t *table; /* [level of a][level of b], 2^shift for each level of a */
    uint32_t out, a, b;         /* in the arena */
    uint32_t channels, rows, columns;
    uint32_t next_channel, next_row, next_column; /* steps of b */
    uint8_t shift;
} q_map2_layer;

static void q_map2(const FLASH q_map2_layer *l) {
    uint8_t *out = Q_BYTES(l->out);
    const uint8_t *a = Q_BYTES(l->a), *b = Q_BYTES(l->b);
    uint32_t c, y, x;
    for (c = l->channels; c > 0; c--, b += l->next_channel) {
        const uint8_t *row = b;
        Q_KEEP(b);
        for (y = l->rows; y > 0; y--, row += l->next_row) {
            const uint8_t *at = row;
            Q_KEEP(row);
            for (x = l->columns; x > 0; x--, at += l->next_column) {
                Q_KEEP(at);
                *out++ = l->table[((uint32_t)*a++ << l->shift) + *at];
            }
        }
    }
}
