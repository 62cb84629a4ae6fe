/* Matrices are multiplied by quarter squares: a product is q(a + b) - q(a - b), where q(n) is n * n / 4, rounded down. */
typedef struct {
    const FLASH uint16_t *plus;  /* by the sum of a level of a and one of b: q */
    const FLASH uint16_t *minus; /* by the difference of a level of b and one of a, and top: q */
    const FLASH q_step *steps;   /* NULL: accumulators are delivered */
    uint32_t channels, rows, inner, columns;
    uint32_t block;              /* elements of a matrix of b */
    uint32_t work;               /* in the arena: accumulators of a row */
    uint32_t out, a, b;          /* in the arena */
    uint8_t top;                 /* the last level of a */
    uint8_t each;                /* 1: a step function for every channel */
} q_matmul_layer;

static void q_matmul(const FLASH q_matmul_layer *l) {
    uint8_t *out = Q_BYTES(l->out);
    uint32_t *sums = Q_WORDS(l->out);
    const uint8_t *a = Q_BYTES(l->a), *b = Q_BYTES(l->b);
    const FLASH q_step *steps = l->steps;
    uint32_t columns = l->columns, c, y, k, x;
    for (c = l->channels; c > 0; c--, b += l->block) {
        Q_KEEP(b);
        for (y = l->rows; y > 0; y--) {
            uint32_t *acc = steps != NULL ? Q_WORDS(l->work) : sums;
            const uint8_t *line = b;
            for (x = 0; x < columns; x++) acc[x] = 0;
            for (k = l->inner; k > 0; k--) {
                uint32_t level = *a++;
                Q_KEEP(line);
                const FLASH uint16_t *plus = l->plus + level, *minus = l->minus + (l->top - level);
                for (x = 0; x < columns; x++) {
                    uint32_t j = *line++;
                    acc[x] += (uint32_t)plus[j] - (uint32_t)minus[j];
                }
            }
            if (steps != NULL) {
                q_levels(steps, acc, columns, 0, out);
                out += columns;
                Q_KEEP(out);
            } else {
                sums += columns;
                Q_KEEP(sums);
            }
        }
        if (l->each) steps++;
    }
}
