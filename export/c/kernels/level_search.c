/* A step function of many breaks: the level is the value at the number of breaks that are not above the accumulator. */
typedef struct {
    const FLASH int32_t *breaks; /* ascending */
    const FLASH uint8_t *values; /* one more than breaks */
    uint32_t count;              /* of breaks */
} q_step;

/* q_levels writes the levels of count accumulators, to each of which bias is added. */
static void q_levels(const FLASH q_step *s, const uint32_t *acc, uint32_t count, uint32_t bias, uint8_t *to) {
    uint32_t i;
    for (i = 0; i < count; i++) {
        uint32_t low = 0, high = s->count; /* breaks before low are not above the accumulator, those from high on are */
        while (low < high) {
            uint32_t middle = (low + high) >> 1;
            if (s->breaks[middle] <= (int32_t)(acc[i] + bias)) low = middle + 1;
            else high = middle;
        }
        to[i] = s->values[low];
    }
}
