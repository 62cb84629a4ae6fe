/* Every level becomes the entry of a table. The output may lie where the input does. */
typedef struct {
    const FLASH uint8_t *table; /* of the first channel */
    uint32_t out, in;           /* in the arena */
    uint32_t parts, elements;   /* with the same table each: how many, and how many elements of each */
    uint32_t next;              /* entries from the table of a part to that of the next */
} q_map_layer;

static void q_map(const FLASH q_map_layer *l) {
    uint8_t *out = Q_BYTES(l->out);
    const uint8_t *in = Q_BYTES(l->in);
    const FLASH uint8_t *table = l->table;
    uint32_t c, n;
    for (c = l->parts; c > 0; c--, table += l->next) {
        Q_KEEP(table);
        for (n = l->elements; n > 0; n--) *out++ = table[*in++];
    }
}
