//! The canonical encoding of everything that is hashed, signed or stored.
//!
//! An encoding is a [`Tag`] of two bytes (big-endian) and then the fields in postcard's format
//! (<https://postcard.jamesmunns.com/wire-format>): little-endian base-128 integers, texts and lists with
//! their length before them. A value has exactly one encoding; [`decode`] refuses every other form by encoding what it
//! read again and comparing. A tag names a kind of thing *and* its version: a changed format takes a new tag, and an unknown tag is
//! refused, never skipped.

use core::fmt;

use postcard::ser_flavors::Flavor;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::crypto::{Domain, Hash, Hasher};
use crate::error::error_enum;

mod read;

pub(crate) use read::Unread;

/// The two bytes that an encoding starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag(pub [u8; 2]);

macro_rules! tags {
    ($( $(#[$meta:meta])* $name:ident = $number:literal; )*) => {
        impl Tag {
            $( $(#[$meta])* pub const $name: Self = Self(u16::to_be_bytes($number)); )*
            /// All tags, in ascending order.
            pub const ALL: &[(&str, u16)] = &[$((stringify!($name), $number)),*];
        }
    };
}

// 01xx envelopes, 02xx operations, 03xx records, 04xx record identifiers, 05xx outcomes,
// 06xx policies, 07xx what a device keeps.
// Room is left between neighbours for later versions of the same thing and for new kinds.
tags! {
    /// [`crate::tx::Transaction`].
    TRANSACTION = 0x0100;
    /// [`crate::tx::SignedTransaction`].
    SIGNED_TRANSACTION = 0x0110;
    /// [`crate::consensus::Header`].
    HEADER = 0x0120;
    /// [`crate::ledger::Receipt`].
    RECEIPT = 0x0130;
    /// A block: its header and its signed transactions, as nodes store and exchange it.
    BLOCK = 0x0140;
    /// [`crate::consensus::Vote::Notarize`].
    NOTARIZE = 0x0150;
    /// [`crate::consensus::Vote::Nullify`].
    NULLIFY = 0x0158;
    /// [`crate::consensus::Vote::Finalize`].
    FINALIZE = 0x0160;
    /// [`crate::consensus::Trusted`].
    TRUSTED = 0x0168;
    /// [`crate::consensus::Checkpoint`].
    CHECKPOINT = 0x0170;
    /// [`crate::tx::CreateAccount`].
    CREATE_ACCOUNT = 0x0200;
    /// [`crate::tx::RotateAuthority`].
    ROTATE_AUTHORITY = 0x0208;
    /// [`crate::tx::SetFrozen`].
    SET_FROZEN = 0x0210;
    /// [`crate::tx::Op::CloseAccount`].
    CLOSE_ACCOUNT = 0x0218;
    /// [`crate::tx::CreateAsset`].
    CREATE_ASSET = 0x0220;
    /// [`crate::tx::Issue`].
    ISSUE = 0x0228;
    /// [`crate::tx::Burn`].
    BURN = 0x0230;
    /// [`crate::tx::Transfer`].
    TRANSFER = 0x0240;
    /// [`crate::tx::CreatePool`].
    CREATE_POOL = 0x0260;
    /// [`crate::tx::AddLiquidity`].
    ADD_LIQUIDITY = 0x0268;
    /// [`crate::tx::RemoveLiquidity`].
    REMOVE_LIQUIDITY = 0x0270;
    /// [`crate::tx::SwapExactIn`].
    SWAP_EXACT_IN = 0x0278;
    /// [`crate::tx::SwapExactOut`].
    SWAP_EXACT_OUT = 0x0280;
    /// [`crate::tx::Stand`].
    STAND = 0x02a0;
    /// [`crate::tx::Leave`].
    LEAVE = 0x02a8;
    /// [`crate::tx::Delegate`].
    DELEGATE = 0x02b0;
    /// [`crate::tx::Unbond`].
    UNBOND = 0x02b8;
    /// [`crate::tx::Withdraw`].
    WITHDRAW = 0x02c0;
    /// [`crate::tx::Report`].
    REPORT = 0x02c8;
    /// [`crate::ledger::Account`].
    ACCOUNT = 0x0300;
    /// [`crate::ledger::Asset`].
    ASSET = 0x0310;
    /// [`crate::ledger::Balance`].
    BALANCE = 0x0320;
    /// [`crate::ledger::Pool`].
    POOL = 0x0330;
    /// [`crate::ledger::Shares`].
    SHARES = 0x0340;
    /// [`crate::ledger::Staking`].
    STAKING = 0x0380;
    /// [`crate::ledger::Validator`].
    VALIDATOR = 0x0388;
    /// [`crate::ledger::Unbonding`].
    UNBONDING = 0x0390;
    /// [`crate::ledger::Holder`].
    HOLDER = 0x0398;
    /// [`crate::ledger::Seat`].
    SEAT = 0x03a0;
    /// [`crate::ledger::RecordId::Account`].
    ACCOUNT_ID = 0x0400;
    /// [`crate::ledger::RecordId::Asset`].
    ASSET_ID = 0x0410;
    /// [`crate::ledger::RecordId::Balance`].
    BALANCE_ID = 0x0420;
    /// [`crate::ledger::RecordId::Pool`].
    POOL_ID = 0x0430;
    /// [`crate::ledger::RecordId::Shares`].
    SHARES_ID = 0x0440;
    /// [`crate::ledger::RecordId::Staking`].
    STAKING_ID = 0x0480;
    /// [`crate::ledger::RecordId::Validator`].
    VALIDATOR_ID = 0x0488;
    /// [`crate::ledger::RecordId::Delegation`].
    DELEGATION_ID = 0x0490;
    /// [`crate::ledger::RecordId::Unbonding`].
    UNBONDING_ID = 0x0498;
    /// [`crate::ledger::RecordId::Candidate`].
    CANDIDATE_ID = 0x04a0;
    /// [`crate::ledger::RecordId::Key`].
    KEY_ID = 0x04a8;
    /// [`crate::ledger::RecordId::Seat`].
    SEAT_ID = 0x04b0;
    /// [`crate::ledger::Outcome::Done`].
    DONE = 0x0500;
    /// [`crate::ledger::Outcome::Swapped`].
    SWAPPED = 0x0510;
    /// [`crate::ledger::Outcome::Deposited`].
    DEPOSITED = 0x0520;
    /// [`crate::ledger::Outcome::Withdrawn`].
    WITHDRAWN = 0x0530;
    /// [`crate::ledger::Outcome::Delegated`].
    DELEGATED = 0x0580;
    /// [`crate::ledger::Outcome::Unbonded`].
    UNBONDED = 0x0588;
    /// [`crate::ledger::Outcome::Released`].
    RELEASED = 0x0590;
    /// [`crate::ledger::Outcome::Slashed`].
    SLASHED = 0x0598;
    /// [`crate::policy::Policy`].
    POLICY = 0x0600;
    /// [`crate::policy::Windows`].
    WINDOWS = 0x0610;
    /// What a device keeps: its own settings.
    DEVICE = 0x0700;
    /// What a device keeps: a user.
    USER = 0x0704;
    /// What a device keeps: how often a user may still try a PIN.
    TRIES = 0x0708;
    /// What a device keeps: a secret.
    SECRET = 0x070c;
    /// What a device keeps: a key's slot. (0x0710 had no public key.)
    KEY = 0x0711;
    /// What a device keeps: what a key has signed.
    SIGNED = 0x0714;
    /// What a device keeps: where its audit log was taken up.
    AUDIT = 0x0718;
    /// What a device keeps: a host that it is paired with.
    HOST = 0x071c;
    /// A root that is sealed to another device.
    BACKUP = 0x0720;
    /// Shares of a root with their manifest.
    BACKUP_SHARES = 0x0724;
    /// [`crate::hsm::image::Image`].
    IMAGE = 0x0740;
}

error_enum! {
    /// Why bytes were not accepted.
    pub enum DecodeError {
        UnknownTag => DECODE_UNKNOWN_TAG,
        Malformed => DECODE_MALFORMED,
        NotCanonical => DECODE_NOT_CANONICAL,
        Trailing => DECODE_TRAILING,
        TooLong => DECODE_TOO_LONG,
    }
}

error_enum! {
    /// Why a value could not be written.
    pub enum EncodeError {
        BufferTooSmall => ENCODE_BUFFER_TOO_SMALL,
    }
}

/// Where the tag of an encoding comes from.
#[derive(Clone, Copy, Debug)]
pub enum Tagging {
    /// All values have this tag, which stands before the fields.
    Fixed(Tag),
    /// The value is an enum whose variants have these tags and write them themselves.
    ByVariant(&'static [Tag]),
    /// The value only ever stands inside an envelope, whose tag covers it.
    None,
}

/// A thing that is encoded on its own, with its tag first.
pub trait Encoded: Serialize {
    /// Its tag or tags.
    const TAGGING: Tagging;
    /// The longest encoding, in bytes.
    const MAX_LEN: usize;
}

/// Writes a value; nothing if the sink does not take it.
fn write<'s, T: Encoded>(value: &T, mut sink: Sink<'s>) -> Option<Sink<'s>> {
    if let Tagging::Fixed(tag) = T::TAGGING {
        sink.put(&tag.0)?;
    }
    postcard::serialize_with_flavor(value, sink).ok()
}

/// Writes the canonical encoding to the front of `buffer` and returns that part.
///
/// # Errors
/// The buffer is too small; [`Encoded::MAX_LEN`] bytes are always enough.
pub fn encode<'b, T: Encoded>(value: &T, buffer: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
    match write(value, Sink::Buffer(buffer, 0)) {
        Some(Sink::Buffer(buffer, used)) => buffer.get(..used).ok_or(EncodeError::BufferTooSmall),
        _ => Err(EncodeError::BufferTooSmall),
    }
}

/// The length of the canonical encoding, in bytes.
pub fn encoded_len<T: Encoded>(value: &T) -> usize {
    // Counting cannot fail, so neither can this.
    if let Some(Sink::Count(count)) = write(value, Sink::Count(0)) { count } else { 0 }
}

/// Hashes the canonical encoding without a buffer.
pub fn hash_encoded<T: Encoded>(domain: Domain, value: &T) -> Hash {
    // Feeding a hasher cannot fail, so neither can this.
    let mut hasher = Hasher::new(domain);
    let _ = write(value, Sink::Hash(&mut hasher));
    hasher.finish()
}

/// Reads exactly one value from all of `bytes`.
///
/// # Errors
/// The bytes are not the one canonical encoding of a valid value.
#[inline(never)] // whoever decodes one of many kinds does not need room for all of them at once
pub fn decode<'a, T: Encoded + Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    match decode_front(bytes)? {
        (value, []) => Ok(value),
        _ => Err(DecodeError::Trailing),
    }
}

/// Reads one value from bytes that are known to be its canonical encoding, because this node wrote them or has
/// decoded them before. Faster than [`decode`]: it does not encode the value again.
///
/// # Errors
/// The bytes are no encoding of a valid value.
pub fn decode_trusted<'a, T: Encoded + Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    match read(bytes)? {
        (value, []) => Ok(value),
        _ => Err(DecodeError::Trailing),
    }
}

/// Reads one value from the front of `bytes` and returns it with what follows.
///
/// # Errors
/// The bytes do not start with the one canonical encoding of a valid value.
pub fn decode_front<'a, T: Encoded + Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), DecodeError> {
    let (value, rest) = read::<T>(bytes)?;
    let encoding = bytes.get(..bytes.len().saturating_sub(rest.len())).unwrap_or_default();
    if encoding.len() > T::MAX_LEN {
        return Err(DecodeError::TooLong);
    }
    match write(&value, Sink::Compare(encoding)) {
        Some(Sink::Compare([])) => Ok((value, rest)),
        _ => Err(DecodeError::NotCanonical),
    }
}

/// Reads one value from the front of bytes, canonical or not, and returns it with what follows.
pub(crate) fn read<'a, T: Encoded + Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), DecodeError> {
    let body = match T::TAGGING {
        Tagging::Fixed(tag) => bytes.strip_prefix(&tag.0),
        Tagging::ByVariant(tags) => tags.iter().any(|tag| bytes.starts_with(&tag.0)).then_some(bytes),
        Tagging::None => Some(bytes),
    }
    .ok_or(DecodeError::UnknownTag)?;
    read::read(body).map_err(|_| DecodeError::Malformed)
}

/// Reads an item of a list, which needs no tag, from the front of bytes, and returns it with what follows.
pub(crate) fn read_item<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
    read::read(bytes).ok()
}

/// Serializes bytes as bytes: the same encoding as that of a list of numbers, written at once.
pub(crate) fn bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// So many bytes that stay where they were decoded from: a public key, a signature. Encoded with their length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lent<'a, const N: usize>(pub &'a [u8; N]);

impl<const N: usize> Serialize for Lent<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a, const N: usize> Deserialize<'de> for Lent<'a, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom(DecodeError::Malformed))
    }
}

impl<const N: usize> fmt::Display for Lent<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Lent<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Declares an enum whose variants are encoded as their tag and then their fields, and which refuses other tags.
macro_rules! tagged_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident $(<$life:lifetime>)? (max_len = $max_len:expr) {
            $( $(#[$variant_meta:meta])* $variant:ident $( ( $($field:ident: $type:ty),+ ) )? = $tag:ident, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        // Without allocation there is no box to put a long variant into.
        #[allow(clippy::large_enum_variant)]
        pub enum $name $(<$life>)? {
            $( $(#[$variant_meta])* $variant $( ( $($type),+ ) )?, )+
        }

        impl $(<$life>)? $crate::codec::Encoded for $name $(<$life>)? {
            const TAGGING: $crate::codec::Tagging =
                $crate::codec::Tagging::ByVariant(&[$($crate::codec::Tag::$tag),+]);
            const MAX_LEN: usize = $max_len;
        }

        impl $(<$life>)? serde::Serialize for $name $(<$life>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$variant $( ( $($field),+ ) )? => {
                        serde::Serialize::serialize(
                            &($crate::codec::Tag::$tag, $( $($field),+ )?),
                            serializer,
                        )
                    } )+
                }
            }
        }

        impl<'de $(: $life, $life)?> serde::Deserialize<'de> for $name $(<$life>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields<T>(core::marker::PhantomData<T>);
                impl<'de $(: $life, $life)?> serde::de::Visitor<'de> for Fields<$name $(<$life>)?> {
                    type Value = $name $(<$life>)?;
                    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        f.write_str("a tag and its fields")
                    }
                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                        let missing = || <A::Error as serde::de::Error>::custom("field missing");
                        let tag: $crate::codec::Tag = seq.next_element()?.ok_or_else(missing)?;
                        $(
                            if tag == $crate::codec::Tag::$tag {
                                return Ok($name::$variant $( (
                                    $( { let $field: $type = seq.next_element()?.ok_or_else(missing)?; $field } ),+
                                ) )?);
                            }
                        )+
                        Err(<A::Error as serde::de::Error>::custom("unknown tag"))
                    }
                }
                // The tag and at most three fields.
                deserializer.deserialize_tuple(4, Fields(core::marker::PhantomData::<Self>))
            }
        }
    };
}
pub(crate) use tagged_enum;

/// Declares an enum that is encoded as one byte with a stable number, and refuses other numbers.
macro_rules! byte_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $number:literal, $text:literal; )+ }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $( $(#[$variant_meta])* $variant = $number, )+ }

        impl $name {
            /// All values, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value with this number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $( $number => Some(Self::$variant), )+ _ => None }
            }

            /// Its name as people read it.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_u8(*self as u8)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = <u8 as serde::Deserialize>::deserialize(deserializer)?;
                Self::from_number(number)
                    .ok_or_else(|| <D::Error as serde::de::Error>::custom("unknown number"))
            }
        }
    };
}
pub(crate) use byte_enum;

/// Where an encoding goes. It is one type for all, so that the code which writes a kind of value is on a device once.
enum Sink<'a> {
    /// To the front of a buffer: so much so far.
    Buffer(&'a mut [u8], usize),
    /// Nowhere: only its length counts.
    Count(usize),
    /// Into a hash.
    Hash(&'a mut Hasher),
    /// Against the bytes that the value was read from: what is left of them.
    Compare(&'a [u8]),
}

impl Sink<'_> {
    #[cfg_attr(target_os = "none", inline(never))]
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        match self {
            Self::Buffer(buffer, used) => {
                let (place, _) = buffer.get_mut(*used..)?.split_at_mut_checked(bytes.len())?;
                place.copy_from_slice(bytes);
                *used = used.checked_add(bytes.len())?;
            }
            Self::Count(count) => *count = count.checked_add(bytes.len())?,
            Self::Hash(hasher) => hasher.update(bytes),
            Self::Compare(rest) => *rest = rest.strip_prefix(bytes)?,
        }
        Some(())
    }
}

impl Flavor for Sink<'_> {
    type Output = Self;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.put(bytes).ok_or(postcard::Error::SerializeBufferFull)
    }

    fn finalize(self) -> postcard::Result<Self> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_unique_and_ascending() {
        assert!(Tag::ALL.windows(2).all(|pair| pair[0].1 < pair[1].1));
    }
}
