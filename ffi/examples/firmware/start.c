/* From reset to main on a Cortex-M33 (Armv8-M Architecture Reference Manual). No interrupt is ever taken: one only ends the processor's sleep. */
#include <stdint.h>

extern uint32_t stack_start, stack_end, data_start, data_end, data_load, bss_start, bss_end;

int main(void);
void reset(void);

/* A fault: nothing happens any more. */
static void stop(void)
{
    for (;;)
        __asm volatile("wfi");
}

static void prepare(void)
{
    const uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end; to++)
        *to = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end; to++)
        *to = 0;
    main();
    stop();
}

/* Interrupts off, stack and its limit set, floating-point registers allowed (CPACR): compilers use them to copy. */
__attribute__((naked)) void reset(void)
{
    __asm volatile("cpsid i\n"
                   "ldr r0, =stack_end\n"
                   "msr msplim, r0\n"
                   "ldr r0, =stack_start\n"
                   "msr msp, r0\n"
                   "ldr r0, =0xe000ed88\n"
                   "ldr r1, [r0]\n"
                   "orr r1, r1, #0xf00000\n"
                   "str r1, [r0]\n"
                   "dsb\n"
                   "isb\n"
                   "b %0\n"
                   :
                   : "i"(prepare));
}

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    handler handlers[15];
} vectors = {
    &stack_start,
    {reset, stop, stop, stop, stop, stop, stop, 0, 0, 0, stop, stop, 0, stop, stop},
};
