//! ML-DSA-87 (FIPS 204) for devices: signing from the 32-byte seed in 16 KB of stack, verification in 8 KB.
//!
//! The matrix A, the secret vectors and the masks are sampled from their seeds where they are used, vectors are added up
//! at 24 bits a coefficient, and the secret key is expanded anew for each signature. The ideas are those of "Dilithium for
//! memory constrained devices" (Bos, Renes, Sprenkels, 2022).
//!
//! Signing is deterministic. Its time depends on how many attempts it takes, and on public values; not on the secret
//! key otherwise. Whoever releases a signature verifies it first.
//!
//! Numbers: modulus q = 8,380,417, polynomials of 256 coefficients, vectors of 7 and 8 of them.

mod bits;
mod field;
mod ntt;
mod rows;
mod sample;
mod secret;
mod sign;
mod verify;

use core::fmt;

use zeroize::Zeroize;

use super::keccak::Shake;
use super::scheme::SignatureError;
use crate::error::error_enum;
use secret::{Expanded, Work};

pub use verify::Verifier;

/// Length of a seed.
pub const SEED_BYTES: usize = 32;
/// Length of a public key.
pub const PUBLIC_KEY_BYTES: usize = 2592;
/// Length of a signature.
pub const SIGNATURE_BYTES: usize = 4627;
/// Length of μ.
pub const MU_BYTES: usize = 64;
/// Longest context.
pub const MAX_CONTEXT_BYTES: usize = 255;

/// Rows of A.
const K: usize = 8;
/// Columns of A.
const L: usize = 7;
/// How far a product of challenge and secret reaches.
const BETA: i32 = sample::TAU as i32 * sample::ETA;
/// Most hints of a signature.
const OMEGA: usize = 75;
/// Bytes of the hash of a commitment.
const CHALLENGE_BYTES: usize = 64;
/// Bytes of the hints of a signature.
const HINT_BYTES: usize = OMEGA + K;
/// Bits of a coefficient of t1.
const T1_BITS: u32 = 10;
/// Bits of a coefficient of the commitment.
const W1_BITS: u32 = 4;
/// More attempts than this are needed with a probability of less than 2^-256 (FIPS 204, appendix C).
const MAX_ATTEMPTS: u16 = 814;

error_enum! {
    /// Why there is no signature.
    pub enum SignError {
        Context => CONTEXT_TOO_LONG,
        Attempts => SIGNING_ATTEMPTS,
        Buffer => SIGNATURE_LENGTH,
    }
}

/// A secret key: its seed. It is overwritten when it is dropped, is never printed, and cannot be compared.
pub struct SecretKey([u8; SEED_BYTES]);

impl SecretKey {
    /// The key of a seed of 32 random bytes.
    pub const fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        Self(*seed)
    }

    /// Computes its public key.
    #[inline(never)] // its memory is not that of whoever calls it
    pub fn public_key(&self, public_key: &mut [u8; PUBLIC_KEY_BYTES]) {
        let mut secret = Expanded::<0>::EMPTY;
        let mut work = Work::EMPTY;
        let mut output = public_key.iter_mut();
        let write = |bytes: &[u8]| output.by_ref().zip(bytes).for_each(|(to, byte)| *to = *byte);
        secret.fill(&self.0, &mut work, write);
        work.zeroize();
    }

    /// Signs a message under a context of at most 255 bytes. Without a signature, `signature` is zero or as it was.
    #[inline(never)]
    pub fn sign(
        &self,
        message: &[u8],
        context: &[u8],
        signature: &mut [u8; SIGNATURE_BYTES],
    ) -> Result<(), SignError> {
        let length = u8::try_from(context.len()).map_err(|_| SignError::Context)?;
        let absorb = |xof: &mut Shake, _: &[u8; SIGNATURE_BYTES]| {
            xof.absorb(&[0, length]).absorb(context).absorb(message).end();
        };
        self.sign_absorbed(absorb, signature).map(drop)
    }

    /// Signs the message that begins the buffer, `length` bytes of it, under an empty context. The signature takes its place: a device
    /// has no room for a long message and its signature side by side. Returns μ, the hash of public key and message, which is what
    /// is signed and what [`verify_mu`] checks it by.
    ///
    /// # Errors
    /// The buffer is shorter than the message or a signature; or as [`Self::sign`].
    #[inline(never)]
    pub fn sign_in_place(&self, length: usize, buffer: &mut [u8]) -> Result<[u8; MU_BYTES], SignError> {
        let (front, rest) = buffer.split_first_chunk_mut().ok_or(SignError::Buffer)?;
        let in_rest = rest.get(..length.saturating_sub(SIGNATURE_BYTES)).ok_or(SignError::Buffer)?;
        let absorb = |xof: &mut Shake, front: &[u8; SIGNATURE_BYTES]| {
            let in_front = front.get(..length).unwrap_or(front);
            xof.absorb(&[0, 0]).absorb(in_front).absorb(in_rest).end();
        };
        self.sign_absorbed(absorb, front)
    }

    /// Signs what `absorb` puts behind the hash of the public key; it is given the buffer of the signature as it was. Returns μ.
    #[inline(always)] // two callers, of whom a device's image has one
    fn sign_absorbed(
        &self,
        absorb: impl FnOnce(&mut Shake, &[u8; SIGNATURE_BYTES]),
        signature: &mut [u8; SIGNATURE_BYTES],
    ) -> Result<[u8; MU_BYTES], SignError> {
        let mut secret = Expanded::EMPTY;
        let mut work = Work::EMPTY;
        secret.fill(&self.0, &mut work, |_| ());
        absorb(work.xof.start_256().absorb(&secret.tr), signature);
        let mu = work.xof.output();
        let result = sign::sign(&secret, &mut work, &mu, &[0; 32], signature);
        work.zeroize();
        result.map(|()| mu)
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// Checks a signature of a message under a context.
#[inline(never)]
pub fn verify(
    public_key: &[u8],
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let mut verifier = Verifier::new();
    verifier.public_key(public_key)?;
    verifier.context(context)?;
    verifier.message(message)?;
    if signature.len() != SIGNATURE_BYTES {
        return Err(SignatureError::Length);
    }
    verifier.signature(signature)?;
    verifier.finish()
}

/// Checks a signature by μ, where the message is not at hand any more.
#[inline(never)]
pub fn verify_mu(
    public_key: &[u8; PUBLIC_KEY_BYTES],
    mu: &[u8; MU_BYTES],
    signature: &[u8; SIGNATURE_BYTES],
) -> Result<(), SignatureError> {
    let mut verifier = Verifier::new();
    verifier.public_key(public_key)?;
    verifier.end_public_key()?;
    verifier.begin_signature(*mu);
    verifier.signature(signature)?;
    verifier.finish()
}

#[cfg(test)]
mod tests;
