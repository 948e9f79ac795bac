/* A device and its host in one process: a client that sets a device up, gives a key a policy, and lets it sign. */
#include "device.h"

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
