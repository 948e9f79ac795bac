/* A device in C: one frame in, one frame out, for ever. The service is libqenex's; board.c is the hardware. */
#include "board.h"

/* Bytes until a zero that ends something, decoded: the length of the frame. What is too long or no frame counts as empty, which none is. */
static size_t receive(uint8_t *line)
{
    size_t len = 0, kept;
    for (uint8_t byte; (byte = line_receive()) != 0 || len == 0;) {
        if (byte == 0)
            continue; /* zeros between frames are silence */
        if (len < QNX_COBS_MAX)
            line[len] = byte;
        len++;
    }
    kept = len;
    if (len > QNX_COBS_MAX || qnx_cobs_decode(line, &kept) != QNX_OK)
        return 0;
    return kept;
}

int main(void)
{
    /* Too large for a stack, and never moved. */
    static qnx_device_t device;
    static qnx_sign_work_t work;
    static qnx_board_t board;
    static qnx_firmware_t firmware;
    static uint8_t line[QNX_COBS_MAX], answer[QNX_FRAME_MAX];

    if (board_start(&board, &firmware) != 0)
        return 1;
    qnx_status_t failed = qnx_device_init(&device, &work, &board, &firmware);
    for (;;) {
        size_t len = receive(line), answer_len = sizeof answer, line_len = sizeof line;
        qnx_status_t status = failed;
        if (status == QNX_OK)
            status = qnx_device_answer(&device, line, len, answer, &answer_len);
        if (status != QNX_OK) {
            /* Said in the clear: why there is no device. */
            answer[0] = QNX_FRAME_VERSION;
            answer[1] = QNX_FRAME_REFUSED;
            answer[2] = (uint8_t)(status & 0xff);
            answer[3] = (uint8_t)(status >> 8 & 0xff);
            answer_len = 4;
        }
        if (qnx_cobs_encode(answer, answer_len, line, &line_len) == QNX_OK)
            line_send(line, line_len);
    }
}
