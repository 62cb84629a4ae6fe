/* q_scale adds count numbers, a multiple of four, times a constant to others. The constant is given by its binary digits: the position of each,
 * 128 more where it is subtracted, and 255 behind the last. */
static void q_scale(uint32_t *to, const uint32_t *from, uint32_t count, const FLASH uint8_t *digit) {
    uint32_t i;
    for (; *digit != 255; digit++) {
        uint32_t shift = *digit & 31U;
        if (*digit & 128U) {
{{if .SMALL}}            for (i = 0; i < count; i++) to[i] -= from[i] << shift;
{{else}}            for (i = 0; i < count; i += 4) {
                to[i] -= from[i] << shift;
                to[i + 1] -= from[i + 1] << shift;
                to[i + 2] -= from[i + 2] << shift;
                to[i + 3] -= from[i + 3] << shift;
            }
{{end}}            continue;
        }
{{if .SMALL}}        for (i = 0; i < count; i++) to[i] += from[i] << shift;
{{else}}        for (i = 0; i < count; i += 4) {
            to[i] += from[i] << shift;
            to[i + 1] += from[i + 1] << shift;
            to[i + 2] += from[i + 2] << shift;
            to[i + 3] += from[i + 3] << shift;
        }
{{end}}    }
}
