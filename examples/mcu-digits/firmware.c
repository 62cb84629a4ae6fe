/* A firmware that knows digits: it takes 16x16 pixels from a port and puts the digit there. What a chip has to set up before main is
 * all here, so that the image is the whole of the flash. */
#include "mlp.h"

extern volatile uint8_t PORT[]; /* its address is given to the linker */

void start(void);
void go(void);

__attribute__((section(".start"), naked)) void start(void) {
#ifdef __riscv
    __asm__ volatile("la sp, stack_top\n j go");
#else
    __asm__ volatile("bl go");
#endif
}

#ifdef __arm__
extern uint32_t stack_top[];
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*start)(void);
} vectors = {stack_top, go};
#endif

void go(void) {
    static uint8_t pixels[MLP_INPUT_BYTES];
    int32_t out[MLP_OUTPUT_COUNT];
    uint32_t i, best;
    for (;;) {
        for (i = 0; i < MLP_INPUT_BYTES; i++) pixels[i] = PORT[i];
        mlp_run(pixels, out);
        for (best = 0, i = 1; i < MLP_OUTPUT_COUNT; i++) {
            if (out[i] > out[best]) best = i;
        }
        PORT[0] = (uint8_t)best;
    }
}
