//! What happens in a run: written down before it starts, so that it can be printed, replayed and made smaller.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::byzantine::Lie;
use crate::world::is_archive;

/// A fault of the world around the validators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Validators whose bit is set (of more than 64, each bit stands for several) hear the others no more, and the other way round.
    Partition(u64),
    /// So many percent of all messages are lost.
    Loss(u8),
    /// Messages take so many milliseconds longer, give or take as many.
    Delay(u16),
    /// A validator loses its power: what its disk had not been told to keep is lost or torn.
    Crash(u8),
    /// A validator stops and loses all that it had, but for what its device remembers.
    Wipe(u8),
    /// A validator's disk is full.
    Full(u8),
    /// A validator's clock is wrong by so many milliseconds.
    Clock(u8, i32),
}

/// A fault and when it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed {
    /// From this millisecond of the run on.
    pub from_ms: u64,
    /// Until this one.
    pub until_ms: u64,
    /// What it is.
    pub fault: Fault,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Decides everything that is not written here.
    pub seed: u64,
    /// How many validators.
    pub validators: u8,
    /// How many clients, each of which waits for one transfer before it sends the next.
    pub clients: u16,
    /// Whether the keys of honest validators are in devices.
    #[serde(default)]
    pub devices: bool,
    /// How long it takes.
    pub duration_ms: u64,
    /// How many blocks an epoch has.
    pub epoch_blocks: u64,
    /// Validators that lie, and how; never more than a quorum can bear.
    pub liars: Vec<(u8, Vec<Lie>)>,
    /// In any order.
    pub faults: Vec<Timed>,
}

/// For so long at the end nothing fails, so that progress can be asked for.
pub const CALM_MS: u64 = 15_000;

impl Plan {
    /// Whether a validator never lies.
    pub fn is_honest(&self, index: usize) -> bool {
        self.liars.iter().all(|(liar, _)| usize::from(*liar) != index)
    }

    /// Whether so few lie or have a wrong clock at any time that the others keep the time of the chain right.
    pub fn time_is_right(&self) -> bool {
        let wrong = (0..self.validators).filter(|index| {
            let clock = |timed: &Timed| matches!(timed.fault, Fault::Clock(who, _) if who == *index);
            self.faults.iter().any(clock) || !self.is_honest((*index).into())
        });
        wrong.count() <= usize::from((self.validators - 1) / 3)
    }

    /// A run with faults drawn from the seed, never so many at once that no progress could be asked for afterwards.
    pub fn random(seed: u64, validators: u8, duration_ms: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut faults = Vec::new();
        let end_ms = duration_ms.saturating_sub(CALM_MS);
        let mut at_ms = 2_000;
        while at_ms < end_ms {
            let until_ms = (at_ms + rng.random_range(500..10_000)).min(end_ms);
            let fault = match rng.random_range(0..9) {
                0 => Fault::Partition(rng.random::<u64>() & mask(validators)),
                1 => Fault::Loss(rng.random_range(1..40)),
                2 => Fault::Delay(rng.random_range(10..800)),
                3 => Fault::Full(rng.random_range(0..validators)),
                4 => Fault::Clock(rng.random_range(0..validators), rng.random_range(-60_000..60_000)),
                number => {
                    let who = rng.random_range(0..validators);
                    // Somebody keeps the first blocks.
                    if number == 5 && !is_archive(who.into()) { Fault::Wipe(who) } else { Fault::Crash(who) }
                }
            };
            faults.push(Timed { from_ms: at_ms, until_ms, fault });
            at_ms += rng.random_range(200..6_000);
        }
        let mut honest: Vec<u8> = (0..validators).collect();
        let liars = (0..rng.random_range(0..=(validators - 1) / 3)).map(|_| {
            let liar = honest.swap_remove(rng.random_range(0..honest.len()));
            let mut lies: Vec<Lie> = Lie::ALL.into_iter().filter(|_| rng.random_range(0..3) == 0).collect();
            if lies.is_empty() {
                lies.push(Lie::ALL[rng.random_range(0..Lie::ALL.len())]);
            }
            (liar, lies)
        });
        let liars = liars.collect();
        Self {
            seed,
            validators,
            clients: 16,
            devices: rng.random_range(0..4) == 0,
            duration_ms,
            epoch_blocks: rng.random_range(5..60),
            liars,
            faults,
        }
    }
}

/// A bit for each validator.
pub const fn mask(validators: u8) -> u64 {
    if validators >= 64 { u64::MAX } else { (1 << validators) - 1 }
}
