//! A run: the plan is carried out, and all the time it is checked that nothing happens that must not.

use std::collections::BTreeMap;
use std::time::Duration;

use commonware_runtime::{Clock, Runner, Supervisor, deterministic};
use qenex_core::crypto::Hash;
use qenex_core::ledger::{Record, RecordId, Validator};
use qenex_node::sums::check_sums;
use qenex_store::disk::Loss;
use qenex_validator::application::MAX_AHEAD_MS;
use qenex_validator::clock::WallClock;
use qenex_validator::ledger::Ledger;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Serialize;

use crate::clients::Clients;
use crate::finality;
use crate::keys;
use crate::network::Link;
use crate::plan::{CALM_MS, Fault, Plan, Timed};
use crate::world::{GOOD_LINK, World};

/// How often the world is looked at.
const STEP_MS: u64 = 100;

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The seed, which replays it.
    pub seed: u64,
    /// The height of the newest final block.
    pub height: u64,
    /// Transfers that became final.
    pub transfers: u64,
    /// Epochs whose checkpoints and certificates a light client has followed from the genesis.
    pub epochs: u64,
    /// Bytes that were sent, to all receivers.
    pub bytes: u64,
    /// Faults that happened.
    pub faults: usize,
    /// How often a validator was started.
    pub starts: u64,
    /// Validators whose ledger began with a state that others had.
    pub states: usize,
    /// Up to which height validators have forgotten blocks, and have never lost what they had.
    pub forgotten: u64,
    /// Validators that were barred because somebody proved that they equivocate.
    pub barred: Vec<usize>,
    /// The id of the newest block that all have.
    pub tip: String,
    /// A number that two equal runs share.
    pub fingerprint: String,
    /// What must not happen and did.
    pub violation: Option<String>,
}

/// Carries out a plan.
pub fn run(plan: &Plan) -> Report {
    let config = deterministic::Config::default().with_seed(plan.seed);
    let plan = plan.clone();
    deterministic::Runner::new(config).start(|context| async move {
        let mut run = Run {
            clients: Clients::new(plan.clients.into()),
            chain: BTreeMap::new(),
            checked: vec![0; plan.validators.into()],
            rng: StdRng::seed_from_u64(plan.seed),
            starts: 0,
            states: 0,
            forgotten: 0,
            faults: 0,
            epochs: 0,
            barred: Vec::new(),
        };
        let (violation, bytes) = match World::new(context.child("world"), &plan) {
            Ok(mut world) => (run.carry_out(&context, &mut world, &plan).await.err(), world.network.bytes()),
            Err(reason) => (Some(reason), 0),
        };
        let (height, tip) = run.chain.last_key_value().map(|(height, id)| (*height, *id)).unwrap_or_default();
        Report {
            seed: plan.seed,
            height,
            transfers: run.clients.transfers,
            epochs: run.epochs,
            bytes,
            faults: run.faults,
            starts: run.starts,
            states: run.states,
            forgotten: run.forgotten,
            barred: run.barred,
            tip: tip.to_string(),
            fingerprint: context.auditor().state(),
            violation,
        }
    })
}

struct Run {
    clients: Clients,
    /// The one final chain.
    chain: BTreeMap<u64, Hash>,
    /// Up to which height each validator was compared with it.
    checked: Vec<u64>,
    rng: StdRng,
    starts: u64,
    states: usize,
    forgotten: u64,
    faults: usize,
    epochs: u64,
    barred: Vec<usize>,
}

impl Run {
    async fn carry_out(
        &mut self,
        context: &deterministic::Context,
        world: &mut World,
        plan: &Plan,
    ) -> Result<(), String> {
        world.network.connect(|_, _| Some(GOOD_LINK));
        for index in 0..world.members.len() {
            self.start(world, index).await?;
        }
        let mut active: Vec<Timed> = Vec::new();
        let mut calm_heights = None;
        let begin_ms = WallClock::default().now_ms(context);
        loop {
            let at_ms = WallClock::default().now_ms(context) - begin_ms;
            if at_ms >= plan.duration_ms {
                break;
            }
            let now: Vec<Timed> = plan
                .faults
                .iter()
                .filter(|timed| (timed.from_ms..timed.until_ms).contains(&at_ms))
                .copied()
                .collect();
            if now != active {
                self.change(world, &active, &now).await?;
                active = now;
            }
            self.check(context, world, plan)?;
            let calm = at_ms + CALM_MS >= plan.duration_ms;
            if calm && calm_heights.is_none() {
                calm_heights = Some(self.heights(world));
            }
            // The last transfers have time, too.
            let more = at_ms + CALM_MS * 2 / 3 < plan.duration_ms;
            self.clients.step(world, &mut self.rng, at_ms, more).await?;
            context.sleep(Duration::from_millis(STEP_MS)).await;
        }
        self.check(context, world, plan)?;
        self.alive(world, plan, calm_heights.unwrap_or_default())?;
        self.epochs = finality::check(world, plan)?;
        for index in 0..world.members.len() {
            if let Some(ledger) = world.ledger(index).filter(|_| plan.is_honest(index)) {
                let ledger = ledger.lock();
                let first = ledger.node().first_height();
                if world.members[index].wipes == 0 {
                    self.forgotten = self.forgotten.max(first);
                } else {
                    self.states += usize::from(first > 0);
                }
                let sums = check_sums(ledger.node().chain().records()).map(|_| ());
                let right = sums.and_then(|()| self.clients.compare(&ledger));
                right.map_err(|error| format!("validator {index}: {error}"))?;
                self.barred = barred(&ledger, world.members.len());
                let honest = self.barred.iter().find(|barred| plan.is_honest(**barred));
                if let Some(honest) = honest {
                    return Err(format!("validator {honest} was barred, and is honest"));
                }
            }
        }
        Ok(())
    }

    async fn start(&mut self, world: &mut World, index: usize) -> Result<(), String> {
        self.starts += 1;
        let before = self.checked.get(index).copied().unwrap_or_default();
        world.start(index).await.map_err(|error| format!("validator {index} does not start: {error}"))?;
        let height = self.heights(world).get(index).copied().flatten().unwrap_or_default();
        if height < before {
            return Err(format!("validator {index} had final block {before}, and starts at {height}"));
        }
        Ok(())
    }

    /// Ends faults that are over and begins those that are due.
    async fn change(&mut self, world: &mut World, before: &[Timed], now: &[Timed]) -> Result<(), String> {
        let wiped = |faults: &[Timed], index: usize| {
            faults.iter().any(|timed| matches!(timed.fault, Fault::Wipe(who) if usize::from(who) == index))
        };
        let crashed = |faults: &[Timed], index: usize| {
            let crash = |timed: &Timed| matches!(timed.fault, Fault::Crash(who) if usize::from(who) == index);
            wiped(faults, index) || faults.iter().any(crash)
        };
        let full = |faults: &[Timed], index: usize| {
            faults.iter().any(|timed| matches!(timed.fault, Fault::Full(who) if usize::from(who) == index))
        };
        self.faults += now.iter().filter(|timed| !before.contains(timed)).count();
        for index in 0..world.members.len() {
            if !crashed(before, index) && crashed(now, index) {
                world.crash(index, Loss::Random).await;
            }
            if !wiped(before, index) && wiped(now, index) {
                world.wipe(index);
                self.checked[index] = 0;
            }
            world.set_full(index, full(now, index));
            match (crashed(before, index), crashed(now, index)) {
                // Without room it does not start.
                (true, false) if !full(now, index) => self.start(world, index).await?,
                _ => {}
            }
            if full(before, index) && !full(now, index) && !crashed(now, index) {
                // Whoever makes room starts the node again: it ended where it could not write.
                world.crash(index, Loss::Nothing).await;
                self.start(world, index).await?;
            }
            let ahead_ms = now.iter().find_map(|timed| match timed.fault {
                Fault::Clock(who, ahead_ms) if usize::from(who) == index => Some(ahead_ms),
                _ => None,
            });
            world.set_clock(index, ahead_ms.unwrap_or_default().into());
        }
        let mut loss = 0;
        let mut delay_ms = 0;
        for timed in now {
            match timed.fault {
                Fault::Loss(percent) => loss = percent.max(loss),
                Fault::Delay(more_ms) => delay_ms = more_ms.max(delay_ms),
                Fault::Partition(_)
                | Fault::Crash(_)
                | Fault::Wipe(_)
                | Fault::Full(_)
                | Fault::Clock(..) => {}
            }
        }
        let separated = |from: usize, to: usize| {
            now.iter().any(|timed| match timed.fault {
                Fault::Partition(side) => (side >> (from % 64)) & 1 != (side >> (to % 64)) & 1,
                _ => false,
            })
        };
        let delay = Duration::from_millis(delay_ms.into());
        let Link { latency, jitter, .. } = GOOD_LINK;
        let slow = Link { latency: latency + delay, jitter: jitter + delay, loss_percent: loss };
        world.network.connect(|from, to| (!separated(from, to)).then_some(slow));
        Ok(())
    }

    /// One final chain, whose blocks have times that have come.
    fn check(&mut self, context: &deterministic::Context, world: &World, plan: &Plan) -> Result<(), String> {
        let latest_ms = WallClock::default().now_ms(context) + MAX_AHEAD_MS;
        for (index, checked) in self.checked.iter_mut().enumerate() {
            let Some(ledger) = world.ledger(index) else { continue };
            let ledger = ledger.lock();
            // Of what came in a state there is the last block alone.
            for height in (*checked + 1).max(ledger.node().first_height())..=ledger.tip().height {
                let id = ledger.final_id(height).map_err(|error| format!("validator {index}: {error}"))?;
                let agreed = *self.chain.entry(height).or_insert(id);
                let time_ms = ledger.tip().time_ms;
                if plan.time_is_right() && time_ms > latest_ms {
                    return Err(format!("block {height} is of {} ms from now", time_ms - latest_ms));
                }
                if agreed != id {
                    return Err(format!("block {height} is {agreed}, and {id} at validator {index}"));
                }
                *checked = height;
            }
            if let Some((one, other)) = world.members[index].given.contradiction() {
                return Err(format!("validator {index} signed {one:?} and {other:?}"));
            }
        }
        Ok(())
    }

    fn heights(&self, world: &World) -> Vec<Option<u64>> {
        let height = |index| world.ledger(index).map(|ledger| ledger.lock().tip().height);
        (0..world.members.len()).map(height).collect()
    }

    /// After faults have stopped, all go on.
    fn alive(&self, world: &World, plan: &Plan, before: Vec<Option<u64>>) -> Result<(), String> {
        let newest = self.chain.last_key_value().map_or(0, |(height, _)| *height);
        let all = before.iter().zip(self.heights(world)).enumerate();
        // What others no longer hear, they no longer tell.
        for (index, (before, now)) in all.filter(|(index, _)| plan.is_honest(*index)) {
            let (Some(before), Some(now)) = (before, now) else {
                return Err(format!("validator {index} does not run"));
            };
            if now <= *before || now + 20 < newest {
                return Err(format!("validator {index} stays at {now}, was at {before}, newest is {newest}"));
            }
        }
        if self.clients.all_idle() { Ok(()) } else { Err("a transfer does not become final".into()) }
    }
}

/// The validators that may never stand again.
fn barred(ledger: &Ledger, validators: usize) -> Vec<usize> {
    let is_barred = |index: &usize| {
        let id = RecordId::Validator(keys::validator_account(*index));
        let record = ledger.node().chain().record(&id);
        matches!(record, Ok(Some(Record::Validator(validator))) if validator.barred_until == Validator::BANNED)
    };
    (0..validators).filter(is_barred).collect()
}
