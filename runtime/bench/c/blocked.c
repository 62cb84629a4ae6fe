// Kernels as a good library has them: the inputs of a position are gathered into one row, and a block
// of positions by outputs is summed at once, so that every load serves several products. The zero point
// of the inputs is part of the bias. Which block is used is the build's choice:
//
//	(none)      plain C: 2 positions x 2 outputs, which is what 16 registers can hold
//	-DNEON      arm64, int8: SMULL, SMLAL2 and SADALP, 16 products at a time
//	-DDOT       arm64, int8: SDOT (ARMv8.2), 16 products at a time
//	-DNEON -DFLOAT   arm64: FMLA, 4 products at a time

#include <string.h>

#include "layer.h"

#if defined(NEON) || defined(DOT)
#include <arm_neon.h>
#define POSITIONS 4
#define OUTPUTS 4
#define LANES 8 // channels of a depthwise layer at a time
#else
#define POSITIONS 2
#define OUTPUTS 2
#define LANES 1
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define MAX_ROW 1024

// Vectors of the chosen instruction set: STEP products at a time, summed lane by lane.
#if defined(FLOAT) && defined(NEON)
#define STEP 4
typedef float32x4_t vector;
INLINE vector none(void) { return vdupq_n_f32(0); }
typedef float32x4_t loaded;
INLINE loaded load(const elem *a) { return vld1q_f32(a); }
INLINE vector add_products(vector s, loaded a, loaded b) { return vfmaq_f32(s, a, b); }
INLINE sum_t across(vector s) { return vaddvq_f32(s); }
#elif defined(DOT)
#define STEP 16
typedef int32x4_t vector;
INLINE vector none(void) { return vdupq_n_s32(0); }
typedef int8x16_t loaded;
INLINE loaded load(const elem *a) { return vld1q_s8(a); }
INLINE vector add_products(vector s, loaded a, loaded b) { return vdotq_s32(s, a, b); }
INLINE sum_t across(vector s) { return vaddvq_s32(s); }
#elif defined(NEON)
#define STEP 16
typedef int32x4_t vector;
INLINE vector none(void) { return vdupq_n_s32(0); }
typedef int8x16_t loaded;
INLINE loaded load(const elem *a) { return vld1q_s8(a); }
// Two products of at most 128*127 fit 16 bits.
INLINE vector add_products(vector s, loaded a, loaded b) {
    return vpadalq_s16(s, vmlal_high_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), a, b));
}
INLINE sum_t across(vector s) { return vaddvq_s32(s); }
#else
#define STEP 1
typedef sum_t vector;
INLINE vector none(void) { return 0; }
typedef sum_t loaded;
INLINE loaded load(const elem *a) { return *a; }
INLINE vector add_products(vector s, loaded a, loaded b) { return s + a * b; }
INLINE sum_t across(vector s) { return s; }
#endif

// dots computes sums[p][o], the products of positions rows with OUTPUTS rows of weights, k elements each.
INLINE void dots(int positions, const elem *rows, const elem *weights, int step, int k, sum_t sums[][OUTPUTS]) {
    const elem *x[POSITIONS], *w[OUTPUTS];
    vector v[POSITIONS][OUTPUTS];
    UNROLL for (int p = 0; p < positions; p++) x[p] = rows + p * MAX_ROW;
    UNROLL for (int o = 0; o < OUTPUTS; o++) w[o] = weights + o * step;
    UNROLL for (int p = 0; p < positions; p++)
        UNROLL for (int o = 0; o < OUTPUTS; o++) v[p][o] = none();
    int i = 0;
    for (; i + STEP <= k; i += STEP) {
        loaded a[POSITIONS];
        UNROLL for (int p = 0; p < positions; p++) a[p] = load(x[p] + i);
        UNROLL for (int o = 0; o < OUTPUTS; o++) {
            loaded b = load(w[o] + i);
            UNROLL for (int p = 0; p < positions; p++) v[p][o] = add_products(v[p][o], a[p], b);
        }
    }
    UNROLL for (int p = 0; p < positions; p++)
        UNROLL for (int o = 0; o < OUTPUTS; o++) sums[p][o] = across(v[p][o]);
    for (; STEP > 1 && i < k; i++)
        UNROLL for (int p = 0; p < positions; p++)
            UNROLL for (int o = 0; o < OUTPUTS; o++) sums[p][o] += x[p][i] * w[o][i];
}

// Functions of their own: the inner loop needs all registers.
static __attribute__((noinline)) void dots_many(const elem *rows, const elem *weights, int step, int k, sum_t sums[][OUTPUTS]) {
    dots(POSITIONS, rows, weights, step, k, sums);
}

static __attribute__((noinline)) void dots_one(const elem *rows, const elem *weights, int step, int k, sum_t sums[][OUTPUTS]) {
    dots(1, rows, weights, step, k, sums);
}

// gather copies the inputs of the position with its first tap at (y, x); outside there are zeros.
static void gather(const struct layer *l, const elem *input, int y, int x, elem *row) {
    const int span = l->kernel * l->channels;
    for (int ky = 0; ky < l->kernel; ky++, row += span) {
        int left = x < 0 ? -x : 0, right = x + l->kernel > l->width ? l->width - x : l->kernel;
        if (y + ky < 0 || y + ky >= l->height) {
            memset(row, 0, span * sizeof *row);
            continue;
        }
        if (left > 0 || right < l->kernel) memset(row, 0, span * sizeof *row);
        memcpy(row + left * l->channels, input + ((y + ky) * l->width + x + left) * l->channels,
               (right - left) * l->channels * sizeof *row);
    }
}

static void convolve(const struct layer *l, const elem *input, const elem *weights, const sum_t *bias, elem *output) {
    static elem rows[POSITIONS][MAX_ROW];
    const int k = l->kernel * l->kernel * l->channels, count = l->out_height * l->out_width;
    int oy = 0, ox = 0;
    for (int at = 0; at < count; at += POSITIONS) {
        int positions = count - at < POSITIONS ? count - at : POSITIONS;
        for (int p = 0; p < positions; p++) {
            gather(l, input, oy * l->stride - l->before, ox * l->stride - l->before, rows[p]);
            if (++ox == l->out_width) ox = 0, oy++;
        }
        for (int o = 0; o < l->outputs; o += OUTPUTS) {
            int valid = l->outputs - o < OUTPUTS ? l->outputs - o : OUTPUTS;
            elem *out = output + at * l->outputs + o;
            sum_t sums[POSITIONS][OUTPUTS];
            if (positions == POSITIONS)
                dots_many(rows[0], weights + o * k, k, k, sums);
            else
                for (int p = 0; p < positions; p++) dots_one(rows[p], weights + o * k, k, k, sums + p);
            for (int p = 0; p < positions; p++, out += l->outputs)
                for (int i = 0; i < valid; i++) out[i] = finish(sums[p][i] + bias[o + i]);
        }
    }
}

// depthwise sums LANES channels of one position at a time.
static void depthwise(const struct layer *l, const elem *input, const elem *weights, const sum_t *bias, elem *output) {
    const int K = l->kernel, C = l->channels;
    for (int oy = 0; oy < l->out_height; oy++)
        for (int ox = 0; ox < l->out_width; ox++, output += C) {
            int y = oy * l->stride - l->before, x = ox * l->stride - l->before;
            int top = y < 0 ? -y : 0, bottom = y + K > l->height ? l->height - y : K;
            int left = x < 0 ? -x : 0, right = x + K > l->width ? l->width - x : K;
            for (int c = 0; c < C; c += LANES) {
                sum_t sums[LANES];
                UNROLL for (int i = 0; i < LANES; i++) sums[i] = bias[c + i];
                for (int ky = top; ky < bottom; ky++) {
                    const elem *in = input + ((y + ky) * l->width + x + left) * C + c;
                    const elem *w = weights + (ky * K + left) * C + c;
                    for (int kx = left; kx < right; kx++, in += C, w += C) {
#if defined(FLOAT) && LANES == 8
                        vst1q_f32(sums, vfmaq_f32(vld1q_f32(sums), vld1q_f32(in), vld1q_f32(w)));
                        vst1q_f32(sums + 4, vfmaq_f32(vld1q_f32(sums + 4), vld1q_f32(in + 4), vld1q_f32(w + 4)));
#elif LANES == 8
                        int16x8_t products = vmull_s8(vld1_s8(in), vld1_s8(w));
                        vst1q_s32(sums, vaddw_s16(vld1q_s32(sums), vget_low_s16(products)));
                        vst1q_s32(sums + 4, vaddw_high_s16(vld1q_s32(sums + 4), products));
#else
                        sums[0] += *in * *w;
#endif
                    }
                }
                UNROLL for (int i = 0; i < LANES; i++) output[c + i] = finish(sums[i]);
            }
        }
}

void run_layer(const struct layer *l, const elem *input, const elem *weights, const sum_t *bias, elem *output) {
    if (l->kind == DEPTHWISE)
        depthwise(l, input, weights, bias, output);
    else
        convolve(l, input, weights, bias, output);
}
