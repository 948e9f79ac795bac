//! Why a request is refused: the number of a row of the one table.

use crate::error::{Coded, error_enum};

/// The number of the row that says what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub u16);

impl<E: Coded> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.code().number)
    }
}

error_enum! {
    /// Why the service itself refuses.
    pub enum HsmError {
        FrameVersion => FRAME_VERSION,
        FrameLength => FRAME_LENGTH,
        FrameKind => FRAME_KIND,
        ChannelClosed => CHANNEL_CLOSED,
        HostUnpaired => HOST_UNPAIRED,
        HostsFull => HOSTS_FULL,
        CommandUnknown => COMMAND_UNKNOWN,
        CommandSequence => COMMAND_SEQUENCE,
        Fresh => DEVICE_FRESH,
        Initialised => DEVICE_INITIALISED,
        Role => ROLE,
        Locked => LOCKED,
        UserUnknown => USER_UNKNOWN,
        UserExists => USER_EXISTS,
        UserLastOfficer => USER_LAST_OFFICER,
        PinForm => PIN_FORM,
        PinWrong => PIN_WRONG,
        PinWait => PIN_WAIT,
        PinBlocked => PIN_BLOCKED,
        KeyUnknown => KEY_UNKNOWN,
        KeyExists => KEY_EXISTS,
        KeyPurpose => KEY_PURPOSE,
        KeyPolicy => KEY_POLICY,
        KeyEpoch => KEY_EPOCH,
        KeyScheme => KEY_SCHEME,
        AnchorMissing => ANCHOR_MISSING,
        NotConfirmed => NOT_CONFIRMED,
        AuditFull => AUDIT_FULL,
        AuditHead => AUDIT_HEAD,
        WitnessTooLarge => WITNESS_TOO_LARGE,
        WitnessRecord => WITNESS_RECORD,
        WitnessMissing => WITNESS_MISSING,
        KeyNotAuthorised => KEY_NOT_AUTHORISED,
        PendingFull => PENDING_FULL,
        PendingUnknown => PENDING_UNKNOWN,
        NonceSigned => NONCE_SIGNED,
        ApproverUnknown => APPROVER_UNKNOWN,
        ShareCount => SHARE_COUNT,
        ShareKeys => SHARE_KEYS,
        ShareDevice => SHARE_DEVICE,
        ShareForeign => SHARE_FOREIGN,
        ShareWrong => SHARE_WRONG,
        ShareTwice => SHARE_TWICE,
        SharesTooFew => SHARES_TOO_FEW,
        ShareRoot => SHARE_ROOT,
    }
}
