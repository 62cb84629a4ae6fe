// Runs the linear layers of a network several times with random weights, for count.so.
//
//	PROGRAM NETWORK COUNT
//
// Every layer gets an input of its own, so that no values die out on the way. The program prints
// the number of multiply-accumulates of one run, padding included, and a checksum of all outputs as JSON.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "layer.h"

#define MAX_INPUT (96 * 96 * 3)
#define MAX_WEIGHTS (128 * 640 + PADDING)
#define MAX_OUTPUT (48 * 48 * 16)
#define MAX_CHANNELS 640

static elem input[MAX_INPUT];
static elem weights[MAX_WEIGHTS];
static elem output[MAX_OUTPUT];
static sum_t bias[MAX_CHANNELS];

static uint32_t state = 1;

static uint32_t next(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

// random_elem is a whole number of -127..127.
static elem random_elem(void) { return (elem)((int)(next() % 255) - 127); }

// mark ends a section of count.so.
static void mark(void) { umask(010022); }

int main(int argc, char **argv) {
    const struct network *net = NULL;
    for (size_t i = 0; argc == 3 && i < sizeof networks / sizeof *networks; i++)
        if (strcmp(argv[1], networks[i].name) == 0) net = &networks[i];
    if (!net) {
        fprintf(stderr, "want NETWORK COUNT, NETWORK one of:");
        for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) fprintf(stderr, " %s", networks[i].name);
        fprintf(stderr, "\n");
        return 2;
    }
    for (int i = 0; i < MAX_INPUT; i++) input[i] = random_elem();
    for (int i = 0; i < MAX_WEIGHTS; i++) weights[i] = random_elem();
    for (int i = 0; i < MAX_CHANNELS; i++) bias[i] = (sum_t)random_elem();
    long macs = 0, check = 0;
    for (int i = 0; i < net->count; i++) {
        const struct layer *l = &net->layers[i];
        macs += (long)l->out_height * l->out_width * l->outputs * l->kernel * l->kernel * (l->kind == CONV ? l->channels : 1);
    }
    mark();
    for (int n = atoi(argv[2]); n > 0; n--) {
        for (int i = 0; i < net->count; i++) {
            const struct layer *l = &net->layers[i];
            run_layer(l, input, weights, bias, output);
            check += (long)output[l->out_height * l->out_width * l->outputs - 1];
        }
        mark();
    }
    for (int i = 0; i < MAX_OUTPUT; i++) check = check * 31 + (long)output[i];
    printf("{\"macs\": %ld, \"checksum\": \"%lx\"}\n", macs, (unsigned long)check & 0xffffffff);
    return 0;
}
