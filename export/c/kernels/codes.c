/* Weights as codes of a few bits. What a kernel adds up is written before a channel is computed: the lists of its rows. */
typedef struct {
    const FLASH uint8_t *digits; /* [code]: up to 2^shift lists that the row of a weight is in, 255 behind the last */
    const FLASH uint16_t *rows;  /* by kernel position: where the row of the first channel lies */
    uint16_t channels, area;     /* that an output channel reads; kernel positions */
    uint16_t outs;               /* output channels that read the same channels; 0: all do */
    uint32_t next, group;        /* from the row of a channel to that of the next, and of the next group */
    const FLASH uint8_t *lengths; /* how many codes have one bit, two, ...; NULL: all have as many */
    uint8_t bits;                /* of a code; 0: all are the same */
    uint8_t shift;
    uint8_t again;               /* the weights are those of the term before */
} q_code_term;

/* Binary digits that are summed up together: their sums fit 16 bits. */
typedef struct {
    uint16_t planes; /* pairs of lists */
    uint16_t shift;  /* of what is there, before these are added */
    uint16_t offset; /* makes the least sum zero */
} q_code_part;

typedef struct {
    const FLASH q_code_term *terms;
    const FLASH q_code_part *parts; /* the highest digits first */
    const FLASH uint16_t *starts;   /* where a list is written at first: there is room for the longest of all channels */
    const FLASH uint8_t *codes;     /* by output channel and term, each term from a byte on */
    uint16_t count, part_count;     /* of terms and parts */
    uint32_t lists;                 /* of all parts */
    uint32_t work;                  /* in the arena: the lists */
} q_codes;

/* q_walk goes through the codes of a channel and writes rows to where the lists that they are in have their next. It returns where the
 * codes end. */
static const FLASH uint8_t *q_walk(const FLASH q_codes *l, const FLASH uint8_t *codes, uint32_t channel, uint16_t *next, q_half *list) {
    const FLASH uint8_t *before = codes;
    const FLASH q_code_term *t = l->terms;
    uint32_t k, c, i, o;
    for (k = l->count; k > 0; k--, t++) {
        uint32_t buffer = 0, have = 0, bits = t->bits, mask = (1U << bits) - 1, at = 0;
        if (t->again) codes = before;
        before = codes;
        if (t->outs > 0) {
            for (o = channel; o >= t->outs; o -= t->outs) {
                at += t->group;
                Q_KEEP(at);
            }
        }
        for (c = t->channels; c > 0; c--, at += t->next) {
            Q_KEEP(at);
            for (i = 0; i < t->area; i++) {
                const FLASH uint8_t *d;
                q_half row;
                uint32_t code = 0;
                if (t->lengths == NULL) { /* the lowest bits come first */
                    if (have < bits) {
                        buffer |= (uint32_t)*codes++ << have;
                        have += 8;
                    }
                    code = buffer & mask;
                    buffer >>= bits;
                    have -= bits;
                } else { /* the highest bit comes first; codes of one length follow each other */
                    const FLASH uint8_t *length = t->lengths;
                    uint32_t first = 0, index = 0;
                    for (;; code <<= 1) {
                        uint32_t n = *length++;
                        if (have == 0) {
                            buffer = *codes++;
                            have = 8;
                        }
                        code |= buffer & 1U;
                        buffer >>= 1;
                        have--;
                        if (code - first < n) break;
                        index += n;
                        first = (first + n) << 1;
                    }
                    code = index + code - first;
                }
                d = t->digits + (code << t->shift);
                row = (q_half)(at + t->rows[i]);
                for (; *d != 255; d++) list[next[*d]++] = row;
            }
        }
    }
    return codes;
}

/* q_expand writes the lists of a channel and moves to the codes of the next. */
static const q_half *q_expand(const FLASH q_codes *l, const FLASH uint8_t **codes, uint32_t channel) {
    const FLASH q_code_part *part = l->parts;
    q_half *list = (q_half *)(void *)Q_BYTES(l->work);
    uint16_t next[{{.LISTS}}];
    uint32_t at = 0, k, p, n, i;
    for (k = 0; k < l->lists; k++) next[k] = l->starts[k];
    *codes = q_walk(l, *codes, channel, next, list);
    list[at++] = l->part_count;
    for (k = 0, p = 0; p < l->part_count; p++, part++) {
        if (p > 0) list[at++] = part->shift;
        list[at++] = part->planes;
        list[at++] = part->offset;
        for (n = 2U * part->planes; n > 0; n--, k++) { /* lists move to where the one before ends */
            uint32_t from = l->starts[k], end = next[k];
            list[at++] = (q_half)(end - from);
            for (i = from; i < end; i++) list[at++] = list[i];
        }
    }
    return list;
}
