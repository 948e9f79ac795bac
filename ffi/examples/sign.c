/* A device and its host in one process: the service of a device over a flash in memory, and a client that sets it up, gives a key a policy, and lets it
 * sign. `firmware/` has the same device on a board, and a host that reaches it over a socket. */
#include "example.h"

enum { PAGES = 14 };

/* ---- a board: flash, entropy, clock, panel and button, all of them for show */

typedef struct {
    uint8_t flash[PAGES * QNX_FLASH_PAGE];
    uint8_t drawn;
} hardware_t;

static qnx_status_t flash_read(void *context, uint32_t offset, uint8_t *bytes, size_t len) {
    memcpy(bytes, ((hardware_t *)context)->flash + offset, len);
    return QNX_OK;
}

static qnx_status_t flash_program(void *context, uint32_t offset, const uint8_t *bytes, size_t len) {
    memcpy(((hardware_t *)context)->flash + offset, bytes, len);
    return QNX_OK;
}

static qnx_status_t flash_erase(void *context, uint32_t offset, uint32_t len) {
    memset(((hardware_t *)context)->flash + offset, 0xff, len);
    return QNX_OK;
}

/* A counter: the example prints the same each time. A device has a source that deserves the name. */
static qnx_status_t entropy(void *context, uint8_t *bytes, size_t len) {
    memset(bytes, ++((hardware_t *)context)->drawn, len);
    return QNX_OK;
}

static uint64_t uptime(void *context) {
    (void)context;
    return 1000000;
}

static void show(void *context, const qnx_line_t *line) {
    (void)context;
    printf("  panel: %s: %s\n", line->label, line->value);
}

static uint8_t confirm(void *context) {
    (void)context;
    printf("  panel: the button is pressed\n");
    return 1;
}

static qnx_region_t region(uint32_t page, uint16_t pages) {
    qnx_region_t made;
    memset(&made, 0, sizeof made);
    made.offset = page * QNX_FLASH_PAGE;
    made.pages = pages;
    return made;
}

static void start(qnx_device_t *device, hardware_t *hardware) {
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

static qnx_status_t exchange(void *context, const uint8_t *frame, size_t len, uint8_t *answer, size_t capacity,
                             size_t *answer_len) {
    static uint8_t sent[QNX_FRAME_MAX];
    memcpy(sent, frame, len);
    *answer_len = capacity;
    return qnx_device_answer(context, sent, len, answer, answer_len);
}

/* ---- the host */

static qnx_id_t id(const char *text) {
    qnx_id_t made;
    memset(&made, 0, sizeof made);
    strcpy(made.text, text);
    return made;
}

static void set_up(qnx_client_t *client, qnx_key_info_t *key) {
    const uint8_t officer_pin[] = {'o', 'f', 'f', 'i', 'c', 'e', 'r', '1'};
    const uint8_t operator_pin[] = {'o', 'p', 'e', 'r', 'a', 't', 'o', 'r'};
    const qnx_id_t vault = id("VAULT"), alice = id("ALICE"), oscar = id("OSCAR"), treasury = id("TREASURY");
    static qnx_policy_t policy;
    static uint8_t policy_bytes[QNX_POLICY_MAX];
    size_t policy_len = sizeof policy_bytes;
    qnx_header_t header;

    must(qnx_client_pair(client));
    must(qnx_client_initialise(client, &vault, 1, &alice, officer_pin, sizeof officer_pin));
    must(qnx_client_login(client, &alice, officer_pin, sizeof officer_pin));
    must(qnx_client_add_user(client, &oscar, QNX_ROLE_OPERATOR, operator_pin, sizeof operator_pin));
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
    must(qnx_client_login(client, &oscar, operator_pin, sizeof operator_pin));
}

/* Lets the device sign a transfer, and checks what comes back. */
static qnx_status_t pay(qnx_client_t *client, const qnx_key_info_t *key, uint64_t nonce, const char *amount, const char *to) {
    static qnx_transaction_t transaction;
    static uint8_t bytes[QNX_TRANSACTION_MAX], signature[QNX_MAX_SIGNATURE_SIZE];
    size_t len = sizeof bytes, signature_len = sizeof signature;
    qnx_status_t status;
    qnx_hash_t tx;

    memset(&transaction, 0, sizeof transaction);
    transaction.chain_id = id("QENEX-DEMO");
    transaction.sender = id("ACC000001");
    transaction.nonce = nonce;
    transaction.last_valid_height = 500;
    transaction.fee = decimal("0.01");
    transaction.op = QNX_OP_TRANSFER;
    transaction.body.transfer.asset = id("USDC");
    transaction.body.transfer.leg_count = 1;
    transaction.body.transfer.legs[0].to = id(to);
    transaction.body.transfer.legs[0].amount = decimal(amount);
    must(qnx_transaction_encode(&transaction, bytes, &len));
    must(qnx_transaction_id(bytes, len, &tx));

    printf("pay %s USDC to %s\n", amount, to);
    must(qnx_client_begin_sign(client, 0, 0, bytes, len));
    /* First what it would say: nobody is disturbed for nothing. */
    must(qnx_client_judge(client, &status));
    if (status == QNX_OK) status = qnx_client_sign(client, signature, &signature_len);
    if (status == QNX_OK) {
        must(qnx_verify(key->scheme, QNX_PURPOSE_TRANSACTION, &tx, key->public_key, key->public_key_len, signature,
                        signature_len));
    }
    printf("%s\n", qnx_status_name(status));
    return status;
}

int main(void) {
    static hardware_t hardware;
    static qnx_device_t device;
    static qnx_client_t client;
    qnx_key_info_t key;
    uint8_t static_key[QNX_CHANNEL_KEY_SIZE], ephemeral[QNX_CHANNEL_KEY_SIZE];

    /* Random in earnest; the static key is kept, so that the device knows the host again. */
    memset(static_key, 1, sizeof static_key);
    memset(ephemeral, 2, sizeof ephemeral);
    start(&device, &hardware);
    must(qnx_client_open(&client, exchange, &device, static_key, ephemeral, NULL));
    set_up(&client, &key);
    print_hash("key", &key.hash);

    expect(pay(&client, &key, 0, "100", "BANK_001"), QNX_OK);
    expect(pay(&client, &key, 1, "101", "BANK_001"), QNX_ERR_POLICY_AMOUNT);
    expect(pay(&client, &key, 1, "50", "ACC000666"), QNX_ERR_POLICY_RECEIVER);
    expect(pay(&client, &key, 1, "51", "BANK_001"), QNX_ERR_POLICY_WINDOW);
    expect(pay(&client, &key, 1, "50", "BANK_001"), QNX_OK);

    must(qnx_client_clear(&client));
    must(qnx_device_clear(&device));
    return 0;
}
