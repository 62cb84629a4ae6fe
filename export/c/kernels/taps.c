/* A layer of windows. Every weight stands for the levels that it meets at the positions of a tile: a row, which is added once for each
 * binary digit of the weight. The lists of a channel come in parts whose sums fit 16 bits:
 *
 *     how many parts, then for each: by how many digits to shift what is there (not for the first), pairs of lists,
 *     what makes the least sum zero, the lists */
typedef struct {
    const FLASH q_fill_term *terms; /* NULL: rows are read where they lie */
    const FLASH uint16_t *lists;    /* by output channel{{if .CODES}}; NULL: there are codes */
    const FLASH q_codes *codes;     /* {{end}} */
    const FLASH {{.BIAS}} *bias;      /* by output channel */
    const FLASH q_step *steps;      /* NULL: accumulators are the result */
    uint32_t count;                 /* of terms */
    uint32_t groups, channels;      /* output channels of a group */
    uint32_t tiles, words, last;    /* words of the positions of a tile, and of the last tile */
    uint32_t height, tail;          /* output rows of a tile, and of the last tile */
    uint32_t columns, pitch;        /* of an output row, and of one in the tile */
    uint32_t area, plane, group;    /* elements of a tile, of a channel and of a group of the output */
    uint32_t rows, line, out;       /* in the arena: the rows, a line of results, and the output */
    uint8_t each;                   /* 1: a step function for each channel, 0: one for all */
} q_taps{{.GROUP}}_layer;

/* q_acc{{.GROUP}} computes the accumulators of a word of rows, or of four, without bias, and returns where the lists of the channel end. */
static const q_half *q_acc{{.GROUP}}(const q_half *list, const uint8_t *rows, uint32_t words, uint32_t *acc) {
    uint32_t parts = *list++, first = 1, shift = 0, i, sums[8];
    for (;;) {
        uint32_t planes = *list++, offset = *list++;
        offset |= offset << 16;
        if (words == 1) list = q_sum{{.GROUP}}_1(list, rows, planes, sums);
        else list = q_sum{{.GROUP}}_4(list, rows, planes, sums);
        if (first) {
            if (words == 1) q_unlane(sums, offset, acc);
            else q_unlane4(sums, offset, acc);
        } else {
            uint32_t some[16];
            if (words == 1) q_unlane(sums, offset, some);
            else q_unlane4(sums, offset, some);
            for (i = 0; i < 4 * words; i++) acc[i] = (acc[i] << shift) + some[i];
        }
        if (--parts == 0) return list;
        shift = *list++;
        first = 0;
    }
}

static void q_taps{{.GROUP}}(const FLASH q_taps{{.GROUP}}_layer *l) {
    const q_half *list, *first = l->lists;
{{if .CODES}}    const FLASH uint8_t *code, *first_code = l->codes != NULL ? l->codes->codes : NULL;
{{end}}    const FLASH {{.BIAS}} *bias = l->bias;
    const FLASH q_step *steps = l->steps, *step = steps;
    uint32_t out = l->out, g, tile, o, w, i, k, acc[16];
    uint32_t bytes = steps != NULL ? 0 : 2; /* of a result: 2^bytes */
    for (g = 0; g < l->groups; g++) {
        uint32_t start = out;
        list = first;
{{if .CODES}}        code = first_code;
{{end}}        for (tile = 0; tile < l->tiles; tile++, start += l->area) {
            uint32_t end = tile + 1 == l->tiles, words = end ? l->last : l->words, to = start;
            uint8_t *fill = Q_BYTES(l->rows);
            const FLASH q_fill_term *term = l->terms;
            Q_KEEP(start);
            for (k = l->count; k > 0; k--, term++) {
                uint32_t at = term->source;
                for (i = 0; i < g; i++) {
                    at += term->group;
                    Q_KEEP(at);
                }
                fill = q_fill(term, fill, Q_BYTES(at), tile, l->pitch);
            }
            list = first;
            step = steps;
{{if .CODES}}            code = first_code;
{{end}}            for (o = 0; o < l->channels; o++, to += l->plane) {
                const q_half *next = list;
                Q_KEEP(to);
                uint8_t *line = l->line != Q_NONE ? Q_BYTES(l->line) : Q_BYTES(to);
                int32_t signed_bias = bias[o];
                uint32_t b = (uint32_t)signed_bias, n;
{{if .CODES}}                if (code != NULL) list = q_expand(l->codes, &code, o);
{{end}}                for (w = 0; w < words; w += n) {
                    n = words - w >= 4 ? 4 : 1;
                    next = q_acc{{.GROUP}}(list, Q_BYTES(l->rows) + 4 * w, n, acc);
                    if (bytes == 0) {
                        q_levels(step, acc, 4 * n, b, line);
                        line += 4 * n;
                    } else {
                        for (i = 0; i < 4 * n; i++, line += 4) *(uint32_t *)(void *)line = acc[i] + b;
                    }
                }
                list = next;
                if (l->each) step++;
                if (l->line != Q_NONE) {
                    uint8_t *row = Q_BYTES(l->out) + ((to - l->out) << bytes);
                    line = Q_BYTES(l->line);
                    for (i = end ? l->tail : l->height; i > 0; i--, row += l->columns << bytes, line += l->pitch << bytes) {
                        Q_KEEP(row);
                        Q_KEEP(line);
                        memcpy(row, line, l->columns << bytes);
                    }
                }
            }
        }
        first = list;
{{if .CODES}}        first_code = code;
{{end}}        bias += l->channels;
        steps = step;
        out += l->group;
    }
}
