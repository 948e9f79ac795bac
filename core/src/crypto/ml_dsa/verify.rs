//! Verification (FIPS 204, algorithm 8) of what arrives in pieces.
//!
//! In the order public key, message, signature every byte is used when it arrives: t1 is kept transformed in the rows until the
//! challenge is known, and each polynomial of z is multiplied with its column of A and added to the rows.

use super::bits::Unpacker;
use super::field::{D, beyond, canonical, mul, use_hint};
use super::ntt::{inverse_ntt, ntt};
use super::rows;
use super::sample::{self, GAMMA1, MASK_BITS, MASK_BYTES};
use super::secret::Work;
use super::sign::absorb_high_bits;
use super::{BETA, CHALLENGE_BYTES, HINT_BYTES, K, L, OMEGA, PUBLIC_KEY_BYTES, SIGNATURE_BYTES, T1_BITS};
use crate::crypto::scheme::SignatureError;

/// Where the hints begin in a signature.
const HINTS: usize = CHALLENGE_BYTES + L * MASK_BYTES;
const _: () = assert!(HINTS + HINT_BYTES == SIGNATURE_BYTES);

/// What is taken next, or why nothing more is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    PublicKey,
    Message,
    Signature,
    Refused(SignatureError),
}

/// Verifies one signature. [`Verifier::public_key`], [`Verifier::context`], [`Verifier::message`] and
/// [`Verifier::signature`] are called in this order, each but the context as often as there are pieces, and then
/// [`Verifier::finish`]. After an error everything is refused with that error. It is large (7.6 KB): let it stand
/// where it is made.
pub struct Verifier {
    work: Work,
    stage: Stage,
    /// Bytes of the public key or the signature that have been taken.
    taken: usize,
    /// Coefficients of the polynomial, and polynomials before it.
    coefficients: usize,
    polynomials: u8,
    t1: Unpacker<T1_BITS>,
    z: Unpacker<MASK_BITS>,
    /// Seed of A.
    rho: [u8; 32],
    /// Hash of the hash of the public key, the context and the message.
    mu: [u8; 64],
    challenge: [u8; CHALLENGE_BYTES],
    hints: [u8; HINT_BYTES],
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier {
    /// One that has taken nothing.
    #[inline(always)]
    pub const fn new() -> Self {
        Self {
            work: Work::EMPTY,
            stage: Stage::PublicKey,
            taken: 0,
            coefficients: 0,
            polynomials: 0,
            t1: Unpacker::new(),
            z: Unpacker::new(),
            rho: [0; 32],
            mu: [0; 64],
            challenge: [0; CHALLENGE_BYTES],
            hints: [0; HINT_BYTES],
        }
    }

    /// Takes a piece of the public key.
    pub fn public_key(&mut self, bytes: &[u8]) -> Result<(), SignatureError> {
        self.expect(Stage::PublicKey)?;
        self.work.xof.absorb(bytes);
        for byte in bytes {
            if let Some(to) = self.rho.get_mut(self.taken) {
                *to = *byte;
            } else if self.taken < PUBLIC_KEY_BYTES {
                self.t1.push(*byte);
                if let Some(number) = self.t1.next() {
                    self.take_t1(number);
                }
            } else {
                return self.refuse(SignatureError::PublicKeyLength);
            }
            self.taken = self.taken.wrapping_add(1);
        }
        Ok(())
    }

    /// Ends the public key and takes the context, at most 255 bytes, which is part of what was signed.
    pub fn context(&mut self, context: &[u8]) -> Result<(), SignatureError> {
        self.end_public_key()?;
        let Ok(length) = u8::try_from(context.len()) else { return self.refuse(SignatureError::Context) };
        self.work.xof.absorb(&[0, length]).absorb(context);
        Ok(())
    }

    /// Takes a piece of the message.
    pub fn message(&mut self, bytes: &[u8]) -> Result<(), SignatureError> {
        self.expect(Stage::Message)?;
        self.work.xof.absorb(bytes);
        Ok(())
    }

    /// Takes a piece of the signature.
    pub fn signature(&mut self, bytes: &[u8]) -> Result<(), SignatureError> {
        if self.stage == Stage::Message {
            self.end_message();
        }
        self.expect(Stage::Signature)?;
        for byte in bytes {
            let taken = self.taken;
            self.taken = taken.wrapping_add(1);
            if let Some(to) = self.challenge.get_mut(taken) {
                *to = *byte;
                if self.taken == CHALLENGE_BYTES {
                    self.take_challenge();
                }
            } else if taken < HINTS {
                self.z.push(*byte);
                if let Some(number) = self.z.next() {
                    self.take_z(number)?;
                }
            } else if let Some(to) = self.hints.get_mut(taken.wrapping_sub(HINTS)) {
                *to = *byte;
            } else {
                return self.refuse(SignatureError::Length);
            }
        }
        Ok(())
    }

    /// Whether the signature counts.
    pub fn finish(&mut self) -> Result<(), SignatureError> {
        if self.stage == Stage::Message {
            self.end_message();
        }
        self.expect(Stage::Signature)?;
        if self.taken != SIGNATURE_BYTES {
            return self.refuse(SignatureError::Length);
        }
        self.judge().or_else(|error| self.refuse(error))
    }

    /// Whether the commitment that the rows and the hints make has the hash in the signature.
    #[inline(never)] // what it needs of the stack is not needed while A is sampled; so below
    fn judge(&mut self) -> Result<(), SignatureError> {
        let Work { rows, poly, xof } = &mut self.work;
        let mut hints = Hints::new(&self.hints).ok_or(SignatureError::Malformed)?;
        xof.start_256().absorb(&self.mu);
        for row in rows {
            rows::load(poly, row);
            inverse_ntt(poly);
            let mut places = hints.row().ok_or(SignatureError::Malformed)?.iter().peekable();
            for (a, place) in poly.iter_mut().zip(0..=255) {
                let hint = places.next_if_eq(&&place).is_some();
                *a = use_hint(canonical(*a), hint);
            }
            absorb_high_bits(xof, poly);
        }
        xof.end();
        if xof.output() == self.challenge { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    fn expect(&self, stage: Stage) -> Result<(), SignatureError> {
        match self.stage {
            Stage::Refused(error) => Err(error),
            found if found == stage => Ok(()),
            // What comes too early or too late makes the part before it too short or too long.
            Stage::PublicKey => Err(SignatureError::PublicKeyLength),
            _ => Err(SignatureError::Length),
        }
    }

    fn refuse(&mut self, error: SignatureError) -> Result<(), SignatureError> {
        self.stage = Stage::Refused(error);
        Err(error)
    }

    /// Puts a number into the polynomial; whether it is complete.
    fn put(&mut self, number: i32) -> bool {
        if let Some(to) = self.work.poly.get_mut(self.coefficients) {
            *to = number;
        }
        self.coefficients = self.coefficients.wrapping_add(1) % 256;
        self.coefficients == 0
    }

    fn take_t1(&mut self, number: i32) {
        if self.put(number << D) {
            let Work { rows, poly, .. } = &mut self.work;
            ntt(poly);
            // Times one: a number below q.
            poly.iter_mut().for_each(|a| *a = mul(*a, ONE));
            if let Some(row) = rows.get_mut(usize::from(self.polynomials)) {
                rows::store(row, poly);
            }
            self.polynomials = self.polynomials.wrapping_add(1);
        }
    }

    /// Ends the public key and begins with its hash.
    #[inline(never)]
    pub(super) fn end_public_key(&mut self) -> Result<(), SignatureError> {
        self.expect(Stage::PublicKey)?;
        if self.taken != PUBLIC_KEY_BYTES {
            return self.refuse(SignatureError::PublicKeyLength);
        }
        let xof = &mut self.work.xof;
        xof.end();
        let tr: [u8; 64] = xof.output();
        xof.start_256().absorb(&tr);
        self.stage = Stage::Message;
        Ok(())
    }

    #[inline(never)]
    fn end_message(&mut self) {
        self.work.xof.end();
        let mu = self.work.xof.output();
        self.begin_signature(mu);
    }

    /// Begins the signature of mu.
    pub(super) fn begin_signature(&mut self, mu: [u8; 64]) {
        self.mu = mu;
        self.stage = Stage::Signature;
        (self.taken, self.coefficients, self.polynomials) = (0, 0, 0);
    }

    /// Makes t1 in the rows -c·t1.
    #[inline(never)]
    fn take_challenge(&mut self) {
        let Work { rows, poly, xof } = &mut self.work;
        sample::challenge(poly, xof, &self.challenge);
        ntt(poly);
        for row in rows {
            rows::update(row, poly, |t1, c| mul(t1, c).wrapping_neg());
        }
    }

    fn take_z(&mut self, number: i32) -> Result<(), SignatureError> {
        let number = GAMMA1.wrapping_sub(number);
        if beyond(number, const { GAMMA1 - BETA }) >= 0 {
            return self.refuse(SignatureError::Malformed);
        }
        if self.put(number) {
            let Work { rows, poly, xof } = &mut self.work;
            ntt(poly);
            rows::add_column(rows, xof, &self.rho, self.polynomials, poly);
            self.polynomials = self.polynomials.wrapping_add(1);
        }
        Ok(())
    }
}

/// 2^64 modulo q, which the product of Montgomery makes 2^32, and the scale of the inverse transform one.
const ONE: i32 = ((1u64 << 32) % super::field::Q as u64) as i32;

/// The hints of a signature, in the one form that they may have: ascending in each row, zero behind the last one.
struct Hints<'a> {
    places: &'a [u8; OMEGA],
    ends: core::slice::Iter<'a, u8>,
    start: usize,
}

impl<'a> Hints<'a> {
    fn new(packed: &'a [u8; HINT_BYTES]) -> Option<Self> {
        let (places, ends) = packed.split_first_chunk::<OMEGA>()?;
        let last = usize::from(*ends.last()?);
        let clean = places.get(last..)?.iter().all(|place| *place == 0);
        clean.then_some(Self { places, ends: ends.iter(), start: 0 })
    }

    /// The places of the next row.
    fn row(&mut self) -> Option<&'a [u8]> {
        let end = usize::from(*self.ends.next()?);
        let places = self.places.get(self.start..end)?;
        self.start = end;
        places.is_sorted_by(|a, b| a < b).then_some(places)
    }
}

const _: () = assert!(K == HINT_BYTES - OMEGA);
