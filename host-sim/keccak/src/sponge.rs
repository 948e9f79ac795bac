//! SHA3-256 around any number of permutations at once: input into the lanes, hashes out of them.

use qenex_core::crypto::Hash;
use qenex_core::crypto::hash::Domain;

/// Bytes that one permutation takes in (FIPS 202, section 6.1: 1600 bits less twice 256).
pub const RATE: usize = 136;

/// The states of `L` permutations: word `i` of all of them stand side by side, as one vector.
#[repr(align(64))]
pub struct States<const L: usize>(pub [[u64; L]; 25]);

impl<const L: usize> States<L> {
    const fn new() -> Self {
        Self([[0; L]; 25])
    }

    /// Takes a block into each state.
    pub fn absorb(&mut self, blocks: &[[u8; RATE]; L]) {
        for (lane, block) in blocks.iter().enumerate() {
            for (word, bytes) in self.0.iter_mut().zip(block.as_chunks::<8>().0) {
                word[lane] ^= u64::from_le_bytes(*bytes);
            }
        }
    }

    fn hash(&self, lane: usize) -> Hash {
        let mut hash = Hash::default();
        for (bytes, word) in hash.0.as_chunks_mut::<8>().0.iter_mut().zip(&self.0) {
            *bytes = word[lane].to_le_bytes();
        }
        hash
    }
}

/// How many permutations an input takes, after its domain byte and before at least one byte of padding.
const fn blocks(input: &[u8]) -> usize {
    (1 + input.len()) / RATE + 1
}

/// Writes block number `index` of the domain byte, the input and the padding.
fn fill(block: &mut [u8; RATE], domain: Domain, input: &[u8], index: usize) {
    let (to, from) = match index {
        0 => {
            block[0] = domain as u8;
            (1, 0)
        }
        _ => (0, index * RATE - 1),
    };
    let rest = &input[from..];
    let end = to + rest.len().min(RATE - to);
    block[to..end].copy_from_slice(&rest[..end - to]);
    if end < RATE {
        block[end..].fill(0);
        block[end] = 0x06;
        block[RATE - 1] |= 0x80;
    }
}

/// Hashes inputs of any lengths, `L` at once.
pub fn each<const L: usize, T: AsRef<[u8]>>(
    domain: Domain,
    inputs: &[T],
    out: &mut [Hash],
    absorb_and_permute: impl Fn(&mut States<L>, &[[u8; RATE]; L]),
) {
    let blocks = |i: usize| blocks(inputs[i].as_ref());
    // Inputs of the same number of blocks go together, so that few lanes run idle.
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|i| blocks(*i));
    // What an idle lane takes in does not matter.
    let mut taken = [[0; RATE]; L];
    for group in order.chunks(L) {
        let mut states = States::<L>::new();
        let most = group.last().map_or(0, |i| blocks(*i));
        for index in 0..most {
            for (lane, i) in group.iter().enumerate().filter(|(_, i)| index < blocks(**i)) {
                fill(&mut taken[lane], domain, inputs[*i].as_ref(), index);
            }
            absorb_and_permute(&mut states, &taken);
            for (lane, i) in group.iter().enumerate().filter(|(_, i)| index + 1 == blocks(**i)) {
                out[*i] = states.hash(lane);
            }
        }
    }
}

/// Hashes pairs of hashes, `L` at once. The same as [`each`] on 64 bytes, without the detour over a block.
pub fn pairs<const L: usize>(
    domain: Domain,
    pairs: &[[Hash; 2]],
    out: &mut [Hash],
    permute: impl Fn(&mut States<L>),
) {
    for (pairs, out) in pairs.chunks(L).zip(out.chunks_mut(L)) {
        let mut states = States::<L>::new();
        for (lane, [left, right]) in pairs.iter().enumerate() {
            // The domain byte shifts everything by one byte: each word starts with the last byte of the one before.
            let mut before = (domain as u64) << 56;
            let words = left.0.as_chunks::<8>().0.iter().chain(right.0.as_chunks::<8>().0);
            for (state, bytes) in states.0.iter_mut().zip(words) {
                let word = u64::from_le_bytes(*bytes);
                state[lane] = word << 8 | before >> 56;
                before = word;
            }
            states.0[8][lane] = 0x0600 | before >> 56;
        }
        states.0[RATE / 8 - 1] = [0x80 << 56; L];
        permute(&mut states);
        for (lane, out) in out.iter_mut().enumerate() {
            *out = states.hash(lane);
        }
    }
}
