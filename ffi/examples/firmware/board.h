/* Arm's MPS2 with the AN505 image as QEMU emulates it, and what stands for the rest of a device there: see firmware/README.md. */
#ifndef BOARD_H
#define BOARD_H

#include "qenex.h"

/* Sets up the hardware. Returns zero if there is what a host and a loader must have left. */
int board_start(qnx_board_t *board, qnx_firmware_t *firmware);

/* The serial line to the host: waits for a byte; sends bytes. */
uint8_t line_receive(void);
void line_send(const uint8_t *bytes, size_t len);

#endif
