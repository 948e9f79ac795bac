/* A host in C: pairs with a device on a socket, anchors it, lets it sign a transfer, and checks what comes back.
 *
 *     host SOCKET MEASUREMENT
 *
 * The device has an officer ALICE, an operator OSCAR, and in slot 0 a key with a policy that allows transfers of USDC from BANK_001; MEASUREMENT is the
 * image, whose hash it must attest. Everything is random or from the command line, but for what a chain would give: its newest final header. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "qenex.h"

/* ---- a line: frames with COBS over a stream */

static qnx_status_t exchange(void *context, const uint8_t *frame, size_t len, uint8_t *answer, size_t capacity,
                             size_t *answer_len)
{
    const int line = *(const int *)context;
    uint8_t encoded[QNX_COBS_MAX];
    size_t encoded_len = sizeof encoded;
    qnx_status_t status = qnx_cobs_encode(frame, len, encoded, &encoded_len);
    if (status != QNX_OK)
        return status;
    for (size_t sent = 0; sent < encoded_len;) {
        ssize_t written = write(line, encoded + sent, encoded_len - sent);
        if (written <= 0)
            return QNX_ERR_DEVICE_LINE;
        sent += (size_t)written;
    }
    for (encoded_len = 0;;) {
        uint8_t byte;
        if (read(line, &byte, 1) != 1 || encoded_len == sizeof encoded)
            return QNX_ERR_DEVICE_LINE;
        if (byte != 0)
            encoded[encoded_len++] = byte;
        else if (encoded_len > 0)
            break;
    }
    status = qnx_cobs_decode(encoded, &encoded_len);
    if (status != QNX_OK || encoded_len > capacity)
        return QNX_ERR_FRAME_LENGTH;
    memcpy(answer, encoded, encoded_len);
    *answer_len = encoded_len;
    return QNX_OK;
}

/* ---- what must not fail */

static void check(const char *what, qnx_status_t status)
{
    if (status != QNX_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, qnx_status_name(status), qnx_status_text(status));
        exit(1);
    }
    printf("%s\n", what);
}

static void demand(const char *what, int holds)
{
    if (!holds) {
        fprintf(stderr, "%s: it does not\n", what);
        exit(1);
    }
    printf("%s\n", what);
}

static void fill_random(uint8_t *bytes, size_t len)
{
    FILE *file = fopen("/dev/urandom", "rb");
    demand("random bytes", file != NULL && fread(bytes, 1, len, file) == len);
    fclose(file);
}

static void login(qnx_client_t *client, const char *name, const char *pin)
{
    qnx_id_t user = {{0}};
    strncpy(user.text, name, sizeof user.text - 1);
    check(name, qnx_client_login(client, &user, (const uint8_t *)pin, strlen(pin)));
}

static void check_image(qnx_client_t *client, const char *path)
{
    static uint8_t image[1 << 20];
    uint8_t nonce[QNX_NONCE_SIZE];
    qnx_attestation_t attestation;
    qnx_hash_t measurement;
    FILE *file = fopen(path, "rb");
    demand("the image is there", file != NULL);
    size_t len = fread(image, 1, sizeof image, file);
    fclose(file);
    check("its hash", qnx_hash(QNX_DOMAIN_MEASUREMENT, image, len, &measurement));
    fill_random(nonce, sizeof nonce);
    check("the device attests", qnx_client_attest(client, nonce, &attestation));
    demand("it runs this image", memcmp(&attestation.measurement, &measurement, sizeof measurement) == 0);
}

int main(int argc, char **argv)
{
    static qnx_client_t client;
    uint8_t static_key[QNX_CHANNEL_KEY_SIZE], random[QNX_CHANNEL_KEY_SIZE], signature[QNX_MAX_SIGNATURE_SIZE];
    uint8_t bytes[QNX_TRANSACTION_MAX];
    char code[QNX_PAIRING_CODE_SIZE];
    size_t code_len = sizeof code, len = sizeof bytes, signature_len = sizeof signature;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    qnx_client_status_t said;
    qnx_key_info_t key;
    qnx_status_t verdict;
    qnx_hash_t id;

    demand("a socket and an image were named", argc == 3 && strlen(argv[1]) < sizeof address.sun_path);
    strcpy(address.sun_path, argv[1]);
    int line = socket(AF_UNIX, SOCK_STREAM, 0);
    demand("somebody listens", line >= 0 && connect(line, (struct sockaddr *)&address, sizeof address) == 0);

    /* A host keeps its static key, and the device's once they are paired. */
    fill_random(static_key, sizeof static_key);
    fill_random(random, sizeof random);
    check("a channel is open", qnx_client_open(&client, exchange, &line, static_key, random, NULL));
    check("its code", qnx_client_pairing_code(&client, code, &code_len));
    printf("    %s: confirm on the panel only if it shows the same\n", code);
    check("paired", qnx_client_pair(&client));
    check_image(&client, argv[2]);

    login(&client, "ALICE", "the officer's pin");
    login(&client, "OSCAR", "the operator's pin");
    qnx_header_t header = {.protocol = 1, .epoch = 1, .height = 10, .time_ms = 1760000000000, .chain_id = {"QENEX-TEST"},
                           .proposer = {"VALIDATOR_1"}};
    check("anchored", qnx_client_anchor(&client, &header, 86400000));
    check("status", qnx_client_status(&client, &said));
    demand("it trusts the header", said.trusted.present == 1 && said.trusted.height == 10);
    check("the key", qnx_client_describe_key(&client, 0, &key));

    static qnx_transaction_t transaction = {.nonce = 0, .last_valid_height = 50, .chain_id = {"QENEX-TEST"},
                                            .sender = {"BANK_001"}, .op = QNX_OP_TRANSFER};
    transaction.fee = qnx_amount_from_whole(1);
    qnx_transfer_t *transfer = &transaction.body.transfer;
    transfer->asset = (qnx_id_t){"USDC"};
    transfer->leg_count = 1;
    transfer->legs[0].to = (qnx_id_t){"SHOP"};
    transfer->legs[0].amount = qnx_amount_from_whole(50);
    check("a transfer of 50 USDC", qnx_transaction_encode(&transaction, bytes, &len));
    check("its id", qnx_transaction_id(bytes, len, &id));
    check("it is brought", qnx_client_begin_sign(&client, 0, 0, bytes, len));
    check("it is judged", qnx_client_judge(&client, &verdict));
    check("the policy allows it", verdict);
    check("it is signed", qnx_client_sign(&client, signature, &signature_len));
    check("the signature is the key's",
          qnx_verify(key.scheme, QNX_PURPOSE_TRANSACTION, &id, key.public_key, key.public_key_len, signature,
                     signature_len));

    /* A host that somebody has broken into asks for more than the policy allows. */
    transaction.nonce = 1;
    transfer->legs[0].amount = qnx_amount_from_whole(101);
    len = sizeof bytes;
    check("a transfer of 101 USDC", qnx_transaction_encode(&transaction, bytes, &len));
    check("it is brought", qnx_client_begin_sign(&client, 0, 0, bytes, len));
    signature_len = sizeof signature;
    demand("the policy refuses it", qnx_client_sign(&client, signature, &signature_len) == QNX_ERR_POLICY_AMOUNT);
    check("the channel is closed", qnx_client_clear(&client));
    close(line);
    return 0;
}
