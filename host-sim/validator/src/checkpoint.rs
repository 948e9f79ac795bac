//! What is known of an epoch's checkpoint: who was in the set, the header, which signatures there are, and the certificate of the same header.
//!
//! On disk and on its way to another node, integers little-endian: the number of members; for each, in the order of the core, its key of votes, the
//! hash of its key of checkpoints and a byte that says whether key and signature follow; the header's length (u16, zero while it is not known) and the
//! header; then, if it is known, epoch, view and parent's view of what was finalized, and its certificate.

use commonware_codec::{Decode as _, Encode as _};
use qenex_consensus::{Certificate, Validators};
use qenex_core::codec::{self, Encoded as _};
use qenex_core::consensus::{
    self, CertificateError, Checkpoint, Endorsement, Endorsements, Header, LightError, MAX_VALIDATORS,
    Proposal, Round, SignerSet, Trusted, ValidatorSetError, finality_key, quorum,
};
use qenex_core::crypto::{Scheme, verify};

const KEY_BYTES: usize = Scheme::Hybrid.public_key_bytes();
const SIGNATURE_BYTES: usize = Scheme::Hybrid.signature_bytes();

/// A key of checkpoints and its signature.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed {
    /// The key.
    pub public_key: Box<[u8; KEY_BYTES]>,
    /// The signature.
    pub signature: Box<[u8; SIGNATURE_BYTES]>,
}

impl Signed {
    /// Bytes of both.
    pub const BYTES: usize = KEY_BYTES + SIGNATURE_BYTES;

    /// From its bytes at the front of `bytes`, and the rest.
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (public_key, rest) = bytes.split_first_chunk()?;
        let (signature, rest) = rest.split_first_chunk()?;
        Some((Self { public_key: Box::new(*public_key), signature: Box::new(*signature) }, rest))
    }

    /// Writes its bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&*self.public_key);
        out.extend_from_slice(&*self.signature);
    }
}

/// A member of the set.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// Its key of votes, by which members are ordered.
    pub vote_key: [u8; 32],
    /// The hash of its key of checkpoints.
    pub finality_key: [u8; 32],
    /// What it signed, as far as this node knows.
    pub signed: Option<Signed>,
}

/// What finalized the header of a checkpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct Certified {
    /// The proposal.
    pub proposal: Proposal,
    /// Who finalized it.
    pub certificate: Certificate,
}

/// A checkpoint while it is collected, and afterwards.
#[derive(Clone, PartialEq, Eq)]
pub struct Collected {
    members: Vec<Member>,
    /// The last header of the epoch, when it is final.
    header: Option<Header>,
    /// The certificate of the header, if this node knows it.
    pub certified: Option<Certified>,
}

/// The most bytes of one.
pub const MAX_BYTES: usize = 1
    + MAX_VALIDATORS * (65 + Signed::BYTES)
    + 2
    + Header::MAX_LEN
    + 3 * 8
    + 32
    + Certificate::encoded_len(MAX_VALIDATORS);

/// Why a signature is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// It is there, or enough are.
    Known,
    /// It is none: whoever sent it is at fault.
    Wrong,
}

impl Collected {
    /// The checkpoint of an epoch in which these decide. Nobody has signed.
    pub fn new(validators: &Validators) -> Self {
        let keys = validators.vote_keys().iter().zip(validators.finality_keys());
        let member = |(vote_key, finality_key): (&[u8; 32], &[u8; 32])| Member {
            vote_key: *vote_key,
            finality_key: *finality_key,
            signed: None,
        };
        Self { members: keys.map(member).collect(), header: None, certified: None }
    }

    /// The header, when it is final.
    pub const fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// The members, in the order of the core.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Learns of the header; true if it is news.
    pub fn know(&mut self, header: &Header) -> bool {
        let news = self.header.is_none();
        self.header.get_or_insert_with(|| header.clone());
        news
    }

    /// The set, for certificates to be verified.
    ///
    /// # Errors
    /// They are none.
    pub fn validators(&self) -> Result<Validators, ValidatorSetError> {
        Validators::without_peers(self.members.iter().map(|member| (&member.vote_key, &member.finality_key)))
    }

    /// The places of those who have signed.
    pub fn signers(&self) -> SignerSet {
        let mut signers = SignerSet::default();
        let signed = self.members.iter().zip(0..=u8::MAX).filter(|(member, _)| member.signed.is_some());
        signed.for_each(|(_, place)| signers.insert(place));
        signers
    }

    fn quorum(&self) -> usize {
        quorum(u8::try_from(self.members.len()).unwrap_or(u8::MAX)).into()
    }

    /// Whether enough have signed.
    pub fn is_complete(&self) -> bool {
        self.members.iter().filter(|member| member.signed.is_some()).count() >= self.quorum()
    }

    /// Whether enough could sign: zeros stand for no key.
    pub fn is_possible(&self) -> bool {
        self.members.iter().filter(|member| member.finality_key != [0; 32]).count() >= self.quorum()
    }

    /// The place of a member by its key of checkpoints, if its signature is not known.
    pub fn missing(&self, public_key: &[u8]) -> Option<u8> {
        let key = finality_key(public_key).0.0;
        let place =
            self.members.iter().position(|member| member.finality_key == key && member.signed.is_none())?;
        u8::try_from(place).ok()
    }

    /// Takes a member's signature.
    ///
    /// # Errors
    /// It is not wanted, or not the member's own of this checkpoint.
    pub fn add(&mut self, header: &Header, place: u8, signed: Signed) -> Result<(), Unwanted> {
        let enough = self.is_complete();
        let member = self.members.get_mut(usize::from(place)).ok_or(Unwanted::Wrong)?;
        if enough || member.signed.is_some() {
            return Err(Unwanted::Known);
        }
        if finality_key(&*signed.public_key).0.0 != member.finality_key {
            return Err(Unwanted::Wrong);
        }
        verify(Scheme::Hybrid, &*signed.public_key, &Checkpoint::of(header).digest(), &*signed.signature)
            .map_err(|_| Unwanted::Wrong)?;
        member.signed = Some(signed);
        self.know(header);
        Ok(())
    }

    /// Moves a light client on, by what was signed to outlive Ed25519.
    ///
    /// # Errors
    /// It does not follow from what the client trusts.
    pub fn follow(&self, trusted: &Trusted) -> Result<Trusted, LightError> {
        let header = self.header.as_ref().ok_or(LightError::Proposal)?;
        let mut following = trusted.follow_checkpoint(header)?;
        self.present(&mut following.endorsements)?;
        following.finish(trusted)
    }

    /// Moves a light client on by a certificate of the same set.
    ///
    /// # Errors
    /// It does not follow from what the client trusts.
    pub fn follow_certificate(
        &self,
        trusted: &Trusted,
        certified: &Certified,
    ) -> Result<Trusted, LightError> {
        let header = self.header.as_ref().ok_or(LightError::Proposal)?;
        let mut following = trusted.follow(header, &certified.proposal)?;
        self.present_certificate(certified, &mut following.certificate)?;
        following.finish(trusted)
    }

    /// Hands it to the core's check.
    ///
    /// # Errors
    /// It is not one of what is checked.
    fn present(&self, check: &mut Endorsements) -> Result<(), CertificateError> {
        self.members.iter().try_for_each(|member| {
            let endorsement = match &member.signed {
                None => Endorsement::Missing(&member.finality_key),
                Some(signed) => {
                    Endorsement::Signed { public_key: &*signed.public_key, signature: &*signed.signature }
                }
            };
            check.push(Scheme::Ed25519, &member.vote_key, endorsement)
        })
    }

    /// Hands a certificate of the same set to the core's check.
    ///
    /// # Errors
    /// It is not one of what is checked.
    fn present_certificate(
        &self,
        certified: &Certified,
        check: &mut consensus::Certificate,
    ) -> Result<(), CertificateError> {
        let Certified { certificate, .. } = certified;
        let mut signatures = certificate.signatures().iter();
        for (member, place) in self.members.iter().zip(0..=u8::MAX) {
            let signed = certificate.signers().contains(place);
            let signature = if signed { signatures.next().map(|bytes| &bytes[..]) } else { None };
            check.push(Scheme::Ed25519, &member.vote_key, &member.finality_key, signature)?;
        }
        Ok(())
    }

    /// Its bytes on disk.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![u8::try_from(self.members.len()).unwrap_or(u8::MAX)];
        for member in &self.members {
            out.extend_from_slice(&member.vote_key);
            out.extend_from_slice(&member.finality_key);
            out.push(u8::from(member.signed.is_some()));
            member.signed.iter().for_each(|signed| signed.write(&mut out));
        }
        let mut buffer = [0; Header::MAX_LEN];
        let header = match &self.header {
            // Cannot fail: the buffer has the greatest length.
            Some(header) => codec::encode(header, &mut buffer).unwrap_or_default(),
            None => &[],
        };
        out.extend_from_slice(&(header.len() as u16).to_le_bytes());
        out.extend_from_slice(header);
        if let Some(Certified { proposal, certificate }) = &self.certified {
            for number in [proposal.round.epoch, proposal.round.view, proposal.parent_view] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.extend_from_slice(&proposal.header.0);
            out.extend_from_slice(&certificate.encode());
        }
        out
    }

    /// From its bytes; nothing if they are none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, mut rest) = bytes.split_first()?;
        let mut members = Vec::with_capacity((*count).into());
        for _ in 0..*count {
            let (vote_key, tail) = rest.split_first_chunk()?;
            let (finality_key, tail) = tail.split_first_chunk()?;
            let (flag, tail) = tail.split_first()?;
            let (signed, tail) = match flag {
                0 => (None, tail),
                1 => Signed::split(tail).map(|(signed, tail)| (Some(signed), tail))?,
                _ => return None,
            };
            members.push(Member { vote_key: *vote_key, finality_key: *finality_key, signed });
            rest = tail;
        }
        let (length, rest) = rest.split_first_chunk()?;
        let (header, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        let header = if header.is_empty() { None } else { Some(codec::decode(header).ok()?) };
        let certified = if rest.is_empty() { None } else { Some(certified(rest, (*count).into())?) };
        Some(Self { members, header, certified })
    }

    /// Keeps what finalized the header; does nothing if the certificate is for another one.
    pub fn certify(&mut self, header: &Header, certified: Certified) -> bool {
        let fits = certified.proposal.header == header.id();
        if fits {
            self.certified = Some(certified);
            self.know(header);
        }
        fits
    }
}

fn certified(bytes: &[u8], members: usize) -> Option<Certified> {
    let (epoch, bytes) = bytes.split_first_chunk()?;
    let (view, bytes) = bytes.split_first_chunk()?;
    let (parent_view, bytes) = bytes.split_first_chunk()?;
    let (header, bytes) = bytes.split_first_chunk()?;
    let round = Round { epoch: u64::from_le_bytes(*epoch), view: u64::from_le_bytes(*view) };
    let proposal = Proposal {
        round,
        parent_view: u64::from_le_bytes(*parent_view),
        header: qenex_core::crypto::Hash(*header),
    };
    let certificate = Certificate::decode_cfg(bytes.to_vec(), &members).ok()?;
    Some(Certified { proposal, certificate })
}
