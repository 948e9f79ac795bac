//! Keys as objects. Each key of a device is two: a private and a public one. Nothing of them changes but by making and destroying keys.
//!
//! `CKA_ID` is one byte, the number of the key's slot in the device; whoever generates a key may choose it. `CKA_LABEL` is the key's label, an identifier of
//! the ledger's form. `CKA_UNIQUE_ID` is the key's hash.

use cryptoki_sys::*;
use qenex_core::crypto::p256;
use qenex_core::crypto::{KeyHash, Purpose, Scheme};

use crate::mechanism;
use crate::template::Template;

/// The type of hybrid keys: ML-DSA-87 and Ed25519.
pub const CKK_QENEX_HYBRID: CK_KEY_TYPE = CKK_VENDOR_DEFINED | 0x514e_5801;

/// The curve of Ed25519 keys as `CKA_EC_PARAMS` have it: the object identifier, and the name of PKCS#11 3.0.
const ED25519: [&[u8]; 2] = [b"\x06\x03\x2b\x65\x70", b"\x13\x0cedwards25519"];
/// The curve of P-256 keys: the object identifier, and names.
const P256: [&[u8]; 3] =
    [b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x13\x09secp256r1", b"\x13\x0aprime256v1"];

/// A key of a device.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its slot in the device.
    pub slot: u8,
    /// What people call it.
    pub label: String,
    /// How it signs.
    pub scheme: Scheme,
    /// What it signs.
    pub purpose: Purpose,
    /// Its hash.
    pub hash: KeyHash,
    /// Its public key.
    pub public_key: Vec<u8>,
}

/// Which of a key's two objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The private one.
    Private,
    /// The public one.
    Public,
}

/// What an object says of an attribute.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// There is one, and it never leaves the device.
    Sensitive,
    /// Objects of this kind have none.
    Unknown,
}

/// The handle of an object, which is not zero.
pub fn handle(key: &Key, half: Half) -> CK_OBJECT_HANDLE {
    1 + 2 * CK_OBJECT_HANDLE::from(key.slot) + CK_OBJECT_HANDLE::from(half == Half::Public)
}

/// The object of a handle.
pub fn find(keys: &[Key], of: CK_OBJECT_HANDLE) -> Option<(&Key, Half)> {
    objects(keys).find(|(key, half)| handle(key, *half) == of)
}

/// All objects.
pub fn objects(keys: &[Key]) -> impl Iterator<Item = (&Key, Half)> {
    keys.iter().flat_map(|key| [(key, Half::Private), (key, Half::Public)])
}

/// Whether an object has all that a template asks for.
pub fn matches(key: &Key, half: Half, template: &Template<'_>) -> bool {
    template.all(|kind, value| {
        let curve_matches = kind == CKA_EC_PARAMS && curves(key.scheme).contains(&value);
        curve_matches || matches!(attribute(key, half, kind), Value::Bytes(bytes) if bytes == value)
    })
}

/// The forms in which a curve may be named; the first is the one that objects give.
pub const fn curves(scheme: Scheme) -> &'static [&'static [u8]] {
    match scheme {
        Scheme::Ed25519 => &ED25519,
        Scheme::P256 => &P256,
        Scheme::MlDsa87 | Scheme::Hybrid => &[],
    }
}

/// The type of a scheme's keys.
pub const fn key_type(scheme: Scheme) -> CK_KEY_TYPE {
    match scheme {
        Scheme::Ed25519 => CKK_EC_EDWARDS,
        Scheme::P256 => CKK_EC,
        Scheme::MlDsa87 => CKK_ML_DSA,
        Scheme::Hybrid => CKK_QENEX_HYBRID,
    }
}

/// What an object says of an attribute.
pub fn attribute(key: &Key, half: Half, kind: CK_ATTRIBUTE_TYPE) -> Value {
    let private = half == Half::Private;
    let number = |number: CK_ULONG| Value::Bytes(number.to_ne_bytes().into());
    let truth = |truth: bool| Value::Bytes(vec![u8::from(truth)]);
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.into());
    let signs = !mechanism::allowed(key.scheme, key.purpose).is_empty();
    match kind {
        CKA_CLASS => number(if private { CKO_PRIVATE_KEY } else { CKO_PUBLIC_KEY }),
        CKA_KEY_TYPE => number(key_type(key.scheme)),
        CKA_ID => bytes(&[key.slot]),
        CKA_LABEL => bytes(key.label.as_bytes()),
        CKA_UNIQUE_ID => bytes(key.hash.to_string().as_bytes()),
        CKA_TOKEN | CKA_LOCAL => truth(true),
        CKA_PRIVATE => truth(private),
        CKA_MODIFIABLE | CKA_COPYABLE | CKA_DERIVE => truth(false),
        CKA_DESTROYABLE => truth(private && key.purpose == Purpose::Plain),
        CKA_START_DATE | CKA_END_DATE | CKA_SUBJECT => bytes(&[]),
        CKA_KEY_GEN_MECHANISM => {
            number(mechanism::generation(key.scheme).unwrap_or(CK_UNAVAILABLE_INFORMATION))
        }
        CKA_ALLOWED_MECHANISMS => {
            let allowed = mechanism::allowed(key.scheme, key.purpose);
            Value::Bytes(allowed.iter().flat_map(|mechanism| mechanism.to_ne_bytes()).collect())
        }
        CKA_EC_PARAMS => curves(key.scheme).first().map_or(Value::Unknown, |curve| bytes(curve)),
        CKA_PARAMETER_SET if key.scheme == Scheme::MlDsa87 => number(CKP_ML_DSA_87),

        CKA_SENSITIVE | CKA_ALWAYS_SENSITIVE | CKA_NEVER_EXTRACTABLE if private => truth(true),
        CKA_EXTRACTABLE | CKA_ALWAYS_AUTHENTICATE | CKA_WRAP_WITH_TRUSTED if private => truth(false),
        CKA_DECRYPT | CKA_SIGN_RECOVER | CKA_UNWRAP if private => truth(false),
        CKA_SIGN if private => truth(signs),
        CKA_VALUE | CKA_SEED if private => Value::Sensitive,

        CKA_VERIFY if !private => truth(!mechanism::raw(key.scheme).is_empty()),
        CKA_ENCRYPT | CKA_VERIFY_RECOVER | CKA_WRAP | CKA_TRUSTED if !private => truth(false),
        CKA_EC_POINT if !private => point(key),
        CKA_VALUE if !private && matches!(key.scheme, Scheme::MlDsa87 | Scheme::Hybrid) => {
            bytes(&key.public_key)
        }
        _ => Value::Unknown,
    }
}

/// The point of a public key as an octet string of DER: of P-256 not compressed, which is what applications read.
fn point(key: &Key) -> Value {
    let octets = |bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).ok().filter(|length| *length < 0x80);
        length.map_or(Value::Unknown, |length| Value::Bytes([&[4, length], bytes].concat()))
    };
    match (key.scheme, key.public_key.as_slice().try_into()) {
        (Scheme::Ed25519, _) => octets(&key.public_key),
        (Scheme::P256, Ok(compressed)) => {
            p256::uncompressed(compressed).map_or(Value::Unknown, |point| octets(&point))
        }
        _ => Value::Unknown,
    }
}
