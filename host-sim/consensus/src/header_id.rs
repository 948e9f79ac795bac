//! The id of a header as the engine's digest.

use std::fmt;
use std::ops::Deref;

use bytes::BufMut;
use commonware_codec::{Buf, Error, FixedArray, FixedSize, Read, ReadExt, Write};
use commonware_cryptography::Digest;
use commonware_math::algebra::Random;
use commonware_utils::{Array, Span};
use qenex_core::crypto::Hash;
use rand_core::CryptoRng;

/// The id of a header: what a proposal's payload is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FixedArray)]
pub struct HeaderId(pub Hash);

impl Digest for HeaderId {
    const EMPTY: Self = Self(Hash([0; 32]));
}

impl Span for HeaderId {}

impl Array for HeaderId {}

impl FixedSize for HeaderId {
    const SIZE: usize = 32;
}

impl Write for HeaderId {
    fn write(&self, buffer: &mut impl BufMut) {
        self.0.0.write(buffer);
    }
}

impl Read for HeaderId {
    type Cfg = ();

    fn read_cfg(buffer: &mut impl Buf, (): &()) -> Result<Self, Error> {
        Ok(Self(Hash(<[u8; 32]>::read(buffer)?)))
    }
}

impl Random for HeaderId {
    fn random(mut rng: impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(Hash(bytes))
    }
}

impl AsRef<[u8]> for HeaderId {
    fn as_ref(&self) -> &[u8] {
        &self.0.0
    }
}

impl Deref for HeaderId {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.0
    }
}

impl fmt::Display for HeaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for HeaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
