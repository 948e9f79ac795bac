/* A transfer: built, shown as its signer sees it, signed with a key in memory, checked, read back. `sign.c` does the same with a device. */
#include "example.h"

int main(void) {
    static uint8_t bytes[QNX_TRANSACTION_MAX], signed_bytes[QNX_TRANSACTION_MAX + 256];
    uint8_t seed[QNX_SEED_SIZE], public_key[32], signature[64];
    size_t len = sizeof bytes, public_len = sizeof public_key, signature_len = sizeof signature;
    size_t signed_len = sizeof signed_bytes, lines, i;
    qnx_transaction_t transaction;
    qnx_transfer_t *transfer = &transaction.body.transfer;
    qnx_authority_t authority;
    qnx_signature_t by_sender;
    qnx_signed_t parts;
    qnx_hash_t id;
    qnx_key_t key;

    memset(&transaction, 0, sizeof transaction);
    strcpy(transaction.chain_id.text, "QENEX-DEMO");
    strcpy(transaction.sender.text, "ACC000001");
    transaction.nonce = 7;
    transaction.last_valid_height = 1000;
    transaction.fee = decimal("0.01");
    transaction.op = QNX_OP_TRANSFER;
    strcpy(transfer->asset.text, "USDC");
    transfer->leg_count = 2;
    strcpy(transfer->legs[0].to.text, "BANK_001");
    transfer->legs[0].amount = decimal("25");
    strcpy(transfer->legs[0].reference.text, "invoice 42");
    strcpy(transfer->legs[1].to.text, "ACC000002");
    transfer->legs[1].amount = decimal("0.5");
    must(qnx_transaction_encode(&transaction, bytes, &len));

    must(qnx_summary_count(bytes, len, &lines));
    for (i = 0; i < lines; i++) {
        qnx_line_t line;
        must(qnx_summary_line(bytes, len, i, &line));
        printf("%-14s %s\n", line.label, line.value);
    }
    must(qnx_transaction_id(bytes, len, &id));
    print_hash("id", &id);

    /* A seed is random in earnest. */
    memset(seed, 7, sizeof seed);
    must(qnx_key_init(&key, QNX_ED25519, seed));
    must(qnx_key_public(&key, public_key, &public_len));
    must(qnx_key_sign(&key, QNX_PURPOSE_TRANSACTION, &id, signature, &signature_len));
    must(qnx_key_clear(&key));
    memset(&by_sender, 0, sizeof by_sender);
    by_sender.scheme = QNX_ED25519;
    by_sender.public_key = public_key;
    by_sender.public_key_len = public_len;
    by_sender.signature = signature;
    by_sender.signature_len = signature_len;
    must(qnx_signed_encode(bytes, len, &by_sender, 1, signed_bytes, &signed_len));

    /* What a node checks, given the authority in the sender's account. */
    memset(&authority, 0, sizeof authority);
    authority.threshold = 1;
    authority.key_count = 1;
    authority.keys[0].scheme = QNX_ED25519;
    must(qnx_key_hash(QNX_ED25519, QNX_PURPOSE_TRANSACTION, public_key, public_len, &authority.keys[0].hash));
    must(qnx_signed_verify(signed_bytes, signed_len, &authority));
    must(qnx_signed_decode(signed_bytes, signed_len, &parts));
    printf("signed         %lu bytes, %lu signature, %s\n", (unsigned long)signed_len,
           (unsigned long)parts.signature_count, memcmp(parts.id.bytes, id.bytes, sizeof id.bytes) ? "changed" : "the same");

    /* One bit anywhere is noticed. */
    signed_bytes[signed_len - 1] ^= 1;
    expect(qnx_signed_verify(signed_bytes, signed_len, &authority), QNX_ERR_SIGNATURE_MISMATCH);
    /* A buffer that is too small says what is needed. */
    len = 10;
    expect(qnx_transaction_encode(&transaction, bytes, &len), QNX_ERR_BUFFER_TOO_SMALL);
    printf("needed         %lu bytes\n", (unsigned long)len);
    return 0;
}
