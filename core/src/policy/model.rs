//! The policy of a key, in its one canonical form.

use core::cmp::Ordering;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::sorted::Sorted;
use crate::codec::{Encoded, Tag, Tagging, byte_enum};
use crate::crypto::KeyHash;
use crate::error::error_enum;
use crate::id::{AccountId, AssetId, PoolId};
use crate::num::Amount;
use crate::tx::{KycLevel, Op};

/// The most assets that a policy has rules for.
pub const MAX_ASSETS: usize = 8;
/// The most pools that a policy names.
pub const MAX_POOLS: usize = 8;
/// The most receivers that a policy names.
pub const MAX_RECEIVER_LIST: usize = 32;
/// The most persons whose approvals count.
pub const MAX_APPROVERS: usize = 8;

error_enum! {
    /// Why values do not make a policy.
    pub enum PolicyError {
        Order => POLICY_ORDER,
        TooMany => POLICY_TOO_MANY,
        Range => POLICY_RANGE,
        Encoding => POLICY_ENCODING,
    }
}

byte_enum! {
    /// The operations, as policies name them.
    pub enum OpKind {
        /// [`Op::CreateAccount`].
        CreateAccount = 0, "create-account";
        /// [`Op::RotateAuthority`].
        RotateAuthority = 1, "rotate-authority";
        /// [`Op::SetFrozen`].
        SetFrozen = 2, "set-frozen";
        /// [`Op::CloseAccount`].
        CloseAccount = 3, "close-account";
        /// [`Op::CreateAsset`].
        CreateAsset = 4, "create-asset";
        /// [`Op::Issue`].
        Issue = 5, "issue";
        /// [`Op::Burn`].
        Burn = 6, "burn";
        /// [`Op::Transfer`].
        Transfer = 7, "transfer";
        /// [`Op::CreatePool`].
        CreatePool = 8, "create-pool";
        /// [`Op::AddLiquidity`].
        AddLiquidity = 9, "add-liquidity";
        /// [`Op::RemoveLiquidity`].
        RemoveLiquidity = 10, "remove-liquidity";
        /// [`Op::SwapExactIn`].
        SwapExactIn = 11, "swap-exact-in";
        /// [`Op::SwapExactOut`].
        SwapExactOut = 12, "swap-exact-out";
        /// [`Op::Stand`].
        Stand = 13, "stand";
        /// [`Op::Leave`].
        Leave = 14, "leave";
        /// [`Op::Delegate`].
        Delegate = 15, "delegate";
        /// [`Op::Unbond`].
        Unbond = 16, "unbond";
        /// [`Op::Withdraw`].
        Withdraw = 17, "withdraw";
        /// [`Op::Report`].
        Report = 18, "report";
    }
}

impl OpKind {
    /// The kind of an operation.
    pub const fn of(op: &Op<'_>) -> Self {
        match op {
            Op::CreateAccount(_) => Self::CreateAccount,
            Op::RotateAuthority(_) => Self::RotateAuthority,
            Op::SetFrozen(_) => Self::SetFrozen,
            Op::CloseAccount => Self::CloseAccount,
            Op::CreateAsset(_) => Self::CreateAsset,
            Op::Issue(_) => Self::Issue,
            Op::Burn(_) => Self::Burn,
            Op::Transfer(_) => Self::Transfer,
            Op::CreatePool(_) => Self::CreatePool,
            Op::AddLiquidity(_) => Self::AddLiquidity,
            Op::RemoveLiquidity(_) => Self::RemoveLiquidity,
            Op::SwapExactIn(_) => Self::SwapExactIn,
            Op::SwapExactOut(_) => Self::SwapExactOut,
            Op::Stand(_) => Self::Stand,
            Op::Leave(_) => Self::Leave,
            Op::Delegate(_) => Self::Delegate,
            Op::Unbond(_) => Self::Unbond,
            Op::Withdraw(_) => Self::Withdraw,
            Op::Report(_) => Self::Report,
        }
    }

    const fn bit(self) -> u32 {
        1u32.wrapping_shl(self as u32)
    }
}

/// A set of operations: bit `n` stands for the operation with number `n`. Unknown ones cannot be in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OpSet(u32);

impl OpSet {
    /// The set of these operations.
    pub fn of(kinds: &[OpKind]) -> Self {
        Self(kinds.iter().fold(0, |bits, kind| bits | kind.bit()))
    }

    /// Whether the operation is in it.
    pub const fn contains(self, kind: OpKind) -> bool {
        self.0 & kind.bit() != 0
    }
}

impl<'de> Deserialize<'de> for OpSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bits = u32::deserialize(deserializer)?;
        if bits & !Self::of(OpKind::ALL).0 != 0 {
            return Err(D::Error::custom(PolicyError::Range));
        }
        Ok(Self(bits))
    }
}

/// The most that may leave within any span of block time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The span, in milliseconds; at least one for each slot of a counter ([`super::SLOTS`]).
    pub span_ms: u64,
    /// The most.
    pub max: Amount,
}

/// What may happen with one asset. Assets without a rule do not leave the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetRule {
    /// The asset.
    pub asset: AssetId,
    /// The most that one transaction may take out, in the worst case, its fee included.
    pub max_per_transaction: Amount,
    /// The most within a span of block time.
    pub window: Option<Window>,
    /// What must remain of it after the transaction.
    pub min_after: Amount,
    /// Above this, persons must approve.
    pub approve_above: Option<Amount>,
    /// Above this, [`Policy::delay_ms`] must pass between the request and the signature.
    pub delay_above: Option<Amount>,
}

// By the asset alone: a list has one rule for each.
impl Ord for AssetRule {
    fn cmp(&self, other: &Self) -> Ordering {
        self.asset.cmp(&other.asset).then_with(|| {
            // Rules for one asset that differ are never both in a list; they still need an order that agrees with equality.
            let key = |rule: &Self| {
                (
                    rule.max_per_transaction,
                    rule.min_after,
                    rule.approve_above,
                    rule.delay_above,
                    rule.window.map(|window| (window.span_ms, window.max)),
                )
            };
            key(self).cmp(&key(other))
        })
    }
}

impl PartialOrd for AssetRule {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A part of the UTC day in which signatures are given: from one minute up to, without it, another. If the first is the
/// later one the part goes over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// The first minute, 0 to 1439.
    pub from_minute: u16,
    /// The minute after the last one, 0 to 1439.
    pub until_minute: u16,
}

impl Hours {
    /// Whether a block time lies within.
    pub const fn contain(&self, time_ms: u64) -> bool {
        let minute = (time_ms / 60_000 % 1_440) as u16;
        if self.from_minute <= self.until_minute {
            self.from_minute <= minute && minute < self.until_minute
        } else {
            self.from_minute <= minute || minute < self.until_minute
        }
    }
}

/// How many of which persons must approve. Their keys have the purpose of approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals<'a> {
    /// How many.
    pub threshold: u8,
    /// Whose.
    #[serde(borrow)]
    pub approvers: Sorted<'a, KeyHash, MAX_APPROVERS>,
    /// The operations that always need them, whatever the amount.
    pub always: OpSet,
}

/// What a device may sign for a key. Its lists stay where it was decoded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy<'a> {
    /// The account that the key acts for.
    pub account: AccountId,
    /// The operations that may be signed with a witness.
    pub operations: OpSet,
    /// Those of them that may be signed without one, on their own.
    pub without_witness: OpSet,
    /// The highest fee.
    pub max_fee: Amount,
    /// How far a transaction's last valid height may lie above the trusted height. What a host gains by holding
    /// headers back is bounded by it.
    pub max_validity_blocks: u64,
    /// What may leave.
    #[serde(borrow)]
    pub assets: Sorted<'a, AssetRule, MAX_ASSETS>,
    /// Who may receive transfers, new units and delegated stake; everybody where there is no list.
    #[serde(borrow)]
    pub receivers: Option<Sorted<'a, AccountId, MAX_RECEIVER_LIST>>,
    /// How well receivers must be known.
    pub min_receiver_kyc: KycLevel,
    /// The pools that may be used; every pool where there is no list.
    #[serde(borrow)]
    pub pools: Option<Sorted<'a, PoolId, MAX_POOLS>>,
    /// The largest price impact that a swap may accept.
    pub max_price_impact_bps: Option<u16>,
    /// How far the worst case of a swap, deposit or withdrawal may lie below its execution.
    pub max_slippage_bps: Option<u16>,
    /// When signatures are given, by the time of the trusted header.
    pub hours: Option<Hours>,
    /// Who must approve.
    #[serde(borrow)]
    pub approvals: Option<Approvals<'a>>,
    /// How long after its request a large transaction may be signed, in milliseconds of block time.
    pub delay_ms: u64,
    /// The highest risk score, from 0 to 10,000. Where there is none a score is not asked for.
    pub max_risk: Option<u16>,
    /// Whether a person must press the device's button after reading the summary.
    pub confirm: bool,
}

impl Encoded for Policy<'_> {
    const TAGGING: Tagging = Tagging::Fixed(Tag::POLICY);
    // Fixed fields; assets; receivers; pools; approvals.
    const MAX_LEN: usize = 2
        + (25 + 5 + 5 + 19 + 10 + 1 + 4 + 4 + 7 + 10 + 4 + 1)
        + (1 + MAX_ASSETS * (25 + 19 + 30 + 19 + 20 + 20))
        + (2 + MAX_RECEIVER_LIST * 25)
        + (2 + MAX_POOLS * 25)
        + (2 + 1 + MAX_APPROVERS * 32 + 5);
}

impl<'a> Policy<'a> {
    /// A policy that allows nothing, for others to start from.
    pub const fn nothing(account: AccountId) -> Self {
        Self {
            account,
            operations: OpSet(0),
            without_witness: OpSet(0),
            max_fee: Amount::ZERO,
            max_validity_blocks: 0,
            assets: Sorted::NONE,
            receivers: None,
            min_receiver_kyc: KycLevel::None,
            pools: None,
            max_price_impact_bps: None,
            max_slippage_bps: None,
            hours: None,
            approvals: None,
            delay_ms: 0,
            max_risk: None,
            confirm: false,
        }
    }

    /// Reads a policy whose fields are within their ranges and agree with each other.
    ///
    /// # Errors
    /// The bytes are not the canonical encoding of one, or a value is out of range.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, PolicyError> {
        let policy: Self = crate::codec::decode(bytes).map_err(|_| PolicyError::Encoding)?;
        policy.check()?;
        Ok(policy)
    }

    /// Accepts a policy whose fields are within their ranges and agree with each other.
    ///
    /// # Errors
    /// What is out of range, or asks for something that the policy does not define.
    pub fn check(&self) -> Result<(), PolicyError> {
        let bps = |limit: Option<u16>| limit.is_none_or(|bps| bps <= 10_000);
        let minute = |minute: u16| minute < 1_440;
        let (mut needs_approval, mut needs_delay) = (false, false);
        let (mut windows_fit, mut assets_differ) = (true, true);
        let mut before = None;
        // The rules are decoded anew each time that they are asked for: so they are asked for once.
        for rule in self.assets.iter() {
            needs_approval |= rule.approve_above.is_some();
            needs_delay |= rule.delay_above.is_some();
            windows_fit &= rule.window.is_none_or(|window| window.span_ms >= super::SLOTS as u64);
            assets_differ &= before.replace(rule.asset).is_none_or(|before| before < rule.asset);
        }
        if !assets_differ {
            return Err(PolicyError::Order);
        }
        let fits = self.without_witness.0 & !self.operations.0 == 0
            && bps(self.max_price_impact_bps)
            && bps(self.max_slippage_bps)
            && bps(self.max_risk)
            && self.hours.is_none_or(|hours| {
                minute(hours.from_minute)
                    && minute(hours.until_minute)
                    && hours.from_minute != hours.until_minute
            })
            && windows_fit
            && self.approvals.as_ref().is_none_or(|approvals| {
                approvals.threshold > 0 && usize::from(approvals.threshold) <= approvals.approvers.count()
            })
            && (!needs_approval || self.approvals.is_some())
            && (!needs_delay || self.delay_ms > 0);
        if fits { Ok(()) } else { Err(PolicyError::Range) }
    }

    /// The rule for an asset.
    pub fn asset(&self, asset: &AssetId) -> Option<AssetRule> {
        self.assets.iter().find(|rule| rule.asset == *asset)
    }
}
