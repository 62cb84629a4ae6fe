/* The largest level of every window. Rows and columns outside the input are left out. */
typedef struct {
    uint32_t out, in; /* in the arena */
    uint32_t channels, rows, columns;       /* of the output */
    int32_t in_rows, in_columns;
    uint32_t plane;                         /* elements of an input channel */
    int32_t top, left;                      /* where the first window starts */
    int32_t stride_rows, stride_columns;
    int32_t dilation_rows, dilation_columns;
    uint32_t kernel_rows, kernel_columns;
    int32_t top_at, stride_at, dilation_at; /* the same of rows in elements: times in_columns */
} q_maxpool_layer;

static void q_maxpool(const FLASH q_maxpool_layer *l) {
    uint8_t *out = Q_BYTES(l->out);
    const uint8_t *in = Q_BYTES(l->in);
    uint32_t c, y, x, i, k;
    for (c = 0; c < l->channels; c++, in += l->plane) {
        int32_t top = l->top, top_at = l->top_at;
        Q_KEEP(in);
        for (y = 0; y < l->rows; y++, top += l->stride_rows, top_at += l->stride_at) {
            int32_t left = l->left;
            Q_KEEP(top);
            Q_KEEP(top_at);
            for (x = 0; x < l->columns; x++, left += l->stride_columns) {
                uint8_t largest = 0;
                int32_t v = top, at = top_at;
                Q_KEEP(left);
                for (i = 0; i < l->kernel_rows; i++, v += l->dilation_rows, at += l->dilation_at) {
                    int32_t u = left;
                    Q_KEEP(v);
                    Q_KEEP(at);
                    if (v < 0 || v >= l->in_rows) continue;
                    for (k = 0; k < l->kernel_columns; k++, u += l->dilation_columns) {
                        Q_KEEP(u);
                        if (u >= 0 && u < l->in_columns && in[at + u] > largest) largest = in[at + u];
                    }
                }
                *out++ = largest;
            }
        }
    }
}
