/* q_product is centre * x by the binary digits of x. */
static uint32_t q_product(int32_t centre, int32_t x) {
    uint32_t sum = 0, c = (uint32_t)centre, n = (uint32_t)x;
    if (x < 0) {
        c = 0U - c;
        n = 0U - n;
    }
    for (; n != 0; n >>= 1) {
        if (n & 1U) {
            sum += c;
            Q_KEEP(sum);
        }
        c += c;
    }
    return sum;
}

