/* A layer that looks up every product: for any window, also of a transposed convolution. It is small and slow. */
typedef struct {
    const FLASH int32_t *rows;     /* [output row][kernel row]: where the input row starts in its channel, or -1 */
    const FLASH int32_t *columns;  /* [output column][kernel column]: the input column, or -1 */
    const FLASH int32_t *products; /* [weight][level]: centre * (level - zero), 2^shift for each weight; or the centres */
    uint32_t channels;             /* that an output channel reads */
    uint32_t plane;                /* elements of an input channel */
    uint32_t kernel_rows, kernel_columns;
    uint32_t taps;                 /* weights of an output channel */
    int16_t zero;                  /* the level worth zero, where products are computed */
    uint8_t shift;                 /* Q_COMPUTED: products are computed */
} q_lookup_term;

typedef struct {
    const FLASH q_lookup_term *terms;
    const FLASH {{.WEIGHT}} *weights; /* [output channel][term][channel][row][column]: positions in the codebook */
    const FLASH uint32_t *sources; /* [output channel][term]: where the channels that are read start in the arena */
    const FLASH {{.BIAS}} *bias;     /* by output channel */
    const FLASH q_step *steps;     /* NULL: accumulators are the result */
    uint32_t count;                /* of terms */
    uint32_t channels, rows, columns, positions;
    uint32_t work;                 /* where an accumulator for each position of a channel lies in the arena */
    uint32_t out;                  /* where the output lies in the arena */
    uint8_t each;                  /* 1: a step function for each channel, 0: one for all */
} q_lookup_layer;

#define Q_COMPUTED 255

/* q_lookup_sum is what a term contributes to one element. */
static uint32_t q_lookup_sum(const FLASH q_lookup_term *t, const FLASH {{.WEIGHT}} *w, const uint8_t *from,
                             const FLASH int32_t *rows, const FLASH int32_t *columns) {
    uint32_t c, i, k, sum = 0;
    for (c = t->channels; c > 0; c--) {
        for (i = 0; i < t->kernel_rows; i++) {
            for (k = 0; k < t->kernel_columns; k++) {
                uint32_t weight = *w++;
                Q_KEEP(w);
                Q_KEEP(weight);
                if (rows[i] >= 0 && columns[k] >= 0) {
                    uint32_t x = from[(uint32_t)rows[i] + (uint32_t)columns[k]];
                    if (t->shift == Q_COMPUTED) sum += q_product(t->products[weight], (int32_t)x - t->zero);
                    else sum += (uint32_t)t->products[(weight << t->shift) + x];
                }
            }
        }
        from += t->plane;
        Q_KEEP(from);
    }
    return sum;
}

static void q_lookup(const FLASH q_lookup_layer *l) {
    const FLASH {{.WEIGHT}} *w = l->weights;
    const FLASH uint32_t *source = l->sources;
    const FLASH q_step *step = l->steps;
    uint32_t *work = Q_WORDS(l->work), *acc;
    uint8_t *out = Q_BYTES(l->out);
    int32_t *wide = (int32_t *)Q_WORDS(l->out);
    uint32_t o, y, x, k;
    for (o = 0; o < l->channels; o++) {
        const FLASH q_lookup_term *t = l->terms;
        int32_t bias = l->bias[o];
        memset(work, 0, (size_t)(l->positions << 2));
        for (k = l->count; k > 0; k--, t++) {
            const FLASH int32_t *row = t->rows, *column;
            const uint8_t *from = Q_BYTES(*source++);
            for (acc = work, y = 0; y < l->rows; y++) {
                for (column = t->columns, x = 0; x < l->columns; x++) {
                    *acc++ += q_lookup_sum(t, w, from, row, column);
                    column += t->kernel_columns;
                    Q_KEEP(column);
                }
                row += t->kernel_rows;
                Q_KEEP(row);
            }
            w += t->taps;
            Q_KEEP(w);
        }
        if (step != NULL) {
            q_levels(step, work, l->positions, (uint32_t)bias, out);
            out += l->positions;
            if (l->each) step++;
        } else {
            for (x = 0; x < l->positions; x++) *wide++ = (int32_t)(work[x] + (uint32_t)bias);
        }
    }
}
