//! The machine word under every multi-word number.
//!
//! The kernels of [`super::limbs`] are written once over [`Word`]. Money runs them over `u64`; tests run the same
//! code over 8-bit and 4-bit words, where every input can be tried.

/// An unsigned word and the double word that holds its products. All operations wrap unless they say otherwise.
pub(crate) trait Word: Copy + Ord {
    /// The unsigned integer of twice the width.
    type Double: Copy + Ord;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// All bits set.
    const MAX: Self;

    /// The double word `high * B + low`.
    fn join(high: Self, low: Self) -> Self::Double;
    /// The upper half of a double word.
    fn high(double: Self::Double) -> Self;
    /// The lower half of a double word.
    fn low(double: Self::Double) -> Self;
    /// The whole product.
    fn wide_mul(self, other: Self) -> Self::Double;
    /// The sum of double words, without its carry.
    fn double_add(a: Self::Double, b: Self::Double) -> Self::Double;
    /// The difference of double words, and whether it borrowed.
    fn double_sub(a: Self::Double, b: Self::Double) -> (Self::Double, bool);
    /// The sum, and whether it carried.
    fn add(self, other: Self) -> (Self, bool);
    /// The difference, and whether it borrowed.
    fn sub(self, other: Self) -> (Self, bool);
    /// The low half of the product.
    fn mul_low(self, other: Self) -> Self;
    /// Itself where the condition holds, else zero.
    fn when(self, condition: bool) -> Self;
    /// Number of zero bits above the highest set bit.
    fn leading_zeros(self) -> u32;
    /// The upper word of `(high, low) << bits`, for `bits < BITS`.
    fn shl_pair(high: Self, low: Self, bits: u32) -> Self;
    /// `floor((2^(2 * BITS) - 1) / divisor) - 2^BITS` for a divisor whose top bit is set (Moeller and Granlund 2011).
    fn reciprocal(self) -> Self;

    /// `self * other + c + d`, which always fits.
    #[inline(always)]
    fn mul_add2(self, other: Self, c: Self, d: Self) -> Self::Double {
        let sum = Self::double_add(self.wide_mul(other), Self::join(Self::ZERO, c));
        Self::double_add(sum, Self::join(Self::ZERO, d))
    }

    /// `self + other + carry`, and whether that carried.
    #[inline(always)]
    fn add_carry(self, other: Self, carry: bool) -> (Self, bool) {
        let (sum, first) = self.add(other);
        let (sum, second) = sum.add(if carry { Self::ONE } else { Self::ZERO });
        (sum, first | second)
    }

    /// `self - other - borrow`, and whether that borrowed.
    #[inline(always)]
    fn sub_borrow(self, other: Self, borrow: bool) -> (Self, bool) {
        let (difference, first) = self.sub(other);
        let (difference, second) = difference.sub(if borrow { Self::ONE } else { Self::ZERO });
        (difference, first | second)
    }
}

macro_rules! word {
    ($word:ty, $double:ty, $reciprocal:path) => {
        impl Word for $word {
            type Double = $double;
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const MAX: Self = <$word>::MAX;

            #[inline(always)]
            fn join(high: Self, low: Self) -> $double {
                ((high as $double) << <$word>::BITS) | low as $double
            }
            #[inline(always)]
            fn high(double: $double) -> Self {
                (double >> <$word>::BITS) as $word
            }
            #[inline(always)]
            fn low(double: $double) -> Self {
                double as $word
            }
            #[inline(always)]
            fn wide_mul(self, other: Self) -> $double {
                (self as $double).wrapping_mul(other as $double)
            }
            #[inline(always)]
            fn double_add(a: $double, b: $double) -> $double {
                a.wrapping_add(b)
            }
            #[inline(always)]
            fn double_sub(a: $double, b: $double) -> ($double, bool) {
                a.overflowing_sub(b)
            }
            #[inline(always)]
            fn add(self, other: Self) -> (Self, bool) {
                self.overflowing_add(other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> (Self, bool) {
                self.overflowing_sub(other)
            }
            #[inline(always)]
            fn mul_low(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn when(self, condition: bool) -> Self {
                self & (0 as $word).wrapping_sub(condition as $word)
            }
            #[inline(always)]
            fn leading_zeros(self) -> u32 {
                <$word>::leading_zeros(self)
            }
            #[inline(always)]
            fn shl_pair(high: Self, low: Self, bits: u32) -> Self {
                // Shifting the low word by one first keeps both amounts below BITS when `bits` is zero.
                (high << bits) | ((low >> 1) >> (<$word>::BITS.wrapping_sub(1).wrapping_sub(bits)))
            }
            #[inline(always)]
            fn reciprocal(self) -> Self {
                $reciprocal(self)
            }
        }
    };
}

word!(u64, u128, reciprocal_u64);

/// First approximations of the reciprocal: `floor((2^19 - 3 * 2^8) / d9)` for each value of the divisor's top nine bits.
const RECIPROCALS: [u16; 256] = {
    let mut table = [0; 256];
    let mut i = 0usize;
    while i < 256 {
        #[allow(clippy::arithmetic_side_effects)] // evaluated at compile time
        {
            table[i] = (((1 << 19) - (3 << 8)) / (256 + i)) as u16;
            i += 1;
        }
    }
    table
};

/// Moeller and Granlund, "Improved division by invariant integers" (2011), algorithm 3: Newton steps from a table,
/// without the division instruction, which is slow or absent on the processors in question.
#[inline(always)]
const fn reciprocal_u64(d: u64) -> u64 {
    let v0 = RECIPROCALS[((d >> 55) & 0xff) as usize] as u64;
    let d40 = (d >> 24).wrapping_add(1);
    let v1 = (v0 << 11).wrapping_sub(v0.wrapping_mul(v0).wrapping_mul(d40) >> 40).wrapping_sub(1);
    let v2 = (v1 << 13).wrapping_add(v1.wrapping_mul((1u64 << 60).wrapping_sub(v1.wrapping_mul(d40))) >> 47);
    let odd = d & 1;
    let d63 = (d >> 1).wrapping_add(odd);
    let e = ((v2 >> 1) & 0u64.wrapping_sub(odd)).wrapping_sub(v2.wrapping_mul(d63));
    let v3 = (v2 << 31).wrapping_add(high_u64(v2, e) >> 1);
    v3.wrapping_sub(((v3 as u128).wrapping_mul(d as u128).wrapping_add(d as u128) >> 64) as u64)
        .wrapping_sub(d)
}

#[inline(always)]
const fn high_u64(a: u64, b: u64) -> u64 {
    ((a as u128).wrapping_mul(b as u128) >> 64) as u64
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn reciprocal_u8(d: u8) -> u8 {
        (u16::MAX / u16::from(d) - 256) as u8
    }
    word!(u8, u16, reciprocal_u8);

    /// A word of four bits, so that two words can be tried exhaustively.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
    pub(crate) struct Nibble(pub(crate) u8);

    impl Word for Nibble {
        type Double = u8;
        const ZERO: Self = Self(0);
        const ONE: Self = Self(1);
        const MAX: Self = Self(15);

        fn join(high: Self, low: Self) -> u8 {
            high.0 << 4 | low.0
        }
        fn high(double: u8) -> Self {
            Self(double >> 4)
        }
        fn low(double: u8) -> Self {
            Self(double & 15)
        }
        fn wide_mul(self, other: Self) -> u8 {
            self.0 * other.0
        }
        fn double_add(a: u8, b: u8) -> u8 {
            a.wrapping_add(b)
        }
        fn double_sub(a: u8, b: u8) -> (u8, bool) {
            a.overflowing_sub(b)
        }
        fn add(self, other: Self) -> (Self, bool) {
            (Self((self.0 + other.0) & 15), self.0 + other.0 > 15)
        }
        fn sub(self, other: Self) -> (Self, bool) {
            (Self(self.0.wrapping_sub(other.0) & 15), self.0 < other.0)
        }
        fn mul_low(self, other: Self) -> Self {
            Self((self.0 * other.0) & 15)
        }
        fn when(self, condition: bool) -> Self {
            if condition { self } else { Self(0) }
        }
        fn leading_zeros(self) -> u32 {
            self.0.leading_zeros() - 4
        }
        fn shl_pair(high: Self, low: Self, bits: u32) -> Self {
            Self(((high.0 << bits) | (low.0 >> (4 - bits))) & 15)
        }
        fn reciprocal(self) -> Self {
            Self(255 / self.0 - 16)
        }
    }

    impl TryFrom<u64> for Nibble {
        type Error = ();

        fn try_from(value: u64) -> Result<Self, ()> {
            if value < 16 { Ok(Self(value as u8)) } else { Err(()) }
        }
    }

    #[test]
    fn reciprocal_of_64_bits_meets_its_definition() {
        let definition = |d: u64| (u128::MAX / u128::from(d) - (1u128 << 64)) as u64;
        let mut divisors: std::vec::Vec<u64> =
            (0..=u64::from(u16::MAX)).map(|top| top << 48 | 1 << 63).collect();
        for bit in 0..63 {
            for near in 0..64u64 {
                divisors.push((1 << 63) | (1u64 << bit).wrapping_add(near));
                divisors.push((1 << 63) | (1u64 << bit).wrapping_sub(near));
            }
        }
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            divisors.push((state ^ (state >> 29)) | 1 << 63);
        }
        for top in 256u64..512 {
            divisors.extend([top << 55, ((top << 55) - 1) | (1 << 63), top << 55 | ((1 << 55) - 1)]);
        }
        for d in divisors {
            assert_eq!(reciprocal_u64(d), definition(d), "divisor {d:#x}");
        }
    }
}
