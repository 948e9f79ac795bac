//! The protocol of a device: commands, who may give them, and the bodies of requests and responses.
//!
//! A request is one byte, the number of the command, and its body; a response is the code of the one table, zero for
//! success, as two bytes little-endian, and its body. Bodies are canonical postcard: a request that is not the one encoding of its
//! values is refused. A request and its response fit one frame ([`MAX_FRAME`]); what is longer comes in pieces.

use serde::{Deserialize, Serialize};

use super::audit::Head;
use super::users::{Role, UserName};
use crate::codec::{Encoded, Tagging, bytes};
use crate::consensus::{Header, Proposal, SignerSet, Vote};
use crate::crypto::scheme::{MAX_PUBLIC_KEY_BYTES, MAX_SIGNATURE_BYTES};
use crate::crypto::{Hash, KeyHash, Purpose, Scheme, SignatureError, signing_digest, verify};

/// The version of the protocol, which every frame starts with.
pub const VERSION: u8 = 1;

/// The longest frame, in bytes.
pub const MAX_FRAME: usize = 4_096;

/// The longest request or response within a frame: the channel takes version, kind and tag.
pub const MAX_MESSAGE: usize = MAX_FRAME - 32;

/// The longest part of a signature in one response.
pub const SIGNATURE_PIECE: usize = MAX_MESSAGE - 4;

/// Who may give a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Everybody who has a channel.
    Anyone,
    /// Everybody, and only before the device was initialised.
    Fresh,
    /// Users of these roles: bit `n` stands for the role with number `n`. For officers, as many as the device asks for.
    Roles(u8),
}

/// The set of these roles.
const fn roles<const N: usize>(list: [Role; N]) -> Permission {
    let mut bits = 0;
    let mut rest: &[Role] = &list;
    while let [role, tail @ ..] = rest {
        bits |= 1u8.wrapping_shl(*role as u32);
        rest = tail;
    }
    Permission::Roles(bits)
}

const ANYONE: Permission = Permission::Anyone;
const FRESH: Permission = Permission::Fresh;
const OFFICERS: Permission = roles([Role::Officer]);
const SIGNERS: Permission = roles([Role::Operator]);
const USERS: Permission = roles([Role::Officer, Role::Operator, Role::Auditor]);
const AUDITORS: Permission = roles([Role::Auditor]);

impl Command {
    /// Whether a host that is not paired may give it.
    pub const fn is_for_strangers(self) -> bool {
        matches!(self, Self::Status | Self::Pair | Self::AuditHead | Self::Attest)
    }
}

macro_rules! commands {
    ($( $(#[$meta:meta])* $name:ident = $number:literal, $text:literal, $permission:ident; )+) => {
        /// The commands. Numbers never change and are never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Command { $( $(#[$meta])* $name = $number, )+ }

        impl Command {
            /// All commands.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The command with this number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $( $number => Some(Self::$name), )+ _ => None }
            }

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }

            /// Who may give it.
            pub const fn permission(self) -> Permission {
                match self { $( Self::$name => $permission, )+ }
            }
        }
    };
}

commands! {
    /// [`Nothing`] → [`Status`].
    Status = 1, "status", ANYONE;
    /// [`Initialise`] → [`Nothing`].
    Initialise = 2, "initialise", FRESH;
    /// [`Login`] → [`Nothing`].
    Login = 3, "login", ANYONE;
    /// [`Nothing`] → [`Nothing`]: all users.
    Logout = 4, "logout", ANYONE;
    /// [`Nothing`] → [`Nothing`]: the host of this channel. Answered by the channel itself.
    Pair = 5, "pair", ANYONE;
    /// [`Index`] → [`Nothing`]: forgets a paired host.
    Unpair = 6, "unpair", OFFICERS;
    /// [`AddUser`] → [`Nothing`].
    AddUser = 10, "add-user", OFFICERS;
    /// [`NamedUser`] → [`Nothing`].
    RemoveUser = 11, "remove-user", OFFICERS;
    /// [`SetPin`] → [`Nothing`]: a new PIN for another user, with all tries.
    SetPin = 12, "set-pin", OFFICERS;
    /// [`ChangePin`] → [`Nothing`]: one's own.
    ChangePin = 13, "change-pin", ANYONE;
    /// [`Index`] → [`UserInfo`].
    DescribeUser = 14, "describe-user", USERS;
    /// [`CreateKey`] → [`KeyInfo`].
    CreateKey = 20, "create-key", OFFICERS;
    /// [`Index`] → [`KeyInfo`].
    DescribeKey = 21, "describe-key", USERS;
    /// [`Index`] → [`Nothing`].
    DeleteKey = 22, "delete-key", OFFICERS;
    /// [`SetPolicy`] → [`Nothing`].
    SetPolicy = 23, "set-policy", OFFICERS;
    /// [`Index`] → the bytes of the policy.
    GetPolicy = 24, "get-policy", USERS;
    /// [`Anchor`] → [`Nothing`].
    Anchor = 30, "anchor", OFFICERS;
    /// [`BeginHeader`] → [`Nothing`].
    BeginHeader = 31, "begin-header", USERS;
    /// [`Members`] → [`Nothing`].
    Members = 32, "members", USERS;
    /// [`Nothing`] → [`Nothing`].
    FinishHeader = 33, "finish-header", USERS;
    /// [`GiveVote`] → [`Signed`].
    Vote = 40, "vote", SIGNERS;
    /// [`Index`] of a key of checkpoints → [`Signed`]: of the checkpoint of the newest header that is trusted, and of nothing that a host says.
    Checkpoint = 41, "checkpoint", SIGNERS;
    /// [`PieceAt`] of raw data that is to be signed → [`Nothing`]. The first one, at offset 0, begins anew.
    Data = 44, "data", SIGNERS;
    /// [`Index`] of a key of plain use → [`Signed`]: of the data that was brought.
    SignData = 45, "sign-data", SIGNERS;
    /// [`RandomBytes`] → as many of them.
    Random = 48, "random", ANYONE;
    /// [`BeginSign`] → [`Nothing`].
    BeginSign = 50, "begin-sign", SIGNERS;
    /// [`Piece`]: a transaction that was signed before and is not final → [`Nothing`].
    Pending = 51, "pending", SIGNERS;
    /// [`Approve`], or what is left of one after [`Command::ApprovalPart`] → [`Nothing`].
    Approve = 52, "approve", SIGNERS;
    /// [`Records`] → [`Nothing`].
    Records = 53, "records", SIGNERS;
    /// [`Piece`] of the proof → [`Nothing`].
    Proof = 54, "proof", SIGNERS;
    /// [`Nothing`] → [`Judged`].
    Judge = 55, "judge", SIGNERS;
    /// [`Nothing`] → [`Signed`].
    Sign = 56, "sign", SIGNERS;
    /// [`Rest`] → [`Signed`]: of the transaction, checkpoint or data that was signed last, what did not fit the answers so far.
    SignatureRest = 57, "signature-rest", SIGNERS;
    /// [`Piece`] of an [`Approve`] that is longer than a request → [`Nothing`]. Before any records.
    ApprovalPart = 58, "approval-part", SIGNERS;
    /// [`Nonce`] → [`SignedHead`].
    AuditHead = 60, "audit-head", ANYONE;
    /// [`AuditFrom`] → as many entries as fit.
    AuditRead = 61, "audit-read", AUDITORS;
    /// [`Head`] → [`Nothing`].
    AuditTake = 62, "audit-take", AUDITORS;
    /// [`Nonce`] → [`Attestation`].
    Attest = 70, "attest", ANYONE;
    /// [`Nothing`] → [`BackupKey`]: shown on the panel, too.
    BackupKey = 71, "backup-key", OFFICERS;
    /// [`BackupKey`] of another device → [`super::backup::Backup`].
    Backup = 72, "backup", OFFICERS;
    /// [`super::backup::Backup`] → [`Nothing`]: only while there is no key that derives from the root.
    Restore = 73, "restore", OFFICERS;
    /// [`Custodians`] → [`super::shares`]: the root in shares, each sealed to another device.
    BackupShares = 74, "backup-shares", OFFICERS;
    /// [`PassShare`] → the same share ([`super::shares`]), sealed to the other device.
    PassShare = 75, "pass-share", OFFICERS;
    /// [`super::shares`] that are sealed to this device → [`Nothing`]: as [`Command::Restore`].
    RestoreShares = 76, "restore-shares", OFFICERS;
    /// [`Login`] of an officer → [`Nothing`]: a new storage key; what was sealed under the old one is erased, and other users
    /// are locked out of secrets until they get a new PIN.
    RotateStorageKey = 80, "rotate-storage-key", OFFICERS;
    /// A manifest ([`super::image`]) → [`Nothing`]: empties the slot that does not run.
    BeginUpdate = 84, "begin-update", OFFICERS;
    /// [`PieceAt`] of the image → [`Nothing`].
    UpdatePiece = 85, "update-piece", OFFICERS;
    /// [`Nothing`] → [`Nothing`]: the next start tries the new image.
    FinishUpdate = 86, "finish-update", OFFICERS;
    /// [`Nothing`] → [`Nothing`]: erases everything but the audit log, the votes and the firmware.
    Wipe = 90, "wipe", OFFICERS;
}

/// Declares the body of a message.
macro_rules! bodies {
    ($( $(#[$meta:meta])* pub struct $name:ident $(<$life:lifetime>)? { $($fields:tt)* } )+) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name $(<$life>)? { $($fields)* }

            impl $(<$life>)? Encoded for $name $(<$life>)? {
                const TAGGING: Tagging = Tagging::None;
                const MAX_LEN: usize = MAX_MESSAGE - 2;
            }
        )+
    };
}

bodies! {
    /// Nothing.
    pub struct Nothing {}

    /// What a device says of itself to everybody.
    pub struct Status {
        /// Its firmware's version.
        pub version: u32,
        /// Its name; nothing before it was initialised.
        pub name: Option<UserName>,
        /// How many officers must be logged in for what officers may do.
        pub officers_needed: u8,
        /// Bit `n`: the user at place `n` is logged in.
        pub logged_in: u8,
        /// Whether secrets can be opened.
        pub unlocked: bool,
        /// The chain and height that it trusts.
        pub trusted: Option<Trust>,
        /// Entries of the audit log, and up to which it was taken.
        pub audit_count: u64,
        /// See above.
        pub audit_taken: u64,
    }

    /// The newest header that a device trusts.
    #[derive(Copy)]
    pub struct Trust {
        /// The chain.
        pub chain_id: crate::id::ChainId,
        /// Its height.
        pub height: u64,
        /// Its time, in milliseconds since the Unix epoch.
        pub time_ms: u64,
        /// Its id.
        pub header: Hash,
    }

    /// Makes secrets and the first officer.
    pub struct Initialise<'a> {
        /// The device's name.
        pub name: UserName,
        /// How many officers must be logged in for what officers may do; fewer while there are fewer.
        pub officers_needed: u8,
        /// The first officer.
        pub officer: UserName,
        /// The officer's PIN.
        #[serde(serialize_with = "bytes")]
        pub pin: &'a [u8],
    }

    /// A user and a PIN.
    pub struct Login<'a> {
        /// Who.
        pub user: UserName,
        /// The PIN.
        #[serde(serialize_with = "bytes")]
        pub pin: &'a [u8],
    }

    /// A new user.
    pub struct AddUser<'a> {
        /// The name.
        pub user: UserName,
        /// The role.
        pub role: Role,
        /// The first PIN.
        #[serde(serialize_with = "bytes")]
        pub pin: &'a [u8],
    }

    /// A user.
    pub struct NamedUser {
        /// The name.
        pub user: UserName,
    }

    /// A new PIN for another user.
    pub struct SetPin<'a> {
        /// Whose.
        pub user: UserName,
        /// The new PIN.
        #[serde(serialize_with = "bytes")]
        pub pin: &'a [u8],
    }

    /// A new PIN for oneself.
    pub struct ChangePin<'a> {
        /// Who.
        pub user: UserName,
        /// The PIN so far.
        #[serde(serialize_with = "bytes")]
        pub pin: &'a [u8],
        /// The new one.
        #[serde(serialize_with = "bytes")]
        pub new_pin: &'a [u8],
    }

    /// A slot of a key, or the place of a user.
    pub struct Index {
        /// Which.
        pub index: u8,
    }

    /// A user.
    pub struct UserInfo {
        /// The name; nothing if the place is empty.
        pub user: Option<UserName>,
        /// The role.
        pub role: Option<Role>,
        /// Tries that are left.
        pub tries: u8,
    }

    /// A new key.
    pub struct CreateKey {
        /// The slot, 0 to 15.
        pub slot: u8,
        /// How it signs.
        pub scheme: Scheme,
        /// What it signs.
        pub purpose: Purpose,
        /// Which of the keys that the device's root gives for this scheme and purpose.
        pub path: u32,
        /// What people call it.
        pub label: UserName,
    }

    /// A key.
    pub struct KeyInfo<'a> {
        /// What people call it.
        pub label: UserName,
        /// How it signs.
        pub scheme: Scheme,
        /// What it signs.
        pub purpose: Purpose,
        /// Which of the keys that the device's root gives.
        pub path: u32,
        /// The hash of the public key, as the ledger names it.
        pub hash: KeyHash,
        /// The hash of its policy, if it has one.
        pub policy: Option<Hash>,
        /// The public key.
        #[serde(serialize_with = "bytes")]
        pub public_key: &'a [u8],
    }

    /// A policy for a key.
    pub struct SetPolicy<'a> {
        /// The slot.
        pub slot: u8,
        /// The canonical encoding of a [`crate::policy::Policy`].
        #[serde(serialize_with = "bytes")]
        pub policy: &'a [u8],
    }

    /// Where belief starts.
    pub struct Anchor {
        /// See [`crate::consensus::Anchor`].
        pub trusting_period_ms: u64,
        /// The header that officers vouch for.
        pub header: Header,
    }

    /// A header that is to be believed.
    pub struct BeginHeader {
        /// The header.
        pub header: Header,
        /// What was finalized.
        pub proposal: Proposal,
        /// Which validators signed.
        pub signers: [u8; 32],
    }

    /// The next members of the set, in its order.
    pub struct Members<'a> {
        /// For each: its scheme's number, its public key, and its signature if it signed.
        #[serde(serialize_with = "bytes")]
        pub members: &'a [u8],
    }

    /// A vote to be signed.
    pub struct GiveVote {
        /// The key.
        pub slot: u8,
        /// The vote.
        pub vote: Vote,
    }

    /// A signature.
    pub struct Signed<'a> {
        /// The whole of it, or as much as fits ([`SIGNATURE_PIECE`]).
        #[serde(serialize_with = "bytes")]
        pub signature: &'a [u8],
    }

    /// From where to read a signature on.
    pub struct Rest {
        /// How many bytes of it the host has.
        pub from: u16,
    }

    /// How many random bytes.
    pub struct RandomBytes {
        /// 1 to 255.
        pub count: core::num::NonZeroU8,
    }

    /// A transaction to be signed.
    pub struct BeginSign<'a> {
        /// The key.
        pub slot: u8,
        /// Whether a witness follows.
        pub witnessed: bool,
        /// The canonical encoding of the transaction.
        #[serde(serialize_with = "bytes")]
        pub transaction: &'a [u8],
    }

    /// A piece of something longer.
    pub struct Piece<'a> {
        /// The next bytes.
        #[serde(serialize_with = "bytes")]
        pub bytes: &'a [u8],
    }

    /// A piece of something longer, and where it stands.
    pub struct PieceAt<'a> {
        /// How many bytes come before it.
        pub offset: u32,
        /// Its bytes: of an image whole words of 16 bytes, but for the last piece.
        #[serde(serialize_with = "bytes")]
        pub bytes: &'a [u8],
    }

    /// Records of the ledger, in ascending order of their keys.
    pub struct Records<'a> {
        /// For each: its length as two bytes little-endian, zero where there is none, and its canonical encoding.
        #[serde(serialize_with = "bytes")]
        pub records: &'a [u8],
    }

    /// What was judged.
    pub struct Judged {
        /// The id of the transaction.
        pub id: Hash,
        /// Zero, or the code of the first rule that refuses.
        pub refusal: u16,
    }

    /// A number that the asker made up, so that the answer is new.
    pub struct Nonce {
        /// 32 random bytes.
        pub nonce: [u8; 32],
    }

    /// The newest place of the audit log, signed by the device's attestation key.
    pub struct SignedHead<'a> {
        /// The place.
        pub head: Head,
        /// The attestation key.
        pub public_key: [u8; 32],
        /// Of [`Head::id`].
        #[serde(serialize_with = "bytes")]
        pub signature: &'a [u8],
    }

    /// From where to read the audit log.
    pub struct AuditFrom {
        /// How many entries the reader has.
        pub count: u64,
    }

    /// To whom a backup is sealed.
    pub struct BackupKey {
        /// An X25519 public key that is bound to one device.
        pub public_key: [u8; 32],
    }

    /// Into whose hands a root is given.
    pub struct Custodians<'a> {
        /// How many of them together restore it.
        pub threshold: u8,
        /// The backup keys of their devices, one after the other.
        #[serde(serialize_with = "bytes")]
        pub public_keys: &'a [u8],
    }

    /// A share that is to be sealed to another device.
    pub struct PassShare<'a> {
        /// The other device's backup key.
        pub to: [u8; 32],
        /// The manifest and one share, sealed to this device.
        #[serde(serialize_with = "bytes")]
        pub share: &'a [u8],
    }

    /// What a device says of itself, signed by its attestation key.
    pub struct Attestation<'a> {
        /// What is signed the hash of.
        pub report: Report,
        /// The attestation key.
        pub public_key: [u8; 32],
        /// Of [`Report::id`].
        #[serde(serialize_with = "bytes")]
        pub signature: &'a [u8],
    }

    /// What is attested.
    pub struct Report {
        /// The asker's.
        pub nonce: [u8; 32],
        /// Its firmware's version.
        pub version: u32,
        /// The hash of its firmware's image.
        pub measurement: Hash,
        /// The device's name, once it is initialised.
        pub name: Option<UserName>,
        /// The newest place of its audit log.
        pub audit: Head,
        /// The newest header that it trusts.
        pub trusted: Option<Trust>,
    }
}

impl Report {
    /// What the attestation key signs.
    pub fn id(&self) -> Hash {
        crate::codec::hash_encoded(crate::crypto::Domain::Attestation, self)
    }
}

impl Attestation<'_> {
    /// Accepts it if its key has signed it for whoever made up the nonce. Whether the key is the device's is for the caller to know.
    ///
    /// # Errors
    /// It answers another nonce, or the signature is not the key's.
    pub fn verify(&self, nonce: &[u8; 32]) -> Result<(), SignatureError> {
        if self.report.nonce != *nonce {
            return Err(SignatureError::Mismatch);
        }
        attested(&self.report.id(), &self.public_key, self.signature)
    }
}

impl SignedHead<'_> {
    /// Accepts it if its key has signed it for whoever made up the nonce. Whether the key is the device's is for the caller to know.
    ///
    /// # Errors
    /// The signature is not the key's.
    pub fn verify(&self, nonce: &[u8; 32]) -> Result<(), SignatureError> {
        attested(&self.head.id(nonce), &self.public_key, self.signature)
    }
}

/// Accepts what an attestation key has signed.
fn attested(id: &Hash, public_key: &[u8; 32], signature: &[u8]) -> Result<(), SignatureError> {
    let digest = signing_digest(Scheme::Ed25519, Purpose::Attestation, id);
    verify(Scheme::Ed25519, public_key, &digest, signature)
}

impl BeginHeader {
    /// Which validators signed.
    pub const fn signer_set(&self) -> SignerSet {
        SignerSet(self.signers)
    }
}

/// The approval of a person. The only request that may be longer than one: see [`Command::ApprovalPart`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approve<'a> {
    /// How the person signs.
    pub scheme: Scheme,
    /// The person's key.
    #[serde(serialize_with = "bytes")]
    pub public_key: &'a [u8],
    /// Of the approval's id, with the purpose of approvals.
    #[serde(serialize_with = "bytes")]
    pub signature: &'a [u8],
}

impl Encoded for Approve<'_> {
    const TAGGING: Tagging = Tagging::None;
    const MAX_LEN: usize = 1 + 2 + MAX_PUBLIC_KEY_BYTES + 2 + MAX_SIGNATURE_BYTES;
}
