/* A light client: it believes one header that somebody vouches for, and then every header that a quorum of the trusted validators finalized,
 * across a change of the validators: by certificates, and by checkpoints, which outlive Ed25519. The chain is made here, so that the example needs nothing else. */
#include "example.h"

enum { VALIDATORS = 4, QUORUM = 3 };

typedef struct {
    qnx_key_t key;
    uint8_t public_key[32];
    qnx_key_t checkpoint_key;
    uint8_t checkpoint_public_key[QNX_MAX_PUBLIC_KEY_SIZE];
    qnx_hash_t finality_key;
} validator_t;

/* A set of validators in the order of their keys, and its hash. */
typedef struct {
    validator_t members[VALIDATORS];
    qnx_hash_t hash;
} set_t;

static int by_key(const void *a, const void *b) {
    return memcmp(((const validator_t *)a)->public_key, ((const validator_t *)b)->public_key, 32);
}

static void make_set(set_t *set, uint8_t first_seed) {
    static qnx_validators_t hash;
    int i;
    for (i = 0; i < VALIDATORS; i++) {
        uint8_t seed[QNX_SEED_SIZE];
        size_t len = sizeof set->members[i].public_key;
        memset(seed, first_seed + i, sizeof seed);
        must(qnx_key_init(&set->members[i].key, QNX_ED25519, seed));
        must(qnx_key_public(&set->members[i].key, set->members[i].public_key, &len));
        len = sizeof set->members[i].checkpoint_public_key;
        must(qnx_key_init(&set->members[i].checkpoint_key, QNX_HYBRID, seed));
        must(qnx_key_public(&set->members[i].checkpoint_key, set->members[i].checkpoint_public_key, &len));
        must(qnx_key_hash(QNX_HYBRID, QNX_PURPOSE_CHECKPOINT, set->members[i].checkpoint_public_key, len,
                          &set->members[i].finality_key));
    }
    qsort(set->members, VALIDATORS, sizeof set->members[0], by_key);
    must(qnx_validators_init(&hash));
    for (i = 0; i < VALIDATORS; i++) {
        must(qnx_validators_push(&hash, QNX_ED25519, set->members[i].public_key, 32, &set->members[i].finality_key));
    }
    must(qnx_validators_hash(&hash, &set->hash));
    must(qnx_validators_clear(&hash));
}

static qnx_header_t make_header(uint64_t height, uint64_t epoch, const set_t *now, const set_t *next) {
    qnx_header_t header;
    memset(&header, 0, sizeof header);
    header.protocol = 1;
    strcpy(header.chain_id.text, "QENEX-DEMO");
    strcpy(header.proposer.text, "VALIDATOR_1");
    header.height = height;
    header.epoch = epoch;
    header.time_ms = 1795215307123u + 1000 * height;
    memset(header.state_root.bytes, (int)height, sizeof header.state_root.bytes);
    header.validators = now->hash;
    header.next_validators = next->hash;
    return header;
}

/* Brings a header that the first `signers` members of a set finalized. */
static qnx_status_t follow(qnx_trusted_t *trusted, const qnx_header_t *header, const set_t *set, int signers) {
    static qnx_following_t following;
    qnx_proposal_t proposal;
    qnx_hash_t vote;
    qnx_status_t status;
    int i;
    memset(&proposal, 0, sizeof proposal);
    proposal.epoch = header->epoch;
    proposal.view = header->height;
    proposal.parent_view = header->height - 1;
    must(qnx_header_id(header, &proposal.header));
    must(qnx_finalize_id(&header->chain_id, &proposal, &vote));
    status = qnx_following_init(&following, trusted, header, &proposal);
    for (i = 0; i < VALIDATORS && status == QNX_OK; i++) {
        uint8_t signature[64];
        size_t len = sizeof signature;
        must(qnx_key_sign(&set->members[i].key, QNX_PURPOSE_VOTE, &vote, signature, &len));
        status = qnx_following_push(&following, QNX_ED25519, set->members[i].public_key, 32,
                                    &set->members[i].finality_key, i < signers ? signature : NULL, i < signers ? len : 0);
    }
    if (status == QNX_OK) status = qnx_following_finish(&following, trusted);
    must(qnx_following_clear(&following));
    return status;
}

/* Brings the last header of an epoch with its checkpoint, which the first `signers` members of a set signed. */
static qnx_status_t follow_checkpoint(qnx_trusted_t *trusted, const qnx_header_t *header, const set_t *set, int signers) {
    static qnx_checkpoint_t check;
    qnx_hash_t id;
    qnx_status_t status;
    int i;
    must(qnx_checkpoint_id(header, &id));
    status = qnx_checkpoint_init(&check, trusted, header);
    for (i = 0; i < VALIDATORS && status == QNX_OK; i++) {
        const validator_t *member = &set->members[i];
        if (i < signers) {
            static uint8_t signature[QNX_MAX_SIGNATURE_SIZE];
            size_t len = sizeof signature;
            must(qnx_key_sign(&member->checkpoint_key, QNX_PURPOSE_CHECKPOINT, &id, signature, &len));
            status = qnx_checkpoint_push_signed(&check, QNX_ED25519, member->public_key, 32, member->checkpoint_public_key,
                                                sizeof member->checkpoint_public_key, signature, len);
        } else {
            status = qnx_checkpoint_push(&check, QNX_ED25519, member->public_key, 32, &member->finality_key);
        }
    }
    if (status == QNX_OK) status = qnx_checkpoint_finish(&check, trusted);
    must(qnx_checkpoint_clear(&check));
    return status;
}

int main(void) {
    static set_t first, second;
    qnx_header_t header;
    qnx_trusted_t trusted;

    make_set(&first, 1);
    make_set(&second, 101);

    /* The anchor: whoever runs the client vouches for this header. */
    header = make_header(1, 1, &first, &first);
    must(qnx_trust_anchor(&header, 86400000, &trusted));

    /* Headers between may be left out, but not the end of an epoch, where the set changes. */
    header = make_header(9, 1, &first, &second);
    must(follow(&trusted, &header, &first, QUORUM));
    header = make_header(12, 2, &second, &second);
    must(follow(&trusted, &header, &second, VALIDATORS));
    printf("height         %lu, epoch %lu\n", (unsigned long)trusted.height, (unsigned long)trusted.epoch);
    print_hash("header", &trusted.header);

    /* The same by a checkpoint, at the end of an epoch. */
    header = make_header(18, 2, &second, &first);
    expect(follow_checkpoint(&trusted, &header, &second, QUORUM - 1), QNX_ERR_CERTIFICATE_SIGNERS);
    expect(follow_checkpoint(&trusted, &header, &first, QUORUM), QNX_ERR_VALIDATOR_SET);
    must(follow_checkpoint(&trusted, &header, &second, QUORUM));
    printf("height         %lu, epoch %lu\n", (unsigned long)trusted.height, (unsigned long)trusted.epoch);
    print_hash("header", &trusted.header);

    /* What is not final is not believed, and changes nothing. */
    header = make_header(19, 3, &first, &first);
    expect(follow(&trusted, &header, &first, QUORUM - 1), QNX_ERR_CERTIFICATE_SIGNERS);
    expect(follow(&trusted, &header, &second, QUORUM), QNX_ERR_VALIDATOR_SET);
    header = make_header(12, 2, &second, &second);
    expect(follow(&trusted, &header, &second, QUORUM), QNX_ERR_HEADER_NOT_NEWER);
    header = make_header(90000, 2, &second, &second);
    expect(follow(&trusted, &header, &second, QUORUM), QNX_ERR_HEADER_TRUSTING_PERIOD);
    printf("still          %lu\n", (unsigned long)trusted.height);
    return 0;
}
