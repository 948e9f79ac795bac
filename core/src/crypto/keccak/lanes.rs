//! Keccak-f\[1600\] for 64-bit processors: a lane is a word, and one round is written out.

use zeroize::Zeroize;

use super::{RHO, ROUND_CONSTANTS};

/// The state: lane x + 5y.
#[derive(Clone)]
pub(super) struct State([u64; 25]);

impl State {
    /// All zero.
    pub const fn new() -> Self {
        Self([0; 25])
    }

    /// Makes it all zero again.
    pub fn zeroize(&mut self) {
        self.0.zeroize();
    }

    /// Adds lanes, the first one to lane `index`; those past the last lane are left out.
    #[inline(always)]
    pub fn add(&mut self, index: usize, lanes: &[[u8; 8]]) {
        self.0.iter_mut().skip(index).zip(lanes).for_each(|(to, lane)| *to ^= u64::from_le_bytes(*lane));
    }

    /// Lane `index`; zero past the last one.
    #[inline]
    pub fn lane(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// The permutation.
    #[inline]
    pub fn permute(&mut self) {
        let mut a = self.0;
        for constant in ROUND_CONSTANTS {
            a = round(a, constant);
        }
        self.0 = a;
    }
}

#[inline(always)]
fn round(a: [u64; 25], constant: u64) -> [u64; 25] {
    macro_rules! column {
        ($x:literal) => {
            a[$x] ^ a[$x + 5] ^ a[$x + 10] ^ a[$x + 15] ^ a[$x + 20]
        };
    }
    let c = [column!(0), column!(1), column!(2), column!(3), column!(4)];
    let d = [
        c[4] ^ c[1].rotate_left(1),
        c[0] ^ c[2].rotate_left(1),
        c[1] ^ c[3].rotate_left(1),
        c[2] ^ c[4].rotate_left(1),
        c[3] ^ c[0].rotate_left(1),
    ];
    // Row 2x + 3y, column y, of lane (x, y).
    macro_rules! input {
        ($lane:literal) => {
            (a[$lane] ^ d[$lane % 5]).rotate_left(const { RHO[$lane] })
        };
    }
    macro_rules! row {
        ($($lane:literal)*) => {{
            let [a, b, c, d, e] = [$(input!($lane)),*];
            [a ^ (!b & c), b ^ (!c & d), c ^ (!d & e), d ^ (!e & a), e ^ (!a & b)]
        }};
    }
    let [r0, r1, r2, r3, r4] =
        [row!(0 6 12 18 24), row!(3 9 10 16 22), row!(1 7 13 19 20), row!(4 5 11 17 23), row!(2 8 14 15 21)];
    [
        r0[0] ^ constant,
        r0[1],
        r0[2],
        r0[3],
        r0[4],
        r1[0],
        r1[1],
        r1[2],
        r1[3],
        r1[4],
        r2[0],
        r2[1],
        r2[2],
        r2[3],
        r2[4],
        r3[0],
        r3[1],
        r3[2],
        r3[3],
        r3[4],
        r4[0],
        r4[1],
        r4[2],
        r4[3],
        r4[4],
    ]
}
