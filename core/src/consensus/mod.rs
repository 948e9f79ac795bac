//! What a chain agrees on: block headers, the votes on them, certificates and checkpoints of finality, and whom to believe.
//!
//! Votes are those of simplex consensus (<https://simplex.blog>): the bytes that are signed are the ones that
//! Commonware's engine signs, so that a device can vote in it and check what it finalized.

mod certificate;
mod checkpoint;
mod guard;
mod header;
mod leader;
mod light;
mod validators;
mod vote;
pub mod work;

pub use certificate::{Certificate, CertificateError, SignerSet};
pub use checkpoint::{Checkpoint, Endorsement, Endorsements};
pub use guard::{GUARDED_VIEWS, Guard, GuardError, MARK_BYTES, Mark, Recorded, contradict};
pub use header::{Header, MAX_SEAL_LEN, SealBytes};
pub use leader::leader;
pub use light::{Anchor, Following, FollowingCheckpoint, LightError, Trusted};
pub use validators::{MAX_VALIDATORS, SetHasher, ValidatorSetError, finality_key, quorum};
pub use vote::{MAX_SIMPLEX_BYTES, Proposal, Round, Vote, VoteKind, namespace};
