//! The records of the ledger and how they are found.

use serde::{Deserialize, Serialize};

use super::stake::{Holder, Seat, Staking, Unbonding, Validator};
use crate::amm::Reserves;
use crate::codec::{EncodeError, Encoded, Tag, byte_enum, encode, tagged_enum};
use crate::crypto::{Domain, Hash, hash};
use crate::id::{AccountId, AssetId, PoolId};
use crate::num::Amount;
use crate::tx::{AccountKind, Authority, KycLevel};

byte_enum! {
    /// Whether an account may act.
    pub enum AccountStatus {
        /// It may.
        Active = 1, "active";
        /// It neither sends nor receives until the freeze is lifted.
        Frozen = 2, "frozen";
        /// It never will again. The record stays, so that the id cannot be used twice.
        Closed = 3, "closed";
    }
}

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Account<'a> {
    /// What it is.
    pub kind: AccountKind,
    /// Whether it may act.
    pub status: AccountStatus,
    /// How well its holder is known.
    pub kyc: KycLevel,
    /// How many transactions it has sent.
    pub nonce: u64,
    /// How many balances and shares it has: records that exist only while they are not zero.
    pub holdings: u32,
    /// Who may act for it.
    #[serde(borrow)]
    pub authority: Authority<'a>,
}

/// An asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Asset {
    /// Who may issue and burn it.
    pub issuer: AccountId,
    /// How much is in circulation: the sum of all balances and of all pools' reserves.
    pub supply: Amount,
    /// The most that may ever be.
    pub max_supply: Amount,
}

/// How much of an asset an account has, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Balance {
    /// The amount.
    pub amount: Amount,
}

/// A constant-product pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pool {
    /// The asset whose id comes first.
    pub asset_a: AssetId,
    /// The asset whose id comes second.
    pub asset_b: AssetId,
    /// What it holds, the shares in it, and its fee.
    pub reserves: Reserves,
}

/// How many shares an account has of a pool, or of the stake behind a validator; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shares {
    /// The shares.
    pub amount: Amount,
}

tagged_enum! {
    /// A record: the value that the state tree commits to. An account's keys stay where they were decoded from.
    // The longest is an account.
    #[derive(Copy)]
    pub enum Record<'a> (max_len = 2 + 3 + 10 + 5 + Authority::MAX_LEN) {
        /// An account.
        Account(record: Account<'a>) = ACCOUNT,
        /// An asset.
        Asset(record: Asset) = ASSET,
        /// A balance.
        Balance(record: Balance) = BALANCE,
        /// A pool.
        Pool(record: Pool) = POOL,
        /// Shares of a pool, or of a validator's stake.
        Shares(record: Shares) = SHARES,
        /// The chain's staking.
        Staking(record: Staking) = STAKING,
        /// A validator.
        Validator(record: Validator<'a>) = VALIDATOR,
        /// Stake on its way out.
        Unbonding(record: Unbonding) = UNBONDING,
        /// Whose a slot or a key is.
        Holder(record: Holder) = HOLDER,
        /// A seat.
        Seat(record: Seat<'a>) = SEAT,
    }
}

tagged_enum! {
    /// What a record is about.
    #[derive(Copy, PartialOrd, Ord)]
    pub enum RecordId (max_len = 2 + 25 + 25) {
        /// [`Record::Account`].
        Account(account: AccountId) = ACCOUNT_ID,
        /// [`Record::Asset`].
        Asset(asset: AssetId) = ASSET_ID,
        /// [`Record::Balance`].
        Balance(account: AccountId, asset: AssetId) = BALANCE_ID,
        /// [`Record::Pool`].
        Pool(pool: PoolId) = POOL_ID,
        /// [`Record::Shares`] of a pool.
        Shares(account: AccountId, pool: PoolId) = SHARES_ID,
        /// [`Record::Staking`].
        Staking = STAKING_ID,
        /// [`Record::Validator`].
        Validator(account: AccountId) = VALIDATOR_ID,
        /// [`Record::Shares`] of a validator's bonded stake.
        Delegation(account: AccountId, validator: AccountId) = DELEGATION_ID,
        /// [`Record::Unbonding`].
        Unbonding(account: AccountId, validator: AccountId) = UNBONDING_ID,
        /// [`Record::Holder`]: who stands in a slot.
        Candidate(slot: u16) = CANDIDATE_ID,
        /// [`Record::Holder`]: whose key of votes or of the network it is.
        Key(key: Hash) = KEY_ID,
        /// [`Record::Seat`].
        Seat(place: u8) = SEAT_ID,
    }
}

impl RecordId {
    /// The length of [`Self::key_input`].
    pub const KEY_INPUT_LEN: usize = 50;

    /// What the key is the hash of: the tag, then both identifiers padded with zeros to their full width, or a number or a key of
    /// fixed width and zeros; so that no two ids share an input.
    pub fn key_input(&self) -> [u8; Self::KEY_INPUT_LEN] {
        const NONE: &[u8] = &[];
        let slot;
        let (tag, first, second): (_, &[u8], &[u8]) = match self {
            Self::Account(account) => (Tag::ACCOUNT_ID, account.padded(), NONE),
            Self::Asset(asset) => (Tag::ASSET_ID, asset.padded(), NONE),
            Self::Balance(account, asset) => (Tag::BALANCE_ID, account.padded(), asset.padded()),
            Self::Pool(pool) => (Tag::POOL_ID, pool.padded(), NONE),
            Self::Shares(account, pool) => (Tag::SHARES_ID, account.padded(), pool.padded()),
            Self::Staking => (Tag::STAKING_ID, NONE, NONE),
            Self::Validator(account) => (Tag::VALIDATOR_ID, account.padded(), NONE),
            Self::Delegation(account, validator) => {
                (Tag::DELEGATION_ID, account.padded(), validator.padded())
            }
            Self::Unbonding(account, validator) => (Tag::UNBONDING_ID, account.padded(), validator.padded()),
            Self::Candidate(number) => {
                slot = number.to_be_bytes();
                (Tag::CANDIDATE_ID, &slot, NONE)
            }
            Self::Key(key) => (Tag::KEY_ID, &key.0, NONE),
            Self::Seat(place) => (Tag::SEAT_ID, core::slice::from_ref(place), NONE),
        };
        let mut input = [0; Self::KEY_INPUT_LEN];
        let mut rest = input.as_mut_slice();
        for part in [tag.0.as_slice(), first, second] {
            let Some((slot, behind)) = rest.split_at_mut_checked(part.len()) else { break };
            slot.copy_from_slice(part);
            rest = behind;
        }
        input
    }

    /// Whether the record is of the kind that stands under this id.
    pub const fn names(&self, record: &Record<'_>) -> bool {
        matches!(
            (self, record),
            (Self::Account(_), Record::Account(_))
                | (Self::Asset(_), Record::Asset(_))
                | (Self::Balance(..), Record::Balance(_))
                | (Self::Pool(_), Record::Pool(_))
                | (Self::Shares(..) | Self::Delegation(..), Record::Shares(_))
                | (Self::Staking, Record::Staking(_))
                | (Self::Validator(_), Record::Validator(_))
                | (Self::Unbonding(..), Record::Unbonding(_))
                | (Self::Candidate(_) | Self::Key(_), Record::Holder(_))
                | (Self::Seat(_), Record::Seat(_))
        )
    }

    /// Its key in the state tree.
    pub fn key(&self) -> Hash {
        hash(Domain::RecordKey, &[&self.key_input()])
    }
}

impl Record<'_> {
    /// The hash of its canonical bytes, as the state tree's leaf holds it.
    pub fn value_hash(&self) -> Hash {
        crate::codec::hash_encoded(Domain::RecordValue, self)
    }

    /// Its canonical bytes, at the front of `buffer`.
    ///
    /// # Errors
    /// The buffer is shorter than the encoding; [`Encoded::MAX_LEN`] bytes are always enough.
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
        encode(self, buffer)
    }
}

const _: () = assert!(2 + 25 + 25 + 3 * 19 + 3 <= <Record as Encoded>::MAX_LEN, "a pool fits");
const _: () =
    assert!(2 + 4 * 33 + 10 + 4 + 3 + 10 + 4 * 19 <= <Record as Encoded>::MAX_LEN, "a validator fits");
const _: () = assert!(
    2 + 10 + 2 + 19 + 5 + 5 + 5 + 3 + 19 + 10 + 2 + 32 <= <Record as Encoded>::MAX_LEN,
    "staking fits"
);
