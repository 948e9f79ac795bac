//! The one table of error codes.
//!
//! Each operation has its own enum, whose variants say what can go wrong there; every variant maps to one row of
//! this table. A row is a number that never changes and is never used again, a name, and a sentence that says
//! what was expected. The same numbers appear in the device protocol, the C header, the API and the logs.
//! Retired rows stay here as comments.

use core::fmt;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// The stable number, never zero.
    pub number: u16,
    /// The name, in the spelling of the C header without its prefix.
    pub name: &'static str,
    /// What was expected, as one sentence.
    pub sentence: &'static str,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.number, self.name, self.sentence)
    }
}

/// An error that has a row in the table.
pub trait Coded {
    /// Its row.
    fn code(&self) -> Code;
}

macro_rules! codes {
    ($( $number:literal $name:ident $sentence:literal; )*) => {
        $(
            #[doc = $sentence]
            pub const $name: Code = Code { number: $number, name: stringify!($name), sentence: $sentence };
        )*
        /// All rows, in ascending order of their numbers.
        pub const TABLE: &[Code] = &[$($name),*];
    };
}

// 1xx numbers, 2xx identifiers and encoding, 3xx cryptography, 40x and 41x trees, 42x and 43x agreement, 5xx market makers,
// 6xx transactions, 7xx ledger, 8xx policy, 9xx device, 10xx host store, node and devices, 11xx host interface,
// 12xx C interface, 13xx proof of work.
codes! {
    101 NUM_OVERFLOW "The result is larger than its type can hold.";
    102 NUM_UNDERFLOW "The result would be below zero.";
    103 NUM_DIVISION_BY_ZERO "The divisor must not be zero.";
    104 NUM_SYNTAX "A decimal is digits, optionally followed by a point and more digits.";
    105 NUM_TOO_MANY_DIGITS "At most 18 digits follow the point of an amount, at most 128 that of a precise number.";
    201 ID_SYNTAX "An identifier is 1 to 24 characters of A-Z, 0-9, '_', '-' and '.'.";
    202 TEXT_SYNTAX "A reference is at most 35 printable ASCII characters.";
    203 ENCODE_BUFFER_TOO_SMALL "The buffer must have room for the whole encoding.";
    211 DECODE_UNKNOWN_TAG "The encoding must start with the tag of the expected kind and a known version.";
    212 DECODE_MALFORMED "The bytes must be a complete encoding with every field within its range.";
    213 DECODE_NOT_CANONICAL "The bytes must be the one canonical encoding of their value.";
    214 DECODE_TRAILING "Nothing may follow the encoding.";
    215 DECODE_TOO_LONG "The encoding is longer than its kind allows.";
    301 SCHEME_UNKNOWN "A signature scheme is a number of the table of schemes.";
    // 302 SCHEME_RESERVED: all schemes of the table are implemented.
    303 PURPOSE_UNKNOWN "A purpose of a key is a number from 1 to 7.";
    304 PUBLIC_KEY_LENGTH "A public key has the length of its scheme.";
    305 PUBLIC_KEY_INVALID "A public key is the one encoding of a point that does not have small order.";
    306 SIGNATURE_LENGTH "A signature has the length of its scheme.";
    307 SIGNATURE_MALFORMED "A signature must have the one form of its scheme; for Ed25519 a canonical point that does not have small order and a canonical scalar, for P-256 a low s.";
    308 SIGNATURE_MISMATCH "The signature must be one of these bytes by this key.";
    309 SEED_INVALID "A seed is 32 bytes that are not all zero, and for P-256 a number below the group's order.";
    310 SIGNATURE_NOT_RELEASED "A new signature must verify before it is released.";
    311 AEAD_LENGTH "At most 64 GiB are sealed at once.";
    312 AEAD_TAG "What is opened must be what was sealed under the same key, nonce and context.";
    313 CONTEXT_TOO_LONG "The context of a signature is at most 255 bytes.";
    314 SIGNING_ATTEMPTS "Signing must succeed within 814 attempts, as it does but for a fault.";
    315 EXCHANGE_LOW_ORDER "A public key for an exchange must not have low order.";
    316 DIGEST_LENGTH "ECDSA over P-256 signs a digest of 32 bytes.";
    401 LOG_INDEX "The index of a leaf is smaller than the number of leaves.";
    402 LOG_SIZES "The first tree is not larger than the second.";
    403 LOG_PROOF "The proof must lead from the leaf, or the first tree, to the root.";
    411 PROOF_KEYS "A state proof is about at most 64 keys in ascending order, each once.";
    412 PROOF_TAG "A node of a state proof starts with one of the five tags.";
    413 PROOF_TOO_DEEP "No node of a state proof is deeper than 128.";
    414 PROOF_TRUNCATED "A state proof ends with its last node.";
    415 PROOF_TRAILING "Nothing may follow the last node of a state proof.";
    416 PROOF_NOT_MINIMAL "A state proof holds nothing that its keys do not need.";
    417 PROOF_OPAQUE "What a key's record or its removal depends on is not opaque in a state proof.";
    418 PROOF_NOT_COLLAPSED "A subtree of at most one leaf is given as empty or as that leaf.";
    419 PROOF_MISPLACED "A leaf of a state proof stands on the path of its key.";
    420 PROOF_ROOT "The proof must lead to the expected root.";
    421 VALIDATOR_SET "A set has 1 to 255 validators in strictly ascending order of their keys, and its hash is the expected one.";
    422 CERTIFICATE_SIGNERS "The signers of a certificate must be members of the set, each once, as many as the quorum.";
    423 CERTIFICATE_SIGNATURE "Every signature of a certificate must verify.";
    424 CERTIFICATE_PROPOSAL "The certificate must finalize this header in its epoch.";
    425 HEADER_CHAIN "The header must belong to the chain that the device follows.";
    426 HEADER_NOT_NEWER "The header must be above the trusted height.";
    427 HEADER_TIME "Time never goes back: a header is not older than the trusted one.";
    428 HEADER_EPOCH "The header must be of the trusted epoch or the next one, and of the set that is trusted for it.";
    429 HEADER_TRUSTING_PERIOD "The header must lie within the trusting period of the trusted one; officers must anchor the device anew.";
    430 HEADER_PROTOCOL "The header must follow a version of the rules that this device implements.";
    431 VOTE_CONTRADICTS "A vote must not contradict one that was given.";
    432 VOTE_TOO_OLD "A vote must be of the current epoch and of one of the last views.";
    501 AMM_ZERO_AMOUNT "The amount must be above zero.";
    502 AMM_EMPTY_POOL "The pool must hold both assets.";
    503 AMM_INSUFFICIENT_LIQUIDITY "The output must be less than the pool holds.";
    504 AMM_OUTPUT_BELOW_MINIMUM "The output must not be below the minimum asked for.";
    505 AMM_INPUT_ABOVE_MAXIMUM "The input must not be above the maximum offered.";
    506 AMM_DEADLINE_PASSED "The block's time must not be past the deadline.";
    507 AMM_PRICE_IMPACT_ABOVE_LIMIT "The price impact must not be above the limit.";
    508 AMM_FEE_OUT_OF_RANGE "A pool's fee is 0 to 9,999 basis points.";
    509 AMM_SHARES_BELOW_MINIMUM "The shares must not be fewer than the minimum asked for.";
    510 AMM_POOL_OVERFLOW "The pool's reserves and shares must stay within what an amount can hold.";
    511 AMM_ZERO_OUTPUT "The result must be at least one unit.";
    512 AMM_SHARES_LOCKED "The pool's locked 1,000 units of shares cannot be given back.";
    513 AMM_FIRST_DEPOSIT_TOO_SMALL "The first deposit must give more than the 1,000 units of shares that are locked.";
    514 AMM_POOL_INVALID "A pool is empty, or it holds both assets and has at least 1,000 units of shares.";
    601 AUTHORITY_KEYS "An authority has 1 to 8 different keys in ascending order.";
    602 AUTHORITY_THRESHOLD "The threshold is at least 1 and at most the number of keys.";
    603 TRANSFER_RECEIVERS "A transfer has 1 to 16 receivers.";
    604 TRANSFER_DUPLICATE_RECEIVER "A transfer names each receiver once.";
    701 WRONG_CHAIN "The transaction must name this chain.";
    702 EXPIRED "The block's height must not be above the transaction's last valid height.";
    703 NONCE_USED "The nonce must be the number of transactions that the sender has sent; this one is already used.";
    704 NONCE_AHEAD "The nonce must be the number of transactions that the sender has sent; earlier ones are missing.";
    705 ACCOUNT_UNKNOWN "The account must exist.";
    706 ACCOUNT_NOT_ACTIVE "The account must be active: not frozen, not closed.";
    707 AUTHORITY_NOT_MET "Exactly the threshold of the sender's own keys must sign, in ascending order.";
    708 ID_IN_USE "The identifier must not be in use yet.";
    709 NOT_PERMITTED "The kind of the sender's account must permit the operation.";
    710 NO_CHANGE "The operation must change something.";
    711 ACCOUNT_NOT_EMPTY "An account that is closed must hold no balance and no shares.";
    712 ZERO_AMOUNT "The amount must not be zero.";
    713 SELF_TRANSFER "Sender and receiver must be different accounts.";
    714 INSUFFICIENT_BALANCE "The sender's balance must cover the amount.";
    715 INSUFFICIENT_FOR_FEE "The sender's balance of the native asset must cover the fee.";
    716 INSUFFICIENT_SHARES "The sender must have as many shares of the pool.";
    717 ASSET_UNKNOWN "The asset must exist.";
    718 NOT_ISSUER "Only the account that created the asset may issue or burn it.";
    719 ABOVE_MAX_SUPPLY "The supply must not exceed the asset's largest supply.";
    720 POOL_UNKNOWN "The pool must exist.";
    721 POOL_ASSETS "A pool has two different assets, named in ascending order.";
    722 NOT_IN_POOL "The two assets of a swap must be those of the pool.";
    723 TOO_MANY_WRITES "A transaction writes at most 35 records.";
    724 STAKING_NONE "The chain must have been made with staking.";
    725 VALIDATOR_UNKNOWN "The account must be a validator.";
    726 VALIDATOR_BARRED "A validator stands again once its bar has ended; after proven equivocation never.";
    727 VALIDATOR_NOT_STANDING "The validator must stand, and in the slot that is named.";
    728 SLOT_TAKEN "The slot must be one of 0 to 1,023, and free or the validator's own; a validator stands in one slot.";
    729 KEY_IN_USE "A key must be one that no other validator has ever named; keys of votes and of the network differ.";
    730 STAKE_TOO_SMALL "Whoever stands must have the least stake, and a delegation must buy at least 1,000,000 units of shares.";
    731 VIEW_UNPROVEN "Every record that the transaction reads must be in the view or proven by the witness.";
    732 VIEW_DAMAGED "A record must be the canonical encoding of the kind that its identifier names.";
    741 COMMISSION_RANGE "A commission is at most 10,000 basis points.";
    742 KEY_CHANGED "The key of votes may change once the one before it is no longer accountable.";
    743 STAKE_BONDED "Unbonding stake is withdrawn from its epoch of release on.";
    744 INSUFFICIENT_STAKE "The sender must have so many shares of the validator's stake.";
    745 EVIDENCE_KEY "The key of the evidence must be one that the validator is accountable for.";
    746 EVIDENCE_VOTES "The votes of the evidence must contradict each other.";
    747 EVIDENCE_OLD "The votes of the evidence must not be older than stake takes to unbond.";
    748 EVIDENCE_KNOWN "A validator is punished for equivocation once.";
    749 BLOCK_VIEW "A block's view must be above its parent's in the same epoch, and zero on a chain without staking.";
    750 BLOCK_LEADER "The proposer of a block must be the leader of its view.";
    751 STAKING_RANGE "Every rule of staking must be within its range, and at least one validator must be able to take a seat.";
    801 POLICY_ORDER "The lists of a policy are in strictly ascending order.";
    802 POLICY_TOO_MANY "A policy has rules for at most 8 assets, and names at most 32 receivers, 8 pools and 8 approvers.";
    803 POLICY_RANGE "Every value of a policy is within its range, and what one rule asks for another one defines.";
    804 POLICY_ENCODING "A policy is the canonical encoding of one.";
    811 POLICY_OPERATION "The policy must allow the operation, with a witness or without one.";
    812 POLICY_FEE "The fee must not be above the policy's.";
    813 POLICY_VALIDITY "The last valid height must not be further above the trusted height than the policy allows.";
    814 POLICY_HOURS "The trusted time must lie within the policy's hours.";
    815 POLICY_RECEIVER "Every receiver must be one that the policy names.";
    816 POLICY_POOL "The pool must be one that the policy names.";
    817 POLICY_ASSET "The policy must have a rule for every asset that can leave.";
    818 POLICY_AMOUNT "In the worst case no more may leave than the policy allows for one transaction.";
    819 POLICY_WINDOW "In the worst case no more may leave within the policy's span of time than it allows.";
    820 POLICY_PRICE_IMPACT "A swap must name a largest price impact that is not above the policy's.";
    821 POLICY_UNPROVEN "A rule of the policy can only be checked with a witness.";
    822 POLICY_SLIPPAGE "The limits of the transaction must not be further from its execution than the policy allows.";
    823 POLICY_REMAINDER "So much as the policy says must remain after the transaction.";
    824 POLICY_RECEIVER_KYC "Every receiver must be known as well as the policy says.";
    825 POLICY_RISK "There must be a risk score, and it must not be above the policy's.";
    826 POLICY_APPROVALS "So many of the policy's persons as it says must approve.";
    827 POLICY_DELAY "The policy's delay must pass between the request of a large transaction and its signature.";
    828 POLICY_ACCOUNT "The sender must be the account that the policy names.";
    901 FLASH_IO "The flash must do what it was asked.";
    902 FLASH_GEOMETRY "The regions of the flash must be aligned, apart from each other and large enough.";
    903 FLASH_DAMAGED "What was written to the flash must read back as it was written.";
    904 FLASH_FULL "The flash must have room for one more record.";
    911 FRAME_VERSION "A frame starts with the version of the protocol, 1.";
    912 FRAME_LENGTH "A frame has at most 4,096 bytes.";
    913 COMMAND_UNKNOWN "A command is a number of the table of commands.";
    914 COMMAND_SEQUENCE "The command continues one that must have begun.";
    915 CHANNEL_CLOSED "A channel must have been opened by a handshake.";
    916 CHANNEL_HANDSHAKE "A handshake is the three messages of Noise XX, in order.";
    917 CHANNEL_MESSAGE "Every message of a channel is the next one that the other side sealed.";
    918 FRAME_KIND "A frame is the opening or the closing message of a handshake, or a sealed message.";
    919 HOST_UNPAIRED "The host must be paired with the device, by comparing the code on both.";
    920 HOSTS_FULL "A device is paired with at most 4 hosts.";
    921 DEVICE_FRESH "The device must have been initialised.";
    922 DEVICE_INITIALISED "The device must not have been initialised; wipe it first.";
    923 ROLE "Users of a role that may give the command, as many as the device asks for, must be logged in.";
    924 LOCKED "An officer or an operator must be logged in, so that secrets can be opened.";
    925 USER_UNKNOWN "There must be a user of this name.";
    926 USER_EXISTS "There must be no user of this name, and room for one more.";
    927 USER_LAST_OFFICER "At least one officer must remain.";
    928 PIN_FORM "A PIN has 6 to 32 printable ASCII characters.";
    929 PIN_WRONG "The PIN must be the user's; one try fewer is left.";
    930 PIN_WAIT "After a wrong PIN the device waits before it takes the next one.";
    931 PIN_BLOCKED "No try is left; an officer must set a new PIN.";
    941 KEY_UNKNOWN "There must be a key in the slot.";
    942 KEY_EXISTS "The slot must be empty, and one of 0 to 15.";
    943 KEY_PURPOSE "The key must have the purpose of the command.";
    944 KEY_POLICY "The key must have a policy.";
    945 KEY_EPOCH "A vote is for the trusted epoch or the one after it.";
    946 KEY_SCHEME "A key of votes signs in Ed25519, one of plain use in any scheme but the hybrid.";
    951 ANCHOR_MISSING "Officers must have anchored the device in a chain.";
    952 NOT_CONFIRMED "A person must confirm on the device's panel.";
    953 AUDIT_FULL "The audit log must have room; an auditor must take it first.";
    954 AUDIT_HEAD "The count and the hash must be those of a place in the log.";
    955 ENTROPY "The source of entropy must give different bytes each time.";
    961 WITNESS_TOO_LARGE "The transactions and records of a request, or the data to be signed, must fit the device.";
    962 WITNESS_RECORD "Every record must be the one that the proof shows under its key.";
    963 WITNESS_MISSING "Every record that the transactions may touch must be given, and then the proof.";
    964 KEY_NOT_AUTHORISED "The key must be one of the sender's.";
    965 PENDING_FULL "At most 4 signed transactions of a key may wait to become final or expire.";
    966 PENDING_UNKNOWN "What is replayed must have been signed by this key and not yet be final or expired.";
    967 NONCE_SIGNED "Another transaction with this nonce was signed and has not expired.";
    968 APPROVER_UNKNOWN "The approval must be by a person whom the policy names, each once.";
    971 SHARE_COUNT "A root is cut into at most 16 shares, and its threshold is at least 2 and at most their number.";
    972 SHARE_KEYS "The shares of a root are sealed to different backup keys.";
    973 SHARE_DEVICE "A share must be sealed to this device.";
    974 SHARE_FOREIGN "A share must be unchanged, and come with the manifest under which it was made.";
    975 SHARE_WRONG "A share must have the number and the hash of one that its manifest names.";
    976 SHARE_TWICE "Each share counts once.";
    977 SHARES_TOO_FEW "As many shares must come together as their manifest's threshold says.";
    978 SHARE_ROOT "The shares together must give the root that their manifest names.";
    981 IMAGE_KEY "An image must be signed by the key whose images the device takes.";
    982 IMAGE_BOARD "An image must be made for the device's board.";
    983 IMAGE_VERSION "The version of an image must not be lower than the one that runs.";
    984 IMAGE_LENGTH "An image must have at least one byte and fit its slot.";
    985 IMAGE_PIECE "Each piece of an image follows the one before it, within the image's length; all but the last are whole words of 16 bytes.";
    986 IMAGE_MEASUREMENT "The bytes of an image must have the measurement that its manifest names.";
    987 IMAGE_RETURNED "A new image must confirm itself by a login; this one did not, and the one before it runs again.";
    988 IMAGE_NONE "A slot must hold an image that is signed, whole, and of no lower version than the one that was confirmed last.";
    1001 STORE_IO "The file system, or the way to a database or an object store, must do what it was asked.";
    1002 STORE_IN_USE "A data directory is used by one process at a time.";
    1003 STORE_FORMAT "The file must be of the kind and version that this program writes.";
    1004 STORE_FOREIGN "The file must belong to the chain of this genesis.";
    1005 STORE_DAMAGED "What was committed must read back as it was written.";
    1006 STORE_HEIGHT "A block is appended at the height after the last one.";
    1007 STORE_NOT_FOUND "The height must be within the heights that are kept.";
    1008 STORE_FAILED "After a write that failed the store must be opened again.";
    1009 STORE_BLOCK_TOO_LONG "A block must not be longer than the bound of the log.";
    1010 STORE_DATABASE "The database must do what it was asked.";
    1011 STORE_BUCKET_BITS "At most 31 leading bits of a key choose its bucket.";
    1051 MEMPOOL_FULL "The pool of waiting transactions must have room; try again after the next block.";
    1052 MEMPOOL_NONCE_TAKEN "Another transaction of this sender with this nonce already waits.";
    1053 MEMPOOL_ACCOUNT_FULL "A sender may have only so many transactions waiting; try again after the next block.";
    1061 GENESIS_INVALID "A genesis names every account, asset and pool once, and its amounts add up within the largest amount.";
    1062 GENESIS_OTHER "The data must belong to the same genesis.";
    1063 BLOCK_UNKNOWN_PARENT "The parent must be the newest final block or a pending one.";
    1064 BLOCK_UNKNOWN "The block must be pending.";
    1065 BLOCK_HEADER "Each field of the header must be the one that executing the block yields.";
    1066 BLOCK_TRANSACTION "Every transaction of a block must be accepted.";
    1067 STATE_TOO_LARGE "The state must fit the configured memory.";
    1068 STATE_ROOT_MISMATCH "The records must have the root that the header commits to.";
    1069 DIRECTORY "A data directory holds one chain.";
    1070 LOG_BEHIND "The block log must reach at least to the checkpoint; blocks are missing.";
    1071 NODE_ENDED "All parts of a node must run; its log says which one ended, and why.";
    1072 CHECKPOINT_UNKNOWN "The epoch must be over, and a quorum must have signed its checkpoint.";
    1073 NODE_NEEDS "All that a node needs must be there; the findings say what is not.";
    1074 BACKUP_NONE "There must be a backup at the place that is named.";
    1081 DEVICE_LINE "The line to the device must carry frames both ways.";
    1082 DEVICE_STRANGER "The device must be the one that this host was paired with.";
    1083 DEVICE_FILE "The file or socket of a device must exist and belong to it.";
    1084 DEVICE_BUSY "The device must answer a host that calls; while it serves another one, it does not.";
    1101 INPUT_FILE "The file must exist and be readable.";
    1102 INPUT_COLUMNS "The file must have the columns time, from, to and amount, or the command line must name them.";
    1103 INPUT_VALUE "A row must have a value of the right kind in every column.";
    1104 KEY_FILE "A key file holds a seed of 64 hexadecimal digits.";
    1105 PROOF_FILE "A proof file is what `qenex proof make` writes.";
    1106 PROOF_REFUTED "The proof must prove what it states against its root.";
    1107 CHECK_FAILED "The stored records must agree with their roots and with each other.";
    1108 ARGUMENT "The argument must be of the form that the help describes.";
    1109 OUTPUT_FILE "The file must be writable.";
    1110 ID_COLLISION "Two different names of a file must not map to the same identifier.";
    1121 UNAUTHENTICATED "A request must carry an API key or a token that counts, or ask for what is public.";
    1122 SCOPE_MISSING "A key or token must have the scope that the interface's document names for the route.";
    1123 ACCOUNT_NOT_GRANTED "A key or token must be for the account that it is used for.";
    1124 RATE_LIMITED "A caller may make so many requests a minute; Retry-After says when the next one is taken.";
    1125 ROUTE_UNKNOWN "The path must be one of those of the interface's document.";
    1126 METHOD_UNKNOWN "The method must be one of those that the interface's document names for the path.";
    1127 BODY_FORM "Body, path and query must be of the form that the interface's document describes.";
    1128 BODY_TOO_LONG "A body must not be longer than the interface takes.";
    1129 REQUEST_TIMEOUT "A request must arrive, and be answered, within the time that the configuration allows.";
    1130 API_KEY_UNKNOWN "The id must be that of an API key.";
    1131 SESSION_UNKNOWN "The id must be that of a session.";
    1132 GRANT_EXCEEDED "Nobody can hand on more than was granted to him.";
    1133 IDEMPOTENCY_REUSED "A key of idempotency belongs to one request: the same again, and no other.";
    1134 NOT_IN_CUSTODY "The account must be one of those that the node's configuration puts into the custody of its device.";
    1135 CUSTODY_WAITS "The device must know the newest block; try again after the next one.";
    1136 INTERFACE_FAILED "The node must be able to answer; its log says why it was not.";
    1137 TRANSACTION_UNKNOWN "The transaction must be in a final block that the node keeps.";
    1138 VALIDATORS_NONE "Validators must decide on the blocks of the chain.";
    1139 ALERT_UNKNOWN "The alert must be one of those that the node knows.";
    1201 NULL_POINTER "A pointer must not be null, unless there is nothing that it could point to.";
    1202 POINTER_MISALIGNED "A pointer must be aligned as its type demands.";
    1203 LENGTH_TOO_LARGE "A length must not be larger than any memory.";
    1204 POINTER_OVERLAP "What is written must not overlap anything else that is passed.";
    1205 BUFFER_TOO_SMALL "The buffer must have room for the result; the length that is needed was written.";
    1206 STATE_UNINITIALISED "A state must have been initialised by the function of its type, and not been cleared since.";
    1207 NUMBER_UNKNOWN "A number must be one of those that its type names.";
    1301 WORK_RULES "The seal of a genesis with proof of work has a target, an interval that is neither zero nor longer than a halving, and a depth from 1 to 1000.";
    1302 WORK_PARENT "A header must name the one before it as its parent, and the next height.";
    1303 WORK_TIME "A header's time is not before its parent's.";
    1304 WORK_SEAL "A seal is a target in its canonical form and a nonce of eight bytes.";
    1305 WORK_TARGET "The target must be the one that follows from the genesis and the parent.";
    1306 WORK_PROOF "The hash of a proof of work must not be above its target.";
    1307 WORK_TOO_DEEP "A block must not contradict what is final.";
    1308 WORK_BRANCHES_FULL "A branch that is not the heaviest must be heavier than others to be kept.";
    1309 WORK_EARLY "The time of a block must not be more than ten seconds ahead of the clock of whoever takes it.";
}

const fn ascending(rows: &[Code]) -> bool {
    let mut last = 0;
    let mut rest = rows;
    while let [row, tail @ ..] = rest {
        if row.number <= last {
            return false;
        }
        last = row.number;
        rest = tail;
    }
    true
}
const _: () = assert!(ascending(TABLE), "codes must be unique, non-zero and in order");

/// Declares the error enum of one operation, each variant bound to its row of the table.
macro_rules! error_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $( $variant:ident => $code:ident ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                #[doc = concat!("[`", stringify!($code), "`](crate::error::", stringify!($code), ")")]
                $variant,
            )*
        }
        impl $crate::error::Coded for $name {
            fn code(&self) -> $crate::error::Code {
                match self { $( Self::$variant => $crate::error::$code, )* }
            }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&$crate::error::Coded::code(self), f)
            }
        }
        impl core::error::Error for $name {}
    };
}
pub(crate) use error_enum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sentences_end() {
        for (i, row) in TABLE.iter().enumerate() {
            assert!(TABLE.iter().skip(i + 1).all(|other| other.name != row.name), "{}", row.name);
            assert!(row.sentence.ends_with('.'), "{}", row.name);
        }
    }
}
