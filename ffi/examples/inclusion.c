/* That a signed transaction is in a block: its leaf, the proof that a node gives, the transaction root of the block's header. */
#include "example.h"

enum { LEAVES = 1000, INDEX = 611 };

int main(void) {
    static qnx_hash_t leaves[LEAVES];
    static qnx_log_t log;
    qnx_hash_t root, proof[QNX_LOG_PROOF_MAX];
    size_t proof_len = QNX_LOG_PROOF_MAX;
    uint64_t size;
    uint32_t i;

    /* The block: the node hashes each signed transaction's entry (qnx_signed_log_entry); numbers stand for entries here. */
    must(qnx_log_init(&log));
    for (i = 0; i < LEAVES; i++) {
        uint8_t entry[4];
        entry[0] = (uint8_t)(i >> 24);
        entry[1] = (uint8_t)(i >> 16);
        entry[2] = (uint8_t)(i >> 8);
        entry[3] = (uint8_t)i;
        must(qnx_log_leaf(entry, sizeof entry, &leaves[i]));
        must(qnx_log_push(&log, &leaves[i]));
    }
    must(qnx_log_root(&log, &root, &size));
    must(qnx_log_clear(&log));
    print_hash("root", &root);
    must(qnx_log_prove_inclusion(leaves, LEAVES, INDEX, proof, &proof_len));
    printf("proof          %lu hashes for %lu leaves\n", (unsigned long)proof_len, (unsigned long)size);

    /* The verifier knows the root from a final header, and nothing else of the block. */
    must(qnx_log_verify_inclusion(&root, size, INDEX, &leaves[INDEX], proof, proof_len));
    expect(qnx_log_verify_inclusion(&root, size, INDEX + 1, &leaves[INDEX], proof, proof_len), QNX_ERR_LOG_PROOF);
    expect(qnx_log_verify_inclusion(&root, size, INDEX, &leaves[INDEX + 1], proof, proof_len), QNX_ERR_LOG_PROOF);
    expect(qnx_log_verify_inclusion(&root, size, size, &leaves[INDEX], proof, proof_len), QNX_ERR_LOG_INDEX);

    /* A longer block begins with a shorter one. */
    {
        qnx_hash_t first_root, leaf_root;
        proof_len = QNX_LOG_PROOF_MAX;
        must(qnx_log_init(&log));
        for (i = 0; i < INDEX; i++) must(qnx_log_push(&log, &leaves[i]));
        must(qnx_log_root(&log, &first_root, &size));
        must(qnx_log_prove_consistency(leaves, LEAVES, INDEX, proof, &proof_len));
        must(qnx_log_verify_consistency(INDEX, &first_root, LEAVES, &root, proof, proof_len));
        leaf_root = leaves[0];
        expect(qnx_log_verify_consistency(INDEX, &leaf_root, LEAVES, &root, proof, proof_len), QNX_ERR_LOG_PROOF);
        printf("consistency    %lu hashes from %lu leaves on\n", (unsigned long)proof_len, (unsigned long)size);
    }
    return 0;
}
