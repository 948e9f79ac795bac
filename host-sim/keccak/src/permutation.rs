//! Keccak-f\[1600\] (FIPS 202, section 3) written once for vectors of any width.

/// The constants of the 24 rounds.
pub const ROUNDS: [u64; 24] = [
    0x0000000000000001,
    0x0000000000008082,
    0x800000000000808a,
    0x8000000080008000,
    0x000000000000808b,
    0x0000000080000001,
    0x8000000080008081,
    0x8000000000008009,
    0x000000000000008a,
    0x0000000000000088,
    0x0000000080008009,
    0x000000008000000a,
    0x000000008000808b,
    0x800000000000008b,
    0x8000000000008089,
    0x8000000000008003,
    0x8000000000008002,
    0x8000000000000080,
    0x000000000000800a,
    0x800000008000000a,
    0x8000000080008081,
    0x8000000000008080,
    0x0000000080000001,
    0x8000000080008008,
];

/// The 24 rounds over `$a`, an array of 25 vectors. In scope must be, on these vectors, `xor`, `xor3`, `rol::<BITS>`,
/// `chi` (`a ^ (!b & c)`), `splat`, and `parity` and `add`, where `add(a, parity(b, c))` is `a ^ b ^ c`: three operands at
/// once where the processor can, otherwise `b ^ c` once for its five uses.
///
/// The rotations and the places that they come from are those of FIPS 202, sections 3.2.2 and 3.2.3, gathered by the row
/// that they go to.
macro_rules! rounds {
    ($a:ident) => {
        for constant in $crate::permutation::ROUNDS {
            let c = [0, 1, 2, 3, 4]
                .map(|x| xor3(xor3($a[x], $a[x + 5], $a[x + 10]), $a[x + 15], $a[x + 20]));
            let d = [0, 1, 2, 3, 4].map(|x| parity(c[(x + 4) % 5], rol::<1>(c[(x + 1) % 5])));
            macro_rules! row {
                ($i:literal $ri:literal, $j:literal $rj:literal, $k:literal $rk:literal, $l:literal $rl:literal,
                 $m:literal $rm:literal) => {{
                    let b = [
                        rol::<$ri>(add($a[$i], d[$i % 5])),
                        rol::<$rj>(add($a[$j], d[$j % 5])),
                        rol::<$rk>(add($a[$k], d[$k % 5])),
                        rol::<$rl>(add($a[$l], d[$l % 5])),
                        rol::<$rm>(add($a[$m], d[$m % 5])),
                    ];
                    [0, 1, 2, 3, 4].map(|x| chi(b[x], b[(x + 1) % 5], b[(x + 2) % 5]))
                }};
            }
            let rows = [
                row!(0 0, 6 44, 12 43, 18 21, 24 14),
                row!(3 28, 9 20, 10 3, 16 45, 22 61),
                row!(1 1, 7 6, 13 25, 19 8, 20 18),
                row!(4 27, 5 36, 11 10, 17 15, 23 56),
                row!(2 62, 8 55, 14 39, 15 41, 21 2),
            ];
            for i in 0..25 {
                $a[i] = rows[i / 5][i % 5];
            }
            $a[0] = xor($a[0], splat(constant));
        }
    };
}
pub(crate) use rounds;
