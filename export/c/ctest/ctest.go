// Package ctest writes programs that check exported sources: they run samples and compare what comes out with what must.
package ctest

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"

	"qconv/export/c"
	"qconv/runtime"
)

// Case is a program with samples and the elements of all outputs that each must give. Of a stream they are the first steps.
type Case struct {
	Options c.Options
	Program *runtime.Program
	Samples [][]byte
	Want    [][]int32
}

// Write exports every case into dir, with a main function that runs all of them. Function check_all returns 0 if all results
// are right; it says the names of those that are wrong. Write returns the files to compile.
func Write(dir string, cases []Case) (sources []string, err error) {
	var main, calls bytes.Buffer
	main.WriteString("#include \"check.h\"\n")
	for i := range cases {
		k := &cases[i]
		r, err := c.Export(k.Program, k.Options)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.Options.Name, err)
		}
		for _, f := range r.Files {
			if err := write(dir, f.Path, f.Data); err != nil {
				return nil, err
			}
		}
		name := k.Options.Name
		if err := write(dir, "check_"+name+".c", k.source()); err != nil {
			return nil, err
		}
		sources = append(sources, filepath.Join(dir, name+".c"), filepath.Join(dir, "check_"+name+".c"))
		fmt.Fprintf(&main, "int check_%s(void);\n", name)
		fmt.Fprintf(&calls, "    code = check_%[1]s();\n    if (code != 0) { check_say(\"%[1]s \"); failed = code; }\n", name)
	}
	fmt.Fprintf(&main, "int check_all(void);\nint check_all(void) {\n    int failed = 0, code;\n%s    return failed;\n}\n", calls.String())
	if err := write(dir, "check.h", []byte(checkHeader)); err != nil {
		return nil, err
	}
	if err := write(dir, "check_main.c", main.Bytes()); err != nil {
		return nil, err
	}
	return append(sources, filepath.Join(dir, "check_main.c")), nil
}

func write(dir, name string, data []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

const checkHeader = `#include <stdint.h>
void check_say(const char *text);
#ifndef CHECK_RUNS
#define CHECK_RUNS 0 /* more runs of all samples, for counts */
#endif
/* The CRC-32C of numbers of four bytes, the lowest byte first. */
static inline uint32_t check_add(uint32_t crc, uint32_t value) {
    int i;
    crc ^= value;
    for (i = 0; i < 32; i++) crc = (crc & 1U) ? (crc >> 1) ^ 0x82F63B78U : crc >> 1;
    return crc;
}
`

// source is the file that checks k.
func (k *Case) source() []byte {
	var b bytes.Buffer
	name, upper := k.Options.Name, strings.ToUpper(k.Options.Name)
	fmt.Fprintf(&b, "#include <stddef.h>\n#include \"check.h\"\n#include \"%s.h\"\n", name)
	for i, s := range k.Samples {
		fmt.Fprintf(&b, "static const uint8_t sample%d[] = {", i)
		for j, v := range s {
			if j%32 == 0 {
				b.WriteByte('\n')
			}
			fmt.Fprintf(&b, "%d,", v)
		}
		b.WriteString("};\n")
	}
	p := k.Program
	var args []string
	at := 0
	for i := range p.Inputs {
		args = append(args, fmt.Sprintf("samples[n] + %d", at))
		at += p.Tensors[p.Inputs[i].Tensor].Elems()
	}
	outputs := make([]string, len(p.Outputs))
	for i, o := range p.Outputs {
		kind, macro := "uint8_t", fmt.Sprintf("%s_OUTPUT%d_COUNT", upper, i)
		if p.Tensors[o.Tensor].Levels == 0 {
			kind = "int32_t"
		}
		if len(p.Outputs) == 1 {
			macro = upper + "_OUTPUT_COUNT"
		}
		fmt.Fprintf(&b, "static %s output%d[%s];\n", kind, i, macro)
		args = append(args, fmt.Sprintf("output%d", i))
		outputs[i] = fmt.Sprintf("        for (i = 0; i < %s; i++) crc = check_add(crc, (uint32_t)output%d[i]);\n", macro, i)
	}
	b.WriteString("static const uint8_t *const samples[] = {")
	for i := range k.Samples {
		fmt.Fprintf(&b, "sample%d,", i)
	}
	b.WriteString("};\nstatic const uint32_t want[] = {")
	for _, w := range k.Want {
		fmt.Fprintf(&b, "%dU,", Checksum(w))
	}
	run, reset := name+"_run", ""
	if p.Stream != nil {
		run, reset = name+"_step", name+"_reset();"
	}
	call := fmt.Sprintf("%s(%s)", run, strings.Join(args, ", "))
	fmt.Fprintf(&b, "};\n\nstatic int check_samples(void) {\n    int n;\n    for (n = 0; n < %d; n++) {\n        uint32_t i, crc = 0xFFFFFFFFU;\n        if (%s) return 100 + n;\n%s        if (~crc != want[n]) return 1 + n;\n    }\n    return 0;\n}\n\n", len(k.Samples), call, strings.Join(outputs, ""))
	fmt.Fprintf(&b, "int check_%s(void);\nint check_%[1]s(void) {\n    int n, code;\n    for (code = 0; code < CHECK_RUNS; code++) for (n = 0; n < %d; n++) %s;\n", name, len(k.Samples), call)
	if reset != "" { // at first nothing resets the stream, then this does, then the self-test
		fmt.Fprintf(&b, "    if (CHECK_RUNS > 0) %[1]s\n    code = check_samples();\n    if (code != 0) return code;\n    %[1]s\n", reset)
	}
	fmt.Fprintf(&b, "    code = check_samples();\n    if (code != 0) return code;\n    code = %s_selftest();\n    if (code != 0) return 200 + code;\n", name)
	if reset != "" {
		b.WriteString("    code = check_samples();\n")
	}
	b.WriteString("    return code;\n}\n")
	return b.Bytes()
}

// Checksum is the CRC-32C of numbers of four bytes, the lowest first.
func Checksum(values []int32) uint32 {
	bytes := make([]byte, 0, 4*len(values))
	for _, v := range values {
		bytes = append(bytes, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	return crc32.Checksum(bytes, crc32.MakeTable(crc32.Castagnoli))
}

// FromRuntime makes a case of p whose samples are drawn from seed, count of them; of a stream its first steps.
func FromRuntime(o c.Options, p *runtime.Program, seed uint32, count int) (Case, error) {
	var samples [][]byte
	for i := range count {
		var sample []byte
		for n, part := range p.GenerateInputs(seed + uint32(i)) {
			if len(p.Inputs[n].Tables) > 0 { // any bytes
				runtime.GenerateInput(seed+uint32(i), part, 256)
			}
			sample = append(sample, part...)
		}
		samples = append(samples, sample)
	}
	return FromSamples(o, p, samples)
}

// FromSamples makes a case of p; of a stream they are its first steps.
func FromSamples(o c.Options, p *runtime.Program, samples [][]byte) (Case, error) {
	k := Case{Options: o, Program: p}
	r, err := runtime.NewRunner(p, runtime.Options{})
	if err != nil {
		return k, err
	}
	defer r.Close()
	for _, sample := range samples {
		outs, err := r.StepSample(sample)
		if err != nil {
			return k, err
		}
		var want []int32
		for _, o := range outs {
			want = append(want, o...)
		}
		k.Samples, k.Want = append(k.Samples, sample), append(k.Want, want)
	}
	return k, nil
}
