/* A plugin of QEMU 7.2 or newer that counts what the main thread of an ARM or arm64 program executes.
 *
 *   cc -O2 -shared -fPIC -o count.so count.c
 *   qemu-aarch64 -d plugin -D SECTIONS -plugin count.so PROGRAM ARG...
 *
 * The program ends a section by umask(010022), of which Linux sees 022. At its exit SECTIONS holds one line of JSON:
 * a list with [instructions, loads, stores, instructions of other threads] for every section, what came behind the last
 * mark included. Loads and stores are instructions, whatever they move: a pair or a list of registers counts once.
 *
 * The counts are exact: a block of instructions has one entry, and reports before it runs what all of it will execute. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is needed of qemu-plugin.h, version 1. */
typedef uint64_t qemu_plugin_id_t;
typedef struct {
    const char *target_name;
    struct { int min, cur; } version;
    bool system_emulation;
    union { struct { int smp_vcpus, max_vcpus; } system; };
} qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), enum qemu_plugin_cb_flags, void *);
extern void qemu_plugin_register_vcpu_syscall_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, unsigned, int64_t, uint64_t,
    uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t));
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
extern void qemu_plugin_outs(const char *);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

enum { MARK = 010022 };

typedef struct { uint32_t instructions, loads, stores; } block;
typedef struct { uint64_t instructions, loads, stores, others; } section;

static bool arm64;
static section now, *sections;
static size_t count, room;

static uint32_t bits(uint32_t word, int high, int low) { return word >> low & ((2u << (high - low)) - 1); }

/* moves says whether an instruction of arm64 loads or stores: "Loads and stores" of the manual's encoding index. */
static void moves_arm64(uint32_t w, bool *load, bool *store) {
    *load = *store = false;
    if ((w & 0x0a000000) != 0x08000000) return;
    bool vector = bits(w, 26, 26), l = bits(w, 22, 22);
    switch (bits(w, 29, 28)) {
    case 1: /* literals; 11 without vectors is a prefetch */
        if (!bits(w, 24, 24)) { *load = vector || bits(w, 31, 30) != 3; return; }
        break;
    case 3:
        if (!bits(w, 24, 24) && bits(w, 21, 21) && bits(w, 11, 10) == 0 && !vector) { *load = *store = true; return; } /* atomic */
        if (!vector && bits(w, 31, 30) == 3 && bits(w, 23, 22) == 2) return; /* prefetch */
        if (!vector) l = bits(w, 23, 22) != 0;
        break;
    }
    *load = l;
    *store = !l;
}

/* moves_arm says so of an instruction of ARM without coprocessors. */
static void moves_arm(uint32_t w, bool *load, bool *store) {
    *load = *store = false;
    bool l = bits(w, 20, 20);
    switch (bits(w, 27, 25)) {
    case 0: /* halfwords, signed bytes, double words and swaps among the multiplications */
        if (!bits(w, 7, 7) || !bits(w, 4, 4)) return;
        if (bits(w, 6, 5) == 0) { *load = *store = bits(w, 24, 23) == 2; return; }
        if (!l && bits(w, 6, 5) == 2) l = true; /* LDRD */
        break;
    case 2: case 4:
        break;
    case 3:
        if (bits(w, 4, 4)) return;
        break;
    default:
        return;
    }
    if (bits(w, 31, 28) == 15) return; /* prefetch */
    *load = l;
    *store = !l;
}

static void execute(unsigned cpu, void *data) {
    const block *b = data;
    if (cpu != 0) {
        __atomic_fetch_add(&now.others, b->instructions, __ATOMIC_RELAXED);
        return;
    }
    now.instructions += b->instructions;
    now.loads += b->loads;
    now.stores += b->stores;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    block *b = calloc(1, sizeof *b); /* lives as long as the program: blocks may be translated again at any time */
    b->instructions = qemu_plugin_tb_n_insns(tb);
    for (size_t i = 0; i < b->instructions; i++) {
        const struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint32_t word;
        bool load, store;
        if (qemu_plugin_insn_size(insn) != sizeof word) continue; /* Thumb, in the start-up of C */
        memcpy(&word, qemu_plugin_insn_data(insn), sizeof word);
        (arm64 ? moves_arm64 : moves_arm)(word, &load, &store);
        b->loads += load;
        b->stores += store;
    }
    qemu_plugin_register_vcpu_tb_exec_cb(tb, execute, QEMU_PLUGIN_CB_NO_REGS, b);
}

/* end ends a section. Others may run on meanwhile; what they do falls to one section or the next. */
static void end(void) {
    if (count == room) sections = realloc(sections, (room = 2 * room + 64) * sizeof *sections);
    section s = now;
    s.others = __atomic_exchange_n(&now.others, 0, __ATOMIC_RELAXED);
    now.instructions = now.loads = now.stores = 0;
    sections[count++] = s;
}

static void call(qemu_plugin_id_t id, unsigned cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                 uint64_t f, uint64_t g, uint64_t h) {
    if (cpu == 0 && number == (arm64 ? 166 : 60) && (uint32_t)a == MARK) end();
}

static void finish(qemu_plugin_id_t id, void *data) {
    end();
    for (size_t i = 0; i < count; i++) {
        char text[128];
        const section *s = &sections[i];
        snprintf(text, sizeof text, "%s[%" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 "]%s", i ? "" : "[",
                 s->instructions, s->loads, s->stores, s->others, i + 1 < count ? ", " : "]\n");
        qemu_plugin_outs(text);
    }
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
    arm64 = !strcmp(info->target_name, "aarch64");
    if (info->system_emulation || (!arm64 && strcmp(info->target_name, "arm"))) {
        fprintf(stderr, "count.so: programs of %s are not counted, want arm or aarch64\n", info->target_name);
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_vcpu_syscall_cb(id, call);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
