//! Identifiers: readable names of chains, accounts, assets and pools.
//!
//! An identifier is 1 to 24 characters of `A-Z 0-9 _ - .`, and a zero byte. In C it is initialised like a string:
//! `qnx_id_t asset = {"USDC"};`.

use core::ffi::c_char;

use qenex_core::id::{AccountId, AssetId, ChainId, PoolId, Reference, TextError};

use crate::memory::{Fallible, Plain, plain};

/// Bytes of an identifier, with the zero behind it.
pub const QNX_ID_SIZE: usize = 25;

/// Bytes of a payment's reference, with the zero behind it.
pub const QNX_REFERENCE_SIZE: usize = 36;

/// An identifier.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_id_t {
    /// The characters, and at least one zero byte.
    pub text: [c_char; QNX_ID_SIZE],
}

/// What a payment is for: up to 35 printable ASCII characters, and a zero byte.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_reference_t {
    /// The characters, and at least one zero byte.
    pub text: [c_char; QNX_REFERENCE_SIZE],
}

plain!(qnx_id_t, qnx_reference_t);

/// A text of the core that C knows as zero-terminated characters.
pub(crate) trait Text: Sized {
    /// How C knows it.
    type C: Plain;
    /// From C.
    fn read(text: &Self::C) -> Fallible<Self>;
    /// For C.
    fn write(&self) -> Self::C;
}

macro_rules! text {
    ($($name:ident $c:ident $error:ident,)+) => {
        $(
            impl Text for $name {
                type C = $c;

                fn read(text: &$c) -> Fallible<Self> {
                    let bytes = text.text.map(|c| c as u8);
                    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                    let text = core::str::from_utf8(text).map_err(|_| TextError::$error)?;
                    Ok(Self::new(text)?)
                }

                fn write(&self) -> $c {
                    let mut text = $c::zeroed();
                    text.text.iter_mut().zip(self.as_str().bytes()).for_each(|(slot, byte)| *slot = byte as c_char);
                    text
                }
            }
        )+
    };
}

text! {
    ChainId qnx_id_t Id,
    AccountId qnx_id_t Id,
    AssetId qnx_id_t Id,
    PoolId qnx_id_t Id,
    Reference qnx_reference_t Reference,
}
