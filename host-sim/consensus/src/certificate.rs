//! Certificates: which members of a set signed, and their signatures.
//!
//! The form is the core's: signers are a [`SignerSet`] over the members in the order of the core, signatures follow in
//! that order. Its encoding is the 32 bytes of the signers and then 64 for each of them: nothing in it can be said twice.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, Read, ReadExt, Write};
use qenex_core::consensus::{CertificateError, SignerSet};
use qenex_core::crypto::ed25519::SIGNATURE_BYTES;

/// A signature of a vote.
pub type Signature = [u8; SIGNATURE_BYTES];

/// Bytes of the signers.
const SIGNERS_BYTES: usize = size_of::<SignerSet>();

/// What some members signed; that they are enough, and did, is known once it was verified.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Certificate {
    signers: SignerSet,
    signatures: Vec<Signature>,
}

impl Certificate {
    /// A certificate of these signers, whose signatures come in their order.
    ///
    /// # Errors
    /// Nobody signed, or there is not one signature for each signer.
    pub fn new(signers: SignerSet, signatures: Vec<Signature>) -> Result<Self, CertificateError> {
        if signatures.is_empty() || signatures.len() != count(&signers) {
            return Err(CertificateError::Signers);
        }
        Ok(Self { signers, signatures })
    }

    /// Who signed.
    pub const fn signers(&self) -> &SignerSet {
        &self.signers
    }

    /// The signatures, in the order of the signers.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The bytes of a certificate of so many signers.
    pub const fn encoded_len(signers: usize) -> usize {
        SIGNERS_BYTES + SIGNATURE_BYTES * signers
    }
}

fn count(signers: &SignerSet) -> usize {
    signers.0.iter().map(|byte| byte.count_ones() as usize).sum()
}

impl Write for Certificate {
    fn write(&self, buffer: &mut impl BufMut) {
        self.signers.0.write(buffer);
        self.signatures.iter().for_each(|signature| signature.write(buffer));
    }
}

impl EncodeSize for Certificate {
    fn encode_size(&self) -> usize {
        Self::encoded_len(self.signatures.len())
    }
}

impl Read for Certificate {
    /// The most signers.
    type Cfg = usize;

    fn read_cfg(buffer: &mut impl Buf, signers_max: &usize) -> Result<Self, Error> {
        let signers = SignerSet(<[u8; SIGNERS_BYTES]>::read(buffer)?);
        let signed = count(&signers);
        if signed > *signers_max {
            return Err(Error::InvalidLength(signed));
        }
        let signatures = (0..signed).map(|_| Signature::read(buffer)).collect::<Result<_, _>>()?;
        Self::new(signers, signatures).map_err(|error| Error::Wrapped("certificate", Box::new(error)))
    }
}
