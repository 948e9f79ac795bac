//! Keccak-f\[1600\] for 32-bit processors.
//!
//! - **Interleaved:** a lane is two words, its even and its odd bits, so that a rotation of 64 bits is two of 32.
//! - **In place:** after a round, lane (x, y) lies where lane N(x, y) = (x, x + 2y) lay before, so that the five lanes that
//!   a row is made of are overwritten by that row. N has order 4, and so has what becomes of the halves: four rounds
//!   are written out and repeated six times.
//! - **Late rotations:** a word stands for its value rotated by a number of places that is known beforehand. Cortex-M
//!   rotates an operand for nothing, so words are only turned to where they belong by the last of the four rounds.
//!
//! Sources: "Keccak implementation overview" 3.2, sections 2.1 and 2.5 (Bertoni, Daemen, Peeters, Van Assche, Van Keer);
//! "An update on Keccak performance on ARMv7-M" (Adomnicai, 2023).

use core::hint::black_box;
use core::sync::atomic::{Ordering, compiler_fence};

use zeroize::Zeroize;

use super::{RHO, ROUND_CONSTANTS};

/// Rounds after which every lane is back in its place.
const PERIOD: usize = 4;

/// The state: even and odd bits of lane x + 5y in words 2(x + 5y) and 2(x + 5y) + 1.
#[derive(Clone)]
pub(super) struct State([u32; 50]);

/// What a word of the state stands for.
#[derive(Clone, Copy)]
struct Place {
    /// Its index.
    word: usize,
    /// The value is the word rotated left by so many places.
    turn: u32,
}

/// One input of a row and the output that takes an input's place.
#[derive(Clone, Copy)]
struct Lane {
    /// Where the input comes from.
    from: Place,
    /// Which of the ten words of theta is added to it.
    theta: usize,
    /// Its turn after rho.
    turn: u32,
    /// Where the output of this column goes.
    to: usize,
}

/// The places of one round.
#[derive(Clone, Copy)]
struct Round {
    /// By column and half: the five words of theta's sum.
    columns: [[Place; 5]; 10],
    /// By row and half: the five inputs after pi.
    rows: [[Lane; 5]; 10],
}

const PLACE: Place = Place { word: 0, turn: 0 };
const LANE: Lane = Lane { from: PLACE, theta: 0, turn: 0, to: 0 };

/// Where lane (x, y) lies before a round: N applied so many times.
#[expect(clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn lies(round: usize, x: usize, y: usize) -> usize {
    let (mut y, mut i) = (y, 0);
    while i < round {
        y = (x + 2 * y) % 5;
        i += 1;
    }
    x + 5 * y
}

#[expect(clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn plan() -> [Round; PERIOD] {
    let mut rounds = [Round { columns: [[PLACE; 5]; 10], rows: [[LANE; 5]; 10] }; PERIOD];
    // By place: whether the halves are exchanged; by word: its turn.
    let mut exchanged = [0; 25];
    let mut turns = [0u32; 50];
    let mut i = 0;
    while i < PERIOD {
        let (mut exchanged_after, mut turns_after) = ([0; 25], [0u32; 50]);
        let mut lane = 0;
        while lane < 25 {
            let (x, y) = (lane % 5, lane / 5);
            let place = lies(i, x, y);
            let rho = RHO[lane];
            // Pi: to column y of row 2x + 3y.
            let row = (2 * x + 3 * y) % 5;
            let mut half = 0;
            while half < 2 {
                let word = 2 * place + (half ^ exchanged[place]);
                rounds[i].columns[2 * x + half][y] = Place { word, turn: turns[word] };

                // What becomes this half: for an odd rotation, the other one.
                let source = half ^ (rho as usize & 1);
                let word = 2 * place + (source ^ exchanged[place]);
                let by = (rho + 1 - half as u32) / 2;
                let entry = &mut rounds[i].rows[2 * row + half][y];
                entry.from = Place { word, turn: turns[word] };
                entry.theta = 2 * x + source;
                entry.turn = (turns[word] + by) % 32;
                if half == 0 {
                    exchanged_after[place] = source ^ exchanged[place];
                }
                half += 1;
            }
            lane += 1;
        }
        // The outputs: lane (x, y) goes to where it lies in the next round.
        let mut lane = 0;
        while lane < 25 {
            let (x, y) = (lane % 5, lane / 5);
            let place = lies(i + 1, x, y);
            let mut half = 0;
            while half < 2 {
                let word = 2 * place + (half ^ exchanged_after[place]);
                let entry = &mut rounds[i].rows[2 * y + half][x];
                entry.to = word;
                turns_after[word] = if i + 1 == PERIOD { 0 } else { entry.turn };
                half += 1;
            }
            lane += 1;
        }
        exchanged = exchanged_after;
        turns = turns_after;
        i += 1;
    }
    rounds
}

static PLAN: [Round; PERIOD] = plan();

const fn constants() -> [[u32; 2]; 24] {
    let mut words = [[0; 2]; 24];
    let mut i = 0;
    while i < 24 {
        words[i] = interleave(ROUND_CONSTANTS[i]);
        i += 1;
    }
    words
}

static CONSTANTS: [[u32; 2]; 24] = constants();

/// The sum of a column, one half; its turn is that of its first word.
#[inline(always)]
fn column<const ROUND: usize, const C: usize>(state: &[u32; 50]) -> u32 {
    macro_rules! word {
        ($y:literal) => {
            state[const { PLAN[ROUND].columns[C][$y].word }].rotate_left(
                const { (32 + PLAN[ROUND].columns[C][$y].turn - PLAN[ROUND].columns[C][0].turn) % 32 },
            )
        };
    }
    word!(0) ^ word!(1) ^ word!(2) ^ word!(3) ^ word!(4)
}

/// A row, one half.
#[inline(always)]
fn row<const ROUND: usize, const R: usize>(state: &mut [u32; 50], theta: &[u32; 10], constant: u32) {
    macro_rules! input {
        ($x:literal) => {
            state[const { PLAN[ROUND].rows[R][$x].from.word }]
                ^ theta[const { PLAN[ROUND].rows[R][$x].theta }].rotate_left(
                    const {
                        let lane = PLAN[ROUND].rows[R][$x];
                        (32 + theta_turn(ROUND, lane.theta) - lane.from.turn) % 32
                    },
                )
        };
    }
    macro_rules! output {
        ($a:ident $x:literal, $b:ident $y:literal, $c:ident $z:literal, $constant:expr) => {
            let turned = $c & !$b.rotate_left(const { turn_to(ROUND, R, $y, $z) });
            let turned = $a ^ turned.rotate_left(const { turn_to(ROUND, R, $z, $x) });
            let turned = turned ^ $constant;
            state[const { PLAN[ROUND].rows[R][$x].to }] = if ROUND + 1 == PERIOD {
                turned.rotate_left(const { PLAN[ROUND].rows[R][$x].turn })
            } else {
                turned
            };
        };
    }
    settle();
    let [a, b, c, d, e] = [input!(0), input!(1), input!(2), input!(3), input!(4)];
    output!(a 0, b 1, c 2, constant.rotate_right(const { PLAN[ROUND].rows[R][0].turn }));
    output!(b 1, c 2, d 3, 0);
    output!(c 2, d 3, e 4, 0);
    output!(d 3, e 4, a 0, 0);
    output!(e 4, a 0, b 1, 0);
}

/// The rotation that makes input `x` of a row agree with input `y`.
const fn turn_to(round: usize, row: usize, x: usize, y: usize) -> u32 {
    (32 + PLAN[round].rows[row][x].turn - PLAN[round].rows[row][y].turn) % 32
}

/// The turn of a word of theta: that of the column to its left.
const fn theta_turn(round: usize, word: usize) -> u32 {
    PLAN[round].columns[(word + 8) % 10][0].turn
}

/// One round. `sums` is memory for the sums of the columns.
#[inline(always)]
fn round<const ROUND: usize>(state: &mut [u32; 50], sums: &mut [u32; 10], constants: [u32; 2]) {
    sums[0] = column::<ROUND, 0>(state);
    sums[1] = column::<ROUND, 1>(state);
    settle();
    sums[2] = column::<ROUND, 2>(state);
    sums[3] = column::<ROUND, 3>(state);
    settle();
    sums[4] = column::<ROUND, 4>(state);
    sums[5] = column::<ROUND, 5>(state);
    settle();
    sums[6] = column::<ROUND, 6>(state);
    sums[7] = column::<ROUND, 7>(state);
    settle();
    sums[8] = column::<ROUND, 8>(state);
    sums[9] = column::<ROUND, 9>(state);
    settle();
    macro_rules! theta {
        // The even half of a lane that is rotated by one is its odd half, rotated by one.
        ($word:literal) => {
            sums[const { ($word + 8) % 10 }]
                ^ sums[const { ($word + 2) % 10 ^ 1 }].rotate_left(
                    const {
                        let right = PLAN[ROUND].columns[($word + 2) % 10 ^ 1][0].turn;
                        (32 + right + ($word % 2 == 0) as u32 - theta_turn(ROUND, $word)) % 32
                    },
                )
        };
    }
    let theta = [
        theta!(0),
        theta!(1),
        theta!(2),
        theta!(3),
        theta!(4),
        theta!(5),
        theta!(6),
        theta!(7),
        theta!(8),
        theta!(9),
    ];
    // In the order in which neighbours share most words of theta.
    row::<ROUND, 0>(state, &theta, constants[0]);
    row::<ROUND, 3>(state, &theta, 0);
    row::<ROUND, 8>(state, &theta, 0);
    row::<ROUND, 1>(state, &theta, constants[1]);
    row::<ROUND, 5>(state, &theta, 0);
    row::<ROUND, 6>(state, &theta, 0);
    row::<ROUND, 9>(state, &theta, 0);
    row::<ROUND, 2>(state, &theta, 0);
    row::<ROUND, 7>(state, &theta, 0);
    row::<ROUND, 4>(state, &theta, 0);
    settle();
}

/// Keeps words in memory: a compiler that sees several rows or columns at once loads more words than there are
/// registers, and moves most of them twice (11,600 instructions a permutation in place of 9,700 on Cortex-M33). A hint:
/// the results do not depend on it.
#[inline(always)]
fn settle() {
    compiler_fence(Ordering::SeqCst);
}

impl State {
    /// All zero.
    pub const fn new() -> Self {
        Self([0; 50])
    }

    /// Makes it all zero again.
    pub fn zeroize(&mut self) {
        self.0.zeroize();
    }

    /// Adds lanes, the first one to lane `index`; those past the last lane are left out.
    pub fn add(&mut self, index: usize, lanes: &[[u8; 8]]) {
        for ([even, odd], lane) in self.0.as_chunks_mut().0.iter_mut().skip(index).zip(lanes) {
            let [low, high] = interleave(u64::from_le_bytes(*lane));
            *even ^= low;
            *odd ^= high;
        }
    }

    /// Lane `index`; zero past the last one.
    pub fn lane(&self, index: usize) -> u64 {
        self.0.as_chunks().0.get(index).map_or(0, |&words| spread(words))
    }

    /// The permutation.
    #[inline(never)]
    pub fn permute(&mut self) {
        // The compiler cannot know who else reads this memory, so that it is written before it is read.
        let mut sums = [0; 10];
        let sums = black_box(&mut sums);
        for [a, b, c, d] in CONSTANTS.as_chunks().0 {
            round::<0>(&mut self.0, sums, *a);
            round::<1>(&mut self.0, sums, *b);
            round::<2>(&mut self.0, sums, *c);
            round::<3>(&mut self.0, sums, *d);
        }
    }
}

/// Even and odd bits of a lane.
const fn interleave(lane: u64) -> [u32; 2] {
    let [low, high] = [gather(lane as u32), gather((lane >> 32) as u32)];
    [low & 0xffff | high << 16, low >> 16 | high & 0xffff_0000]
}

/// The lane of even and odd bits.
#[inline(always)]
const fn spread([even, odd]: [u32; 2]) -> u64 {
    let low = scatter(even & 0xffff | odd << 16);
    let high = scatter(even >> 16 | odd & 0xffff_0000);
    (high as u64) << 32 | low as u64
}

/// Moves the even bits of a word down, in order, and the odd ones up.
const fn gather(word: u32) -> u32 {
    let word = exchange(word, 1, 0x2222_2222);
    let word = exchange(word, 2, 0x0c0c_0c0c);
    let word = exchange(word, 4, 0x00f0_00f0);
    exchange(word, 8, 0x0000_ff00)
}

/// The inverse of [`gather`].
#[inline(always)]
const fn scatter(word: u32) -> u32 {
    let word = exchange(word, 8, 0x0000_ff00);
    let word = exchange(word, 4, 0x00f0_00f0);
    let word = exchange(word, 2, 0x0c0c_0c0c);
    exchange(word, 1, 0x2222_2222)
}

/// Exchanges the bits of `mask` with those `by` places above.
#[inline(always)]
const fn exchange(word: u32, by: u32, mask: u32) -> u32 {
    let differ = (word ^ word >> by) & mask;
    word ^ differ ^ differ << by
}
