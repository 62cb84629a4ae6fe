/* Binary digits that are summed up together: their sums fit 16 bits. */
typedef struct {
    uint32_t planes; /* pairs of lists */
    uint32_t shift;  /* of the sum */
    uint32_t offset; /* makes the least sum of a chunk zero */
} q_dense{{.GROUP}}_part;

/* A fully connected layer. The inputs are sorted by the binary digits of their levels: a list for each digit, of what is added and of
 * what is subtracted. Then rows of weights are added, with the outputs in the lanes; inputs worth zero are in no list. Weights
 * lie in flash less the least centre, so that none is negative; what that makes is added at the end. */
typedef struct {
    const FLASH uint8_t *rows;   /* [input][output]: weight less the least one, in units{{if .SINGLE}}; NULL: every output meets one input alone{{end}} */
    const FLASH uint8_t *digits; /* [level]: up to 2^shift lists, 255 behind the last */
    const FLASH q_dense{{.GROUP}}_part *parts; /* the highest digits first; the last has shift 0 */
{{if .UNITS}}    const FLASH uint8_t *unit;   /* of weights, as q_scale takes it; NULL: 1 */
{{end}}{{if .SINGLE}}    const FLASH int32_t *weights; /* without rows, by output; NULL: they are the unit */
{{end}}    uint32_t source, inputs;     /* in the arena; how many */
    uint32_t chunk;              /* inputs whose sums fit 16 bits */
    uint32_t chunk_bytes;        /* of their rows */
    uint32_t pitch;              /* bytes of a row */
    uint32_t lists;              /* two for each digit */
    int32_t least;               /* centre */
    int32_t zero;                /* the level worth zero */
    uint8_t shift;
} q_dense{{.GROUP}}_term;

typedef struct {
    const FLASH q_dense{{.GROUP}}_term *terms;
    const FLASH {{.BIAS}} *bias;  /* by output */
    const FLASH q_step *steps;  /* NULL: accumulators are the result */
    uint32_t count;             /* of terms */
    uint32_t outputs, words;    /* words of four outputs */
    uint32_t work, list, out;   /* in the arena: accumulators, lists, and the output */
    uint8_t each;               /* 1: a step function for each output, 0: one for all */
    uint8_t nibbles;            /* rows hold two weights a byte */
} q_dense{{.GROUP}}_layer;

/* q_sort{{.GROUP}} writes the lists of count levels: at first it only counts what each holds. */
static void q_sort{{.GROUP}}(const FLASH q_dense{{.GROUP}}_term *t, const uint8_t *levels, uint32_t count, q_half *list) {
    const FLASH uint8_t *digits = t->digits;
    uint32_t next[2 * 9], shift = t->shift, pitch = t->pitch, lists = t->lists, i, k, n, at;
    for (k = 0; k < lists; k++) next[k] = 0;
    for (i = 0; i < count; i++) {
        const FLASH uint8_t *d = digits + ((uint32_t)levels[i] << shift);
        for (k = *d; k != 255; k = *++d) next[k]++;
    }
    for (k = 0, at = 0; k < lists; k++) {
        n = next[k];
        list[at++] = (q_half)n;
        next[k] = at;
        at += n;
    }
    for (i = 0, at = 0; i < count; i++, at += pitch) {
        const FLASH uint8_t *d = digits + ((uint32_t)levels[i] << shift);
        Q_KEEP(at);
        for (k = *d; k != 255; k = *++d) {
            n = next[k];
            list[n] = (q_half)at;
            next[k] = n + 1;
        }
    }
}

{{if .SINGLE}}/* q_single{{.GROUP}} adds to every output the product of the input at its position and a weight. */
static void q_single{{.GROUP}}(const FLASH q_dense{{.GROUP}}_term *t, uint32_t outputs, uint32_t *acc) {
    const uint8_t *levels = Q_BYTES(t->source);
    uint32_t some[16], zero = (uint32_t)t->zero, i;
    if (t->weights != NULL) {
        for (i = 0; i < outputs; i++) acc[i] += q_product(t->weights[i], (int32_t)(levels[i] - zero));
        return;
    }
    for (; outputs > 0; levels += 16, acc += 16) {
        uint32_t now = outputs < 16 ? outputs : 16;
        for (i = 0; i < now; i++) some[i] = levels[i] - zero;
        for (; i & 3; i++) some[i] = 0;
        q_scale(acc, some, i, t->unit);
        outputs -= now;
    }
}

{{end}}static void q_dense{{.GROUP}}(const FLASH q_dense{{.GROUP}}_layer *l) {
    uint32_t *acc = Q_WORDS(l->work), sums[8], some[16],{{if .UNITS}} whole[16],{{end}} extra = 0, k, w, i, n;
    q_half *list = (q_half *)(void *)Q_BYTES(l->list);
    const FLASH q_step *step = l->steps;
    const FLASH q_dense{{.GROUP}}_term *t = l->terms;
    memset(acc, 0, (size_t)(l->words << 4));
    for (k = l->count; k > 0; k--, t++) {
        const FLASH uint8_t *rows = t->rows;
        const uint8_t *levels = Q_BYTES(t->source);
        uint32_t left = t->inputs, now, total = 0;
{{if .SINGLE}}        if (rows == NULL) {
            q_single{{.GROUP}}(t, l->outputs, acc);
            continue;
        }
{{end}}        for (i = 0; i < left; i++) total += (uint32_t)((int32_t)levels[i] - t->zero);
        extra += q_product(t->least, (int32_t)total);
        for (; left > 0; left -= now, levels += now, rows += t->chunk_bytes) {
            uint32_t *to = acc;
            const FLASH uint8_t *row = rows;
            now = left < t->chunk ? left : t->chunk;
            Q_KEEP(levels);
            Q_KEEP(rows);
            q_sort{{.GROUP}}(t, levels, now, list);
            for (w = l->words; w > 0; w -= n) {
                const FLASH q_dense{{.GROUP}}_part *part = t->parts;
                const q_half *lists = list;
{{if .UNITS}}                uint32_t *sum = to;
                if (t->unit != NULL) {
                    sum = whole;
                    memset(whole, 0, sizeof whole);
                }
{{end}}                n = {{if .WORDS}}w >= 4 ? 4 : 1{{else}}4{{end}};
                for (;; part++) {
                    uint32_t offset = part->offset | part->offset << 16, gone = part->offset;
{{if and .NIBBLES (eq .GROUP 8)}}                    {{if .WORDS}}if (l->nibbles) {{end}}lists = q_sum8_nibbles(lists, row, part->planes, sums);
{{end}}{{if .WORDS}}                    if (l->nibbles == 0 && n == 4) lists = q_sum{{.GROUP}}_4(lists, row, part->planes, sums);
                    if (l->nibbles == 0 && n == 1) lists = q_sum{{.GROUP}}_1(lists, row, part->planes, sums);
{{end}}{{if .WORDS}}                    if (n == 1) q_unlane(sums, offset, some);
                    else {{end}}{{if .NIBBLES}}{{if eq .GROUP 8}}{{if .WORDS}}if (l->nibbles == 0) q_unlane4(sums, offset, some);
                    else for (i = 0; i < 4; i++) q_unlane(sums + 2 * i, offset, some + 4 * i);
{{else}}                    for (i = 0; i < 4; i++) q_unlane(sums + 2 * i, offset, some + 4 * i);
{{end}}{{else}}q_unlane4(sums, offset, some);
{{end}}{{else}}q_unlane4(sums, offset, some);
{{end}}{{if .SMALL}}                    for (i = 0; i < 4 * n; i++) {{if .UNITS}}sum{{else}}to{{end}}[i] += (some[i] - gone) << part->shift;
{{else}}                    for (i = 0; i < 4 * n; i += 4) {
                        uint32_t shift = part->shift;
                        {{if .UNITS}}sum{{else}}to{{end}}[i] += (some[i] - gone) << shift;
                        {{if .UNITS}}sum{{else}}to{{end}}[i + 1] += (some[i + 1] - gone) << shift;
                        {{if .UNITS}}sum{{else}}to{{end}}[i + 2] += (some[i + 2] - gone) << shift;
                        {{if .UNITS}}sum{{else}}to{{end}}[i + 3] += (some[i + 3] - gone) << shift;
                    }
{{end}}                    if (part->shift == 0) break;
                }
{{if .UNITS}}                if (t->unit != NULL) q_scale(to, whole, 4 * n, t->unit);
{{end}}                to += 4 * n;
                row += {{if and .WORDS .NIBBLES (eq .GROUP 8)}}l->nibbles ? 8 : 4 * n{{else if .WORDS}}4 * n{{else}}8{{end}};
            }
        }
    }
    for (i = 0; i < l->outputs; i++) {
        int32_t bias = l->bias[i];
        acc[i] += extra + (uint32_t)bias;
    }
    if (step == NULL) {
        memcpy(Q_BYTES(l->out), acc, (size_t)(l->outputs << 2));
        return;
    }
{{if .EACH}}    if (l->each == 0) {
        q_levels(step, acc, l->outputs, 0, Q_BYTES(l->out));
        return;
    }
    for (i = 0; i < l->outputs; i++, step++) {
        Q_KEEP(step);
        q_levels(step, acc + i, 1, 0, Q_BYTES(l->out) + i);
    }
{{else}}    q_levels(step, acc, l->outputs, 0, Q_BYTES(l->out));
{{end}}}
