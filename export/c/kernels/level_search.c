/* A step function of many breaks: the level is the value at the number of breaks that are not above the accumulator. */
typedef struct {
    const FLASH int32_t *breaks; /* ascending */
    const FLASH uint8_t *values; /* one more than breaks */
    uint32_t count;              /* of breaks */
} q_step;

static uint8_t q_level(const FLASH q_step *s, int32_t acc) {
    uint32_t low = 0, high = s->count; /* breaks before low are not above acc, those from high on are */
    while (low < high) {
        uint32_t middle = (low + high) >> 1;
        if (s->breaks[middle] <= acc) low = middle + 1;
        else high = middle;
    }
    return s->values[low];
}
