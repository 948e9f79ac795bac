//! The operations. Each is a struct that holds only structurally valid values; whether the ledger allows it is for
//! [`crate::ledger::transition`] to say.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::authority::Authority;
use crate::codec::{self, Encoded, Lent, Tagging, Unread, byte_enum, tagged_enum};
use crate::consensus::Vote;
use crate::crypto::{Hash, Purpose, Scheme, SignatureError, signing_digest, verify};
use crate::error::error_enum;
use crate::id::{AccountId, AssetId, ChainId, PoolId, Reference};
use crate::num::Amount;

/// The most receivers of one transfer.
pub const MAX_RECEIVERS: usize = 16;

byte_enum! {
    /// What an account is.
    pub enum AccountKind {
        /// A person.
        Individual = 1, "individual";
        /// A bank, a company, an exchange.
        Institution = 2, "institution";
        /// A public authority; may freeze accounts.
        Government = 3, "government";
        /// The chain's own accounts; may freeze accounts and create accounts of every kind.
        System = 4, "system";
    }
}

byte_enum! {
    /// How well an account's holder is known.
    pub enum KycLevel {
        /// Unknown.
        None = 0, "none";
        /// Name and address stated.
        Basic = 1, "basic";
        /// Documents checked.
        Verified = 2, "verified";
        /// Source of funds checked.
        Enhanced = 3, "enhanced";
    }
}

/// Opens an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CreateAccount<'a> {
    /// Its id, not yet in use.
    pub account: AccountId,
    /// What it is.
    pub kind: AccountKind,
    /// How well its holder is known.
    pub kyc: KycLevel,
    /// Who may act for it.
    #[serde(borrow)]
    pub authority: Authority<'a>,
}

/// Replaces the keys of the sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RotateAuthority<'a> {
    /// The new keys.
    #[serde(borrow)]
    pub authority: Authority<'a>,
}

/// Freezes an account, which then neither sends nor receives, or lifts the freeze.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SetFrozen {
    /// The account.
    pub account: AccountId,
    /// True to freeze, false to lift.
    pub frozen: bool,
}

/// Creates an asset that the sender issues.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CreateAsset {
    /// Its id, not yet in use.
    pub asset: AssetId,
    /// The most that may ever be in circulation.
    pub max_supply: Amount,
}

/// Brings new units of the sender's asset into circulation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Issue {
    /// The asset.
    pub asset: AssetId,
    /// Who receives them.
    pub to: AccountId,
    /// How many.
    pub amount: Amount,
}

/// Takes units of the sender's asset out of circulation, from the sender's own balance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Burn {
    /// The asset.
    pub asset: AssetId,
    /// How many.
    pub amount: Amount,
}

/// One receiver of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Leg {
    /// Who receives.
    pub to: AccountId,
    /// How much.
    pub amount: Amount,
    /// What for.
    pub reference: Reference,
}

error_enum! {
    /// Why a list of receivers is not one.
    pub enum LegsError {
        Count => TRANSFER_RECEIVERS,
        Duplicate => TRANSFER_DUPLICATE_RECEIVER,
    }
}

/// A leg only ever stands in a list of them.
impl Encoded for Leg {
    const TAGGING: Tagging = Tagging::None;
    const MAX_LEN: usize = 25 + 19 + 36;
}

/// The longest encoding of all legs without their number.
const MAX_LEGS_LEN: usize = MAX_RECEIVERS * Leg::MAX_LEN;

/// 1 to [`MAX_RECEIVERS`] legs with different receivers. They stay encoded, where they were decoded from or in a
/// [`LegsBuf`], and are decoded one by one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Legs<'a> {
    count: u8,
    /// The encoding of each leg, without their number.
    bytes: &'a [u8],
}

/// The receivers of a list so far.
#[derive(Default)]
struct Receivers(heapless::Vec<AccountId, MAX_RECEIVERS>);

impl Receivers {
    fn push(&mut self, to: AccountId) -> Result<(), LegsError> {
        if self.0.contains(&to) {
            return Err(LegsError::Duplicate);
        }
        self.0.push(to).map_err(|_| LegsError::Count)
    }

    fn count(&self) -> Result<u8, LegsError> {
        if self.0.is_empty() { Err(LegsError::Count) } else { Ok(self.0.len() as u8) }
    }
}

impl Serialize for Legs<'_> {
    // Leg by leg, not as the bytes that they are: so decoding, which encodes again and compares, finds a leg that is not canonical.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.count()))?;
        self.iter().try_for_each(|leg| list.serialize_element(&leg))?;
        list.end()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Legs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for List<'a> {
            type Value = Legs<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("receivers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Legs<'a>, A::Error> {
                let mut receivers = Receivers::default();
                let (mut all, mut rest) = (None, &[][..]);
                while let Some((Unread(before), leg, Unread(after))) =
                    seq.next_element::<(Unread<'a>, Leg, Unread<'a>)>()?
                {
                    receivers.push(leg.to).map_err(A::Error::custom)?;
                    all.get_or_insert(before);
                    rest = after;
                }
                let count = receivers.count().map_err(A::Error::custom)?;
                let all = all.unwrap_or_default();
                let bytes = all.get(..all.len().saturating_sub(rest.len())).unwrap_or_default();
                Ok(Legs { count, bytes })
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}

impl fmt::Debug for Legs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Legs<'a> {
    /// How many there are.
    pub const fn count(&self) -> usize {
        self.count as usize
    }

    /// The legs, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Leg> + 'a {
        let mut rest = self.bytes;
        // They have been decoded before, so that each can be again.
        core::iter::from_fn(move || {
            let leg;
            (leg, rest) = codec::read(rest).ok()?;
            Some(leg)
        })
    }
}

/// Room for legs that are made, not decoded: [`LegsBuf::get`] lends them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LegsBuf {
    count: u8,
    bytes: heapless::Vec<u8, MAX_LEGS_LEN>,
}

impl LegsBuf {
    /// The legs in the given order.
    ///
    /// # Errors
    /// There are none, too many, or two to the same receiver.
    pub fn new(legs: &[Leg]) -> Result<Self, LegsError> {
        let mut receivers = Receivers::default();
        let mut bytes = heapless::Vec::new();
        for leg in legs {
            receivers.push(leg.to)?;
            let mut buffer = [0; Leg::MAX_LEN];
            let encoded = codec::encode(leg, &mut buffer).map_err(|_| LegsError::Count)?;
            bytes.extend_from_slice(encoded).map_err(|_| LegsError::Count)?;
        }
        Ok(Self { count: receivers.count()?, bytes })
    }

    /// The legs.
    pub fn get(&self) -> Legs<'_> {
        Legs { count: self.count, bytes: &self.bytes }
    }
}

/// Moves one asset from the sender to one or many receivers, all or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transfer<'a> {
    /// The asset.
    pub asset: AssetId,
    /// Who receives how much.
    #[serde(borrow)]
    pub legs: Legs<'a>,
}

/// Creates an empty constant-product pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CreatePool {
    /// Its id, not yet in use.
    pub pool: PoolId,
    /// The asset whose id comes first.
    pub asset_a: AssetId,
    /// The asset whose id comes second.
    pub asset_b: AssetId,
    /// What the pool keeps of each swap's input, in basis points.
    pub fee_bps: u16,
}

/// Puts both assets of a pool in, in its proportion, for shares.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AddLiquidity {
    /// The pool.
    pub pool: PoolId,
    /// Its first asset, named so that the signer sees it.
    pub asset_a: AssetId,
    /// Its second asset, named so that the signer sees it.
    pub asset_b: AssetId,
    /// The most of the first asset to put in.
    pub max_a: Amount,
    /// The most of the second asset to put in.
    pub max_b: Amount,
    /// The fewest shares to accept.
    pub min_shares: Amount,
    /// The latest block time, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
}

/// Gives shares back for both assets of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RemoveLiquidity {
    /// The pool.
    pub pool: PoolId,
    /// Its first asset, named so that the signer sees it.
    pub asset_a: AssetId,
    /// Its second asset, named so that the signer sees it.
    pub asset_b: AssetId,
    /// How many shares.
    pub shares: Amount,
    /// The least of the first asset to accept.
    pub min_a: Amount,
    /// The least of the second asset to accept.
    pub min_b: Amount,
    /// The latest block time, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
}

/// Swaps an exact input.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SwapExactIn {
    /// The pool.
    pub pool: PoolId,
    /// The asset to give.
    pub asset_in: AssetId,
    /// The asset to receive: the pool's other one, named so that the signer sees it.
    pub asset_out: AssetId,
    /// How much to give.
    pub amount_in: Amount,
    /// The least to receive.
    pub min_out: Amount,
    /// The largest price impact to accept, in basis points.
    pub max_price_impact_bps: Option<u16>,
    /// The latest block time, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
}

/// Swaps for an exact output.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SwapExactOut {
    /// The pool.
    pub pool: PoolId,
    /// The asset to give.
    pub asset_in: AssetId,
    /// The asset to receive: the pool's other one.
    pub asset_out: AssetId,
    /// How much to receive.
    pub amount_out: Amount,
    /// The most to give.
    pub max_in: Amount,
    /// The largest price impact to accept, in basis points.
    pub max_price_impact_bps: Option<u16>,
    /// The latest block time, in milliseconds since the Unix epoch.
    pub deadline_ms: Option<u64>,
}

/// Stands for a seat among the validators, or changes how the sender stands: from the next draw on. Whoever was jailed or has left stands anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stand<'a> {
    /// The slot of candidates, free or the sender's own.
    pub slot: u16,
    /// The Ed25519 key that votes.
    #[serde(borrow)]
    pub vote_key: Lent<'a, 32>,
    /// The Ed25519 key by which the network knows the validator.
    #[serde(borrow)]
    pub peer_key: Lent<'a, 32>,
    /// The hash of the hybrid key that signs checkpoints ([`crate::consensus::finality_key`]).
    #[serde(borrow)]
    pub finality_key: Lent<'a, 32>,
    /// What the operator keeps of what the validator earns, in basis points.
    pub commission_bps: u16,
    /// How much to delegate to oneself; may be zero.
    pub amount: Amount,
}

/// Gives up the sender's slot of candidates.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Leave {
    /// The slot.
    pub slot: u16,
}

/// Puts an amount of the native asset behind a validator, for shares of its bonded stake.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delegate {
    /// The validator.
    pub validator: AccountId,
    /// How much.
    pub amount: Amount,
}

/// Gives shares of a validator's bonded stake back. What they are worth is released later, and stays liable until it is withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unbond {
    /// The validator.
    pub validator: AccountId,
    /// How many shares.
    pub shares: Amount,
}

/// Receives the stake that was unbonded from a validator and is released.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Withdraw {
    /// The validator.
    pub validator: AccountId,
}

/// A vote and its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SignedVote<'a> {
    /// The vote.
    pub vote: Vote,
    /// The signature of the vote's id on the chain, with the purpose of votes.
    #[serde(borrow)]
    pub signature: Lent<'a, 64>,
}

/// Proves that a validator gave two votes that contradict each other. Whether the signatures verify follows from the
/// transaction alone ([`Report::verify`]), as with those of its sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Report<'a> {
    /// The validator.
    pub validator: AccountId,
    /// The key that signed, the validator's present one or the one before.
    #[serde(borrow)]
    pub vote_key: Lent<'a, 32>,
    /// The one vote.
    #[serde(borrow)]
    pub first: SignedVote<'a>,
    /// The other vote.
    #[serde(borrow)]
    pub second: SignedVote<'a>,
}

impl Report<'_> {
    /// What the key must have signed on a chain, and with which signature: both votes.
    pub fn signed(&self, chain_id: &ChainId) -> [(Hash, &[u8; 64]); 2] {
        [&self.first, &self.second].map(|signed| {
            (signing_digest(Scheme::Ed25519, Purpose::Vote, &signed.vote.id(chain_id)), signed.signature.0)
        })
    }

    /// Verifies both signatures.
    ///
    /// # Errors
    /// One of them is not the key's.
    pub fn verify(&self, chain_id: &ChainId) -> Result<(), SignatureError> {
        self.signed(chain_id)
            .iter()
            .try_for_each(|(digest, signature)| verify(Scheme::Ed25519, self.vote_key.0, digest, *signature))
    }
}

tagged_enum! {
    /// What a transaction does.
    // The longest is a transfer to the most receivers: tag, asset, count, legs of id, amount and reference.
    pub enum Op<'a> (max_len = 2 + 25 + 1 + MAX_LEGS_LEN) {
        /// Opens an account.
        CreateAccount(op: CreateAccount<'a>) = CREATE_ACCOUNT,
        /// Replaces the sender's keys.
        RotateAuthority(op: RotateAuthority<'a>) = ROTATE_AUTHORITY,
        /// Freezes an account or lifts the freeze.
        SetFrozen(op: SetFrozen) = SET_FROZEN,
        /// Closes the sender's account for ever. It must hold nothing once the fee is paid.
        CloseAccount = CLOSE_ACCOUNT,
        /// Creates an asset.
        CreateAsset(op: CreateAsset) = CREATE_ASSET,
        /// Issues units of an asset.
        Issue(op: Issue) = ISSUE,
        /// Burns units of an asset.
        Burn(op: Burn) = BURN,
        /// Moves an asset.
        Transfer(op: Transfer<'a>) = TRANSFER,
        /// Creates a pool.
        CreatePool(op: CreatePool) = CREATE_POOL,
        /// Puts liquidity into a pool.
        AddLiquidity(op: AddLiquidity) = ADD_LIQUIDITY,
        /// Takes liquidity out of a pool.
        RemoveLiquidity(op: RemoveLiquidity) = REMOVE_LIQUIDITY,
        /// Swaps an exact input.
        SwapExactIn(op: SwapExactIn) = SWAP_EXACT_IN,
        /// Swaps for an exact output.
        SwapExactOut(op: SwapExactOut) = SWAP_EXACT_OUT,
        /// Stands for a seat among the validators.
        Stand(op: Stand<'a>) = STAND,
        /// Gives up a slot of candidates.
        Leave(op: Leave) = LEAVE,
        /// Puts an amount behind a validator.
        Delegate(op: Delegate) = DELEGATE,
        /// Gives shares of a validator's stake back.
        Unbond(op: Unbond) = UNBOND,
        /// Receives released stake.
        Withdraw(op: Withdraw) = WITHDRAW,
        /// Proves that a validator contradicted itself.
        Report(op: Report<'a>) = REPORT,
    }
}

const _: () = assert!(2 + 25 + 2 + Authority::MAX_LEN <= <Op as Encoded>::MAX_LEN);
const _: () = assert!(2 + 25 + 33 + 2 * (Vote::MAX_LEN + 65) <= <Op as Encoded>::MAX_LEN);
