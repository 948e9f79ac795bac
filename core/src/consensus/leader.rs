//! Who leads a view: drawn by weight from a seed, the same for everybody who knows the seats.

use super::vote::Round;
use crate::crypto::{Domain, Hash, hash};
use crate::num::Amount;

/// The place of the leader among `weights`, which are those of the seats in their order; nothing where they are all zero, or their sum is more than an
/// amount holds.
///
/// The hash of seed, epoch and view is read as a fraction of one, 256 bits long, and falls into one of the parts that the
/// weights are of their sum. A part is wrong by at most 2^-256 of the whole: no hash is drawn again.
pub fn leader(seed: &Hash, round: Round, weights: &[Amount]) -> Option<usize> {
    let total = weights.iter().try_fold(Amount::ZERO, |sum, weight| sum.checked_add(*weight)).ok()?;
    let drawn = hash(Domain::Leader, &[&seed.0, &round.epoch.to_be_bytes(), &round.view.to_be_bytes()]);
    let mut rest = total.part(&drawn.0);
    weights.iter().position(|weight| rest.checked_sub(*weight).map(|behind| rest = behind).is_err())
}
