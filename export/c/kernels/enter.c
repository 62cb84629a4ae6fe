/* How the bytes of an input become levels. */
typedef struct {
    const FLASH uint8_t *tables; /* of 256 levels; NULL: bytes are levels */
    uint32_t next;               /* entries from the table of a channel to that of the next */
    uint32_t at;                 /* of the tensor in the arena */
    uint32_t channels, plane;    /* elements of a channel */
    uint8_t last;                /* level */
} q_input;

/* q_enter writes count levels of every channel from element start on. Channels lie that far apart among the bytes, and
 * elements of a channel. It is 1 where a byte is no level. */
static int q_enter(const FLASH q_input *in, const uint8_t *bytes, uint32_t start, uint32_t count, uint32_t channel, uint32_t element) {
    uint8_t *to = Q_BYTES(in->at) + start;
    const FLASH uint8_t *table = in->tables;
    uint32_t c, i;
    for (c = 0; c < in->channels; c++, to += in->plane, bytes += channel) {
        const uint8_t *from = bytes;
        Q_KEEP(to);
        Q_KEEP(bytes);
        Q_KEEP(table);
        for (i = 0; i < count; i++, from += element) {
            Q_KEEP(from);
            if (table != NULL) to[i] = table[*from];
            else if (*from <= in->last) to[i] = *from;
            else return 1;
        }
        if (table != NULL) table += in->next;
    }
    return 0;
}
