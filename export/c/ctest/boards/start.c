/* What runs before main and after it: memory is set up, and the exit code goes to the machine outside by semihosting. */
#include <stdint.h>
#include <string.h>

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[], stack_top[];
int check_all(void);
void start(void);

static long semihost(long operation, void *argument) {
#ifdef __arm__
    register long r0 __asm__("r0") = operation;
    register void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#else
    register long a0 __asm__("a0") = operation;
    register void *a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n.option norvc\n.balign 16\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop" : "+r"(a0) : "r"(a1) : "memory");
    return a0;
#endif
}

void check_say(const char *text) { semihost(4, (void *)text); }

static void begin(void) {
    uint32_t *to, *from = data_load;
    uint32_t exit_block[2];
    for (to = data_start; to < data_end; to++) *to = *from++;
    for (to = bss_start; to < bss_end; to++) *to = 0;
    exit_block[0] = 0x20026; /* the program has ended */
    exit_block[1] = (uint32_t)check_all();
    semihost(0x20, exit_block);
    for (;;) {}
}

#ifdef __arm__
void start(void) { begin(); }
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*start)(void);
} vectors = {stack_top, start};
#else
__attribute__((section(".start"), naked)) void start(void) {
    __asm__ volatile("la sp, stack_top\n j begin_c");
}
__attribute__((used)) void begin_c(void);
void begin_c(void) { begin(); }
#endif
