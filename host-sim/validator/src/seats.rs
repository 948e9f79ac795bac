//! Seats: who decides, and who leads.

use commonware_codec::DecodeExt;
use commonware_consensus::simplex::elector::{self, Elector, Scheduled, Terms};
use commonware_consensus::types::Round;
use commonware_cryptography::ed25519::PublicKey;
use commonware_utils::Participant;
use commonware_utils::ordered::Set;
use qenex_consensus::{Scheme, Validator, Validators};
use qenex_core::consensus::{self, ValidatorSetError, leader};
use qenex_core::crypto::Hash;
use qenex_core::num::Amount;
use qenex_node::chain::Seat;

/// The set of validators on these seats.
///
/// # Errors
/// They are none: a key is none of its kind, or two are the same.
pub fn validators(seats: &[Seat]) -> Result<Validators, ValidatorSetError> {
    let validators = seats.iter().map(|seat| {
        let peer = PublicKey::decode(seat.peer_key.to_vec()).map_err(|_| ValidatorSetError::Set)?;
        Ok(Validator { peer, vote_key: seat.vote_key, finality_key: seat.finality_key })
    });
    Validators::new(validators.collect::<Result<Vec<_>, _>>()?)
}

/// Who leads each view of an epoch: the ledger's own rule, by which blocks are checked too.
#[derive(Clone, Debug)]
pub struct Leaders {
    seed: Hash,
    weights: Vec<Amount>,
    /// For each seat the engine's participant.
    participants: Vec<Participant>,
}

impl Leaders {
    /// The leaders of an epoch with this seed.
    ///
    /// # Errors
    /// The seats are not a set of validators.
    pub fn new(seed: Hash, seats: &[Seat]) -> Result<Self, ValidatorSetError> {
        let validators = validators(seats)?;
        let participants = seats.iter().map(|seat| validators.participant(&seat.vote_key));
        Ok(Self {
            seed,
            weights: seats.iter().map(|seat| seat.weight).collect(),
            participants: participants.collect::<Option<_>>().ok_or(ValidatorSetError::Set)?,
        })
    }
}

impl elector::Config<Scheme> for Leaders {
    type Elector = Self;

    fn build(self, participants: &Set<PublicKey>) -> Self {
        debug_assert_eq!(participants.len(), self.participants.len());
        self
    }
}

impl Elector<Scheme> for Leaders {
    type Mode = Scheduled;

    fn terms(&self) -> Terms {
        Terms::rotating()
    }

    fn elect(&self, round: Round, (): ()) -> Participant {
        let round = consensus::Round { epoch: round.epoch().get(), view: round.view().get() };
        // Some seat has a weight, or nobody could have made the block before.
        let place = leader(&self.seed, round, &self.weights).unwrap_or_default();
        self.participants.get(place).copied().unwrap_or(Participant::new(0))
    }
}
