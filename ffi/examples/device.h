/* A device for examples, in the program itself: the service over a flash in memory, and what its host says to it once. `firmware/` has the same device on a
 * board, and a host that reaches it over a socket. */
#ifndef DEVICE_H
#define DEVICE_H

#include "example.h"

enum { PAGES = 14 };

/* ---- a board: flash, entropy, clock, panel and button, all of them for show */

typedef struct {
    uint8_t flash[PAGES * QNX_FLASH_PAGE];
    uint8_t drawn;
} hardware_t;

static inline qnx_status_t flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t len) {
    memcpy(bytes, ((hardware_t *)context)->flash + offset, len);
    return QNX_OK;
}

static inline qnx_status_t flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t len) {
    memcpy(((hardware_t *)context)->flash + offset, bytes, len);
    return QNX_OK;
}

static inline qnx_status_t flash_erase(void *context, uint32_t offset, uint32_t len) {
    memset(((hardware_t *)context)->flash + offset, 0xff, len);
    return QNX_OK;
}

/* A counter: the example prints the same each time. A device has a source that deserves the name. */
static inline qnx_status_t entropy(void *context, uint8_t *bytes, size_t len) {
    memset(bytes, ++((hardware_t *)context)->drawn, len);
    return QNX_OK;
}

static inline uint64_t uptime(void *context) {
    (void)context;
    return 1000000;
}

static inline void show(void *context, const qnx_line_t *line) {
    (void)context;
    printf("  panel: %s: %s\n", line->label, line->value);
}

static inline uint8_t confirm(void *context) {
    (void)context;
    printf("  panel: the button is pressed\n");
    return 1;
}

static inline qnx_region_t region(uint32_t page, uint16_t pages) {
    qnx_region_t made;
    memset(&made, 0, sizeof made);
    made.offset = page * QNX_FLASH_PAGE;
    made.pages = pages;
    return made;
}

static inline void start(qnx_device_t *device, hardware_t *hardware) {
    static qnx_sign_work_t work;
    qnx_board_t board;
    qnx_firmware_t firmware;
    memset(hardware, 0, sizeof *hardware);
    memset(hardware->flash, 0xff, sizeof hardware->flash);
    memset(&firmware, 0, sizeof firmware);
    firmware.version = 1;
    memset(&board, 0, sizeof board);
    board.context = hardware;
    board.read = flash_read;
    board.program = flash_program;
    board.erase = flash_erase;
    board.entropy = entropy;
    board.uptime = uptime;
    board.show = show;
    board.confirm = confirm;
    board.flash_size = sizeof hardware->flash;
    board.vault = region(0, 4);
    board.audit = region(4, 3);
    board.votes = region(7, 3);
    board.boot = region(10, 2);
    board.slots[0] = region(12, 1);
    board.slots[1] = region(13, 1);
    strcpy(board.name.text, "EXAMPLE");
    board.vendor_scheme = QNX_ED25519;
    memset(board.unique_secret, 42, sizeof board.unique_secret);
    must(qnx_device_init(device, &work, &board, &firmware));
}

/* ---- the line between both: a call */

static inline qnx_status_t exchange(void *context, const uint8_t *frame, size_t len, uint8_t *answer, size_t capacity,
                             size_t *answer_len) {
    static uint8_t sent[QNX_FRAME_MAX];
    memcpy(sent, frame, len);
    *answer_len = capacity;
    return qnx_device_answer((qnx_device_t *)context, sent, len, answer, answer_len);
}

/* ---- the host: users, a key with a policy, and what the device believes of the chain */

#define OFFICER_PIN "officer1"
#define OPERATOR_PIN "operator"

static inline qnx_id_t id(const char *text) {
    qnx_id_t made;
    memset(&made, 0, sizeof made);
    strcpy(made.text, text);
    return made;
}

static inline void set_up(qnx_client_t *client, qnx_key_info_t *key) {
    const uint8_t *officer_pin = (const uint8_t *)OFFICER_PIN, *operator_pin = (const uint8_t *)OPERATOR_PIN;
    const qnx_id_t vault = id("VAULT"), alice = id("ALICE"), oscar = id("OSCAR"), treasury = id("TREASURY");
    static qnx_policy_t policy;
    static uint8_t policy_bytes[QNX_POLICY_MAX];
    size_t policy_len = sizeof policy_bytes;
    qnx_header_t header;

    must(qnx_client_pair(client));
    must(qnx_client_initialise(client, &vault, 1, &alice, officer_pin, strlen(OFFICER_PIN)));
    must(qnx_client_login(client, &alice, officer_pin, strlen(OFFICER_PIN)));
    must(qnx_client_add_user(client, &oscar, QNX_ROLE_OPERATOR, operator_pin, strlen(OPERATOR_PIN)));
    must(qnx_client_create_key(client, 0, QNX_ED25519, QNX_PURPOSE_TRANSACTION, 0, &treasury, key));

    /* What the key may sign: transfers to one bank, up to 100 USDC each and 150 a day, after somebody has read the panel. */
    policy.account = id("ACC000001");
    policy.operations = 1u << QNX_OP_TRANSFER;
    policy.without_witness = 1u << QNX_OP_TRANSFER;
    policy.max_fee = decimal("1");
    policy.max_validity_blocks = 1000;
    policy.asset_count = 2;
    policy.assets[0].asset = id("QNX");
    policy.assets[0].max_per_transaction = decimal("5");
    policy.assets[1].asset = id("USDC");
    policy.assets[1].max_per_transaction = decimal("100");
    policy.assets[1].has_window = 1;
    policy.assets[1].window_span_ms = 86400000;
    policy.assets[1].window_max = decimal("150");
    policy.has_receivers = 1;
    policy.receiver_count = 1;
    policy.receivers[0] = id("BANK_001");
    policy.confirm = 1;
    must(qnx_policy_encode(&policy, policy_bytes, &policy_len));
    must(qnx_client_set_policy(client, 0, policy_bytes, policy_len));

    memset(&header, 0, sizeof header);
    header.protocol = 1;
    header.chain_id = id("QENEX-DEMO");
    header.proposer = id("VALIDATOR_1");
    header.height = 10;
    header.time_ms = 1795215307123u;
    must(qnx_client_anchor(client, &header, 86400000));
    must(qnx_client_login(client, &oscar, operator_pin, strlen(OPERATOR_PIN)));
}

#endif
