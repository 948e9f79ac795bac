/* qenex.h: the C ABI of QENEX. MIT licence.
 *
 * For host software in C and C++ that builds, checks, signs and verifies transactions, and for firmware. C99 and later.
 * This file is made from the sources in ffi/src; do not edit it.
 *
 * Rules that hold for every function:
 * - The caller owns every buffer and every state. The library allocates nothing, has no global state and keeps no pointer
 *   after a call has returned, unless the function says so.
 * - Any thread may call any function, as long as no other thread uses the same memory meanwhile.
 * - A function that can fail returns zero (QNX_OK) or a number of the table below. Its codes stand behind it without their prefix QNX_ERR_, a
 *   star for all that start alike. Besides those each may return QNX_ERR_NULL_POINTER, QNX_ERR_POINTER_MISALIGNED, QNX_ERR_LENGTH_TOO_LARGE, QNX_ERR_POINTER_OVERLAP, QNX_ERR_NUMBER_UNKNOWN
 *   and QNX_ERR_STATE_UNINITIALISED for arguments that cannot be right. A call that failed wrote nothing, but for the length
 *   that is needed where a buffer was too small.
 * - What is written may not overlap anything else that is passed. A pointer to no bytes at all may be null.
 * - A length of a buffer is a pointer: its room before the call, the length of the result after it. Where there is too little room, the
 *   status is QNX_ERR_BUFFER_TOO_SMALL and the length is the one that is needed.
 * - A state is a struct whose content only the library reads, with room for later versions; its _size function says how much of it
 *   is used. Its _init function comes first; its _clear function overwrites it, secrets too. Before _init a state may hold anything.
 * - Bytes between fields and behind texts are zero in what the library writes, and are not read in what it is given.
 */
#ifndef QENEX_H
#define QENEX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* =====================================================================================================================
 * Status codes, their texts, and versions.
 *
 * Every function that can fail returns a status: zero, or a number of the one table of QENEX, which the device
 * protocol, the API and the logs use as well. Numbers never change and are never used again.
 */

// The number of the ABI. It grows with every change that a program built against an older header would notice.
#define QNX_ABI_VERSION 1

// The version of this header.
#define QNX_VERSION_MAJOR 0

// The version of this header.
#define QNX_VERSION_MINOR 1

// The version of this header.
#define QNX_VERSION_PATCH 0

// Zero, or why a call failed.
typedef int32_t qnx_status_t;

// The call did what it says.
#define QNX_OK 0

// The number of the ABI that the library has: the program was built for it if this equals QNX_ABI_VERSION.
uint32_t qnx_abi_version(void);

// The version of the library, such as "0.1.0". The text stays valid for ever.
const char *qnx_version(void);

// The name of a status as this header spells it, such as "QNX_ERR_NUM_OVERFLOW", or "QNX_ERR_UNKNOWN". The text stays valid for
// ever.
const char *qnx_status_name(qnx_status_t status);

// A sentence that says what was expected. The text stays valid for ever.
const char *qnx_status_text(qnx_status_t status);

/* The result is larger than its type can hold. */
#define QNX_ERR_NUM_OVERFLOW 101
/* The result would be below zero. */
#define QNX_ERR_NUM_UNDERFLOW 102
/* The divisor must not be zero. */
#define QNX_ERR_NUM_DIVISION_BY_ZERO 103
/* A decimal is digits, optionally followed by a point and more digits. */
#define QNX_ERR_NUM_SYNTAX 104
/* At most 18 digits follow the point of an amount, at most 128 that of a precise number. */
#define QNX_ERR_NUM_TOO_MANY_DIGITS 105
/* An identifier is 1 to 24 characters of A-Z, 0-9, '_', '-' and '.'. */
#define QNX_ERR_ID_SYNTAX 201
/* A reference is at most 35 printable ASCII characters. */
#define QNX_ERR_TEXT_SYNTAX 202
/* The buffer must have room for the whole encoding. */
#define QNX_ERR_ENCODE_BUFFER_TOO_SMALL 203
/* The encoding must start with the tag of the expected kind and a known version. */
#define QNX_ERR_DECODE_UNKNOWN_TAG 211
/* The bytes must be a complete encoding with every field within its range. */
#define QNX_ERR_DECODE_MALFORMED 212
/* The bytes must be the one canonical encoding of their value. */
#define QNX_ERR_DECODE_NOT_CANONICAL 213
/* Nothing may follow the encoding. */
#define QNX_ERR_DECODE_TRAILING 214
/* The encoding is longer than its kind allows. */
#define QNX_ERR_DECODE_TOO_LONG 215
/* A signature scheme is a number of the table of schemes. */
#define QNX_ERR_SCHEME_UNKNOWN 301
/* A purpose of a key is a number from 1 to 7. */
#define QNX_ERR_PURPOSE_UNKNOWN 303
/* A public key has the length of its scheme. */
#define QNX_ERR_PUBLIC_KEY_LENGTH 304
/* A public key is the one encoding of a point that does not have small order. */
#define QNX_ERR_PUBLIC_KEY_INVALID 305
/* A signature has the length of its scheme. */
#define QNX_ERR_SIGNATURE_LENGTH 306
/* A signature must have the one form of its scheme; for Ed25519 a canonical point that does not have small order and a canonical scalar, for P-256 a low s. */
#define QNX_ERR_SIGNATURE_MALFORMED 307
/* The signature must be one of these bytes by this key. */
#define QNX_ERR_SIGNATURE_MISMATCH 308
/* A seed is 32 bytes that are not all zero, and for P-256 a number below the group's order. */
#define QNX_ERR_SEED_INVALID 309
/* A new signature must verify before it is released. */
#define QNX_ERR_SIGNATURE_NOT_RELEASED 310
/* At most 64 GiB are sealed at once. */
#define QNX_ERR_AEAD_LENGTH 311
/* What is opened must be what was sealed under the same key, nonce and context. */
#define QNX_ERR_AEAD_TAG 312
/* The context of a signature is at most 255 bytes. */
#define QNX_ERR_CONTEXT_TOO_LONG 313
/* Signing must succeed within 814 attempts, as it does but for a fault. */
#define QNX_ERR_SIGNING_ATTEMPTS 314
/* A public key for an exchange must not have low order. */
#define QNX_ERR_EXCHANGE_LOW_ORDER 315
/* ECDSA over P-256 signs a digest of 32 bytes. */
#define QNX_ERR_DIGEST_LENGTH 316
/* The index of a leaf is smaller than the number of leaves. */
#define QNX_ERR_LOG_INDEX 401
/* The first tree is not larger than the second. */
#define QNX_ERR_LOG_SIZES 402
/* The proof must lead from the leaf, or the first tree, to the root. */
#define QNX_ERR_LOG_PROOF 403
/* A state proof is about at most 64 keys in ascending order, each once. */
#define QNX_ERR_PROOF_KEYS 411
/* A node of a state proof starts with one of the five tags. */
#define QNX_ERR_PROOF_TAG 412
/* No node of a state proof is deeper than 128. */
#define QNX_ERR_PROOF_TOO_DEEP 413
/* A state proof ends with its last node. */
#define QNX_ERR_PROOF_TRUNCATED 414
/* Nothing may follow the last node of a state proof. */
#define QNX_ERR_PROOF_TRAILING 415
/* A state proof holds nothing that its keys do not need. */
#define QNX_ERR_PROOF_NOT_MINIMAL 416
/* What a key's record or its removal depends on is not opaque in a state proof. */
#define QNX_ERR_PROOF_OPAQUE 417
/* A subtree of at most one leaf is given as empty or as that leaf. */
#define QNX_ERR_PROOF_NOT_COLLAPSED 418
/* A leaf of a state proof stands on the path of its key. */
#define QNX_ERR_PROOF_MISPLACED 419
/* The proof must lead to the expected root. */
#define QNX_ERR_PROOF_ROOT 420
/* A set has 1 to 255 validators in strictly ascending order of their keys, and its hash is the expected one. */
#define QNX_ERR_VALIDATOR_SET 421
/* The signers of a certificate must be members of the set, each once, as many as the quorum. */
#define QNX_ERR_CERTIFICATE_SIGNERS 422
/* Every signature of a certificate must verify. */
#define QNX_ERR_CERTIFICATE_SIGNATURE 423
/* The certificate must finalize this header in its epoch. */
#define QNX_ERR_CERTIFICATE_PROPOSAL 424
/* The header must belong to the chain that the device follows. */
#define QNX_ERR_HEADER_CHAIN 425
/* The header must be above the trusted height. */
#define QNX_ERR_HEADER_NOT_NEWER 426
/* Time never goes back: a header is not older than the trusted one. */
#define QNX_ERR_HEADER_TIME 427
/* The header must be of the trusted epoch or the next one, and of the set that is trusted for it. */
#define QNX_ERR_HEADER_EPOCH 428
/* The header must lie within the trusting period of the trusted one; officers must anchor the device anew. */
#define QNX_ERR_HEADER_TRUSTING_PERIOD 429
/* The header must follow a version of the rules that this device implements. */
#define QNX_ERR_HEADER_PROTOCOL 430
/* A vote must not contradict one that was given. */
#define QNX_ERR_VOTE_CONTRADICTS 431
/* A vote must be of the current epoch and of one of the last views. */
#define QNX_ERR_VOTE_TOO_OLD 432
/* The amount must be above zero. */
#define QNX_ERR_AMM_ZERO_AMOUNT 501
/* The pool must hold both assets. */
#define QNX_ERR_AMM_EMPTY_POOL 502
/* The output must be less than the pool holds. */
#define QNX_ERR_AMM_INSUFFICIENT_LIQUIDITY 503
/* The output must not be below the minimum asked for. */
#define QNX_ERR_AMM_OUTPUT_BELOW_MINIMUM 504
/* The input must not be above the maximum offered. */
#define QNX_ERR_AMM_INPUT_ABOVE_MAXIMUM 505
/* The block's time must not be past the deadline. */
#define QNX_ERR_AMM_DEADLINE_PASSED 506
/* The price impact must not be above the limit. */
#define QNX_ERR_AMM_PRICE_IMPACT_ABOVE_LIMIT 507
/* A pool's fee is 0 to 9,999 basis points. */
#define QNX_ERR_AMM_FEE_OUT_OF_RANGE 508
/* The shares must not be fewer than the minimum asked for. */
#define QNX_ERR_AMM_SHARES_BELOW_MINIMUM 509
/* The pool's reserves and shares must stay within what an amount can hold. */
#define QNX_ERR_AMM_POOL_OVERFLOW 510
/* The result must be at least one unit. */
#define QNX_ERR_AMM_ZERO_OUTPUT 511
/* The pool's locked 1,000 units of shares cannot be given back. */
#define QNX_ERR_AMM_SHARES_LOCKED 512
/* The first deposit must give more than the 1,000 units of shares that are locked. */
#define QNX_ERR_AMM_FIRST_DEPOSIT_TOO_SMALL 513
/* A pool is empty, or it holds both assets and has at least 1,000 units of shares. */
#define QNX_ERR_AMM_POOL_INVALID 514
/* An authority has 1 to 8 different keys in ascending order. */
#define QNX_ERR_AUTHORITY_KEYS 601
/* The threshold is at least 1 and at most the number of keys. */
#define QNX_ERR_AUTHORITY_THRESHOLD 602
/* A transfer has 1 to 16 receivers. */
#define QNX_ERR_TRANSFER_RECEIVERS 603
/* A transfer names each receiver once. */
#define QNX_ERR_TRANSFER_DUPLICATE_RECEIVER 604
/* The transaction must name this chain. */
#define QNX_ERR_WRONG_CHAIN 701
/* The block's height must not be above the transaction's last valid height. */
#define QNX_ERR_EXPIRED 702
/* The nonce must be the number of transactions that the sender has sent; this one is already used. */
#define QNX_ERR_NONCE_USED 703
/* The nonce must be the number of transactions that the sender has sent; earlier ones are missing. */
#define QNX_ERR_NONCE_AHEAD 704
/* The account must exist. */
#define QNX_ERR_ACCOUNT_UNKNOWN 705
/* The account must be active: not frozen, not closed. */
#define QNX_ERR_ACCOUNT_NOT_ACTIVE 706
/* Exactly the threshold of the sender's own keys must sign, in ascending order. */
#define QNX_ERR_AUTHORITY_NOT_MET 707
/* The identifier must not be in use yet. */
#define QNX_ERR_ID_IN_USE 708
/* The kind of the sender's account must permit the operation. */
#define QNX_ERR_NOT_PERMITTED 709
/* The operation must change something. */
#define QNX_ERR_NO_CHANGE 710
/* An account that is closed must hold no balance and no shares. */
#define QNX_ERR_ACCOUNT_NOT_EMPTY 711
/* The amount must not be zero. */
#define QNX_ERR_ZERO_AMOUNT 712
/* Sender and receiver must be different accounts. */
#define QNX_ERR_SELF_TRANSFER 713
/* The sender's balance must cover the amount. */
#define QNX_ERR_INSUFFICIENT_BALANCE 714
/* The sender's balance of the native asset must cover the fee. */
#define QNX_ERR_INSUFFICIENT_FOR_FEE 715
/* The sender must have as many shares of the pool. */
#define QNX_ERR_INSUFFICIENT_SHARES 716
/* The asset must exist. */
#define QNX_ERR_ASSET_UNKNOWN 717
/* Only the account that created the asset may issue or burn it. */
#define QNX_ERR_NOT_ISSUER 718
/* The supply must not exceed the asset's largest supply. */
#define QNX_ERR_ABOVE_MAX_SUPPLY 719
/* The pool must exist. */
#define QNX_ERR_POOL_UNKNOWN 720
/* A pool has two different assets, named in ascending order. */
#define QNX_ERR_POOL_ASSETS 721
/* The two assets of a swap must be those of the pool. */
#define QNX_ERR_NOT_IN_POOL 722
/* A transaction writes at most 35 records. */
#define QNX_ERR_TOO_MANY_WRITES 723
/* The chain must have been made with staking. */
#define QNX_ERR_STAKING_NONE 724
/* The account must be a validator. */
#define QNX_ERR_VALIDATOR_UNKNOWN 725
/* A validator stands again once its bar has ended; after proven equivocation never. */
#define QNX_ERR_VALIDATOR_BARRED 726
/* The validator must stand, and in the slot that is named. */
#define QNX_ERR_VALIDATOR_NOT_STANDING 727
/* The slot must be one of 0 to 1,023, and free or the validator's own; a validator stands in one slot. */
#define QNX_ERR_SLOT_TAKEN 728
/* A key must be one that no other validator has ever named; keys of votes and of the network differ. */
#define QNX_ERR_KEY_IN_USE 729
/* Whoever stands must have the least stake, and a delegation must buy at least 1,000,000 units of shares. */
#define QNX_ERR_STAKE_TOO_SMALL 730
/* Every record that the transaction reads must be in the view or proven by the witness. */
#define QNX_ERR_VIEW_UNPROVEN 731
/* A record must be the canonical encoding of the kind that its identifier names. */
#define QNX_ERR_VIEW_DAMAGED 732
/* A commission is at most 10,000 basis points. */
#define QNX_ERR_COMMISSION_RANGE 741
/* The key of votes may change once the one before it is no longer accountable. */
#define QNX_ERR_KEY_CHANGED 742
/* Unbonding stake is withdrawn from its epoch of release on. */
#define QNX_ERR_STAKE_BONDED 743
/* The sender must have so many shares of the validator's stake. */
#define QNX_ERR_INSUFFICIENT_STAKE 744
/* The key of the evidence must be one that the validator is accountable for. */
#define QNX_ERR_EVIDENCE_KEY 745
/* The votes of the evidence must contradict each other. */
#define QNX_ERR_EVIDENCE_VOTES 746
/* The votes of the evidence must not be older than stake takes to unbond. */
#define QNX_ERR_EVIDENCE_OLD 747
/* A validator is punished for equivocation once. */
#define QNX_ERR_EVIDENCE_KNOWN 748
/* A block's view must be above its parent's in the same epoch, and zero on a chain without staking. */
#define QNX_ERR_BLOCK_VIEW 749
/* The proposer of a block must be the leader of its view. */
#define QNX_ERR_BLOCK_LEADER 750
/* Every rule of staking must be within its range, and at least one validator must be able to take a seat. */
#define QNX_ERR_STAKING_RANGE 751
/* The lists of a policy are in strictly ascending order. */
#define QNX_ERR_POLICY_ORDER 801
/* A policy has rules for at most 8 assets, and names at most 32 receivers, 8 pools and 8 approvers. */
#define QNX_ERR_POLICY_TOO_MANY 802
/* Every value of a policy is within its range, and what one rule asks for another one defines. */
#define QNX_ERR_POLICY_RANGE 803
/* A policy is the canonical encoding of one. */
#define QNX_ERR_POLICY_ENCODING 804
/* The policy must allow the operation, with a witness or without one. */
#define QNX_ERR_POLICY_OPERATION 811
/* The fee must not be above the policy's. */
#define QNX_ERR_POLICY_FEE 812
/* The last valid height must not be further above the trusted height than the policy allows. */
#define QNX_ERR_POLICY_VALIDITY 813
/* The trusted time must lie within the policy's hours. */
#define QNX_ERR_POLICY_HOURS 814
/* Every receiver must be one that the policy names. */
#define QNX_ERR_POLICY_RECEIVER 815
/* The pool must be one that the policy names. */
#define QNX_ERR_POLICY_POOL 816
/* The policy must have a rule for every asset that can leave. */
#define QNX_ERR_POLICY_ASSET 817
/* In the worst case no more may leave than the policy allows for one transaction. */
#define QNX_ERR_POLICY_AMOUNT 818
/* In the worst case no more may leave within the policy's span of time than it allows. */
#define QNX_ERR_POLICY_WINDOW 819
/* A swap must name a largest price impact that is not above the policy's. */
#define QNX_ERR_POLICY_PRICE_IMPACT 820
/* A rule of the policy can only be checked with a witness. */
#define QNX_ERR_POLICY_UNPROVEN 821
/* The limits of the transaction must not be further from its execution than the policy allows. */
#define QNX_ERR_POLICY_SLIPPAGE 822
/* So much as the policy says must remain after the transaction. */
#define QNX_ERR_POLICY_REMAINDER 823
/* Every receiver must be known as well as the policy says. */
#define QNX_ERR_POLICY_RECEIVER_KYC 824
/* There must be a risk score, and it must not be above the policy's. */
#define QNX_ERR_POLICY_RISK 825
/* So many of the policy's persons as it says must approve. */
#define QNX_ERR_POLICY_APPROVALS 826
/* The policy's delay must pass between the request of a large transaction and its signature. */
#define QNX_ERR_POLICY_DELAY 827
/* The sender must be the account that the policy names. */
#define QNX_ERR_POLICY_ACCOUNT 828
/* The flash must do what it was asked. */
#define QNX_ERR_FLASH_IO 901
/* The regions of the flash must be aligned, apart from each other and large enough. */
#define QNX_ERR_FLASH_GEOMETRY 902
/* What was written to the flash must read back as it was written. */
#define QNX_ERR_FLASH_DAMAGED 903
/* The flash must have room for one more record. */
#define QNX_ERR_FLASH_FULL 904
/* A frame starts with the version of the protocol, 1. */
#define QNX_ERR_FRAME_VERSION 911
/* A frame has at most 4,096 bytes. */
#define QNX_ERR_FRAME_LENGTH 912
/* A command is a number of the table of commands. */
#define QNX_ERR_COMMAND_UNKNOWN 913
/* The command continues one that must have begun. */
#define QNX_ERR_COMMAND_SEQUENCE 914
/* A channel must have been opened by a handshake. */
#define QNX_ERR_CHANNEL_CLOSED 915
/* A handshake is the three messages of Noise XX, in order. */
#define QNX_ERR_CHANNEL_HANDSHAKE 916
/* Every message of a channel is the next one that the other side sealed. */
#define QNX_ERR_CHANNEL_MESSAGE 917
/* A frame is the opening or the closing message of a handshake, or a sealed message. */
#define QNX_ERR_FRAME_KIND 918
/* The host must be paired with the device, by comparing the code on both. */
#define QNX_ERR_HOST_UNPAIRED 919
/* A device is paired with at most 4 hosts. */
#define QNX_ERR_HOSTS_FULL 920
/* The device must have been initialised. */
#define QNX_ERR_DEVICE_FRESH 921
/* The device must not have been initialised; wipe it first. */
#define QNX_ERR_DEVICE_INITIALISED 922
/* Users of a role that may give the command, as many as the device asks for, must be logged in. */
#define QNX_ERR_ROLE 923
/* An officer or an operator must be logged in, so that secrets can be opened. */
#define QNX_ERR_LOCKED 924
/* There must be a user of this name. */
#define QNX_ERR_USER_UNKNOWN 925
/* There must be no user of this name, and room for one more. */
#define QNX_ERR_USER_EXISTS 926
/* At least one officer must remain. */
#define QNX_ERR_USER_LAST_OFFICER 927
/* A PIN has 6 to 32 printable ASCII characters. */
#define QNX_ERR_PIN_FORM 928
/* The PIN must be the user's; one try fewer is left. */
#define QNX_ERR_PIN_WRONG 929
/* After a wrong PIN the device waits before it takes the next one. */
#define QNX_ERR_PIN_WAIT 930
/* No try is left; an officer must set a new PIN. */
#define QNX_ERR_PIN_BLOCKED 931
/* There must be a key in the slot. */
#define QNX_ERR_KEY_UNKNOWN 941
/* The slot must be empty, and one of 0 to 15. */
#define QNX_ERR_KEY_EXISTS 942
/* The key must have the purpose of the command. */
#define QNX_ERR_KEY_PURPOSE 943
/* The key must have a policy. */
#define QNX_ERR_KEY_POLICY 944
/* A vote is for the trusted epoch or the one after it. */
#define QNX_ERR_KEY_EPOCH 945
/* A key of votes signs in Ed25519, one of plain use in any scheme but the hybrid. */
#define QNX_ERR_KEY_SCHEME 946
/* Officers must have anchored the device in a chain. */
#define QNX_ERR_ANCHOR_MISSING 951
/* A person must confirm on the device's panel. */
#define QNX_ERR_NOT_CONFIRMED 952
/* The audit log must have room; an auditor must take it first. */
#define QNX_ERR_AUDIT_FULL 953
/* The count and the hash must be those of a place in the log. */
#define QNX_ERR_AUDIT_HEAD 954
/* The source of entropy must give different bytes each time. */
#define QNX_ERR_ENTROPY 955
/* The transactions and records of a request, or the data to be signed, must fit the device. */
#define QNX_ERR_WITNESS_TOO_LARGE 961
/* Every record must be the one that the proof shows under its key. */
#define QNX_ERR_WITNESS_RECORD 962
/* Every record that the transactions may touch must be given, and then the proof. */
#define QNX_ERR_WITNESS_MISSING 963
/* The key must be one of the sender's. */
#define QNX_ERR_KEY_NOT_AUTHORISED 964
/* At most 4 signed transactions of a key may wait to become final or expire. */
#define QNX_ERR_PENDING_FULL 965
/* What is replayed must have been signed by this key and not yet be final or expired. */
#define QNX_ERR_PENDING_UNKNOWN 966
/* Another transaction with this nonce was signed and has not expired. */
#define QNX_ERR_NONCE_SIGNED 967
/* The approval must be by a person whom the policy names, each once. */
#define QNX_ERR_APPROVER_UNKNOWN 968
/* A root is cut into at most 16 shares, and its threshold is at least 2 and at most their number. */
#define QNX_ERR_SHARE_COUNT 971
/* The shares of a root are sealed to different backup keys. */
#define QNX_ERR_SHARE_KEYS 972
/* A share must be sealed to this device. */
#define QNX_ERR_SHARE_DEVICE 973
/* A share must be unchanged, and come with the manifest under which it was made. */
#define QNX_ERR_SHARE_FOREIGN 974
/* A share must have the number and the hash of one that its manifest names. */
#define QNX_ERR_SHARE_WRONG 975
/* Each share counts once. */
#define QNX_ERR_SHARE_TWICE 976
/* As many shares must come together as their manifest's threshold says. */
#define QNX_ERR_SHARES_TOO_FEW 977
/* The shares together must give the root that their manifest names. */
#define QNX_ERR_SHARE_ROOT 978
/* An image must be signed by the key whose images the device takes. */
#define QNX_ERR_IMAGE_KEY 981
/* An image must be made for the device's board. */
#define QNX_ERR_IMAGE_BOARD 982
/* The version of an image must not be lower than the one that runs. */
#define QNX_ERR_IMAGE_VERSION 983
/* An image must have at least one byte and fit its slot. */
#define QNX_ERR_IMAGE_LENGTH 984
/* Each piece of an image follows the one before it, within the image's length; all but the last are whole words of 16 bytes. */
#define QNX_ERR_IMAGE_PIECE 985
/* The bytes of an image must have the measurement that its manifest names. */
#define QNX_ERR_IMAGE_MEASUREMENT 986
/* A new image must confirm itself by a login; this one did not, and the one before it runs again. */
#define QNX_ERR_IMAGE_RETURNED 987
/* A slot must hold an image that is signed, whole, and of no lower version than the one that was confirmed last. */
#define QNX_ERR_IMAGE_NONE 988
/* The file system, or the way to a database or an object store, must do what it was asked. */
#define QNX_ERR_STORE_IO 1001
/* A data directory is used by one process at a time. */
#define QNX_ERR_STORE_IN_USE 1002
/* The file must be of the kind and version that this program writes. */
#define QNX_ERR_STORE_FORMAT 1003
/* The file must belong to the chain of this genesis. */
#define QNX_ERR_STORE_FOREIGN 1004
/* What was committed must read back as it was written. */
#define QNX_ERR_STORE_DAMAGED 1005
/* A block is appended at the height after the last one. */
#define QNX_ERR_STORE_HEIGHT 1006
/* The height must be within the heights that are kept. */
#define QNX_ERR_STORE_NOT_FOUND 1007
/* After a write that failed the store must be opened again. */
#define QNX_ERR_STORE_FAILED 1008
/* A block must not be longer than the bound of the log. */
#define QNX_ERR_STORE_BLOCK_TOO_LONG 1009
/* The database must do what it was asked. */
#define QNX_ERR_STORE_DATABASE 1010
/* At most 31 leading bits of a key choose its bucket. */
#define QNX_ERR_STORE_BUCKET_BITS 1011
/* The pool of waiting transactions must have room; try again after the next block. */
#define QNX_ERR_MEMPOOL_FULL 1051
/* Another transaction of this sender with this nonce already waits. */
#define QNX_ERR_MEMPOOL_NONCE_TAKEN 1052
/* A sender may have only so many transactions waiting; try again after the next block. */
#define QNX_ERR_MEMPOOL_ACCOUNT_FULL 1053
/* A genesis names every account, asset and pool once, and its amounts add up within the largest amount. */
#define QNX_ERR_GENESIS_INVALID 1061
/* The data must belong to the same genesis. */
#define QNX_ERR_GENESIS_OTHER 1062
/* The parent must be the newest final block or a pending one. */
#define QNX_ERR_BLOCK_UNKNOWN_PARENT 1063
/* The block must be pending. */
#define QNX_ERR_BLOCK_UNKNOWN 1064
/* Each field of the header must be the one that executing the block yields. */
#define QNX_ERR_BLOCK_HEADER 1065
/* Every transaction of a block must be accepted. */
#define QNX_ERR_BLOCK_TRANSACTION 1066
/* The state must fit the configured memory. */
#define QNX_ERR_STATE_TOO_LARGE 1067
/* The records must have the root that the header commits to. */
#define QNX_ERR_STATE_ROOT_MISMATCH 1068
/* A data directory holds one chain. */
#define QNX_ERR_DIRECTORY 1069
/* The block log must reach at least to the checkpoint; blocks are missing. */
#define QNX_ERR_LOG_BEHIND 1070
/* All parts of a node must run; its log says which one ended, and why. */
#define QNX_ERR_NODE_ENDED 1071
/* The epoch must be over, and a quorum must have signed its checkpoint. */
#define QNX_ERR_CHECKPOINT_UNKNOWN 1072
/* All that a node needs must be there; the findings say what is not. */
#define QNX_ERR_NODE_NEEDS 1073
/* There must be a backup at the place that is named. */
#define QNX_ERR_BACKUP_NONE 1074
/* The line to the device must carry frames both ways. */
#define QNX_ERR_DEVICE_LINE 1081
/* The device must be the one that this host was paired with. */
#define QNX_ERR_DEVICE_STRANGER 1082
/* The file or socket of a device must exist and belong to it. */
#define QNX_ERR_DEVICE_FILE 1083
/* The device must answer a host that calls; while it serves another one, it does not. */
#define QNX_ERR_DEVICE_BUSY 1084
/* The file must exist and be readable. */
#define QNX_ERR_INPUT_FILE 1101
/* The file must have the columns time, from, to and amount, or the command line must name them. */
#define QNX_ERR_INPUT_COLUMNS 1102
/* A row must have a value of the right kind in every column. */
#define QNX_ERR_INPUT_VALUE 1103
/* A key file holds a seed of 64 hexadecimal digits. */
#define QNX_ERR_KEY_FILE 1104
/* A proof file is what `qenex proof make` writes. */
#define QNX_ERR_PROOF_FILE 1105
/* The proof must prove what it states against its root. */
#define QNX_ERR_PROOF_REFUTED 1106
/* The stored records must agree with their roots and with each other. */
#define QNX_ERR_CHECK_FAILED 1107
/* The argument must be of the form that the help describes. */
#define QNX_ERR_ARGUMENT 1108
/* The file must be writable. */
#define QNX_ERR_OUTPUT_FILE 1109
/* Two different names of a file must not map to the same identifier. */
#define QNX_ERR_ID_COLLISION 1110
/* A request must carry an API key or a token that counts, or ask for what is public. */
#define QNX_ERR_UNAUTHENTICATED 1121
/* A key or token must have the scope that the interface's document names for the route. */
#define QNX_ERR_SCOPE_MISSING 1122
/* A key or token must be for the account that it is used for. */
#define QNX_ERR_ACCOUNT_NOT_GRANTED 1123
/* A caller may make so many requests a minute; Retry-After says when the next one is taken. */
#define QNX_ERR_RATE_LIMITED 1124
/* The path must be one of those of the interface's document. */
#define QNX_ERR_ROUTE_UNKNOWN 1125
/* The method must be one of those that the interface's document names for the path. */
#define QNX_ERR_METHOD_UNKNOWN 1126
/* Body, path and query must be of the form that the interface's document describes. */
#define QNX_ERR_BODY_FORM 1127
/* A body must not be longer than the interface takes. */
#define QNX_ERR_BODY_TOO_LONG 1128
/* A request must arrive, and be answered, within the time that the configuration allows. */
#define QNX_ERR_REQUEST_TIMEOUT 1129
/* The id must be that of an API key. */
#define QNX_ERR_API_KEY_UNKNOWN 1130
/* The id must be that of a session. */
#define QNX_ERR_SESSION_UNKNOWN 1131
/* Nobody can hand on more than was granted to him. */
#define QNX_ERR_GRANT_EXCEEDED 1132
/* A key of idempotency belongs to one request: the same again, and no other. */
#define QNX_ERR_IDEMPOTENCY_REUSED 1133
/* The account must be one of those that the node's configuration puts into the custody of its device. */
#define QNX_ERR_NOT_IN_CUSTODY 1134
/* The device must know the newest block; try again after the next one. */
#define QNX_ERR_CUSTODY_WAITS 1135
/* The node must be able to answer; its log says why it was not. */
#define QNX_ERR_INTERFACE_FAILED 1136
/* The transaction must be in a final block that the node keeps. */
#define QNX_ERR_TRANSACTION_UNKNOWN 1137
/* Validators must decide on the blocks of the chain. */
#define QNX_ERR_VALIDATORS_NONE 1138
/* The alert must be one of those that the node knows. */
#define QNX_ERR_ALERT_UNKNOWN 1139
/* A pointer must not be null, unless there is nothing that it could point to. */
#define QNX_ERR_NULL_POINTER 1201
/* A pointer must be aligned as its type demands. */
#define QNX_ERR_POINTER_MISALIGNED 1202
/* A length must not be larger than any memory. */
#define QNX_ERR_LENGTH_TOO_LARGE 1203
/* What is written must not overlap anything else that is passed. */
#define QNX_ERR_POINTER_OVERLAP 1204
/* The buffer must have room for the result; the length that is needed was written. */
#define QNX_ERR_BUFFER_TOO_SMALL 1205
/* A state must have been initialised by the function of its type, and not been cleared since. */
#define QNX_ERR_STATE_UNINITIALISED 1206
/* A number must be one of those that its type names. */
#define QNX_ERR_NUMBER_UNKNOWN 1207
/* The seal of a genesis with proof of work has a target, an interval that is neither zero nor longer than a halving, and a depth from 1 to 1000. */
#define QNX_ERR_WORK_RULES 1301
/* A header must name the one before it as its parent, and the next height. */
#define QNX_ERR_WORK_PARENT 1302
/* A header's time is not before its parent's. */
#define QNX_ERR_WORK_TIME 1303
/* A seal is a target in its canonical form and a nonce of eight bytes. */
#define QNX_ERR_WORK_SEAL 1304
/* The target must be the one that follows from the genesis and the parent. */
#define QNX_ERR_WORK_TARGET 1305
/* The hash of a proof of work must not be above its target. */
#define QNX_ERR_WORK_PROOF 1306
/* A block must not contradict what is final. */
#define QNX_ERR_WORK_TOO_DEEP 1307
/* A branch that is not the heaviest must be heavier than others to be kept. */
#define QNX_ERR_WORK_BRANCHES_FULL 1308
/* The time of a block must not be more than ten seconds ahead of the clock of whoever takes it. */
#define QNX_ERR_WORK_EARLY 1309

/* =====================================================================================================================
 * Identifiers: readable names of chains, accounts, assets and pools.
 *
 * An identifier is 1 to 24 characters of `A-Z 0-9 _ - .`, and a zero byte. In C it is initialised like a string:
 * `qnx_id_t asset = {"USDC"};`.
 */

// Bytes of an identifier, with the zero behind it.
#define QNX_ID_SIZE 25

// Bytes of a payment's reference, with the zero behind it.
#define QNX_REFERENCE_SIZE 36

// An identifier.
typedef struct {
  // The characters, and at least one zero byte.
  char text[QNX_ID_SIZE];
} qnx_id_t;

// What a payment is for: up to 35 printable ASCII characters, and a zero byte.
typedef struct {
  // The characters, and at least one zero byte.
  char text[QNX_REFERENCE_SIZE];
} qnx_reference_t;

/* =====================================================================================================================
 * Amounts of money: unsigned decimals with 18 fractional digits, at most 10^20 - 10^-18 (SQL's DECIMAL(38,18)).
 *
 * Every operation is checked: what does not fit, would be negative or divides by zero is an error. Nothing is rounded
 * but where a rounding is named. An amount is passed by value.
 */

// Room for the longest printed amount, with the zero byte behind it.
#define QNX_AMOUNT_TEXT_SIZE 40

// An amount, as units of 10^-18: `high * 2^64 + low`, at most 10^38 - 1.
typedef struct {
  // The upper 64 bits.
  uint64_t high;
  // The lower 64 bits.
  uint64_t low;
} qnx_amount_t;

// The direction in which a division gives up what does not divide.
typedef uint8_t qnx_rounding_t;

// Towards zero.
#define QNX_ROUND_DOWN 0

// Away from zero.
#define QNX_ROUND_UP 1

// The amount of whole units, which always fits.
qnx_amount_t qnx_amount_from_whole(uint64_t whole);

// Compares two amounts: below zero, zero or above zero as `a` is less than, equal to or more than `b`.
int qnx_amount_compare(qnx_amount_t a, qnx_amount_t b);

// Reads a decimal such as "12.5" of `len` characters, without a zero byte. Signs, exponents, an empty side of the point and a 19th
// fractional digit are errors.
//
// Codes: NUM_SYNTAX, NUM_TOO_MANY_DIGITS, NUM_OVERFLOW.
qnx_status_t qnx_amount_parse(const char *text,
                              size_t len,
                              qnx_amount_t *out);

// Prints an amount in its one shortest form, with a zero byte. `*len` is the room of `out` before and the length with the zero
// byte after; QNX_AMOUNT_TEXT_SIZE is always enough.
//
// Codes: NUM_OVERFLOW, BUFFER_TOO_SMALL.
qnx_status_t qnx_amount_print(qnx_amount_t value,
                              char *out,
                              size_t *len);

// `a + b`.
//
// Codes: NUM_OVERFLOW.
qnx_status_t qnx_amount_add(qnx_amount_t a, qnx_amount_t b, qnx_amount_t *out);

// `a - b`, which must not be below zero.
//
// Codes: NUM_OVERFLOW, NUM_UNDERFLOW.
qnx_status_t qnx_amount_sub(qnx_amount_t a, qnx_amount_t b, qnx_amount_t *out);

// `a * b`, rounded once.
//
// Codes: NUM_OVERFLOW.
qnx_status_t qnx_amount_mul(qnx_amount_t a, qnx_amount_t b, qnx_rounding_t round, qnx_amount_t *out);

// `a / b`, rounded once.
//
// Codes: NUM_OVERFLOW, NUM_DIVISION_BY_ZERO.
qnx_status_t qnx_amount_div(qnx_amount_t a, qnx_amount_t b, qnx_rounding_t round, qnx_amount_t *out);

// `a * factor / divisor`, exact over a 256-bit intermediate before the one rounding.
//
// Codes: NUM_OVERFLOW, NUM_DIVISION_BY_ZERO.
qnx_status_t qnx_amount_mul_div(qnx_amount_t a,
                                qnx_amount_t factor,
                                qnx_amount_t divisor,
                                qnx_rounding_t round,
                                qnx_amount_t *out);

/* =====================================================================================================================
 * The constant-product market maker: quotes, and what a swap, a deposit or a withdrawal would do to a pool.
 *
 * Fees are in basis points (1/10,000), times in milliseconds since the Unix epoch. Every rounding favours the pool.
 */

// A pool: its reserves of two assets, the shares in it, and its fee.
typedef struct {
  // What it holds of the first asset.
  qnx_amount_t a;
  // What it holds of the second asset.
  qnx_amount_t b;
  // The shares, 1,000 units of which are locked for ever.
  qnx_amount_t shares;
  // What it keeps of each swap's input, in basis points, at most 9,999.
  uint16_t fee_bps;
} qnx_pool_t;

// Which asset goes into the pool; the other one comes out.
typedef uint8_t qnx_direction_t;

// What a trader accepts besides an amount.
typedef struct {
  // The latest time, in milliseconds since the Unix epoch.
  uint64_t deadline_ms;
  // The largest price impact, fee included, in basis points.
  uint16_t max_price_impact_bps;
  // 1 if there is a largest price impact, else 0.
  uint8_t has_max_price_impact;
  // 1 if there is a latest time, else 0.
  uint8_t has_deadline;
} qnx_limits_t;

// A ratio for people to read, `whole + fraction / 2^64`. It holds no money and decides nothing.
typedef struct {
  // The part before the point.
  uint64_t whole;
  // The part behind it, in units of 2^-64.
  uint64_t fraction;
} qnx_ratio_t;

// A swap that the pool would accept, and the pool after it.
typedef struct {
  // What goes into the pool, with the fee.
  qnx_amount_t amount_in;
  // What comes out of the pool.
  qnx_amount_t amount_out;
  // The part of the input that is the fee.
  qnx_amount_t fee;
  // How much worse the price is than the spot price, fee included: 1 - (out / in) / spot.
  qnx_ratio_t price_impact;
  // The same for the part of the input that trades, so without the fee.
  qnx_ratio_t price_impact_without_fee;
  // The pool after the swap.
  qnx_pool_t pool;
} qnx_quote_t;

// A deposit or a withdrawal that the pool would accept, and the pool after it.
typedef struct {
  // What is put in or comes out of the first asset.
  qnx_amount_t amount_a;
  // What is put in or comes out of the second asset.
  qnx_amount_t amount_b;
  // The shares that are received or given back.
  qnx_amount_t shares;
  // The pool afterwards.
  qnx_pool_t pool;
} qnx_liquidity_t;

// The first asset goes in.
#define QNX_A_TO_B 0

// The second asset goes in.
#define QNX_B_TO_A 1

// What comes out for an input: floor(in * kept * reserve_out / (reserve_in * 10,000 + in * kept)), kept being 10,000 - fee_bps.
//
// Codes: NUM_OVERFLOW, AMM_ZERO_AMOUNT, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW.
qnx_status_t qnx_amm_amount_out(qnx_amount_t amount_in,
                                qnx_amount_t reserve_in,
                                qnx_amount_t reserve_out,
                                uint16_t fee_bps,
                                qnx_amount_t *out);

// What must go in for an output: floor(reserve_in * out * 10,000 / ((reserve_out - out) * kept)) + 1.
//
// Codes: NUM_OVERFLOW, AMM_ZERO_AMOUNT, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_INSUFFICIENT_LIQUIDITY.
qnx_status_t qnx_amm_amount_in(qnx_amount_t amount_out,
                               qnx_amount_t reserve_in,
                               qnx_amount_t reserve_out,
                               uint16_t fee_bps,
                               qnx_amount_t *out);

// What a swap of an exact input at time `now_ms` would do; it must yield at least `min_out`. `limits` may be null for none.
//
// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_ZERO_AMOUNT, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_ZERO_OUTPUT, AMM_OUTPUT_BELOW_MINIMUM, AMM_PRICE_IMPACT_ABOVE_LIMIT, AMM_DEADLINE_PASSED.
qnx_status_t qnx_amm_swap_exact_in(const qnx_pool_t *pool,
                                   qnx_direction_t way,
                                   qnx_amount_t amount_in,
                                   qnx_amount_t min_out,
                                   const qnx_limits_t *limits,
                                   uint64_t now_ms,
                                   qnx_quote_t *out);

// What a swap for an exact output at time `now_ms` would do; it must take at most `max_in`. `limits` may be null for none.
//
// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_ZERO_AMOUNT, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_INSUFFICIENT_LIQUIDITY, AMM_INPUT_ABOVE_MAXIMUM, AMM_PRICE_IMPACT_ABOVE_LIMIT, AMM_DEADLINE_PASSED.
qnx_status_t qnx_amm_swap_exact_out(const qnx_pool_t *pool,
                                    qnx_direction_t way,
                                    qnx_amount_t amount_out,
                                    qnx_amount_t max_in,
                                    const qnx_limits_t *limits,
                                    uint64_t now_ms,
                                    qnx_quote_t *out);

// What a deposit of at most these amounts would do; it must give at least `min_shares`. The first deposit sets the price and
// takes both maxima; later ones take as much as the pool's proportion allows.
//
// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_ZERO_AMOUNT, AMM_FIRST_DEPOSIT_TOO_SMALL, AMM_ZERO_OUTPUT, AMM_SHARES_BELOW_MINIMUM.
qnx_status_t qnx_amm_add_liquidity(const qnx_pool_t *pool,
                                   qnx_amount_t max_a,
                                   qnx_amount_t max_b,
                                   qnx_amount_t min_shares,
                                   qnx_liquidity_t *out);

// What giving back shares would do; it must yield at least these amounts.
//
// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_ZERO_AMOUNT, AMM_SHARES_LOCKED, AMM_ZERO_OUTPUT, AMM_OUTPUT_BELOW_MINIMUM.
qnx_status_t qnx_amm_remove_liquidity(const qnx_pool_t *pool,
                                      qnx_amount_t shares,
                                      qnx_amount_t min_a,
                                      qnx_amount_t min_b,
                                      qnx_liquidity_t *out);

// How much of the asset that comes out one unit of the asset that goes in is worth, before any trade.
//
// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_FEE_OUT_OF_RANGE, AMM_EMPTY_POOL.
qnx_status_t qnx_amm_spot_price(const qnx_pool_t *pool, qnx_direction_t way, qnx_ratio_t *out);

// Prints a ratio to the nearest 18th decimal, with a zero byte. `*len` is the room of `out` before and the length with the
// zero byte after; QNX_AMOUNT_TEXT_SIZE is always enough.
//
// Codes: NUM_OVERFLOW, BUFFER_TOO_SMALL.
qnx_status_t qnx_ratio_print(qnx_ratio_t ratio,
                             char *out,
                             size_t *len);

/* =====================================================================================================================
 * Hashes: SHA3-256 under a domain, and the hashes that others use.
 *
 * Every purpose of the ledger has its domain, a byte before the input, so that a hash made for one thing is never taken
 * for another.
 */

// What is hashed. The numbers are those of the ledger's formats.
typedef uint8_t qnx_domain_t;

// A SHA3-256 hash.
typedef struct {
  // Its bytes, in the order in which people write them.
  uint8_t bytes[32];
} qnx_hash_t;

// A hash over input that arrives in pieces.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[56];
} qnx_hasher_t;

// The canonical bytes of a transaction: its id.
#define QNX_DOMAIN_TRANSACTION 32

// The canonical bytes of a record: what the state tree's leaf commits to.
#define QNX_DOMAIN_RECORD_VALUE 19

// A block header: the block's id.
#define QNX_DOMAIN_HEADER 48

// The image of a firmware: its measurement.
#define QNX_DOMAIN_MEASUREMENT 80

// The hash of `len` bytes under a domain.
qnx_status_t qnx_hash(qnx_domain_t of, const uint8_t *bytes, size_t len, qnx_hash_t *out);

// Starts a hash under a domain.
qnx_status_t qnx_hasher_init(qnx_hasher_t *state, qnx_domain_t of);

// Takes more input.
qnx_status_t qnx_hasher_update(qnx_hasher_t *state, const uint8_t *bytes, size_t len);

// The hash of all input so far. More input may follow.
qnx_status_t qnx_hasher_finish(const qnx_hasher_t *state, qnx_hash_t *out);

// Forgets a hash and all that it took.
qnx_status_t qnx_hasher_clear(qnx_hasher_t *state);

// How many bytes of a `qnx_hasher_t` are used.
size_t qnx_hasher_size(void);

// SHA3-256 (FIPS 202) of bytes, without a domain: 32 bytes to `out`.
qnx_status_t qnx_sha3_256(const uint8_t *bytes, size_t len, uint8_t *out);

// SHA3-512 (FIPS 202) of bytes, without a domain: 64 bytes to `out`.
qnx_status_t qnx_sha3_512(const uint8_t *bytes, size_t len, uint8_t *out);

// Keccak-512 with the padding from before FIPS 202, without a domain: 64 bytes to `out`.
qnx_status_t qnx_keccak_512(const uint8_t *bytes, size_t len, uint8_t *out);

/* =====================================================================================================================
 * Keys and signatures of every scheme.
 *
 * | number | scheme | public key, bytes | signature, bytes |
 * |---|---|---|---|
 * | 1 | Ed25519 (RFC 8032, cofactored) | 32 | 64 |
 * | 2 | ML-DSA-87 (FIPS 204) | 2,592 | 4,627 |
 * | 3 | both, each of which must verify | 2,624 | 4,691 |
 * | 4 | ECDSA P-256, low s only | 33, compressed | 64 |
 *
 * A key has one purpose. What it signs is always the digest of scheme, purpose and the id of a thing, so that a signature for one purpose
 * is worthless for another. Signatures are deterministic, and verified before they are released.
 */

// Bytes of the longest public key.
#define QNX_MAX_PUBLIC_KEY_SIZE 2624

// Bytes of the longest signature.
#define QNX_MAX_SIGNATURE_SIZE 4691

// Bytes of a seed.
#define QNX_SEED_SIZE 32

// A signature scheme.
typedef uint8_t qnx_scheme_t;

// A secret key. Wipe it with `qnx_key_clear`.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[40];
} qnx_key_t;

// What a key signs.
typedef uint8_t qnx_purpose_t;

// Ed25519.
#define QNX_ED25519 1

// ML-DSA-87.
#define QNX_ML_DSA_87 2

// ML-DSA-87 and Ed25519 together.
#define QNX_HYBRID 3

// ECDSA on P-256.
#define QNX_P256 4

// Transactions of an account.
#define QNX_PURPOSE_TRANSACTION 1

// Votes of a validator.
#define QNX_PURPOSE_VOTE 2

// What a device says about itself.
#define QNX_PURPOSE_ATTESTATION 3

// A person's approval of a transaction.
#define QNX_PURPOSE_APPROVAL 4

// Raw data of other protocols, and nothing of the ledger.
#define QNX_PURPOSE_PLAIN 7

// Checkpoints of a chain, by a validator.
#define QNX_PURPOSE_CHECKPOINT 8

// Bytes of a scheme's public keys; zero for a number that is no scheme.
size_t qnx_public_key_size(qnx_scheme_t of);

// Bytes of a scheme's signatures; zero for a number that is no scheme.
size_t qnx_signature_size(qnx_scheme_t of);

// Makes a secret key from 32 random bytes, QNX_SEED_SIZE. The same seed gives the same key.
//
// Codes: SCHEME_UNKNOWN, SEED_INVALID.
qnx_status_t qnx_key_init(qnx_key_t *state, qnx_scheme_t of, const uint8_t *seed);

// Overwrites a secret key.
qnx_status_t qnx_key_clear(qnx_key_t *state);

// How many bytes of a `qnx_key_t` are used.
size_t qnx_key_size(void);

// The public key of a secret key. `*len` is the room of `out` before and the length after; QNX_MAX_PUBLIC_KEY_SIZE is always enough.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_key_public(const qnx_key_t *state,
                            uint8_t *out,
                            size_t *len);

// Signs the thing that `id` names, for one purpose. `*len` is the room of `out` before and the length after; QNX_MAX_SIGNATURE_SIZE is always
// enough.
//
// Codes: PURPOSE_UNKNOWN, BUFFER_TOO_SMALL; after a fault SIGNING_ATTEMPTS, SIGNATURE_NOT_RELEASED.
qnx_status_t qnx_key_sign(const qnx_key_t *state,
                          qnx_purpose_t purpose,
                          const qnx_hash_t *id,
                          uint8_t *out,
                          size_t *len);

// Checks a signature of the thing that `id` names, for one purpose.
//
// Codes: SCHEME_UNKNOWN, PURPOSE_UNKNOWN, PUBLIC_KEY_LENGTH, PUBLIC_KEY_INVALID, SIGNATURE_LENGTH, SIGNATURE_MALFORMED, SIGNATURE_MISMATCH.
qnx_status_t qnx_verify(qnx_scheme_t of,
                        qnx_purpose_t purpose,
                        const qnx_hash_t *id,
                        const uint8_t *public_key,
                        size_t public_key_len,
                        const uint8_t *signature,
                        size_t signature_len);

// The hash by which records and policies name a public key.
//
// Codes: SCHEME_UNKNOWN, PURPOSE_UNKNOWN, PUBLIC_KEY_LENGTH.
qnx_status_t qnx_key_hash(qnx_scheme_t of,
                          qnx_purpose_t purpose,
                          const uint8_t *public_key,
                          size_t public_key_len,
                          qnx_hash_t *out);

/* =====================================================================================================================
 * The trees of transactions and of receipts: built, proven, verified.
 *
 * They are the append-only tree of RFC 9162, section 2.1, with the ledger's hash. A proof is a list of at most 64 hashes, from the leaf to
 * the root.
 */

// Hashes of the longest proof.
#define QNX_LOG_PROOF_MAX 64

// Makes a root from leaves that arrive one after the other.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[272];
} qnx_log_t;

// The leaf of an entry: of `qnx_signed_log_entry` in a block's transaction tree, of a receipt in its receipt tree.
qnx_status_t qnx_log_leaf(const uint8_t *entry,
                          size_t len,
                          qnx_hash_t *out);

// Starts a tree without leaves.
qnx_status_t qnx_log_init(qnx_log_t *state);

// Appends a leaf.
qnx_status_t qnx_log_push(qnx_log_t *state, const qnx_hash_t *leaf);

// The root over all leaves so far, and their number.
qnx_status_t qnx_log_root(const qnx_log_t *state, qnx_hash_t *root, uint64_t *size);

// Forgets a tree.
qnx_status_t qnx_log_clear(qnx_log_t *state);

// How many bytes of a `qnx_log_t` are used.
size_t qnx_log_size(void);

// The proof that `leaves[index]` is in the tree over all `count` leaves. `*len` is the room of `proof`, in hashes, before and their
// number after; QNX_LOG_PROOF_MAX is always enough.
//
// Codes: LOG_INDEX, BUFFER_TOO_SMALL.
qnx_status_t qnx_log_prove_inclusion(const qnx_hash_t *leaves,
                                     size_t count,
                                     size_t index,
                                     qnx_hash_t *proof,
                                     size_t *len);

// The proof that the tree over the first `first` leaves is the beginning of the tree over all `count`. `*len` as above.
//
// Codes: LOG_SIZES, BUFFER_TOO_SMALL.
qnx_status_t qnx_log_prove_consistency(const qnx_hash_t *leaves,
                                       size_t count,
                                       size_t first,
                                       qnx_hash_t *proof,
                                       size_t *len);

// Accepts that `leaf` is leaf number `index` of the tree of `size` leaves with this root.
//
// Codes: LOG_INDEX, LOG_PROOF.
qnx_status_t qnx_log_verify_inclusion(const qnx_hash_t *root,
                                      uint64_t size,
                                      uint64_t index,
                                      const qnx_hash_t *leaf,
                                      const qnx_hash_t *proof,
                                      size_t proof_len);

// Accepts that the tree of `first` leaves is the beginning of the tree of `second` leaves.
//
// Codes: LOG_SIZES, LOG_PROOF.
qnx_status_t qnx_log_verify_consistency(uint64_t first,
                                        const qnx_hash_t *first_root,
                                        uint64_t second,
                                        const qnx_hash_t *second_root,
                                        const qnx_hash_t *proof,
                                        size_t proof_len);

/* =====================================================================================================================
 * Records of the ledger: where they lie in the state tree, and what they say.
 *
 * A record is what the state tree commits to: an account, an asset, a balance, a pool, shares of a pool. Balances and shares exist only
 * while they are not zero.
 */

// Keys of one authority, at most.
#define QNX_AUTHORITY_KEYS_MAX 8

// Kinds of records.
typedef uint8_t qnx_record_kind_t;

// What an account is.
typedef uint8_t qnx_account_kind_t;

// Whether an account may act.
typedef uint8_t qnx_account_status_t;

// How well an account's holder is known.
typedef uint8_t qnx_kyc_t;

// A key as records hold it.
typedef struct {
  // Of the public key, for the purpose of transactions: `qnx_key_hash`.
  qnx_hash_t hash;
  // How the key signs.
  uint8_t scheme;
} qnx_key_ref_t;

// Who may act for an account: `threshold` of its keys, which are in strictly ascending order of scheme, then hash.
typedef struct {
  // The keys, then zeros.
  qnx_key_ref_t keys[QNX_AUTHORITY_KEYS_MAX];
  // How many keys there are, at least 1.
  uint8_t key_count;
  // How many of them must sign, at least 1.
  uint8_t threshold;
} qnx_authority_t;

// An account.
typedef struct {
  // How many transactions it has sent: the nonce of its next one.
  uint64_t nonce;
  // How many balances and shares it has.
  uint32_t holdings;
  // What it is.
  qnx_account_kind_t kind;
  // Whether it may act.
  qnx_account_status_t status;
  // How well its holder is known.
  qnx_kyc_t kyc;
  // Who may act for it.
  qnx_authority_t authority;
} qnx_account_t;

// An asset.
typedef struct {
  // How much is in circulation.
  qnx_amount_t supply;
  // The most that may ever be.
  qnx_amount_t max_supply;
  // Who may issue and burn it.
  qnx_id_t issuer;
} qnx_asset_t;

// A pool of two assets.
typedef struct {
  // What it holds, the shares in it, and its fee.
  qnx_pool_t pool;
  // The asset whose id comes first.
  qnx_id_t asset_a;
  // The asset whose id comes second.
  qnx_id_t asset_b;
} qnx_pool_record_t;

// What a record says, by its kind.
typedef union {
  // QNX_RECORD_ACCOUNT.
  qnx_account_t account;
  // QNX_RECORD_ASSET.
  qnx_asset_t asset;
  // QNX_RECORD_BALANCE.
  qnx_amount_t balance;
  // QNX_RECORD_POOL.
  qnx_pool_record_t pool;
  // QNX_RECORD_SHARES.
  qnx_amount_t shares;
} qnx_record_body_t;

// A record.
typedef struct {
  // What it says.
  qnx_record_body_t body;
  // Its kind.
  qnx_record_kind_t kind;
} qnx_record_t;

// An account, by its id.
#define QNX_RECORD_ACCOUNT 1

// An asset, by its id.
#define QNX_RECORD_ASSET 2

// How much an account has of an asset, by both ids.
#define QNX_RECORD_BALANCE 3

// A pool, by its id.
#define QNX_RECORD_POOL 4

// How many shares of a pool an account has, by both ids.
#define QNX_RECORD_SHARES 5

// The chain's staking.
#define QNX_RECORD_STAKING 6

// A validator, by its account.
#define QNX_RECORD_VALIDATOR 7

// How many shares an account has of a validator's bonded stake, by both accounts.
#define QNX_RECORD_DELEGATION 8

// What an account has unbonded from a validator, by both accounts.
#define QNX_RECORD_UNBONDING 9

// Who stands in a slot of candidates.
#define QNX_RECORD_CANDIDATE 10

// Whose key of votes or of the network it is.
#define QNX_RECORD_KEY 11

// A seat.
#define QNX_RECORD_SEAT 12

// A person.
#define QNX_ACCOUNT_INDIVIDUAL 1

// A bank, a company, an exchange.
#define QNX_ACCOUNT_INSTITUTION 2

// A public authority; may freeze accounts.
#define QNX_ACCOUNT_GOVERNMENT 3

// The chain's own accounts.
#define QNX_ACCOUNT_SYSTEM 4

// It may.
#define QNX_ACCOUNT_ACTIVE 1

// It neither sends nor receives until the freeze is lifted.
#define QNX_ACCOUNT_FROZEN 2

// It never will again.
#define QNX_ACCOUNT_CLOSED 3

// Unknown.
#define QNX_KYC_NONE 0

// Name and address stated.
#define QNX_KYC_BASIC 1

// Documents checked.
#define QNX_KYC_VERIFIED 2

// Source of funds checked.
#define QNX_KYC_ENHANCED 3

// The key of a record in the state tree. `second` is used by balances (the asset) and shares (the pool), and may be null for others.
//
// Codes: ID_SYNTAX.
qnx_status_t qnx_record_key(qnx_record_kind_t kind,
                            const qnx_id_t *first,
                            const qnx_id_t *second,
                            qnx_hash_t *out);

// Reads the canonical bytes of a record.
//
// Codes: DECODE_*, NUMBER_UNKNOWN for records of stake.
qnx_status_t qnx_record_decode(const uint8_t *bytes, size_t len, qnx_record_t *out);

/* =====================================================================================================================
 * The state tree: what it has under keys, and its root after an update, checked from a proof alone.
 *
 * A proof is about at most 64 keys in ascending order, each once. It may arrive in pieces of any size.
 */

// Keys of a proof, at most.
#define QNX_WITNESS_KEYS_MAX 64

// A check of one proof under way.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[2040];
} qnx_witness_t;

// What becomes of a key.
typedef uint8_t qnx_access_t;

// A key of a proof, and what becomes of it.
typedef struct {
  // The key, from `qnx_record_key`.
  qnx_hash_t key;
  // The hash of the value that is written, where one is.
  qnx_hash_t value_hash;
  // What becomes of it.
  qnx_access_t access;
} qnx_witness_key_t;

// What the tree has under a key.
typedef struct {
  // The hash of the record's value; zeros where there is no record.
  qnx_hash_t value_hash;
  // 1 if there is a record, else 0.
  uint8_t present;
} qnx_state_value_t;

// Its record stays as it is, or absent.
#define QNX_ACCESS_READ 0

// Its record is made or replaced.
#define QNX_ACCESS_WRITE 1

// Its record is removed, if there is one.
#define QNX_ACCESS_DELETE 2

// The root of the state tree without records.
qnx_status_t qnx_state_empty_root(qnx_hash_t *out);

// The hash of a record's canonical bytes, as the state tree holds it.
qnx_status_t qnx_state_value_hash(const uint8_t *record, size_t len, qnx_hash_t *out);

// Starts the check of a proof about these keys.
//
// Codes: PROOF_KEYS.
qnx_status_t qnx_witness_init(qnx_witness_t *state, const qnx_witness_key_t *keys, size_t count);

// Takes the next bytes of the proof.
//
// Codes: PROOF_*.
qnx_status_t qnx_witness_push(qnx_witness_t *state, const uint8_t *bytes, size_t len);

// What a complete proof shows under this root: the value of each key, in their order, before the update, and the root after it.
// `*count` is the room of `values` before and their number after.
//
// Codes: PROOF_*, BUFFER_TOO_SMALL.
qnx_status_t qnx_witness_finish(const qnx_witness_t *state,
                                const qnx_hash_t *root,
                                qnx_state_value_t *values,
                                size_t *count,
                                qnx_hash_t *root_after);

// Forgets a check.
qnx_status_t qnx_witness_clear(qnx_witness_t *state);

// How many bytes of a `qnx_witness_t` are used.
size_t qnx_witness_size(void);

// Accepts that the tree with this root has the record `record` under `key`, or none there if `record` is null.
//
// Codes: PROOF_*, WITNESS_RECORD.
qnx_status_t qnx_state_verify(const qnx_hash_t *root,
                              const qnx_hash_t *key,
                              const uint8_t *record,
                              size_t record_len,
                              const uint8_t *proof,
                              size_t proof_len);

/* =====================================================================================================================
 * Transactions: made from a struct, read back into one, summarised, identified; and their signed form.
 *
 * A transaction names its chain and its sender, carries the sender's next nonce, the last block height at which it is
 * valid, a fee in the native asset QNX, and one operation. Its bytes are canonical: one transaction has one encoding.
 */

// Receivers of one transfer, at most.
#define QNX_RECEIVERS_MAX 16

// Bytes of the longest transaction.
#define QNX_TRANSACTION_MAX 1399

// Signatures of one transaction, at most.
#define QNX_SIGNATURES_MAX 8

// Lines of the longest summary.
#define QNX_SUMMARY_LINES_MAX 54

// The operations.
typedef uint8_t qnx_op_t;

// QNX_OP_CREATE_ACCOUNT.
typedef struct {
  // Its id, not yet in use.
  qnx_id_t account;
  // What it is.
  uint8_t kind;
  // How well its holder is known.
  uint8_t kyc;
  // Who may act for it.
  qnx_authority_t authority;
} qnx_create_account_t;

// QNX_OP_ROTATE_AUTHORITY.
typedef struct {
  // The new keys.
  qnx_authority_t authority;
} qnx_rotate_authority_t;

// QNX_OP_SET_FROZEN.
typedef struct {
  // The account.
  qnx_id_t account;
  // 1 to freeze, 0 to lift.
  uint8_t frozen;
} qnx_set_frozen_t;

// QNX_OP_CREATE_ASSET.
typedef struct {
  // The most that may ever be in circulation.
  qnx_amount_t max_supply;
  // Its id, not yet in use.
  qnx_id_t asset;
} qnx_create_asset_t;

// QNX_OP_ISSUE.
typedef struct {
  // How many units.
  qnx_amount_t amount;
  // The asset.
  qnx_id_t asset;
  // Who receives them.
  qnx_id_t to;
} qnx_issue_t;

// QNX_OP_BURN.
typedef struct {
  // How many units.
  qnx_amount_t amount;
  // The asset.
  qnx_id_t asset;
} qnx_burn_t;

// One receiver of a transfer.
typedef struct {
  // How much.
  qnx_amount_t amount;
  // Who receives.
  qnx_id_t to;
  // What for; may be empty.
  qnx_reference_t reference;
} qnx_leg_t;

// QNX_OP_TRANSFER.
typedef struct {
  // Who receives how much; different receivers.
  qnx_leg_t legs[QNX_RECEIVERS_MAX];
  // How many of them, 1 to QNX_RECEIVERS_MAX.
  uint8_t leg_count;
  // The asset.
  qnx_id_t asset;
} qnx_transfer_t;

// QNX_OP_CREATE_POOL.
typedef struct {
  // Its id, not yet in use.
  qnx_id_t pool;
  // The asset whose id comes first.
  qnx_id_t asset_a;
  // The asset whose id comes second.
  qnx_id_t asset_b;
  // What the pool keeps of each swap's input, in basis points.
  uint16_t fee_bps;
} qnx_create_pool_t;

// QNX_OP_ADD_LIQUIDITY.
typedef struct {
  // The most of the first asset to put in.
  qnx_amount_t max_a;
  // The most of the second asset to put in.
  qnx_amount_t max_b;
  // The fewest shares to accept.
  qnx_amount_t min_shares;
  // The latest block time, in milliseconds since the Unix epoch.
  uint64_t deadline_ms;
  // 1 if there is a latest time, else 0.
  uint8_t has_deadline;
  // The pool.
  qnx_id_t pool;
  // Its first asset.
  qnx_id_t asset_a;
  // Its second asset.
  qnx_id_t asset_b;
} qnx_add_liquidity_t;

// QNX_OP_REMOVE_LIQUIDITY.
typedef struct {
  // How many shares to give back.
  qnx_amount_t shares;
  // The least of the first asset to accept.
  qnx_amount_t min_a;
  // The least of the second asset to accept.
  qnx_amount_t min_b;
  // The latest block time, in milliseconds since the Unix epoch.
  uint64_t deadline_ms;
  // 1 if there is a latest time, else 0.
  uint8_t has_deadline;
  // The pool.
  qnx_id_t pool;
  // Its first asset.
  qnx_id_t asset_a;
  // Its second asset.
  qnx_id_t asset_b;
} qnx_remove_liquidity_t;

// QNX_OP_SWAP_EXACT_IN and QNX_OP_SWAP_EXACT_OUT.
typedef struct {
  // How much is given exactly; or how much is received exactly.
  qnx_amount_t exact;
  // The least that is received; or the most that is given.
  qnx_amount_t limit;
  // The latest block time, in milliseconds since the Unix epoch.
  uint64_t deadline_ms;
  // The largest price impact, in basis points.
  uint16_t max_price_impact_bps;
  // 1 if there is a largest price impact, else 0.
  uint8_t has_max_price_impact;
  // 1 if there is a latest time, else 0.
  uint8_t has_deadline;
  // The pool.
  qnx_id_t pool;
  // The asset to give.
  qnx_id_t asset_in;
  // The asset to receive.
  qnx_id_t asset_out;
} qnx_swap_t;

// What an operation says.
typedef union {
  // QNX_OP_CREATE_ACCOUNT.
  qnx_create_account_t create_account;
  // QNX_OP_ROTATE_AUTHORITY.
  qnx_rotate_authority_t rotate_authority;
  // QNX_OP_SET_FROZEN.
  qnx_set_frozen_t set_frozen;
  // QNX_OP_CREATE_ASSET.
  qnx_create_asset_t create_asset;
  // QNX_OP_ISSUE.
  qnx_issue_t issue;
  // QNX_OP_BURN.
  qnx_burn_t burn;
  // QNX_OP_TRANSFER.
  qnx_transfer_t transfer;
  // QNX_OP_CREATE_POOL.
  qnx_create_pool_t create_pool;
  // QNX_OP_ADD_LIQUIDITY.
  qnx_add_liquidity_t add_liquidity;
  // QNX_OP_REMOVE_LIQUIDITY.
  qnx_remove_liquidity_t remove_liquidity;
  // QNX_OP_SWAP_EXACT_IN, QNX_OP_SWAP_EXACT_OUT.
  qnx_swap_t swap;
} qnx_op_body_t;

// A transaction.
typedef struct {
  // How many transactions of the sender came before it.
  uint64_t nonce;
  // The last block height at which it may be executed.
  uint64_t last_valid_height;
  // What the sender pays to the block's proposer, in the native asset.
  qnx_amount_t fee;
  // The chain that it is for.
  qnx_id_t chain_id;
  // The account that asks and pays.
  qnx_id_t sender;
  // Which operation the body is; QNX_OP_CLOSE_ACCOUNT has none.
  qnx_op_t op;
  // What the operation says.
  qnx_op_body_t body;
} qnx_transaction_t;

// One line of a summary.
typedef struct {
  // What it is about: at most 21 characters, and a zero byte.
  char label[22];
  // What it says: at most 80 characters of printable ASCII, and a zero byte.
  char value[81];
} qnx_line_t;

// One key's signature of a transaction. The bytes belong to whoever made them.
typedef struct {
  // The key.
  const uint8_t *public_key;
  // Bytes of the key.
  size_t public_key_len;
  // The signature.
  const uint8_t *signature;
  // Bytes of the signature.
  size_t signature_len;
  // How the key signs.
  qnx_scheme_t scheme;
} qnx_signature_t;

// A signed transaction, in parts that lie in the bytes that it was read from: it is valid as long as those are.
typedef struct {
  // The canonical bytes of the transaction.
  const uint8_t *transaction;
  // Bytes of the transaction.
  size_t transaction_len;
  // The signatures, then zeros.
  qnx_signature_t signatures[QNX_SIGNATURES_MAX];
  // How many there are.
  size_t signature_count;
  // The transaction's id.
  qnx_hash_t id;
} qnx_signed_t;

// Opens an account.
#define QNX_OP_CREATE_ACCOUNT 0

// Replaces the sender's keys.
#define QNX_OP_ROTATE_AUTHORITY 1

// Freezes an account or lifts the freeze.
#define QNX_OP_SET_FROZEN 2

// Closes the sender's account for ever.
#define QNX_OP_CLOSE_ACCOUNT 3

// Creates an asset.
#define QNX_OP_CREATE_ASSET 4

// Issues units of an asset.
#define QNX_OP_ISSUE 5

// Burns units of an asset.
#define QNX_OP_BURN 6

// Moves an asset to one or many receivers, all or nothing.
#define QNX_OP_TRANSFER 7

// Creates an empty constant-product pool.
#define QNX_OP_CREATE_POOL 8

// Puts liquidity into a pool.
#define QNX_OP_ADD_LIQUIDITY 9

// Takes liquidity out of a pool.
#define QNX_OP_REMOVE_LIQUIDITY 10

// Swaps an exact input.
#define QNX_OP_SWAP_EXACT_IN 11

// Swaps for an exact output.
#define QNX_OP_SWAP_EXACT_OUT 12

// Writes the canonical bytes of a transaction. `*len` is the room of `out` before and the length after; QNX_TRANSACTION_MAX is always enough.
//
// Codes: ID_SYNTAX, TEXT_SYNTAX, NUM_OVERFLOW, SCHEME_UNKNOWN, AUTHORITY_*, TRANSFER_*, BUFFER_TOO_SMALL.
qnx_status_t qnx_transaction_encode(const qnx_transaction_t *transaction,
                                    uint8_t *out,
                                    size_t *len);

// Reads the canonical bytes of a transaction. What it does not say is zero.
//
// Codes: DECODE_*, NUMBER_UNKNOWN for operations on stake.
qnx_status_t qnx_transaction_decode(const uint8_t *bytes, size_t len, qnx_transaction_t *out);

// The id of a transaction, from its canonical bytes: what its signers sign.
//
// Codes: DECODE_*.
qnx_status_t qnx_transaction_id(const uint8_t *bytes, size_t len, qnx_hash_t *out);

// How many lines the clear-signing summary of a transaction has.
//
// Codes: DECODE_*.
qnx_status_t qnx_summary_count(const uint8_t *bytes, size_t len, size_t *count);

// Line `index` of the summary, which says everything that the transaction will do.
//
// Codes: DECODE_*, NUMBER_UNKNOWN past the last line.
qnx_status_t qnx_summary_line(const uint8_t *bytes, size_t len, size_t index, qnx_line_t *out);

// Writes the signed form: a transaction's canonical bytes and the signatures of its sender's keys, in ascending order of scheme and key hash.
// `*len` is the room of `out` before and the length after.
//
// Codes: DECODE_*, SCHEME_UNKNOWN, BUFFER_TOO_SMALL; NUMBER_UNKNOWN for more than QNX_SIGNATURES_MAX signatures.
qnx_status_t qnx_signed_encode(const uint8_t *transaction,
                               size_t transaction_len,
                               const qnx_signature_t *signatures,
                               size_t signature_count,
                               uint8_t *out,
                               size_t *len);

// Reads a signed transaction, whose parts are lent from `bytes`. No signature is verified by it.
//
// Codes: DECODE_*.
qnx_status_t qnx_signed_decode(const uint8_t *bytes, size_t len, qnx_signed_t *out);

// Accepts a signed transaction whose signatures are all by these keys, of this transaction, and exactly those that the authority
// of its sender asks for.
//
// Codes: DECODE_*, SCHEME_UNKNOWN, AUTHORITY_*, PUBLIC_KEY_*, SIGNATURE_*.
qnx_status_t qnx_signed_verify(const uint8_t *bytes,
                               size_t len,
                               const qnx_authority_t *authority);

// The leaf entry of a signed transaction in its block's transaction tree, for `qnx_log_leaf`: 64 bytes to `out`.
//
// Codes: DECODE_*.
qnx_status_t qnx_signed_log_entry(const uint8_t *bytes,
                                  size_t len,
                                  uint8_t *out);

/* =====================================================================================================================
 * Policies: what a device may sign for a key; and what a device would say of a transaction.
 *
 * A policy allows what it names and nothing else. Sets of operations are bits: `1u << QNX_OP_TRANSFER`. Lists are in strictly ascending order.
 *
 * A host that asks here first is told which rule would refuse before a person is disturbed. What the device says counts: it knows what
 * has left within the policy's windows, which are not judged here.
 */

// Records that one transaction may touch, at most.
#define QNX_ACCESS_MAX 35

// Bytes of the longest policy.
#define QNX_POLICY_MAX 2430

// Assets that a policy has rules for, at most.
#define QNX_POLICY_ASSETS_MAX 8

// Receivers that a policy names, at most.
#define QNX_POLICY_RECEIVERS_MAX 32

// Pools that a policy names, at most.
#define QNX_POLICY_POOLS_MAX 8

// Persons who approve, at most.
#define QNX_POLICY_APPROVERS_MAX 8

// A record that a transaction may touch.
typedef struct {
  // Its key in the state tree.
  qnx_hash_t key;
  // The first identifier.
  qnx_id_t first;
  // The second one, of balances (the asset) and shares (the pool); else empty.
  qnx_id_t second;
  // Its kind.
  qnx_record_kind_t kind;
} qnx_record_id_t;

// What may happen with one asset. Assets without a rule do not leave the account.
typedef struct {
  // The most that one transaction may take out, in the worst case, its fee included.
  qnx_amount_t max_per_transaction;
  // The most within a span of block time.
  qnx_amount_t window_max;
  // What must remain of it after the transaction.
  qnx_amount_t min_after;
  // Above this, persons must approve.
  qnx_amount_t approve_above;
  // Above this, the policy's delay must pass between the request and the signature.
  qnx_amount_t delay_above;
  // The span, in milliseconds, at least 8.
  uint64_t window_span_ms;
  // 1 if there is a span of time, else 0.
  uint8_t has_window;
  // 1 if there is an amount above which persons must approve, else 0.
  uint8_t has_approve_above;
  // 1 if there is an amount above which the delay must pass, else 0.
  uint8_t has_delay_above;
  // The asset.
  qnx_id_t asset;
} qnx_asset_rule_t;

// What a device may sign for a key.
typedef struct {
  // How far a transaction's last valid height may lie above the trusted height.
  uint64_t max_validity_blocks;
  // How long after its request a large transaction may be signed, in milliseconds of block time.
  uint64_t delay_ms;
  // The highest fee.
  qnx_amount_t max_fee;
  // The operations that may be signed with a witness.
  uint32_t operations;
  // Those of them that may be signed without one.
  uint32_t without_witness;
  // The operations that always need approvals.
  uint32_t approve_always;
  // The largest price impact that a swap may accept.
  uint16_t max_price_impact_bps;
  // How far the worst case of a swap, deposit or withdrawal may lie below its execution.
  uint16_t max_slippage_bps;
  // The highest risk score, from 0 to 10,000.
  uint16_t max_risk;
  // The first minute of the UTC day in which signatures are given, 0 to 1439.
  uint16_t from_minute;
  // The minute after the last one, 0 to 1439.
  uint16_t until_minute;
  // 1 if there is a largest price impact, else 0.
  uint8_t has_max_price_impact;
  // 1 if there is a largest slippage, else 0.
  uint8_t has_max_slippage;
  // 1 if there is a highest risk score, else 0.
  uint8_t has_max_risk;
  // 1 if signatures are given in a part of the day only, else 0.
  uint8_t has_hours;
  // 1 if only the receivers of the list may receive, else 0.
  uint8_t has_receivers;
  // 1 if only the pools of the list may be used, else 0.
  uint8_t has_pools;
  // 1 if persons approve, else 0.
  uint8_t has_approvals;
  // How many of them must.
  uint8_t approvals_threshold;
  // How well receivers must be known: QNX_KYC_*.
  uint8_t min_receiver_kyc;
  // 1 if a person must press the device's button, else 0.
  uint8_t confirm;
  // How many rules for assets there are.
  uint8_t asset_count;
  // How many receivers the list has.
  uint8_t receiver_count;
  // How many pools the list has.
  uint8_t pool_count;
  // How many persons there are.
  uint8_t approver_count;
  // The account that the key acts for.
  qnx_id_t account;
  // The rules, by their assets.
  qnx_asset_rule_t assets[QNX_POLICY_ASSETS_MAX];
  // The receivers.
  qnx_id_t receivers[QNX_POLICY_RECEIVERS_MAX];
  // The pools.
  qnx_id_t pools[QNX_POLICY_POOLS_MAX];
  // The persons, by the hashes of their keys for QNX_PURPOSE_APPROVAL.
  qnx_hash_t approvers[QNX_POLICY_APPROVERS_MAX];
} qnx_policy_t;

// Bytes that belong to whoever made them.
typedef struct {
  // The first of them; may be null if there are none.
  const uint8_t *bytes;
  // How many.
  size_t len;
} qnx_bytes_t;

// What is known of a request to sign.
typedef struct {
  // The height of the newest final header.
  uint64_t height;
  // Its time, in milliseconds since the Unix epoch.
  uint64_t time_ms;
  // The time of the header that was the newest one when the transaction was first brought to the device.
  uint64_t requested_ms;
  // The records that the transaction may touch, in the order of `qnx_transaction_records`; a record that does not exist has no bytes. Null if the
  // transaction is to be signed without a witness.
  const qnx_bytes_t *records;
  // How many records.
  size_t record_count;
  // The chain.
  qnx_id_t chain_id;
  // How many of the policy's persons approved.
  uint8_t approvals;
} qnx_policy_case_t;

// The records that a transaction may touch, in ascending order of their keys: what a witness for it must prove. `*count` is the room
// of `out` before and their number after; QNX_ACCESS_MAX is always enough.
//
// Codes: DECODE_*, BUFFER_TOO_SMALL.
qnx_status_t qnx_transaction_records(const uint8_t *transaction,
                                     size_t len,
                                     qnx_record_id_t *out,
                                     size_t *count);

// Writes the canonical bytes of a policy. `*len` is the room of `out` before and the length after; QNX_POLICY_MAX is always enough.
//
// Codes: ID_SYNTAX, NUM_OVERFLOW, POLICY_ORDER, POLICY_TOO_MANY, POLICY_RANGE, BUFFER_TOO_SMALL.
qnx_status_t qnx_policy_encode(const qnx_policy_t *policy,
                               uint8_t *out,
                               size_t *len);

// Reads the canonical bytes of a policy. What it does not say is zero.
//
// Codes: POLICY_ENCODING, POLICY_RANGE, POLICY_ORDER.
qnx_status_t qnx_policy_decode(const uint8_t *bytes, size_t len, qnx_policy_t *out);

// Judges a transaction as a device with this policy would, but for the windows: zero, or the code of the first rule of the ledger or
// of the policy that refuses it.
//
// Codes: DECODE_*, ID_SYNTAX, POLICY_*, VIEW_*, and the numbers 501 to 799 of the market maker and of the ledger.
qnx_status_t qnx_policy_check(const uint8_t *policy,
                              size_t policy_len,
                              const uint8_t *transaction,
                              size_t transaction_len,
                              const qnx_policy_case_t *case_);

/* =====================================================================================================================
 * Headers of blocks, and the light client that follows final ones.
 *
 * Belief starts at a header that somebody vouches for. A newer header is believed once a quorum of the set of validators that is trusted for
 * its epoch has finalized it; one final header covers all its ancestors. Times are in milliseconds since the Unix epoch.
 */

// Bytes of the longest header.
#define QNX_HEADER_MAX 352

// Bytes of the longest seal.
#define QNX_SEAL_MAX 64

// What a block commits to.
typedef struct {
  // The epoch, during which the validators stay the same.
  uint64_t epoch;
  // The attempt of the epoch in which it was first proposed; zero on a chain without validators.
  uint64_t view;
  // How many blocks came before it.
  uint64_t height;
  // When it was proposed, in milliseconds since the Unix epoch.
  uint64_t time_ms;
  // The version of the rules.
  uint16_t protocol;
  // Bytes of the seal.
  uint8_t seal_len;
  // The chain.
  qnx_id_t chain_id;
  // The account that the block's fees go to.
  qnx_id_t proposer;
  // The id of the block before.
  qnx_hash_t parent;
  // Root of the transaction tree.
  qnx_hash_t transaction_root;
  // Root of the state tree after the block.
  qnx_hash_t state_root;
  // Root of the receipt tree.
  qnx_hash_t receipt_root;
  // Hash of the set of validators that decides on this block.
  qnx_hash_t validators;
  // Hash of the set that decides on the next block.
  qnx_hash_t next_validators;
  // What a chain without validators puts its proof into, then zeros.
  uint8_t seal[QNX_SEAL_MAX];
} qnx_header_t;

// What was finalized: this header in this round, after the one of the parent's view.
typedef struct {
  // The epoch.
  uint64_t epoch;
  // The attempt.
  uint64_t view;
  // The view of its parent, zero for the start of the epoch.
  uint64_t parent_view;
  // The id of the header.
  qnx_hash_t header;
} qnx_proposal_t;

// The hash of a set of validators, from its members one after the other.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[64];
} qnx_validators_t;

// The newest header that is believed.
typedef struct {
  // Its height.
  uint64_t height;
  // Its epoch.
  uint64_t epoch;
  // Its time.
  uint64_t time_ms;
  // The longest time between two headers that follow each other.
  uint64_t trusting_period_ms;
  // The chain.
  qnx_id_t chain_id;
  // Its id.
  qnx_hash_t header;
  // The root of the records after it.
  qnx_hash_t state_root;
  // The set that decided on it.
  qnx_hash_t validators;
  // The set that decides on the block after it.
  qnx_hash_t next_validators;
} qnx_trusted_t;

// A header whose certificate is being checked.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[128];
} qnx_following_t;

// Writes the canonical bytes of a header. `*len` is the room of `out` before and the length after; QNX_HEADER_MAX is always enough.
//
// Codes: ID_SYNTAX, BUFFER_TOO_SMALL.
qnx_status_t qnx_header_encode(const qnx_header_t *from,
                               uint8_t *out,
                               size_t *len);

// Reads the canonical bytes of a header.
//
// Codes: DECODE_*.
qnx_status_t qnx_header_decode(const uint8_t *bytes, size_t len, qnx_header_t *out);

// The id of a header, which is that of its block.
//
// Codes: ID_SYNTAX.
qnx_status_t qnx_header_id(const qnx_header_t *from, qnx_hash_t *out);

// What validators sign to finalize a proposal of a chain, for the purpose of votes.
//
// Codes: ID_SYNTAX.
qnx_status_t qnx_finalize_id(const qnx_id_t *chain_id, const qnx_proposal_t *finalized, qnx_hash_t *out);

// Starts the hash of a set of validators.
qnx_status_t qnx_validators_init(qnx_validators_t *state);

// Adds a member: the key of its votes, and the hash of its key of checkpoints; members come in ascending order of scheme and key.
//
// Codes: SCHEME_UNKNOWN, VALIDATOR_SET.
qnx_status_t qnx_validators_push(qnx_validators_t *state,
                                 qnx_scheme_t scheme,
                                 const uint8_t *public_key,
                                 size_t public_key_len,
                                 const qnx_hash_t *finality_key);

// The hash of the set.
//
// Codes: VALIDATOR_SET.
qnx_status_t qnx_validators_hash(const qnx_validators_t *state, qnx_hash_t *out);

// Forgets a set.
qnx_status_t qnx_validators_clear(qnx_validators_t *state);

// How many bytes of a `qnx_validators_t` are used.
size_t qnx_validators_size(void);

// Starts belief at a header that the caller vouches for. The trusting period is the longest block time between two headers that
// follow each other; it is shorter than the chain's unbonding delay.
//
// Codes: ID_SYNTAX, HEADER_PROTOCOL.
qnx_status_t qnx_trust_anchor(const qnx_header_t *from,
                              uint64_t trusting_period_ms,
                              qnx_trusted_t *out);

// Starts the check that a newer header is final: its proposal, then all members of its set.
//
// Codes: ID_SYNTAX, HEADER_*, CERTIFICATE_PROPOSAL.
qnx_status_t qnx_following_init(qnx_following_t *state,
                                const qnx_trusted_t *believed,
                                const qnx_header_t *newer,
                                const qnx_proposal_t *finalized);

// Takes the next member of the set, with its signature, or with a null one if it did not sign.
//
// Codes: SCHEME_UNKNOWN, VALIDATOR_SET, CERTIFICATE_SIGNATURE.
qnx_status_t qnx_following_push(qnx_following_t *state,
                                qnx_scheme_t scheme,
                                const uint8_t *public_key,
                                size_t public_key_len,
                                const qnx_hash_t *finality_key,
                                const uint8_t *signature,
                                size_t signature_len);

// What is believed from now on: replaces `*believed` if all members came and a quorum of them signed.
//
// Codes: ID_SYNTAX, HEADER_*, VALIDATOR_SET, CERTIFICATE_SIGNERS, CERTIFICATE_SIGNATURE.
qnx_status_t qnx_following_finish(const qnx_following_t *state, qnx_trusted_t *believed);

// Forgets a check.
qnx_status_t qnx_following_clear(qnx_following_t *state);

// How many bytes of a `qnx_following_t` are used.
size_t qnx_following_size(void);

/* =====================================================================================================================
 * Checkpoints, by which the light client follows the ends of epochs without relying on Ed25519 alone.
 *
 * When an epoch has ended, those who decided in it sign its last header once more, each with the key of checkpoints whose hash stands in the set:
 * of QNX_HYBRID, with QNX_PURPOSE_CHECKPOINT. The trusted header is the same as that of certificates, and moves on by either.
 */

// A header whose checkpoint is being checked.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[128];
} qnx_checkpoint_t;

// What validators sign of the last header of an epoch, for the purpose of checkpoints.
//
// Codes: ID_SYNTAX.
qnx_status_t qnx_checkpoint_id(const qnx_header_t *from, qnx_hash_t *out);

// Starts the check that a newer header is final by its checkpoint: all members of its set follow.
//
// Codes: ID_SYNTAX, HEADER_*.
qnx_status_t qnx_checkpoint_init(qnx_checkpoint_t *state,
                                 const qnx_trusted_t *believed,
                                 const qnx_header_t *newer);

// Takes the next member of the set, which did not sign: the key of its votes and the hash of its key of checkpoints.
//
// Codes: SCHEME_UNKNOWN, VALIDATOR_SET, CERTIFICATE_SIGNATURE.
qnx_status_t qnx_checkpoint_push(qnx_checkpoint_t *state,
                                 qnx_scheme_t scheme,
                                 const uint8_t *vote_key,
                                 size_t vote_key_len,
                                 const qnx_hash_t *finality_key);

// Takes the next member of the set, which signed: the key of its votes, its key of checkpoints and its signature.
//
// Codes: SCHEME_UNKNOWN, VALIDATOR_SET, CERTIFICATE_SIGNATURE.
qnx_status_t qnx_checkpoint_push_signed(qnx_checkpoint_t *state,
                                        qnx_scheme_t scheme,
                                        const uint8_t *vote_key,
                                        size_t vote_key_len,
                                        const uint8_t *public_key,
                                        size_t public_key_len,
                                        const uint8_t *signature,
                                        size_t signature_len);

// What is believed from now on: replaces `*believed` if all members came and a quorum of them signed.
//
// Codes: ID_SYNTAX, HEADER_*, VALIDATOR_SET, CERTIFICATE_SIGNERS, CERTIFICATE_SIGNATURE.
qnx_status_t qnx_checkpoint_finish(const qnx_checkpoint_t *state, qnx_trusted_t *believed);

// Forgets a check.
qnx_status_t qnx_checkpoint_clear(qnx_checkpoint_t *state);

// How many bytes of a `qnx_checkpoint_t` are used.
size_t qnx_checkpoint_size(void);

/* =====================================================================================================================
 * The client of a device: a channel, and who may use it.
 *
 * The library makes and reads frames; the caller carries them, over a serial line (see `qnx_cobs_encode`), a socket or whatever there is.
 * Besides the codes of every function, all that ask the device may return what it refuses with, what the caller's function returned, and
 * QNX_ERR_FRAME_LENGTH and QNX_ERR_CHANNEL_MESSAGE for answers that are none. A refusal leaves the channel as it was; after these
 * others it must be opened again. No PIN outlives the call that it was passed to.
 */

// Bytes of the longest frame.
#define QNX_FRAME_MAX 4096

// Bytes of a static key, and of the random bytes that a channel takes.
#define QNX_CHANNEL_KEY_SIZE 32

// Characters of a pairing code, with the zero byte behind it.
#define QNX_PAIRING_CODE_SIZE 25

// Users of a device, at most.
#define QNX_USERS_MAX 8

// An open channel to a device. Wipe it with `qnx_client_clear`.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[1152];
} qnx_client_t;

// Carries a frame to the device and its answer back: sends the `len` bytes of `frame`, waits for the answer, writes it to `answer`, which
// has room for `capacity` bytes, and its length to `answer_len`. Returns zero, or what the call that needed it shall return: a status,
// where a number that is none, above 65535 or negative, becomes QNX_ERR_DEVICE_LINE. It must not use the client.
typedef qnx_status_t (*qnx_exchange_t)(void *context,
                                       const uint8_t *frame,
                                       size_t len,
                                       uint8_t *answer,
                                       size_t capacity,
                                       size_t *answer_len);

// The newest header that a device trusts.
typedef struct {
  // Its height.
  uint64_t height;
  // Its time, in milliseconds since the Unix epoch.
  uint64_t time_ms;
  // The chain.
  qnx_id_t chain_id;
  // Its id.
  qnx_hash_t header;
  // 1 if there is such a header, else 0, and the rest is zeros.
  uint8_t present;
} qnx_trust_t;

// What a device says of itself to everybody.
typedef struct {
  // Entries of the audit log.
  uint64_t audit_count;
  // Up to which entry the audit log was taken.
  uint64_t audit_taken;
  // The chain and height that it trusts.
  qnx_trust_t trusted;
  // Its firmware's version.
  uint32_t version;
  // Its name; an empty text before it was initialised.
  qnx_id_t name;
  // How many officers must be logged in for what officers may do.
  uint8_t officers_needed;
  // Bit `n`: the user at place `n` is logged in.
  uint8_t logged_in;
  // 1 if secrets can be opened.
  uint8_t unlocked;
} qnx_client_status_t;

// What a user may do.
typedef uint8_t qnx_role_t;

// Policies, users, keys, backups, firmware.
#define QNX_ROLE_OFFICER 1

// Signing within the policies.
#define QNX_ROLE_OPERATOR 2

// Reading and taking the audit log.
#define QNX_ROLE_AUDITOR 3

// Opens a channel to a device, with the host's static key, which it is paired by, and 32 random bytes that are used only here. `known` is
// the device's key, or null if the host has not met it: then whoever is at the other end answers, until the pairing codes were compared.
// Function and context are kept until the channel is cleared.
// QNX_ERR_DEVICE_STRANGER: the device has another key than `known`. QNX_ERR_CHANNEL_HANDSHAKE: nobody answers who has a key.
//
// Codes: FRAME_*, CHANNEL_*, DEVICE_STRANGER, DEVICE_LINE.
qnx_status_t qnx_client_open(qnx_client_t *state,
                             qnx_exchange_t exchange,
                             void *context,
                             const uint8_t *static_key,
                             const uint8_t *random,
                             const uint8_t *known);

// Forgets a channel and overwrites its keys. The device ends it when the next one is opened.
qnx_status_t qnx_client_clear(qnx_client_t *state);

// How many bytes of a `qnx_client_t` are used.
size_t qnx_client_size(void);

// Whether the device said that it knows this host when the channel was opened: 1 or 0.
qnx_status_t qnx_client_is_paired(const qnx_client_t *state, uint8_t *paired);

// The device's key, by which it is known again: 32 bytes to `out`.
qnx_status_t qnx_client_device_key(const qnx_client_t *state, uint8_t *out);

// The code that a person compares with the one on the device's panel, with a zero byte. `*len` is the room of `out` before and the length
// with the zero byte after; QNX_PAIRING_CODE_SIZE is always enough.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_client_pairing_code(const qnx_client_t *state,
                                     char *out,
                                     size_t *len);

// Asks to be paired: returns when a person has confirmed on the panel that both codes are the same, or has not. Show the code before.
qnx_status_t qnx_client_pair(qnx_client_t *state);

// What the device says of itself.
qnx_status_t qnx_client_status(qnx_client_t *state, qnx_client_status_t *out);

// Makes a fresh device's secrets and its first officer. `officers_needed` is how many officers must be logged in for what officers may do;
// fewer while there are fewer. A PIN has 6 to 32 printable ASCII characters.
qnx_status_t qnx_client_initialise(qnx_client_t *state,
                                   const qnx_id_t *name,
                                   uint8_t officers_needed,
                                   const qnx_id_t *officer,
                                   const uint8_t *pin,
                                   size_t pin_len);

// Logs a user in, until the channel ends.
qnx_status_t qnx_client_login(qnx_client_t *state, const qnx_id_t *user, const uint8_t *pin, size_t pin_len);

// Logs all users out.
qnx_status_t qnx_client_logout(qnx_client_t *state);

// Adds a user with a first PIN.
qnx_status_t qnx_client_add_user(qnx_client_t *state,
                                 const qnx_id_t *user,
                                 qnx_role_t role,
                                 const uint8_t *pin,
                                 size_t pin_len);

// Removes a user. QNX_ERR_USER_LAST_OFFICER: one must remain.
qnx_status_t qnx_client_remove_user(qnx_client_t *state, const qnx_id_t *user);

/* =====================================================================================================================
 * The client of a device: its keys and their policies.
 *
 * A key lies in one of 16 slots, 0 to 15. It derives from the device's root, its scheme, its purpose and a path, so that a backup of the
 * root is one of all keys but those of votes.
 */

// Slots for keys.
#define QNX_KEY_SLOTS 16

// A key of a device.
typedef struct {
  // Which of the keys that the device's root gives for scheme and purpose.
  uint32_t path;
  // Bytes of the public key; zero while no user is logged in who could use the key.
  uint16_t public_key_len;
  // How it signs.
  qnx_scheme_t scheme;
  // What it signs.
  qnx_purpose_t purpose;
  // 1 if it has a policy.
  uint8_t has_policy;
  // What people call it.
  qnx_id_t label;
  // The hash of the public key, as the ledger names it.
  qnx_hash_t hash;
  // The hash of its policy; zeros if it has none.
  qnx_hash_t policy;
  // The public key, then zeros.
  uint8_t public_key[QNX_MAX_PUBLIC_KEY_SIZE];
} qnx_key_info_t;

// Makes a key in an empty slot.
qnx_status_t qnx_client_create_key(qnx_client_t *state,
                                   uint8_t slot,
                                   qnx_scheme_t scheme,
                                   qnx_purpose_t purpose,
                                   uint32_t path,
                                   const qnx_id_t *label,
                                   qnx_key_info_t *out);

// Describes the key in a slot.
qnx_status_t qnx_client_describe_key(qnx_client_t *state, uint8_t slot, qnx_key_info_t *out);

// Sets the policy of a key that signs transactions: canonical bytes. A person confirms it on the panel.
qnx_status_t qnx_client_set_policy(qnx_client_t *state, uint8_t slot, const uint8_t *policy, size_t len);

// The canonical bytes of a key's policy. `*len` is the room of `out` before and the length after; QNX_POLICY_MAX is always enough.
qnx_status_t qnx_client_get_policy(qnx_client_t *state,
                                   uint8_t slot,
                                   uint8_t *out,
                                   size_t *len);

/* =====================================================================================================================
 * The client of a device: the chain that it follows, votes, and what it proves about itself.
 */

// Bytes of the set of those who signed a header: a bit for each place, the lowest bit of the first byte for place 0.
#define QNX_SIGNERS_SIZE 32

// Bytes of a nonce.
#define QNX_NONCE_SIZE 32

// Bytes of a vote's or an attestation's signature: Ed25519.
#define QNX_VOTE_SIGNATURE_SIZE 64

// The kinds of votes.
typedef uint8_t qnx_vote_kind_t;

// The newest place of a device's audit log.
typedef struct {
  // How many entries there have ever been.
  uint64_t count;
  // The hash over them; zeros before the first.
  qnx_hash_t hash;
  // The attestation key that has signed it.
  uint8_t public_key[32];
  // Its signature of count, hash and nonce.
  uint8_t signature[QNX_VOTE_SIGNATURE_SIZE];
} qnx_audit_head_t;

// What a device says of itself, signed.
typedef struct {
  // How many entries its audit log has ever had.
  uint64_t audit_count;
  // The newest header that it trusts.
  qnx_trust_t trusted;
  // Its firmware's version.
  uint32_t version;
  // The hash of its firmware's image, as its loader has measured it.
  qnx_hash_t measurement;
  // The hash over its audit log.
  qnx_hash_t audit_hash;
  // Its name; an empty text before it was initialised.
  qnx_id_t name;
  // The attestation key that has signed it.
  uint8_t public_key[32];
  // Its signature of all this and the nonce.
  uint8_t signature[QNX_VOTE_SIGNATURE_SIZE];
} qnx_attestation_t;

// The proposal may become final.
#define QNX_VOTE_NOTARIZE 1

// The view shall end without a block.
#define QNX_VOTE_NULLIFY 2

// The proposal is final.
#define QNX_VOTE_FINALIZE 3

// Lets officers say where belief starts: a header, and the longest block time between two headers that follow each other. A person
// confirms it on the panel.
qnx_status_t qnx_client_anchor(qnx_client_t *state,
                               const qnx_header_t *from,
                               uint64_t trusting_period_ms);

// Brings a newer header, what was finalized, and who signed it, QNX_SIGNERS_SIZE bytes. All members of the set follow.
qnx_status_t qnx_client_begin_header(qnx_client_t *state,
                                     const qnx_header_t *newer,
                                     const qnx_proposal_t *finalized,
                                     const uint8_t *signers);

// Brings the next member of the set, with its signature, or with a null one if it did not sign.
qnx_status_t qnx_client_push_member(qnx_client_t *state,
                                    qnx_scheme_t scheme,
                                    const uint8_t *public_key,
                                    size_t public_key_len,
                                    const qnx_hash_t *finality_key,
                                    const uint8_t *signature,
                                    size_t signature_len);

// Lets the device trust the header, if all members came and a quorum of them signed.
qnx_status_t qnx_client_finish_header(qnx_client_t *state);

// Lets the vote key in a slot sign a vote: QNX_VOTE_SIGNATURE_SIZE bytes to `out`. To nullify, only epoch and view of the proposal count.
qnx_status_t qnx_client_vote(qnx_client_t *state,
                             uint8_t slot,
                             qnx_vote_kind_t kind,
                             const qnx_proposal_t *on,
                             uint8_t *out);

// The newest place of the audit log, signed for a nonce of 32 random bytes. The signature is right; whether the public key is the device's
// is for the caller to know. QNX_ERR_SIGNATURE_MISMATCH: it is not.
qnx_status_t qnx_client_audit_head(qnx_client_t *state,
                                   const uint8_t *nonce,
                                   qnx_audit_head_t *out);

// What the device says of itself, signed for a nonce of 32 random bytes. The signature is right; whether the public key is the device's
// is for the caller to know. QNX_ERR_SIGNATURE_MISMATCH: it is not, or the answer is one to another nonce.
qnx_status_t qnx_client_attest(qnx_client_t *state,
                               const uint8_t *nonce,
                               qnx_attestation_t *out);

/* =====================================================================================================================
 * The client of a device: signing a transaction; and raw data, by keys that sign nothing else.
 *
 * A transaction, in this order: `qnx_client_begin_sign`; `qnx_client_push_pending` for each transaction of the key that was signed and is not final, the oldest
 * first; `qnx_client_approve` for each approval; with a witness, `qnx_client_push_record` for every record that these transactions may
 * touch, each once, in the ascending order of their keys (`qnx_transaction_records`), and `qnx_client_push_proof` with the proof that they are those of the
 * header that the device trusts; then `qnx_client_judge`, as often as one likes, or `qnx_client_sign`.
 */

// Random bytes in one call, at most.
#define QNX_RANDOM_MAX 255

// Brings a transaction, its canonical bytes, to be signed by the key in a slot. `witnessed` is 1 if a witness follows, else 0.
qnx_status_t qnx_client_begin_sign(qnx_client_t *state,
                                   uint8_t slot,
                                   uint8_t witnessed,
                                   const uint8_t *transaction,
                                   size_t len);

// Brings a transaction that the key has signed and that is not final.
qnx_status_t qnx_client_push_pending(qnx_client_t *state, const uint8_t *transaction, size_t len);

// Brings the next record: its canonical bytes, none where there is no record.
qnx_status_t qnx_client_push_record(qnx_client_t *state, const uint8_t *record, size_t len);

// Brings the proof for the records: all of it, or piece by piece.
qnx_status_t qnx_client_push_proof(qnx_client_t *state, const uint8_t *proof, size_t len);

// Brings the approval of a person: the signature of the approval's id, made for QNX_PURPOSE_APPROVAL. Before any records.
qnx_status_t qnx_client_approve(qnx_client_t *state,
                                qnx_scheme_t scheme,
                                const uint8_t *public_key,
                                size_t public_key_len,
                                const uint8_t *signature,
                                size_t signature_len);

// What the device would say of the transaction: `*verdict` is QNX_OK, or the status that `qnx_client_sign` would return. Nothing changes.
qnx_status_t qnx_client_judge(qnx_client_t *state,
                              qnx_status_t *verdict);

// The signature of the transaction. `*len` is the room of `out` before, at least QNX_MAX_SIGNATURE_SIZE, and the length after. If the answer
// is lost, bring the same transaction again: its signature is the same, and it counts once.
qnx_status_t qnx_client_sign(qnx_client_t *state,
                             uint8_t *out,
                             size_t *len);

// The signature of raw data, up to 8,192 bytes, by the key of plain use in a slot. `*len` is the room of `out` before, at least
// QNX_MAX_SIGNATURE_SIZE, and the length after.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_client_sign_data(qnx_client_t *state,
                                  uint8_t slot,
                                  const uint8_t *data,
                                  size_t data_len,
                                  uint8_t *out,
                                  size_t *len);

// The signature of the checkpoint of the header that the device trusts, by the key of checkpoints in a slot. `*len` is the room of `out` before, at
// least QNX_MAX_SIGNATURE_SIZE, and the length after.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_client_checkpoint(qnx_client_t *state,
                                   uint8_t slot,
                                   uint8_t *out,
                                   size_t *len);

// Random bytes from the device: `count` of them to `out`, 1 to QNX_RANDOM_MAX.
qnx_status_t qnx_client_random(qnx_client_t *state, uint8_t *out, size_t count);

/* =====================================================================================================================
 * The client of a device: its audit log, for auditors, and the chain of its entries, for whoever has an archive.
 *
 * To archive: `qnx_client_audit_read` from the place after the last entry of the archive, again and again until nothing comes; the place is then that of
 * `qnx_client_audit_head`, or entries are missing or forged; once the entries are kept durably, `qnx_client_audit_take`. A device whose log is full does nothing more that must be logged.
 * To check an archive: `qnx_audit_follow` from the place of all zeros.
 */

// Bytes of an entry of the audit log.
#define QNX_AUDIT_ENTRY_SIZE 46

// Entries in one answer, at most.
#define QNX_AUDIT_READ_MAX 88

// In an entry: no user, or no key.
#define QNX_AUDIT_NOBODY 255

// Characters of the name of a command, at most, with the zero byte behind it.
#define QNX_COMMAND_NAME_SIZE 24

// A place in the audit log: all zeros before the first entry.
typedef struct {
  // How many entries come before it.
  uint64_t count;
  // The hash over them.
  qnx_hash_t hash;
} qnx_audit_place_t;

// An entry of the audit log, as it is archived.
typedef struct {
  // Its bytes.
  uint8_t bytes[QNX_AUDIT_ENTRY_SIZE];
} qnx_audit_entry_t;

// What an entry says.
typedef struct {
  // The trusted time, in milliseconds since the Unix epoch; zero before there was one.
  uint64_t time_ms;
  // QNX_OK, or why the device refused.
  qnx_status_t refusal;
  // What it was about: the id of a transaction, the hash of a policy; zeros if nothing.
  qnx_hash_t about;
  // The number of the command.
  uint8_t command;
  // The place of the user, or QNX_AUDIT_NOBODY.
  uint8_t user;
  // The slot of the key, or QNX_AUDIT_NOBODY.
  uint8_t key;
} qnx_audit_event_t;

// Reads the entries behind a place, as many as one answer holds, and moves the place behind them; none if there are no more. `*count` is the room
// of `out` before and how many entries came after; QNX_AUDIT_READ_MAX is always enough. QNX_ERR_AUDIT_HEAD: entries behind the place were
// taken already, and the device does not show them any more.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_client_audit_read(qnx_client_t *state,
                                   qnx_audit_place_t *place,
                                   qnx_audit_entry_t *out,
                                   size_t *count);

// Tells the device that all entries before a place are archived: it may overwrite them. QNX_ERR_AUDIT_HEAD: there is no such place in its log.
qnx_status_t qnx_client_audit_take(qnx_client_t *state,
                                   const qnx_audit_place_t *place);

// Moves a place behind the entries that follow it. It is then one that a device has signed (`qnx_client_audit_head`), or an entry is
// missing, changed or made up.
qnx_status_t qnx_audit_follow(qnx_audit_place_t *place,
                              const qnx_audit_entry_t *entries,
                              size_t count);

// What an entry says.
//
// Codes: DECODE_MALFORMED.
qnx_status_t qnx_audit_entry_read(const qnx_audit_entry_t *entry, qnx_audit_event_t *out);

// The name of a command of devices, such as "add-user", with a zero byte. `*len` is the room of `out` before and the length with the zero byte
// after; QNX_COMMAND_NAME_SIZE is always enough.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_command_name(uint8_t command,
                              char *out,
                              size_t *len);

/* =====================================================================================================================
 * The client of a device: backups of the root that its keys derive from, as shares in the hands of custodians.
 *
 * Each custodian's device gives its backup key. The device that has the root cuts it: one share for each of these keys, so many of which as its officers
 * say restore it, and fewer of which say nothing about it. To restore, each custodian's device seals its share anew to the backup key of
 * the new device, which takes all of them while no key derives from a root of its own. Every panel shows the code of the key that something is sealed to, and
 * the same code of the root: people compare them.
 */

// Bytes of a backup key.
#define QNX_BACKUP_KEY_SIZE 32

// Shares of a root, at most.
#define QNX_CUSTODIANS_MAX 16

// Bytes of one share with the manifest of all, at most.
#define QNX_SHARE_MAX 661

// Bytes of all shares of a root with their manifest, at most.
#define QNX_SHARES_MAX 2356

// What shares say of themselves.
typedef struct {
  // The hash of the root: what panels show the code of.
  qnx_hash_t root;
  // The hash of the manifest, by which audit logs name the backup.
  qnx_hash_t id;
  // How many shares of the root were made.
  uint8_t made;
  // How many of them restore it.
  uint8_t threshold;
  // How many of them are here.
  uint8_t here;
} qnx_shares_t;

// The key to which backups for this device are sealed: QNX_BACKUP_KEY_SIZE bytes to `out`. Its code is on the panel.
qnx_status_t qnx_client_backup_key(qnx_client_t *state,
                                   uint8_t *out);

// Cuts the root of the device into shares: one for each of the backup keys in `keys`, which are the custodians', one behind the other. A person
// confirms them on the panel. `*len` is the room of `out` before, at least QNX_SHARES_MAX, and the length of all shares with their manifest
// after; `qnx_share_at` takes them apart. QNX_ERR_SHARE_COUNT, QNX_ERR_SHARE_KEYS: there cannot be these shares.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_client_backup_shares(qnx_client_t *state,
                                      uint8_t threshold,
                                      const uint8_t *keys,
                                      size_t keys_len,
                                      uint8_t *out,
                                      size_t *len);

// Lets a custodian's device check its share and seal it to another device's backup key, QNX_BACKUP_KEY_SIZE bytes. A person confirms it on the panel. `*len` is the room of `out` before,
// at least QNX_SHARE_MAX, and the length of the share with its manifest after. QNX_ERR_SHARE_DEVICE: the share is another
// custodian's. QNX_ERR_SHARE_FOREIGN, QNX_ERR_SHARE_WRONG: it is not as it was made.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_client_pass_share(qnx_client_t *state,
                                   const uint8_t *share,
                                   size_t share_len,
                                   const uint8_t *to,
                                   uint8_t *out,
                                   size_t *len);

// Restores a root from shares that are sealed to the device, each with its manifest. A person confirms it on the panel. QNX_ERR_SHARES_TOO_FEW: more
// are needed. QNX_ERR_SHARE_TWICE: one came twice. QNX_ERR_SHARE_FOREIGN: they are not of one backup, or one is not as it was made.
// QNX_ERR_KEY_EXISTS: keys derive from the root that the device has.
//
// Codes: DECODE_*, SHARE*.
qnx_status_t qnx_client_restore_shares(qnx_client_t *state,
                                       const qnx_bytes_t *shares,
                                       size_t count);

// What shares say of themselves. Whether it is true only devices can tell.
//
// Codes: DECODE_*, SHARE_COUNT.
qnx_status_t qnx_shares_read(const uint8_t *shares, size_t len, qnx_shares_t *out);

// One of some shares, the first one at index 0, with their manifest: what one custodian keeps. `*len` is the room of `out` before and the length
// after; QNX_SHARE_MAX is always enough.
//
// Codes: DECODE_*, SHARE_COUNT, BUFFER_TOO_SMALL.
qnx_status_t qnx_share_at(const uint8_t *shares,
                          size_t shares_len,
                          size_t index,
                          uint8_t *out,
                          size_t *len);

/* =====================================================================================================================
 * The client of a device: new firmware.
 *
 * In this order: `qnx_client_begin_update` with the manifest that its vendor signed; `qnx_client_push_image` with all parts of the image, one behind the
 * other; `qnx_client_finish_update`. The next start tries the new image, and the first login after it confirms it; one that nobody
 * confirmed is given up at the start after that.
 */

// Brings the manifest of an image. A person confirms it on the panel; then the device empties the slot that does not run. QNX_ERR_SIGNATURE_MISMATCH,
// QNX_ERR_IMAGE_KEY: it is not the vendor's. QNX_ERR_IMAGE_BOARD, QNX_ERR_IMAGE_LENGTH, QNX_ERR_IMAGE_VERSION: it is not for this device.
qnx_status_t qnx_client_begin_update(qnx_client_t *state,
                                     const uint8_t *manifest,
                                     size_t len);

// Brings the part of an image that stands behind `offset` bytes: a multiple of 16 bytes, but for the last part. QNX_ERR_IMAGE_PIECE: the parts
// before it have not come, or it has come already.
qnx_status_t qnx_client_push_image(qnx_client_t *state,
                                   uint32_t offset,
                                   const uint8_t *part,
                                   size_t len);

// Lets the device try the image at its next start, if it came whole. QNX_ERR_IMAGE_MEASUREMENT: it is not the manifest's.
qnx_status_t qnx_client_finish_update(qnx_client_t *state);

/* =====================================================================================================================
 * Frames on a serial line: COBS (Cheshire, Baker 1999), which leaves out zero bytes, and a zero byte behind each frame.
 *
 * A line of QENEX's devices has 115,200 baud, eight bits, no parity, one stop bit. Zeros between frames are silence.
 */

// Bytes of the longest frame on a line, with the zero byte behind it.
#define QNX_COBS_MAX 4114

// Encodes a frame, with the zero byte behind it. `*out_len` is the room of `out` before and the length after; QNX_COBS_MAX is always enough
// for a frame of a device.
//
// Codes: BUFFER_TOO_SMALL.
qnx_status_t qnx_cobs_encode(const uint8_t *frame,
                             size_t len,
                             uint8_t *out,
                             size_t *out_len);

// Decodes in its place what came before a zero byte. `*len` is the length of what came before, and that of the frame after.
// QNX_ERR_FRAME_LENGTH: it is no frame.
//
// Codes: FRAME_LENGTH.
qnx_status_t qnx_cobs_decode(uint8_t *bytes,
                             size_t *len);

/* =====================================================================================================================
 * The device itself, for firmware in C: the whole service behind its channel, over a board of functions.
 *
 * Firmware feeds it one frame after the other from its line and sends what it answers. All that it remembers is in the flash, and survives a
 * loss of power at any byte. It verifies what it signs, and its critical decisions withstand a skipped instruction as those of the
 * image in `firmware` do, if the firmware around it is built with the same care.
 */

// Bytes of a flash's page. A chip whose pages are smaller erases several; one whose pages are larger cannot be used.
#define QNX_FLASH_PAGE 8192

// Bytes of a flash's word: offset and length of whatever is programmed are multiples of it. A chip whose words are smaller programs several.
#define QNX_FLASH_WORD 16

// The first byte of every frame.
#define QNX_FRAME_VERSION 1

// The second byte of a frame that says in the clear why there is no other answer: two bytes follow, the status, the lower one first.
#define QNX_FRAME_REFUSED 0

// A device. Wipe it with `qnx_device_clear`.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[640];
} qnx_device_t;

// Where a device keeps the request that it is asked to sign.
typedef struct {
  // Only the library reads it.
  uint64_t opaque[5376];
} qnx_sign_work_t;

// Reads `len` bytes of the flash from `offset`.
typedef qnx_status_t (*qnx_flash_read_t)(void *context, uint32_t offset, uint8_t *bytes, size_t len);

// Programs `len` bytes at `offset`, whole words that were erased. They are durable when it returns.
typedef qnx_status_t (*qnx_flash_program_t)(void *context, uint32_t offset, const uint8_t *bytes, size_t len);

// Erases the pages from `offset` on, `len` bytes: they read as 0xff when it returns.
typedef qnx_status_t (*qnx_flash_erase_t)(void *context, uint32_t offset, uint32_t len);

// Fills bytes from the hardware's source of entropy.
typedef qnx_status_t (*qnx_entropy_t)(void *context, uint8_t *bytes, size_t len);

// Milliseconds since the start.
typedef uint64_t (*qnx_uptime_t)(void *context);

// Shows a line on the panel. It is lent until the function returns.
typedef void (*qnx_show_t)(void *context, const qnx_line_t *line);

// Waits until a person confirms what the panel shows, 1, or does not, any other number.
typedef uint8_t (*qnx_confirm_t)(void *context);

// A run of pages of the flash.
typedef struct {
  // Where it starts, a multiple of QNX_FLASH_PAGE.
  uint32_t offset;
  // How many pages it has.
  uint16_t pages;
} qnx_region_t;

// What a device needs of its hardware. Functions return zero, or any other number where the hardware does not do it.
typedef struct {
  // What every function is called with.
  void *context;
  // Of the flash.
  qnx_flash_read_t read;
  // Of the flash.
  qnx_flash_program_t program;
  // Of the flash.
  qnx_flash_erase_t erase;
  // Different bytes each time.
  qnx_entropy_t entropy;
  // The clock.
  qnx_uptime_t uptime;
  // The panel.
  qnx_show_t show;
  // The button.
  qnx_confirm_t confirm;
  // Bytes of the flash.
  uint32_t flash_size;
  // Named records: an even number of pages.
  qnx_region_t vault;
  // The audit log: at least three pages.
  qnx_region_t audit;
  // The votes that were given: at least three pages.
  qnx_region_t votes;
  // What the slots hold: one page for each.
  qnx_region_t boot;
  // Two places for images of the firmware.
  qnx_region_t slots[2];
  // The board's name, as images call it.
  qnx_id_t name;
  // How images must be signed: QNX_ED25519 or QNX_P256.
  qnx_scheme_t vendor_scheme;
  // By the key with this hash.
  qnx_hash_t vendor;
  // A secret that only this one device has, and that no host can read.
  uint8_t unique_secret[32];
} qnx_board_t;

// What runs, as whoever started it has measured it: the loader of `firmware/loader` leaves it in the memory that `handover.rs` describes.
typedef struct {
  // Its version: a lower one is not installed.
  uint32_t version;
  // The place of its record in the order in which they were written.
  uint32_t sequence;
  // The slot that it was started from.
  uint8_t slot;
  // The hash of its image.
  qnx_hash_t measurement;
  // The measurement of a newer image that was given up and of which the audit log must tell; zeros if there is none.
  qnx_hash_t given_up;
} qnx_firmware_t;

// Starts a device on a board: reads its flash, and finishes what a loss of power left unfinished. The functions of the board, their
// context and the memory of `work` are the device's until it is cleared. What it returns instead of zero is what firmware answers every
// frame with.
//
// Codes: ID_SYNTAX, SCHEME_UNKNOWN, FLASH_*, ENTROPY, DECODE_*.
qnx_status_t qnx_device_init(qnx_device_t *state,
                             qnx_sign_work_t *work,
                             const qnx_board_t *board,
                             const qnx_firmware_t *firmware);

// Answers a frame, which is overwritten. `*answer_len` is the room of `answer` before, at least QNX_FRAME_MAX, and the length after.
//
// Codes: BUFFER_TOO_SMALL, FRAME_LENGTH.
qnx_status_t qnx_device_answer(qnx_device_t *state,
                               uint8_t *frame,
                               size_t len,
                               uint8_t *answer,
                               size_t *answer_len);

// Ends the channel and the session: the host has hung up.
qnx_status_t qnx_device_disconnect(qnx_device_t *state);

// Forgets a device and overwrites its secrets. What it keeps in the flash stays.
qnx_status_t qnx_device_clear(qnx_device_t *state);

// How many bytes of a `qnx_device_t` are used.
size_t qnx_device_size(void);

// How many bytes of a `qnx_sign_work_t` are used.
size_t qnx_sign_work_size(void);

#ifdef __cplusplus
}
#endif

#endif /* QENEX_H */
