/* Sums of rows of which {{.GROUP}} are added before a lane could overflow. */
/* Q_LIST adds up a list, whatever ADD adds, and spreads the sums. */
#define Q_LIST(ADD, CLEAR, SPREAD) { \
    uint32_t count = *list++, n; \
    for (n = count >> {{.SHIFT}}; n > 0; n--) { \
        CLEAR \
        {{range $i := .ALL}}ADD({{$i}}) {{end}}\
        list += {{.GROUP}}; \
        SPREAD \
    } \
    if ((count & {{.REST}}U) != 0) { \
        CLEAR \
{{if ge .GROUP 8}}        if (count & 4U) { ADD(0) ADD(1) ADD(2) ADD(3) list += 4; } \
{{end}}{{if ge .GROUP 4}}        if (count & 2U) { ADD(0) ADD(1) list += 2; } \
{{end}}        if (count & 1U) { ADD(0) list += 1; } \
        SPREAD \
    } \
}

{{if .WORDS}}/* q_sum{{.GROUP}}_1 adds up planes of lists over one word of every row and returns where the lists end. */
static const q_half *q_sum{{.GROUP}}_1(const q_half *list, const uint8_t *rows, uint32_t planes, uint32_t *sums) {
    uint32_t both0 = 0, odd0 = 0, s0;{{if .SMALL}}
    int sign;{{end}}
    for (;;) {
{{if .SMALL}}        for (sign = 0; sign < 2; sign++) { /* what is there changes its sign twice, so that rows are only added */
            Q_LIST(Q_ADD1, s0 = 0;, Q_SPREAD(+=, 0);)
            both0 = 0U - both0; odd0 = 0U - odd0;
        }
{{else}}        Q_LIST(Q_ADD1, s0 = 0;, Q_SPREAD(+=, 0);)
        Q_LIST(Q_ADD1, s0 = 0;, Q_SPREAD(-=, 0);)
{{end}}        if (--planes == 0) break;
        both0 <<= 1; odd0 <<= 1;
    }
    sums[0] = both0 - (odd0 << 8); sums[1] = odd0;
    return list;
}

/* q_sum{{.GROUP}}_4 does so over four words of every row. */
#if Q_LONG
#define Q_ADD8(i) { const uint8_t *r = rows + list[i]; s0 += q_long(r); s1 += q_long(r + 8); }
#define Q_SPREAD8(op, n) both##n op s##n; odd##n op (s##n >> 8) & 0x00FF00FF00FF00FFU

static const q_half *q_sum{{.GROUP}}_4(const q_half *list, const uint8_t *rows, uint32_t planes, uint32_t *sums) {
    uint64_t both0 = 0, odd0 = 0, both1 = 0, odd1 = 0, s0, s1, even;
    for (;;) {
        Q_LIST(Q_ADD8, s0 = s1 = 0;, Q_SPREAD8(+=, 0); Q_SPREAD8(+=, 1);)
        Q_LIST(Q_ADD8, s0 = s1 = 0;, Q_SPREAD8(-=, 0); Q_SPREAD8(-=, 1);)
        if (--planes == 0) break;
        both0 <<= 1; odd0 <<= 1; both1 <<= 1; odd1 <<= 1;
    }
    even = both0 - (odd0 << 8);
    memcpy(sums, &even, sizeof even);
    memcpy(sums + 2, &odd0, sizeof odd0);
    even = both1 - (odd1 << 8);
    memcpy(sums + 4, &even, sizeof even);
    memcpy(sums + 6, &odd1, sizeof odd1);
    return list;
}
#undef Q_ADD8
#undef Q_SPREAD8
#else
static const q_half *q_sum{{.GROUP}}_4(const q_half *list, const uint8_t *rows, uint32_t planes, uint32_t *sums) {
    uint32_t both0 = 0, odd0 = 0, both1 = 0, odd1 = 0, both2 = 0, odd2 = 0, both3 = 0, odd3 = 0, s0, s1, s2, s3;{{if .SMALL}}
    int sign;{{end}}
    for (;;) {
{{if .SMALL}}        for (sign = 0; sign < 2; sign++) { /* what is there changes its sign twice, so that rows are only added */
            Q_LIST(Q_ADD4, s0 = s1 = s2 = s3 = 0;, Q_SPREAD(+=, 0); Q_SPREAD(+=, 1); Q_SPREAD(+=, 2); Q_SPREAD(+=, 3);)
            both0 = 0U - both0; odd0 = 0U - odd0; both1 = 0U - both1; odd1 = 0U - odd1; both2 = 0U - both2; odd2 = 0U - odd2; both3 = 0U - both3; odd3 = 0U - odd3;
        }
{{else}}        Q_LIST(Q_ADD4, s0 = s1 = s2 = s3 = 0;, Q_SPREAD(+=, 0); Q_SPREAD(+=, 1); Q_SPREAD(+=, 2); Q_SPREAD(+=, 3);)
        Q_LIST(Q_ADD4, s0 = s1 = s2 = s3 = 0;, Q_SPREAD(-=, 0); Q_SPREAD(-=, 1); Q_SPREAD(-=, 2); Q_SPREAD(-=, 3);)
{{end}}        if (--planes == 0) break;
        both0 <<= 1; odd0 <<= 1; both1 <<= 1; odd1 <<= 1; both2 <<= 1; odd2 <<= 1; both3 <<= 1; odd3 <<= 1;
    }
    sums[0] = both0 - (odd0 << 8); sums[1] = odd0;
    sums[2] = both1 - (odd1 << 8); sums[3] = odd1;
    sums[4] = both2 - (odd2 << 8); sums[5] = odd2;
    sums[6] = both3 - (odd3 << 8); sums[7] = odd3;
    return list;
}
#endif
{{end}}{{if .NIBBLES}}{{if eq .GROUP 8}}
/* Rows of half bytes: a word holds the low halves of four lanes, and the high ones of the next four. */
#define Q_NIBBLES 0x0F0F0F0FU
#define Q_ADDN(i) { const uint32_t *r = Q_ROW(list[i]); uint32_t a = r[0], b = r[1]; \
    s0 += a & Q_NIBBLES; s1 += (a >> 4) & Q_NIBBLES; s2 += b & Q_NIBBLES; s3 += (b >> 4) & Q_NIBBLES; }

{{if .SMALL}}/* q_sum8_nibbles adds up planes of lists over two words of every row, in little code. */
static const q_half *q_sum8_nibbles(const q_half *list, const uint8_t *rows, uint32_t planes, uint32_t *sums) {
    uint32_t both[4] = {0, 0, 0, 0}, odd[4] = {0, 0, 0, 0}, s[4], w, n;
    int sign;
    for (;;) {
        for (sign = 0; sign < 2; sign++) { /* what is there changes its sign twice, so that rows are only added */
            uint32_t count = *list++;
            while (count > 0) {
                uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
                for (n = 8; n > 0 && count > 0; n--, count--, list++) Q_ADDN(0)
                s[0] = s0;
                s[1] = s1;
                s[2] = s2;
                s[3] = s3;
                for (w = 0; w < 4; w++) {
                    both[w] += s[w];
                    odd[w] += (s[w] >> 8) & Q_ODD;
                }
            }
            for (w = 0; w < 4; w++) {
                both[w] = 0U - both[w];
                odd[w] = 0U - odd[w];
            }
        }
        if (--planes == 0) break;
        for (w = 0; w < 4; w++) {
            both[w] <<= 1;
            odd[w] <<= 1;
        }
    }
    for (w = 0; w < 4; w++) {
        *sums++ = both[w] - (odd[w] << 8);
        *sums++ = odd[w];
    }
    return list;
}
{{else}}/* q_sum8_nibbles adds up planes of lists over two words of every row. */
static const q_half *q_sum8_nibbles(const q_half *list, const uint8_t *rows, uint32_t planes, uint32_t *sums) {
    uint32_t both0 = 0, odd0 = 0, both1 = 0, odd1 = 0, both2 = 0, odd2 = 0, both3 = 0, odd3 = 0, s0, s1, s2, s3;
    for (;;) {
        Q_LIST(Q_ADDN, s0 = s1 = s2 = s3 = 0;, Q_SPREAD(+=, 0); Q_SPREAD(+=, 1); Q_SPREAD(+=, 2); Q_SPREAD(+=, 3);)
        Q_LIST(Q_ADDN, s0 = s1 = s2 = s3 = 0;, Q_SPREAD(-=, 0); Q_SPREAD(-=, 1); Q_SPREAD(-=, 2); Q_SPREAD(-=, 3);)
        if (--planes == 0) break;
        both0 <<= 1; odd0 <<= 1; both1 <<= 1; odd1 <<= 1; both2 <<= 1; odd2 <<= 1; both3 <<= 1; odd3 <<= 1;
    }
    sums[0] = both0 - (odd0 << 8); sums[1] = odd0;
    sums[2] = both1 - (odd1 << 8); sums[3] = odd1;
    sums[4] = both2 - (odd2 << 8); sums[5] = odd2;
    sums[6] = both3 - (odd3 << 8); sums[7] = odd3;
    return list;
}
{{end}}{{end}}{{end}}#undef Q_LIST
