/* The largest level of every window, where no window leaves the input. */
typedef struct {
    uint32_t out, in;                       /* in the arena: the output, and the first window of the first channel */
    uint32_t channels, rows, columns;       /* of the output */
    uint32_t plane;                         /* elements of an input channel */
    uint32_t stride_at, stride_columns;     /* elements from one window to the one below, and to the next */
    uint32_t kernel_rows, kernel_columns;
    uint32_t dilation_at, dilation_columns; /* elements from one row of a window to the next, and columns */
} q_maxpool_inside_layer;

static void q_maxpool_inside(const FLASH q_maxpool_inside_layer *l) {
    uint8_t *out = Q_BYTES(l->out);
    const uint8_t *in = Q_BYTES(l->in);
    uint32_t kernel_rows = l->kernel_rows, kernel_columns = l->kernel_columns, below = l->dilation_at, right = l->dilation_columns;
    uint32_t c, y, x, i, k;
    for (c = l->channels; c > 0; c--, in += l->plane) {
        const uint8_t *top = in;
        Q_KEEP(in);
        for (y = l->rows; y > 0; y--, top += l->stride_at) {
            const uint8_t *left = top;
            uint32_t stride = l->stride_columns;
            Q_KEEP(top);
            if (kernel_rows == 2 && kernel_columns == 2) {
                for (x = l->columns; x > 0; x--, left += stride) {
                    const uint8_t *next = left + below;
                    uint8_t a = left[0], b = left[right], d = next[0], e = next[right];
                    Q_KEEP(left);
                    if (b > a) a = b;
                    if (e > d) d = e;
                    *out++ = d > a ? d : a;
                }
                continue;
            }
            for (x = l->columns; x > 0; x--, left += stride) {
                const uint8_t *row = left;
                uint8_t largest = 0;
                Q_KEEP(left);
                for (i = kernel_rows; i > 0; i--, row += below) {
                    const uint8_t *at = row;
                    Q_KEEP(row);
                    for (k = kernel_columns; k > 0; k--, at += right) {
                        Q_KEEP(at);
                        if (*at > largest) largest = *at;
                    }
                }
                *out++ = largest;
            }
        }
    }
}
