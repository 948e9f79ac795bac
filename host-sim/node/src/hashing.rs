//! Many hashes at once, on the widest instructions that the machine has.

use std::sync::OnceLock;

use qenex_core::crypto::{Domain, Hash};
use qenex_keccak::Lanes;

/// The way in which this machine hashes fastest.
pub fn lanes() -> Lanes {
    static LANES: OnceLock<Lanes> = OnceLock::new();
    *LANES.get_or_init(Lanes::best)
}

/// The hash of each input.
pub fn hash_all<T: AsRef<[u8]>>(domain: Domain, inputs: &[T]) -> Vec<Hash> {
    let mut out = vec![Hash::default(); inputs.len()];
    lanes().hash_each(domain, inputs, &mut out);
    out
}

/// The root of a transaction or receipt tree over these leaves.
pub fn log_root(leaves: &[Hash]) -> Hash {
    qenex_tree::log::root(lanes(), leaves)
}
