// The linear layers of the benchmark's networks. Additions of residuals, pooling and
// softmax are left out, which favours these programs a little.

#ifndef NETWORKS_H
#define NETWORKS_H

enum kind { CONV, DEPTHWISE };

// A layer reads [height][width][channels] and writes [out_height][out_width][outputs]; before is the
// padding above and to the left. A fully connected layer is a convolution of one position.
struct layer {
    enum kind kind;
    int height, width, channels;
    int outputs, kernel, stride, before;
    int out_height, out_width;
};

struct network {
    const char *name;
    int count;
    struct layer layers[32];
};

#define DENSE(in, out) {CONV, 1, 1, in, out, 1, 1, 0, 1, 1}
#define POINTWISE(size, in, out) {CONV, size, size, in, out, 1, 1, 0, size, size}
#define DEPTH1(size, c) {DEPTHWISE, size, size, c, c, 3, 1, 1, size, size}
#define DEPTH2(size, c) {DEPTHWISE, size, size, c, c, 3, 2, 0, size / 2, size / 2}

static const struct network networks[] = {
    {"resnet8_cifar10", 10, {
        {CONV, 32, 32, 3, 16, 3, 1, 1, 32, 32},
        {CONV, 32, 32, 16, 16, 3, 1, 1, 32, 32},
        {CONV, 32, 32, 16, 16, 3, 1, 1, 32, 32},
        {CONV, 32, 32, 16, 32, 3, 2, 0, 16, 16},
        {CONV, 16, 16, 32, 32, 3, 1, 1, 16, 16},
        {CONV, 32, 32, 16, 32, 1, 2, 0, 16, 16},
        {CONV, 16, 16, 32, 64, 3, 2, 0, 8, 8},
        {CONV, 8, 8, 64, 64, 3, 1, 1, 8, 8},
        {CONV, 16, 16, 32, 64, 1, 2, 0, 8, 8},
        DENSE(64, 10)}},
    {"vww_mobilenetv1_025", 28, {
        {CONV, 96, 96, 3, 8, 3, 2, 0, 48, 48},
        DEPTH1(48, 8), POINTWISE(48, 8, 16),
        DEPTH2(48, 16), POINTWISE(24, 16, 32),
        DEPTH1(24, 32), POINTWISE(24, 32, 32),
        DEPTH2(24, 32), POINTWISE(12, 32, 64),
        DEPTH1(12, 64), POINTWISE(12, 64, 64),
        DEPTH2(12, 64), POINTWISE(6, 64, 128),
        DEPTH1(6, 128), POINTWISE(6, 128, 128),
        DEPTH1(6, 128), POINTWISE(6, 128, 128),
        DEPTH1(6, 128), POINTWISE(6, 128, 128),
        DEPTH1(6, 128), POINTWISE(6, 128, 128),
        DEPTH1(6, 128), POINTWISE(6, 128, 128),
        DEPTH2(6, 128), POINTWISE(3, 128, 256),
        DEPTH1(3, 256), POINTWISE(3, 256, 256),
        DENSE(256, 2)}},
    {"ad_autoencoder", 10, {
        DENSE(640, 128), DENSE(128, 128), DENSE(128, 128), DENSE(128, 128), DENSE(128, 8),
        DENSE(8, 128), DENSE(128, 128), DENSE(128, 128), DENSE(128, 128), DENSE(128, 640)}},
    {"mnist_lenet", 4, {
        {CONV, 28, 28, 1, 16, 5, 1, 2, 28, 28},
        {CONV, 14, 14, 16, 32, 5, 1, 0, 10, 10},
        DENSE(800, 128), DENSE(128, 10)}},
};

#endif
