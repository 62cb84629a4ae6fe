// A layer in the number format that the build chooses:
//
//	-DFLOAT        float32 activations and weights
//	otherwise      int8 activations and weights, int32 sums, as TensorFlow Lite quantizes

#ifndef LAYER_H
#define LAYER_H

#include <stdint.h>

#include "networks.h"

#ifdef FLOAT
typedef float elem;
typedef float sum_t;
#else
typedef int8_t elem;
typedef int32_t sum_t;
#endif

#define PADDING 64 // elements that may be read behind the weights

// run_layer computes one layer; weights are [outputs][kernel][kernel][channels], for a
// depthwise one [kernel][kernel][channels].
void run_layer(const struct layer *l, const elem *input, const elem *weights, const sum_t *bias, elem *output);

// finish turns a sum into an output: the rectifier, and for integers the rescaling by a 32-bit
// multiplier and a shift, rounded, as gemmlowp specifies it.
static inline elem finish(sum_t sum) {
#ifdef FLOAT
    return sum > 0 ? sum : 0;
#else
    const int32_t multiplier = 1518500250; // in units of 2^-31
    const int shift = 9;
    int32_t high = (int32_t)(((int64_t)sum * multiplier + (1 << 30)) >> 31);
    int32_t v = ((high + (1 << (shift - 1))) >> shift) - 128;
    return (elem)(v < -128 ? -128 : v > 127 ? 127 : v);
#endif
}

#endif
