//! Miners in simulated time: they find each other's blocks, part, crash, and end on one chain.

use std::collections::BTreeMap;
use std::time::Duration;

use commonware_cryptography::Signer as _;
use commonware_cryptography::ed25519::{PrivateKey, PublicKey};
use commonware_p2p::simulated::{self, Link, Network, Oracle};
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::{Clock, IoBuf, Quota, Runner, Supervisor, deterministic};
use commonware_utils::{NZU32, NZUsize, Probability};
use qenex_core::consensus::work::{Target, WorkRules};
use qenex_core::crypto::Hash;
use qenex_node::sums::check_sums;
use qenex_store::disk::Loss;
use qenex_validator::clock::WallClock;
use qenex_work::engine::{self, Channels, Config, Running, Timing, max_message_bytes};
use qenex_work::ledger::Shared;
use qenex_work::message;
use qenex_work::miner::Paced;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::world::{CLIENTS, Disks, LIMITS, client, genesis, number, open, transfer};

const MINERS: usize = 4;
const DEPTH: u32 = 30;

/// Each miner makes twenty hashes a second, and a block should take all of them a second.
fn rules() -> WorkRules {
    WorkRules { target: Target::of_hashes(80), interval_ms: 1_000, halving_ms: 20_000, depth: DEPTH }
}

fn key(index: usize) -> PrivateKey {
    PrivateKey::from_seed(index as u64 + 1)
}

struct Member {
    disks: Disks,
    running: Option<Running>,
    starts: u64,
}

struct World {
    context: deterministic::Context,
    oracle: Oracle<PublicKey, deterministic::Context>,
    members: Vec<Member>,
}

impl World {
    async fn new(context: deterministic::Context, seed: u64, peers: usize) -> Self {
        let config = simulated::Config {
            max_size: max_message_bytes(LIMITS),
            max_peers_per_set: NZUsize!(64),
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(4),
        };
        let peers: Vec<PublicKey> = (0..peers).map(|index| key(index).public_key()).collect();
        let (network, oracle) = Network::new_with_peers(context.child("network"), config, peers).await;
        network.start();
        let member = |index| Member { disks: Disks::new(seed ^ index as u64), running: None, starts: 0 };
        Self { context, oracle, members: (0..MINERS).map(member).collect() }
    }

    async fn connect(&self, peers: usize, linked: impl Fn(usize, usize) -> bool) {
        let link = Link {
            latency: Duration::from_millis(40),
            jitter: Duration::from_millis(20),
            success_rate: Probability::new(1, 1).unwrap(),
        };
        for from in 0..peers {
            for to in (0..peers).filter(|to| *to != from) {
                let pair = (key(from).public_key(), key(to).public_key());
                let _ = self.oracle.remove_link(pair.0.clone(), pair.1.clone()).await;
                if linked(from, to) {
                    self.oracle.add_link(pair.0, pair.1, link.clone()).await.unwrap();
                }
            }
        }
    }

    async fn start(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.starts += 1;
        let ledger = Shared::new(open(&member.disks, &genesis(rules()), index).unwrap());
        let control = self.oracle.control(key(index).public_key());
        let quota = Quota::per_second(NZU32!(1_024));
        let channels = Channels {
            blocks: control.register(0, quota).await.unwrap(),
            transactions: control.register(1, quota).await.unwrap(),
        };
        let context =
            self.context.child("miner").with_attribute("index", index).with_attribute("start", member.starts);
        let miner = Paced { clock: context.child("hashes"), hashes: 1, pause: Duration::from_millis(50) };
        let config =
            Config { limits: LIMITS, timing: Timing::default(), miner: Some(miner), blocker: control };
        member.running = Some(engine::start(context, config, ledger, channels));
    }

    async fn crash(&mut self, index: usize) {
        let member = &mut self.members[index];
        if let Some(running) = member.running.take() {
            running.handle.abort();
            let _ = running.handle.await;
        }
        let Disks { ledger, journal } = &member.disks;
        member.disks = Disks { ledger: ledger.restart(Loss::Random), journal: journal.restart(Loss::Random) };
    }

    fn ledgers(&self) -> impl Iterator<Item = (usize, &Shared)> {
        let running = self.members.iter().enumerate();
        running.filter_map(|(index, member)| Some((index, &member.running.as_ref()?.ledger)))
    }
}

#[derive(Debug, PartialEq)]
struct Outcome {
    head: Hash,
    height: u64,
    fingerprint: String,
}

/// One final chain, at all miners and in all of their lives.
fn check_final(world: &World, agreed: &mut BTreeMap<u64, Hash>, checked: &mut [u64]) {
    for (index, ledger) in world.ledgers() {
        let ledger = ledger.lock();
        let tip = ledger.node().chain().tip().height;
        for height in checked[index] + 1..=tip {
            let id = ledger.block(height).unwrap().header.id();
            assert_eq!(*agreed.entry(height).or_insert(id), id, "final block {height} of miner {index}");
        }
        assert!(tip >= checked[index], "miner {index} had final block {}, and has {tip}", checked[index]);
        checked[index] = tip;
    }
}

fn run(seed: u64, seconds: u64) -> Outcome {
    println!("QENEX_SEED={seed}");
    let config = deterministic::Config::default().with_seed(seed);
    deterministic::Runner::new(config).start(|context| async move {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut world = World::new(context.child("world"), seed, MINERS).await;
        world.connect(MINERS, |_, _| true).await;
        for index in 0..MINERS {
            world.start(index).await;
        }
        let (mut agreed, mut checked) = (BTreeMap::new(), vec![0; MINERS]);
        let mut sent = [0u64; CLIENTS];
        let (mut parted_until, mut down) = (0, None);
        let (mut partitions, mut crashes, mut apart) = (0, 0, 0);
        let begin_ms = WallClock::default().now_ms(&context);
        loop {
            let at_ms = WallClock::default().now_ms(&context) - begin_ms;
            if at_ms >= seconds * 1_000 {
                break;
            }
            // Nothing fails at the end.
            let calm = at_ms + 15_000 > seconds * 1_000;
            if parted_until > 0 && at_ms >= parted_until {
                // They were apart for some seconds: both sides have a chain of their own.
                let heads: Vec<Hash> = world.ledgers().map(|(_, ledger)| ledger.lock().head_id()).collect();
                apart += usize::from(heads.iter().any(|head| *head != heads[0]));
                world.connect(MINERS, |_, _| true).await;
                parted_until = 0;
            } else if parted_until == 0 && !calm && rng.random_range(0..60) == 0 {
                let side: u8 = rng.random_range(1..15);
                world.connect(MINERS, |from, to| (side >> from) & 1 == (side >> to) & 1).await;
                parted_until = at_ms + rng.random_range(3_000..9_000);
                partitions += 1;
            }
            match down {
                Some((index, until)) if at_ms >= until => {
                    world.start(index).await;
                    down = None;
                }
                None if !calm && rng.random_range(0..80) == 0 => {
                    let index = rng.random_range(0..MINERS);
                    world.crash(index).await;
                    down = Some((index, at_ms + rng.random_range(500..6_000)));
                    crashes += 1;
                }
                _ => {}
            }
            let from = rng.random_range(0..CLIENTS);
            let (to, amount) = (rng.random_range(1..CLIENTS), rng.random_range(1..1_000));
            let asked = rng.random_range(0..MINERS);
            if !calm && let Some(running) = &world.members[asked].running {
                let signed = transfer(from, (from + to) % CLIENTS, amount, sent[from]);
                if running.ledger.lock().submit(&signed).is_ok() {
                    sent[from] += 1;
                    let _ = running.submitted.send([signed].into_iter().collect()).await;
                }
            }
            check_final(&world, &mut agreed, &mut checked);
            context.sleep(Duration::from_millis(200)).await;
        }
        check_final(&world, &mut agreed, &mut checked);
        // Whoever is a block ahead at this moment has the same chain below.
        let heights: Vec<u64> = world.ledgers().map(|(_, ledger)| ledger.lock().head().height).collect();
        assert_eq!(heights.len(), MINERS);
        let (low, high) = (*heights.iter().min().unwrap(), *heights.iter().max().unwrap());
        let below = low.saturating_sub(3);
        assert!(high - low <= 3, "{heights:?}");
        let ids: Vec<Hash> =
            world.ledgers().map(|(_, ledger)| ledger.lock().block(below).unwrap().header.id()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        for (_, ledger) in world.ledgers() {
            let ledger = ledger.lock();
            check_sums(ledger.node().chain().records()).unwrap();
            let tip = ledger.node().chain().tip().height;
            assert!(tip + u64::from(DEPTH) == ledger.head().height && tip > 0, "{tip}");
        }
        // The work follows the miners: a block a second, give or take chance, crashes and partitions.
        assert!(high > seconds / 2 && high < 2 * seconds, "{high} blocks in {seconds} s");
        println!("{high} blocks, {partitions} partitions, {apart} with two chains, {crashes} crashes, sent {sent:?}");
        assert!(partitions > 0 && crashes > 0 && apart > 0);
        // What was sent is in the chain, unless it was lost with the only pool that had it.
        let ledger = world.members[0].running.as_ref().unwrap().ledger.lock();
        let chain = ledger.node().chain();
        let mined: u64 = (0..CLIENTS).map(|index| chain.nonce_after(ledger.head_id(), client(index))).sum();
        assert!(mined > 0 && mined <= sent.iter().sum::<u64>());
        Outcome { head: ids[0], height: below, fingerprint: context.auditor().state() }
    })
}

#[test]
fn miners_end_on_one_chain() {
    let first = number("QENEX_SEED", 100);
    for seed in first..first + number("QENEX_CASES", 2) {
        run(seed, 90);
    }
}

/// The same seed is the same run, event for event.
#[test]
fn a_run_replays() {
    let (one, other) = (run(7, 60), run(7, 60));
    assert_eq!(one, other);
    assert_ne!(one.fingerprint, run(8, 60).fingerprint);
}

/// Somebody who is no node: what holds for nobody ends the connection, a chain that is only said to be heavy is asked for once.
#[test]
fn whoever_sends_nonsense_is_not_heard_any_more() {
    deterministic::Runner::new(deterministic::Config::default().with_seed(1)).start(|context| async move {
        let mut world = World::new(context.child("world"), 1, MINERS + 2).await;
        world.connect(MINERS + 2, |_, _| true).await;
        world.start(0).await;
        let quota = Quota::per_second(NZU32!(1_024));
        let (mut liar, _heard) = world.oracle.control(key(4).public_key()).register(0, quota).await.unwrap();
        let (mut braggart, mut asked) = world.oracle.control(key(5).public_key()).register(0, quota).await.unwrap();
        context.sleep(Duration::from_secs(5)).await;
        let (work, header) = {
            let ledger = world.members[0].running.as_ref().unwrap().ledger.lock();
            (ledger.work(), ledger.head().clone())
        };
        // A head that proves nothing.
        let mut false_header = header.clone();
        false_header.state_root = Hash([9; 32]);
        false_header.seal = qenex_core::consensus::work::Seal { target: Target::HARDEST, nonce: 1 }.bytes();
        liar.send(Recipients::All, IoBuf::from(message::head(work, &false_header)), false);
        // A head that is right, with work that nobody has done.
        let much = Target::of_hashes(u64::MAX).work();
        for _ in 0..20 {
            braggart.send(Recipients::All, IoBuf::from(message::head(much, &header)), false);
            context.sleep(Duration::from_millis(200)).await;
        }
        let mut asks = 0;
        let until = context.current() + Duration::from_secs(1);
        loop {
            commonware_macros::select! {
                message = asked.recv() => {
                    let (_, message) = message.unwrap();
                    asks += usize::from(matches!(message::Message::decode(message.as_ref()), Ok(message::Message::Ask(_))));
                },
                _ = context.sleep_until(until) => { break; },
            }
        }
        assert_eq!(asks, 1);
        let blocked = world.oracle.blocked().await.unwrap();
        assert_eq!(blocked, vec![(key(0).public_key(), key(4).public_key())]);
        // It goes on.
        let height = world.members[0].running.as_ref().unwrap().ledger.lock().head().height;
        assert!(height > header.height, "{height}");
    });
}
