// The readable loops of TensorFlow Lite's reference kernels: one sum after the other, every tap checked
// against the border, the zero point added to every input.

#include "layer.h"

#ifdef FLOAT
static const float zero = 0;
#else
static volatile int32_t zero_point; // the compiler does not know that it is 0
#endif

void run_layer(const struct layer *l, const elem *input, const elem *weights, const sum_t *bias, elem *output) {
    const int K = l->kernel, C = l->channels;
#ifndef FLOAT
    const int32_t zero = zero_point;
#endif
    for (int oy = 0; oy < l->out_height; oy++)
        for (int ox = 0; ox < l->out_width; ox++)
            for (int o = 0; o < l->outputs; o++) {
                sum_t sum = bias[o];
                for (int ky = 0; ky < K; ky++)
                    for (int kx = 0; kx < K; kx++) {
                        int y = oy * l->stride - l->before + ky, x = ox * l->stride - l->before + kx;
                        if (y < 0 || y >= l->height || x < 0 || x >= l->width) continue;
                        const elem *in = input + (y * l->width + x) * C;
                        if (l->kind == DEPTHWISE) {
                            sum += (in[o] + zero) * weights[(ky * K + kx) * C + o];
                            continue;
                        }
                        const elem *w = weights + ((o * K + ky) * K + kx) * C;
                        for (int c = 0; c < C; c++) sum += (in[c] + zero) * w[c];
                    }
                *output++ = finish(sum);
            }
}
