//! Why a transaction is rejected. A rejected transaction changes nothing at all.

use core::fmt;

use super::view::ViewError;
use crate::amm::AmmError;
use crate::error::{Code, Coded, error_enum};
use crate::num::NumError;

error_enum! {
    /// A rule of the ledger that a transaction breaks.
    pub enum Rule {
        WrongChain => WRONG_CHAIN,
        Expired => EXPIRED,
        NonceUsed => NONCE_USED,
        NonceAhead => NONCE_AHEAD,
        AccountUnknown => ACCOUNT_UNKNOWN,
        AccountNotActive => ACCOUNT_NOT_ACTIVE,
        AuthorityNotMet => AUTHORITY_NOT_MET,
        IdInUse => ID_IN_USE,
        NotPermitted => NOT_PERMITTED,
        NoChange => NO_CHANGE,
        AccountNotEmpty => ACCOUNT_NOT_EMPTY,
        ZeroAmount => ZERO_AMOUNT,
        SelfTransfer => SELF_TRANSFER,
        InsufficientBalance => INSUFFICIENT_BALANCE,
        InsufficientForFee => INSUFFICIENT_FOR_FEE,
        InsufficientShares => INSUFFICIENT_SHARES,
        AssetUnknown => ASSET_UNKNOWN,
        NotIssuer => NOT_ISSUER,
        AboveMaxSupply => ABOVE_MAX_SUPPLY,
        PoolUnknown => POOL_UNKNOWN,
        PoolAssets => POOL_ASSETS,
        NotInPool => NOT_IN_POOL,
        TooManyWrites => TOO_MANY_WRITES,
        StakingNone => STAKING_NONE,
        ValidatorUnknown => VALIDATOR_UNKNOWN,
        ValidatorBarred => VALIDATOR_BARRED,
        ValidatorNotStanding => VALIDATOR_NOT_STANDING,
        SlotTaken => SLOT_TAKEN,
        KeyInUse => KEY_IN_USE,
        KeyInvalid => PUBLIC_KEY_INVALID,
        StakeTooSmall => STAKE_TOO_SMALL,
        CommissionRange => COMMISSION_RANGE,
        KeyChanged => KEY_CHANGED,
        StakeBonded => STAKE_BONDED,
        InsufficientStake => INSUFFICIENT_STAKE,
        EvidenceKey => EVIDENCE_KEY,
        EvidenceVotes => EVIDENCE_VOTES,
        EvidenceOld => EVIDENCE_OLD,
        EvidenceKnown => EVIDENCE_KNOWN,
        BlockView => BLOCK_VIEW,
        BlockLeader => BLOCK_LEADER,
        StakingRange => STAKING_RANGE,
    }
}

/// Why a transaction is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reject {
    /// It breaks a rule of the ledger.
    Rule(Rule),
    /// The market maker refuses.
    Market(AmmError),
    /// An amount leaves its range.
    Number(NumError),
    /// The state cannot be read.
    View(ViewError),
}

impl Coded for Reject {
    fn code(&self) -> Code {
        match self {
            Self::Rule(error) => error.code(),
            Self::Market(error) => error.code(),
            Self::Number(error) => error.code(),
            Self::View(error) => error.code(),
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.code(), f)
    }
}

impl core::error::Error for Reject {}

macro_rules! from {
    ($($variant:ident($error:ty)),*) => {
        $( impl From<$error> for Reject {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        } )*
    };
}
from!(Rule(Rule), Market(AmmError), Number(NumError), View(ViewError));
