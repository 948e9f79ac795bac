//! Numbers of a fixed count of bits, packed with the little end first (FIPS 204, section 7.1).

/// Packs numbers below 2^BITS. Whatever does not fit the output is left out.
#[inline]
pub(super) fn pack<const BITS: u32>(numbers: impl Iterator<Item = i32>, output: &mut [u8]) {
    let mut output = output.iter_mut();
    let (mut held, mut count) = (0u32, 0u32);
    for number in numbers {
        held |= (number as u32).wrapping_shl(count);
        count = count.wrapping_add(BITS);
        while count >= 8 {
            if let Some(byte) = output.next() {
                *byte = held as u8;
            }
            held >>= 8;
            count = count.wrapping_sub(8);
        }
    }
}

/// Takes numbers of BITS bits out of bytes that arrive one after the other.
pub(super) struct Unpacker<const BITS: u32> {
    held: u32,
    count: u32,
}

impl<const BITS: u32> Unpacker<BITS> {
    pub const fn new() -> Self {
        Self { held: 0, count: 0 }
    }

    /// Takes a byte.
    #[inline(always)]
    pub fn push(&mut self, byte: u8) {
        self.held |= u32::from(byte).wrapping_shl(self.count);
        self.count = self.count.wrapping_add(8);
    }

    /// The next number, once its last byte has been taken.
    #[inline(always)]
    pub fn next(&mut self) -> Option<i32> {
        let left = self.count.checked_sub(BITS)?;
        let number = self.held & const { (1 << BITS) - 1 };
        self.held >>= BITS;
        self.count = left;
        Some(number as i32)
    }
}

/// The numbers that are packed in bytes.
#[inline]
pub(super) fn unpack<const BITS: u32>(bytes: &[u8]) -> impl Iterator<Item = i32> {
    let mut unpacker = Unpacker::<BITS>::new();
    let mut bytes = bytes.iter();
    core::iter::from_fn(move || {
        loop {
            if let Some(number) = unpacker.next() {
                return Some(number);
            }
            unpacker.push(*bytes.next()?);
        }
    })
}
