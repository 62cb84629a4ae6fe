package c

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"

	"qconv/runtime"
)

// selfTest is an input, by the seed of the generator of FORMAT.md, and the CRC-32C of what comes out: all elements of all outputs, four
// bytes each, the lowest first.
type selfTest struct{ seed, crc uint32 }

// selfTests takes those of the program; one that has none is run here.
func (g *generator) selfTests() ([]selfTest, error) {
	var list []selfTest
	for _, t := range g.p.SelfTests {
		list = append(list, selfTest{t.Seed, checksum(t.Want)})
	}
	if len(list) > 0 {
		return list, nil
	}
	r, err := runtime.NewRunner(g.p, runtime.Options{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	const seed = 1
	outs, err := r.RunGenerated(seed)
	if err != nil {
		return nil, err
	}
	var all []int32
	for _, o := range outs {
		all = append(all, o...)
	}
	return []selfTest{{seed, checksum(all)}}, nil
}

func checksum(values []int32) uint32 {
	bytes := make([]byte, 0, 4*len(values))
	for _, v := range values {
		bytes = append(bytes, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	return crc32.Checksum(bytes, crc32.MakeTable(crc32.Castagnoli))
}

// selfTestHead are the functions that the self-test needs.
const selfTestHead = `
/* q_generate writes levels of the generator of self-tests from state x on, and returns the next state. */
static uint32_t q_generate(uint32_t x, uint8_t *to, uint32_t count, uint32_t levels) {
    uint32_t mask = 1, i;
    while (mask < levels - 1) mask += mask + 1;
    for (i = 0; i < count; i++) {
        uint32_t v;
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        v = (x >> 24) & mask;
        to[i] = (uint8_t)(v >= levels ? v - levels : v);
    }
    return x;
}

/* q_checksum goes on with the CRC-32C of a number of four bytes. */
static uint32_t q_checksum(uint32_t crc, uint32_t value) {
    int i;
    crc ^= value;
    for (i = 0; i < 32; i++) crc = (crc & 1U) ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
    return crc;
}

`

func (g *generator) writeSelfTest(b *bytes.Buffer) error {
	tests, err := g.selfTests()
	if err != nil {
		return err
	}
	b.WriteString(selfTestHead)
	var rows []string
	for _, t := range tests {
		rows = append(rows, fmt.Sprintf("{%dU, %dU}", t.seed, t.crc))
	}
	fmt.Fprintf(b, "static const FLASH uint32_t q_selftests[%d][2] = {%s}; /* seed, checksum */\n\n", len(rows), strings.Join(rows, ", "))
	wide, narrow := false, false
	for _, o := range g.p.Outputs {
		levels := g.p.Tensors[o.Tensor].Levels
		wide, narrow = wide || levels == 0, narrow || levels > 0
	}
	fmt.Fprintf(b, "int %s_selftest(void) {\n    int n;\n    for (n = 0; n < %d; n++) {\n        uint32_t x = q_selftests[n][0] ^ 0x9E3779B9U, crc = 0xFFFFFFFFU, i;\n", g.o.Name, len(rows))
	if narrow {
		b.WriteString("        const uint8_t *levels;\n")
	}
	if wide {
		b.WriteString("        const uint32_t *numbers;\n")
	}
	b.WriteString("        if (x == 0) x = 1;\n")
	for k := range g.p.Inputs {
		t := &g.p.Tensors[g.p.Inputs[k].Tensor]
		fmt.Fprintf(b, "        x = q_generate(x, Q_BYTES(%d), %d, %d);\n", g.at(g.p.Inputs[k].Tensor), t.Elems(), t.Levels)
	}
	for _, s := range states(g.p) {
		t := &g.p.Tensors[s.To]
		fmt.Fprintf(b, "        x = q_generate(x, Q_BYTES(%d), %d, %d);\n", g.at(s.To), t.Elems(), t.Levels)
	}
	b.WriteString("        q_run();\n")
	for _, o := range g.p.Outputs {
		t := &g.p.Tensors[o.Tensor]
		if t.Levels > 0 {
			fmt.Fprintf(b, "        levels = Q_BYTES(%d);\n        for (i = 0; i < %d; i++) crc = q_checksum(crc, levels[i]);\n", g.at(o.Tensor), t.Elems())
		} else {
			fmt.Fprintf(b, "        numbers = Q_WORDS(%d);\n        for (i = 0; i < %d; i++) crc = q_checksum(crc, numbers[i]);\n", g.at(o.Tensor), t.Elems())
		}
	}
	if g.p.Stream == nil {
		b.WriteString("        if ((crc ^ 0xFFFFFFFFU) != q_selftests[n][1]) return n + 1;\n    }\n    return 0;\n}\n")
		return nil
	}
	fmt.Fprintf(b, "        %[1]s_reset();\n        if ((crc ^ 0xFFFFFFFFU) != q_selftests[n][1]) return n + 1;\n    }\n    return 0;\n}\n", g.o.Name)
	return nil
}
