//! The block cipher AES-256 (FIPS 197), encryption only, from the rounds of the crate aes: its own key schedule indexes
//! so that a panic stays in a device's image. The rounds take the same time for all keys and blocks.

use aes::Block;
use aes::cipher::{
    BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, ParBlocksSizeUser,
};
use aes::hazmat::{cipher_round, inv_mix_columns};
use aes_gcm::aead::consts::{U1, U16};
use aes_gcm::aead::inout::InOut;
use zeroize::Zeroize;

/// A key, expanded to what each round adds.
pub struct Aes256 {
    round_keys: [Block; 15],
}

impl Aes256 {
    /// Expands a key (FIPS 197, section 5.2).
    pub fn new(key: &[u8; 32]) -> Self {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(key.as_chunks().0) {
            *word = u32::from_be_bytes(*bytes);
        }
        let mut round_keys = [Block::default(); 15];
        let mut constant = 1u32 << 24;
        // Eight words of the expansion at a time are two round keys; of the last eight, only one is needed.
        for pair in round_keys.chunks_mut(2) {
            for (round_key, words) in pair.iter_mut().zip(words.chunks(4)) {
                for (column, word) in round_key.as_chunks_mut().0.iter_mut().zip(words) {
                    *column = word.to_be_bytes();
                }
            }
            let [a, b, c, d, e, f, g, h] = &mut words;
            *a ^= substitute(h.rotate_left(8)) ^ constant;
            *b ^= *a;
            *c ^= *b;
            *d ^= *c;
            *e ^= substitute(*d);
            *f ^= *e;
            *g ^= *f;
            *h ^= *g;
            constant <<= 1;
        }
        words.zeroize();
        Self { round_keys }
    }

    fn encrypt(&self, block: &mut Block) {
        let [first, middle @ .., last] = &self.round_keys;
        add(block, first);
        for round_key in middle {
            cipher_round(block, round_key);
        }
        last_round(block);
        add(block, last);
    }
}

impl Drop for Aes256 {
    fn drop(&mut self) {
        self.round_keys.iter_mut().for_each(|round_key| round_key.as_mut_slice().zeroize());
    }
}

fn add(block: &mut Block, round_key: &Block) {
    block.iter_mut().zip(round_key).for_each(|(byte, key)| *byte ^= key);
}

/// The last round, which does not mix columns, without its key.
fn last_round(block: &mut Block) {
    cipher_round(block, &Block::default());
    inv_mix_columns(block);
}

/// The S-box on each byte of a word: with a block of four equal columns, shifting rows changes nothing.
fn substitute(word: u32) -> u32 {
    let mut block = Block::default();
    block.as_chunks_mut().0.fill(word.to_be_bytes());
    last_round(&mut block);
    block.as_chunks().0.first().map_or(0, |column| u32::from_be_bytes(*column))
}

impl BlockSizeUser for Aes256 {
    type BlockSize = U16;
}

impl ParBlocksSizeUser for Aes256 {
    type ParBlocksSize = U1;
}

impl BlockCipherEncrypt for Aes256 {
    #[inline]
    fn encrypt_with_backend(&self, f: impl BlockCipherEncClosure<BlockSize = U16>) {
        f.call(self);
    }
}

impl BlockCipherEncBackend for Aes256 {
    #[inline]
    fn encrypt_block(&self, mut block: InOut<'_, '_, Block>) {
        let mut value = block.clone_in();
        self.encrypt(&mut value);
        *block.get_out() = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix C.3.
    #[test]
    fn fips_197() {
        let key = core::array::from_fn(|i| i as u8);
        let mut block = Block::from(core::array::from_fn(|i| i as u8 * 0x11));
        Aes256::new(&key).encrypt(&mut block);
        let expected = 0x8ea2b7ca_516745bf_eafc4990_4b496089u128;
        assert_eq!(u128::from_be_bytes(block.into()), expected);
    }
}
