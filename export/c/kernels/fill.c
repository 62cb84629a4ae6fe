/* How a term fills its part of a tile: for each channel, kernel column and phase the rows of the input that windows meet. Windows that
 * move by several rows meet those of one phase with one kernel row, and those of another with the next. */
typedef struct {
    uint32_t left, count; /* columns that lie beside the input, and then inside */
    uint32_t from;        /* column of the input that the first of count meets */
} q_column;

typedef struct {
    const FLASH q_column *columns;    /* by kernel column */
    const FLASH uint32_t *phases;     /* rows from the first to that of a phase */
    uint32_t source;                  /* where the input lies in the arena */
    uint32_t channels, plane, group;  /* of a group; elements of a channel and of a group */
    uint32_t kernel_columns, phase_count;
    uint32_t rows;                    /* of a channel, kernel column and phase in the tile */
    int32_t in_rows;                  /* of the input */
    int32_t in_columns;
    int32_t top, top_at;              /* the first input row of the first tile, and where it starts */
    int32_t next, next_at;            /* input rows from one tile to the next, and elements */
    int32_t stride, stride_at;        /* input rows from one row of the tile to the next, and elements */
    uint32_t step;                    /* input columns from one level to the next */
    uint8_t zero;                     /* the level beside the input */
    uint8_t shift, mask;              /* of wide levels some binary digits are taken; mask 0: levels as they are */
} q_fill_term;

/* q_fill_row writes one row of pitch levels. */
static void q_fill_row(uint8_t *to, const uint8_t *row, const FLASH q_column *c, uint32_t step, uint32_t pitch, uint8_t zero) {
    uint32_t n = c->count, right = pitch - c->left - n;
    uint32_t i;
    for (i = c->left; i > 0; i--) *to++ = zero;
    row += c->from;
    if (step == 1) {
        for (; n >= 4; n -= 4, to += 4, row += 4) {
            to[0] = row[0];
            to[1] = row[1];
            to[2] = row[2];
            to[3] = row[3];
        }
    }
    for (; n > 0; n--, row += step) {
        Q_KEEP(row);
        *to++ = *row;
    }
    for (; right > 0; right--) *to++ = zero;
}

/* q_fill writes the part of a term and returns where it ends. */
static uint8_t *q_fill(const FLASH q_fill_term *t, uint8_t *to, const uint8_t *in, uint32_t tile, uint32_t pitch) {
    int32_t top = t->top, at = t->top_at;
    uint32_t c, k, f, i, n;
    for (; tile > 0; tile--) {
        top += t->next;
        at += t->next_at;
        Q_KEEP(top);
        Q_KEEP(at);
    }
    for (c = t->channels; c > 0; c--, in += t->plane) {
        const FLASH q_column *column = t->columns;
        Q_KEEP(in);
        for (k = t->kernel_columns; k > 0; k--, column++) {
            for (f = 0; f < t->phase_count; f++) {
                int32_t v = top, from = at;
                for (n = t->phases[f]; n > 0; n--, v++) {
                    from += t->in_columns;
                    Q_KEEP(from);
                }
                for (i = t->rows; i > 0; i--, to += pitch, v += t->stride, from += t->stride_at) {
                    Q_KEEP(to);
                    Q_KEEP(from);
                    Q_KEEP(v);
                    if (v >= 0 && v < t->in_rows) q_fill_row(to, in + from, column, t->step, pitch, t->zero);
                    else memset(to, t->zero, pitch);
                    if (t->mask != 0) {
                        uint8_t *level = to;
                        for (n = pitch; n > 0; n--, level++) *level = (uint8_t)((*level >> t->shift) & t->mask);
                    }
                }
            }
        }
    }
    return to;
}
