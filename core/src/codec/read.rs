//! Reading: postcard's format as a serde deserializer that lends.
//!
//! What postcard's own cannot do is to lend the bytes of a list: [`Unread`] shows what lies ahead without reading it. Only what
//! the formats use is read; other kinds of fields, such as signed integers and floats, are refused.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};

/// The bytes are no encoding of the type. The reason is not kept: a device could not show it.
#[derive(Debug)]
pub(super) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed")
    }
}

impl core::error::Error for Malformed {}

impl de::Error for Malformed {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

type Result<T> = core::result::Result<T, Malformed>;

/// Bytes that are read from the front.
pub(super) struct Reader<'de>(&'de [u8]);

/// Reads a value from the front of `bytes` and returns it with what follows.
pub(super) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(T, &'de [u8])> {
    let mut reader = Reader(bytes);
    let value = T::deserialize(&mut reader)?;
    Ok((value, reader.0))
}

/// All bytes that have not been read yet; they stay unread. Before and after a field, it gives the field's bytes.
pub(crate) struct Unread<'a>(pub(crate) &'a [u8]);

impl Unread<'_> {
    /// The name by which the reader knows it.
    const NAME: &'static str = "qenex_core::codec::Unread";
}

impl<'de: 'a, 'a> Deserialize<'de> for Unread<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> core::result::Result<Self, D::Error> {
        struct Bytes<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Bytes<'a> {
            type Value = Unread<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the reader of this module")
            }
            fn visit_borrowed_bytes<E: de::Error>(
                self,
                bytes: &'de [u8],
            ) -> core::result::Result<Unread<'a>, E> {
                Ok(Unread(bytes))
            }
        }
        deserializer.deserialize_newtype_struct(Self::NAME, Bytes(PhantomData))
    }
}

/// Bits of a byte of an integer; the highest bit says that more bytes follow.
const GROUP_BITS: u32 = 7;

/// Groups that fit into 64 bits.
const GROUPS: usize = 9;

impl<'de> Reader<'de> {
    fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn take(&mut self, len: usize) -> Result<&'de [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// At most [`GROUPS`] groups of an integer, and whether it ends there.
    fn groups(&mut self, most: usize) -> Result<(u64, bool)> {
        let (mut value, mut shift) = (0, 0u32);
        for _ in 0..most {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).wrapping_shl(shift);
            if byte < 0x80 {
                return Ok((value, true));
            }
            shift = shift.wrapping_add(GROUP_BITS);
        }
        Ok((value, false))
    }

    /// An integer of so many groups at most.
    fn short(&mut self, most: usize) -> Result<u64> {
        match self.groups(most)? {
            (value, true) => Ok(value),
            (_, false) => Err(Malformed),
        }
    }

    fn u64(&mut self) -> Result<u64> {
        match self.groups(GROUPS)? {
            (value, true) => Ok(value),
            (low, false) => match self.byte()? {
                high @ ..=1 => Ok(low | u64::from(high) << 63),
                _ => Err(Malformed),
            },
        }
    }

    fn u128(&mut self) -> Result<u128> {
        let (low, ends) = self.groups(GROUPS)?;
        if ends {
            return Ok(low.into());
        }
        let (middle, ends) = self.groups(GROUPS)?;
        let value = u128::from(low) | u128::from(middle) << 63;
        if ends {
            return Ok(value);
        }
        match self.byte()? {
            high @ ..=3 => Ok(value | u128::from(high) << 126),
            _ => Err(Malformed),
        }
    }

    fn bytes(&mut self) -> Result<&'de [u8]> {
        let len = self.u64()?;
        self.take(usize::try_from(len).map_err(|_| Malformed)?)
    }
}

/// Elements one after the other.
struct Elements<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: u64,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Malformed;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                seed.deserialize(&mut *self.reader).map(Some)
            }
            None => Ok(None),
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Malformed;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(Malformed)
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(Malformed),
        }
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u8(self.byte()?)
    }

    #[inline]
    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u16(self.short(3)?.try_into().map_err(|_| Malformed)?)
    }

    #[inline]
    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u32(self.short(5)?.try_into().map_err(|_| Malformed)?)
    }

    #[inline]
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u64(self.u64()?)
    }

    #[inline]
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u128(self.u128()?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(core::str::from_utf8(self.bytes()?).map_err(|_| Malformed)?)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_bytes(self.bytes()?)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(self),
            _ => Err(Malformed),
        }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value> {
        if name == Unread::NAME {
            visitor.visit_borrowed_bytes(self.0)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.u64()?;
        visitor.visit_seq(Elements { reader: self, left })
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Elements { reader: self, left: len as u64 })
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 f32 f64 char string byte_buf unit unit_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn same<'a, T: Deserialize<'a> + PartialEq + Debug>(bytes: &'a [u8]) {
        let theirs = postcard::take_from_bytes::<T>(bytes).ok();
        assert_eq!(read::<T>(bytes).ok(), theirs, "{bytes:02x?}");
    }

    /// What is accepted, and as what, is what postcard accepts.
    #[test]
    fn reads_as_postcard_does() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as u8
        };
        for round in 0..200_000 {
            let mut bytes = [0; 24];
            for byte in &mut bytes {
                // Bits that say that more follows are common in one half of the rounds, and edges in some.
                *byte = match (random() % 4, round % 2) {
                    (0, 0) => random() % 5,
                    (1, _) => [0x00, 0x7f, 0x80, 0xff][usize::from(random() % 4)],
                    (_, 0) => random(),
                    (_, _) => random() | 0x80,
                };
            }
            let bytes = &bytes[..usize::from(random()) % 25];
            same::<bool>(bytes);
            same::<u8>(bytes);
            same::<u16>(bytes);
            same::<u32>(bytes);
            same::<u64>(bytes);
            same::<u128>(bytes);
            same::<Option<u16>>(bytes);
            same::<&[u8]>(bytes);
            same::<&str>(bytes);
            same::<[u8; 3]>(bytes);
            same::<(u16, u128, bool)>(bytes);
            same::<heapless::Vec<u16, 4>>(bytes);
        }
    }

    #[test]
    fn what_is_unread_stays_unread() {
        let bytes = [1, 2, 3];
        let ((before, field, after), rest) = read::<(Unread<'_>, u8, Unread<'_>)>(&bytes).unwrap();
        assert_eq!((before.0, field, after.0, rest), (&bytes[..], 1, &bytes[1..], &bytes[1..]));
        // Nobody else knows what it is.
        assert!(postcard::take_from_bytes::<(Unread<'_>, u8)>(&bytes).is_err());
    }
}
