#include "board.h"

/* The CMSDK's serial port, its timer, and the interrupt controller. */
struct uart { volatile uint32_t data, state, control, interrupt, divider; };
struct timer { volatile uint32_t control, value, reload, interrupt; };

#define LINE ((struct uart *)0x50200000)
#define PANEL ((struct uart *)0x50201000)
#define TIMER ((struct timer *)0x50000000)
#define NVIC_ENABLE ((volatile uint32_t *)0xe000e100)
#define NVIC_UNPEND ((volatile uint32_t *)0xe000e280)

enum { SEND_FULL = 1, RECEIVE_FULL = 2 };                  /* in state */
enum { UART_SEND = 1, UART_RECEIVE = 2, UART_INTERRUPT = 8, UART_RECEIVED = 2 };
enum { TIMER_ENABLE = 1, TIMER_INTERRUPT = 8, TIMER_RAISED = 1 };
enum { TIMER_NUMBER = 3, LINE_NUMBER = 32, PANEL_NUMBER = 34 };
#define TICKS_PER_MS 20000u

/* What the loader leaves (firmware/src/handover.rs), and the page behind the flash that the host fills (firmware/src/boards/mps/bench.rs). */
struct handover { uint32_t magic, version, slot, sequence; uint8_t measurement[32], given_up[32]; };
struct bench { volatile uint32_t magic, fuse, tear, starts; uint8_t seed[32], unique_secret[32]; };

#define HANDOVER ((const struct handover *)0x38000000)
#define FLASH ((volatile uint8_t *)0x80000000)
#define FLASH_SIZE (130u * QNX_FLASH_PAGE)
#define BENCH ((struct bench *)(0x80000000 + FLASH_SIZE))

/* ---- clock */

static uint32_t rounds;

/* Ticks since the start. The timer counts down; the interrupt of each round ends every sleep in time. */
static uint64_t ticks(void)
{
    uint32_t value = TIMER->value;
    if (TIMER->interrupt & TIMER_RAISED) {
        TIMER->interrupt = TIMER_RAISED;
        rounds++;
        value = TIMER->value;
    }
    return ((uint64_t)rounds << 32) | ~value;
}

static uint64_t uptime(void *context)
{
    (void)context;
    return ticks() / TICKS_PER_MS;
}

/* ---- ports */

static int uart_read(struct uart *uart, uint8_t *byte)
{
    if (!(uart->state & RECEIVE_FULL))
        return 0;
    /* Before the byte is taken, so that the next one raises it again. */
    uart->interrupt = UART_RECEIVED;
    *byte = (uint8_t)uart->data;
    return 1;
}

static uint8_t uart_receive(struct uart *uart)
{
    uint8_t byte;
    while (!uart_read(uart, &byte)) {
        __asm volatile("wfi");
        (void)ticks();
        NVIC_UNPEND[0] = 1u << TIMER_NUMBER;
        NVIC_UNPEND[1] = 1u << (LINE_NUMBER - 32) | 1u << (PANEL_NUMBER - 32);
    }
    return byte;
}

static void uart_send(struct uart *uart, uint8_t byte)
{
    while (uart->state & SEND_FULL)
        ;
    uart->data = byte;
}

static void panel_print(const char *text)
{
    while (*text != 0)
        uart_send(PANEL, (uint8_t)*text++);
}

uint8_t line_receive(void)
{
    return uart_receive(LINE);
}

void line_send(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        uart_send(LINE, bytes[i]);
}

/* ---- panel */

static void show(void *context, const qnx_line_t *line)
{
    (void)context;
    panel_print(line->label);
    panel_print(": ");
    panel_print(line->value);
    panel_print("\r\n");
}

/* The button. What was typed before the question does not count. */
static uint8_t confirm(void *context)
{
    uint8_t byte;
    (void)context;
    while (uart_read(PANEL, &byte))
        ;
    panel_print("Confirm? y/n\r\n");
    do
        byte = uart_receive(PANEL);
    while (byte != 'y' && byte != 'n');
    return byte == 'y';
}

/* ---- flash: memory that keeps the rules of a NOR flash */

static int outside(uint32_t offset, size_t len)
{
    return offset > FLASH_SIZE || len > FLASH_SIZE - offset;
}

static qnx_status_t flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t len)
{
    (void)context;
    if (outside(offset, len))
        return 1;
    for (size_t i = 0; i < len; i++)
        bytes[i] = FLASH[offset + i];
    return 0;
}

static qnx_status_t flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t len)
{
    (void)context;
    if (outside(offset, len) || offset % QNX_FLASH_WORD != 0 || len % QNX_FLASH_WORD != 0)
        return 1;
    for (size_t i = 0; i < len; i++)
        if (FLASH[offset + i] != 0xff)
            return 1;
    for (size_t i = 0; i < len; i++)
        FLASH[offset + i] = bytes[i];
    return 0;
}

static qnx_status_t flash_erase(void *context, uint32_t offset, uint32_t len)
{
    (void)context;
    if (outside(offset, len) || offset % QNX_FLASH_PAGE != 0 || len % QNX_FLASH_PAGE != 0)
        return 1;
    for (size_t i = 0; i < len; i++)
        FLASH[offset + i] = 0xff;
    return 0;
}

/* ---- entropy, emulated: the hash of the host's seed, how often the machine was started, and a counter */

static qnx_status_t entropy(void *context, uint8_t *bytes, size_t len)
{
    static struct { uint8_t seed[32]; uint32_t starts, drawn; } input;
    uint8_t block[32];
    (void)context;
    for (size_t i = 0; i < sizeof input.seed; i++)
        input.seed[i] = BENCH->seed[i];
    input.starts = BENCH->starts;
    for (size_t done = 0; done < len; done++) {
        if (done % sizeof block == 0) {
            input.drawn++;
            if (input.drawn == 0 || qnx_sha3_256((const uint8_t *)&input, sizeof input, block) != QNX_OK)
                return 1;
        }
        bytes[done] = block[done % sizeof block];
    }
    return 0;
}

/* ---- all together */

static void copy(uint8_t *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[i];
}

static qnx_region_t region(uint32_t page, uint16_t pages)
{
    qnx_region_t region = {page * QNX_FLASH_PAGE, pages};
    return region;
}

int board_start(qnx_board_t *board, qnx_firmware_t *firmware)
{
    /* The key that signs demonstration images, which everybody has. */
    static const uint8_t vendor[32] = {
        0x80, 0x00, 0x17, 0xaf, 0xca, 0xcb, 0x1e, 0xd6, 0x62, 0x83, 0x47, 0x80, 0x83, 0x14, 0x34, 0x02,
        0x28, 0xa2, 0x11, 0xdc, 0x8c, 0x60, 0x2c, 0x34, 0xf0, 0xcc, 0x11, 0x80, 0xc7, 0xc9, 0x06, 0xbe,
    };
    struct uart *const ports[2] = {LINE, PANEL};

    if (HANDOVER->magic != 0x31485851u /* QXH1 */ || BENCH->magic != 0x31455851u /* QXE1 */)
        return 1;
    BENCH->starts++;

    NVIC_ENABLE[0] = 1u << TIMER_NUMBER;
    NVIC_ENABLE[1] = 1u << (LINE_NUMBER - 32) | 1u << (PANEL_NUMBER - 32);
    if (!(TIMER->control & TIMER_ENABLE)) {
        TIMER->reload = UINT32_MAX;
        TIMER->value = UINT32_MAX;
        TIMER->control = TIMER_ENABLE | TIMER_INTERRUPT;
    }
    for (int i = 0; i < 2; i++) {
        ports[i]->divider = 16; /* the smallest, for the highest rate */
        ports[i]->control = UART_SEND | UART_RECEIVE | UART_INTERRUPT;
    }

    board->context = 0;
    board->read = flash_read;
    board->program = flash_program;
    board->erase = flash_erase;
    board->entropy = entropy;
    board->uptime = uptime;
    board->show = show;
    board->confirm = confirm;
    board->flash_size = FLASH_SIZE;
    board->vault = region(0, 16);
    board->audit = region(16, 8);
    board->votes = region(24, 40);
    board->boot = region(64, 2);
    board->slots[0] = region(66, 32);
    board->slots[1] = region(98, 32);
    copy((uint8_t *)board->name.text, (const uint8_t *)"MPS2-AN505", 11);
    board->vendor_scheme = QNX_ED25519;
    copy(board->vendor.bytes, vendor, sizeof vendor);
    copy(board->unique_secret, BENCH->unique_secret, sizeof board->unique_secret);

    firmware->version = HANDOVER->version;
    firmware->slot = (uint8_t)HANDOVER->slot;
    firmware->sequence = HANDOVER->sequence;
    copy(firmware->measurement.bytes, HANDOVER->measurement, 32);
    copy(firmware->given_up.bytes, HANDOVER->given_up, 32);
    return 0;
}
