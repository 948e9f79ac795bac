//! Chains with staking: blocks by the leaders of their views, over epochs whose seats are drawn, pending and final, executed elsewhere and at a
//! start.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use common::{World, cases, name, seed};
use qenex_core::codec::Lent;
use qenex_core::consensus::{Proposal, Round, SetHasher, Vote, leader};
use qenex_core::crypto::ed25519::SecretKey;
use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::id::{AccountId, NATIVE_ASSET};
use qenex_core::ledger::{Record, RecordId, StakingRules};
use qenex_core::num::Amount;
use qenex_core::tx::{Delegate, Leave, Op, Report, SignedVote, Stand, Unbond, Withdraw};
use qenex_node::block::{Batch, Block};
use qenex_node::catch_up::CatchUp;
use qenex_node::chain::Chain;
use qenex_node::error::{NodeError, Refusal};
use qenex_node::genesis::{GenesisStaking, GenesisValidator};
use qenex_node::prepare::{Signatures, prepare};
use qenex_node::records::Records;
use qenex_signatures::Verifier;
use rand::{Rng, RngExt};

const ACCOUNTS: usize = 8;

fn secret(number: usize, fill: u8) -> SecretKey {
    let mut seed = [fill; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    SecretKey::from_seed(&seed).unwrap()
}

fn rules() -> StakingRules {
    StakingRules {
        epoch_blocks: 5,
        seats_max: 3,
        min_stake: Amount::from_whole(10),
        unbonding_epochs: 1,
        jail_epochs: 1,
        missed_limit: 2,
        slash_bps: 1_000,
        block_reward: Amount::ONE,
    }
}

/// A world in which the first four accounts stand.
fn world(seed: u64) -> World {
    let mut world = World::new(ACCOUNTS, seed);
    let validators = (0..4)
        .map(|number| GenesisValidator {
            account: name(number),
            vote_key: secret(number, 1).public_key(),
            peer_key: secret(number, 2).public_key(),
            finality_key: [3; 32],
            commission_bps: 1_000,
            stake: Amount::from_whole(20 + number as u64),
        })
        .collect();
    world.genesis.staking = Some(GenesisStaking { rules: rules(), validators });
    world
}

/// Who leads a view over a block.
fn leader_of(chain: &Chain, parent: Hash, view: u64) -> AccountId {
    let (seats, staking) = (chain.seats(parent).unwrap(), chain.staking(parent).unwrap().unwrap());
    let weights: Vec<Amount> = seats.iter().map(|seat| seat.weight).collect();
    seats[leader(&staking.seed, Round { epoch: staking.epoch, view }, &weights).unwrap()].account
}

/// Makes a block of what is accepted, and keeps it as pending.
fn add(chain: &mut Chain, parent: Hash, batch: Batch, view: u64) -> Hash {
    let proposer = leader_of(chain, parent, view);
    let prepared = prepare(batch, Signatures::Verify(&Verifier::default()));
    let mut execution = chain.begin(parent, 2_000, view).unwrap();
    for index in 0..prepared.len() {
        // Random operations on stake are often refused.
        let _ = execution.push(&prepared, index);
    }
    let executed = execution.finish(proposer).unwrap();
    chain.seal(executed).unwrap()
}

/// A random operation on stake, which may be refused.
fn any(world: &mut World, chain: &Chain, parent: Hash) -> Vec<u8> {
    let sender = world.random.random_range(0..ACCOUNTS);
    let validator = name(world.random.random_range(0..5));
    let amount = Amount::from_whole(world.random.random_range(1..60));
    let nonce = {
        let execution = chain.begin(parent, 0, 1).unwrap();
        execution.nonce(name(sender))
    };
    let (vote_key, peer_key) = (secret(sender, 1).public_key(), secret(sender, 2).public_key());
    let op = match world.random.random_range(0..6) {
        0 => Op::Stand(Stand {
            slot: sender as u16,
            vote_key: Lent(&vote_key),
            peer_key: Lent(&peer_key),
            finality_key: Lent(&[3; 32]),
            commission_bps: 500,
            amount,
        }),
        1 if world.random.random_range(0..4) == 0 => Op::Leave(Leave { slot: sender as u16 }),
        1 | 2 => Op::Delegate(Delegate { validator, amount }),
        3 | 4 => Op::Unbond(Unbond { validator, shares: amount }),
        _ => Op::Withdraw(Withdraw { validator }),
    };
    world.sign(sender, nonce, Amount::ONE, op)
}

/// All of the native asset that the state has.
fn held(chain: &Chain) -> (u128, u128) {
    let (mut held, mut supply) = (0, 0);
    for (id, record) in chain.records().decoded() {
        match (id, record) {
            (RecordId::Balance(_, NATIVE_ASSET), Record::Balance(balance)) => held += balance.amount.units(),
            (_, Record::Validator(record)) => {
                held += record.bonded.tokens.units() + record.unbonding.tokens.units();
            }
            (RecordId::Asset(NATIVE_ASSET), Record::Asset(asset)) => supply = asset.supply.units(),
            _ => {}
        }
    }
    (held, supply)
}

/// Blocks that are pending over each other, executed elsewhere, and executed again at a start, lead to the same state; headers name the
/// epochs, views and sets that the state says.
#[test]
fn every_way_leads_to_the_same_epochs() {
    let seed = seed();
    for case in 0..cases(3) {
        let mut world = world(seed ^ case);
        let mut chain = Chain::new(&world.genesis, usize::MAX).unwrap();
        let mut other = Chain::new(&world.genesis, usize::MAX).unwrap();
        let mut start = CatchUp::new(chain.tip().clone(), Records::of(&world.genesis).unwrap().0);
        assert_eq!((chain.tip().epoch, chain.tip().height), (0, 0));
        let mut waiting: Vec<Hash> = Vec::new();
        let mut parent = chain.tip_id();
        let mut sets = 0;
        for height in 1..=40u64 {
            let (staking, seats) = (chain.staking(parent).unwrap().unwrap(), chain.seats(parent).unwrap());
            assert_eq!(staking.epoch, (height - 1) / rules().epoch_blocks + 1);
            let before = match waiting.last() {
                None => chain.tip().clone(),
                Some(id) => chain.pending(*id).unwrap().header.clone(),
            };
            let first = if before.epoch == staking.epoch { before.view + 1 } else { 1 };
            let view = first + [0, 0, 1, 3][world.random.random_range(0..4)];
            let mut batch = Batch::default();
            for _ in 0..world.random.random_range(0..6) {
                let signed = any(&mut world, &chain, parent);
                batch.push(&signed);
            }
            // A rival of another view.
            let rival = add(&mut chain, parent, Batch::default(), view + 1);
            let id = add(&mut chain, parent, batch, view);
            let block = chain.pending(id).unwrap().clone();
            let header = &block.header;
            assert_eq!((header.epoch, header.view, header.height), (staking.epoch, view, height));
            assert_eq!(header.validators, before.next_validators);
            let mut set = SetHasher::new();
            for seat in &seats {
                set.push(Scheme::Ed25519, &seat.vote_key, &seat.finality_key).unwrap();
            }
            assert_eq!(header.validators, set.finish().unwrap());
            if height % rules().epoch_blocks != 0 {
                assert_eq!(header.next_validators, header.validators);
            }
            sets += u32::from(header.next_validators != header.validators);
            assert_eq!(Block::decode(&block.encode()).unwrap(), block);
            let prepared = prepare(block.transactions.clone(), Signatures::Verify(&Verifier::default()));
            assert_eq!(other.execute(header, &prepared).unwrap(), id);
            other.finalize(id).unwrap();
            start.execute(header.clone(), [prepared]).unwrap();
            if world.random.random() {
                chain.discard(rival).unwrap();
            }
            waiting.push(id);
            parent = id;
            while waiting.len() > world.random.random_range(0..4) {
                chain.finalize(waiting.remove(0)).unwrap();
            }
        }
        for id in waiting {
            chain.finalize(id).unwrap();
        }
        assert_eq!(chain.tip_id(), other.tip_id());
        // The root of what the start made is that of the last header.
        let restored = Chain::restore(chain.genesis_id(), start, usize::MAX).unwrap();
        assert_eq!(restored.seats(restored.tip_id()).unwrap(), chain.seats(chain.tip_id()).unwrap());
        let (held, supply) = held(&chain);
        assert_eq!(held, supply);
        assert!(supply > 8_000 * 10u128.pow(18), "blocks are rewarded: {supply}");
        assert!(sets > 0, "no set changed");
    }
}

/// A block is refused whose view is not above its parent's, whose proposer does not lead the view, or whose header says another epoch or set.
#[test]
fn a_block_out_of_turn_is_refused() {
    let mut world = world(seed());
    let mut chain = Chain::new(&world.genesis, usize::MAX).unwrap();
    let tip = chain.tip_id();
    let first = add(&mut chain, tip, Batch::default(), 3);
    let code = |result: Result<_, NodeError>| match result {
        Err(NodeError::End(reject)) => qenex_core::error::Coded::code(&reject).number,
        Err(error) => panic!("{error}"),
        Ok(_) => 0,
    };
    for view in 0..=3 {
        let proposer = leader_of(&chain, first, 3);
        assert_eq!(code(chain.begin(first, 0, view).unwrap().finish(proposer).map(drop)), 749);
    }
    let proposer = leader_of(&chain, first, 4);
    for number in 0..ACCOUNTS {
        let finished = chain.begin(first, 0, 4).unwrap().finish(name(number)).map(drop);
        assert_eq!(code(finished), if name(number) == proposer { 0 } else { 750 });
    }
    let own = chain.next_view(first, proposer).unwrap();
    assert_eq!((own, leader_of(&chain, first, own)), (4, proposer));
    assert!(chain.next_view(first, name(7)).is_err());
    let good = add(&mut chain, first, Batch::default(), 4);
    let header = chain.pending(good).unwrap().header.clone();
    chain.discard(good).unwrap();
    let none = || prepare(Batch::default(), Signatures::Committed);
    let mut wrong = header.clone();
    wrong.epoch += 1;
    assert!(matches!(chain.execute(&wrong, &none()), Err(NodeError::Header { field: "epoch", .. })));
    let mut wrong = header.clone();
    wrong.next_validators.0[0] ^= 1;
    assert!(matches!(
        chain.execute(&wrong, &none()),
        Err(NodeError::Header { field: "next_validators", .. })
    ));
    assert_eq!(chain.execute(&header, &none()).unwrap(), good);
    // A chain without staking has neither views nor seats.
    let plain = World::new(2, world.random.next_u64());
    let plain = Chain::new(&plain.genesis, usize::MAX).unwrap();
    assert_eq!(code(plain.begin(plain.tip_id(), 0, 1).unwrap().finish(name(0)).map(drop)), 749);
    assert_eq!(plain.staking(plain.tip_id()).unwrap(), None);
    assert_eq!(plain.seats(plain.tip_id()).unwrap(), []);
    assert_eq!(plain.next_view(plain.tip_id(), name(0)).unwrap(), 0);
    assert!(plain.seats(Hash([1; 32])).is_err());
}

/// Evidence of two votes is refused where a signature is not the validator's, and otherwise costs it its stake's part and its seat.
#[test]
fn evidence_is_verified_and_bars() {
    let mut world = world(seed());
    let mut chain = Chain::new(&world.genesis, usize::MAX).unwrap();
    let round = Round { epoch: 1, view: 9 };
    let votes =
        [1, 2].map(|fill| Vote::Finalize(Proposal { round, parent_view: 8, header: Hash([fill; 32]) }));
    let key = secret(2, 1);
    let chain_id = world.genesis.chain_id;
    let [first, second] = votes.map(|vote| key.sign(Purpose::Vote, &vote.id(&chain_id)).unwrap());
    let public = key.public_key();
    let report = |signatures: [&'static [u8; 64]; 2]| {
        Op::Report(Report {
            validator: name(2),
            vote_key: Lent(Box::leak(Box::new(public))),
            first: SignedVote { vote: votes[0], signature: Lent(signatures[0]) },
            second: SignedVote { vote: votes[1], signature: Lent(signatures[1]) },
        })
    };
    let (first, second) = (&*Box::leak(Box::new(first)), &*Box::leak(Box::new(second)));
    let mut batch = Batch::default();
    batch.push(&world.sign(5, 0, Amount::ZERO, report([first, first])));
    batch.push(&world.send(5, 0, report([first, second])));
    batch.push(&world.sign(5, 1, Amount::ZERO, report([first, second])));
    let prepared = prepare(batch.clone(), Signatures::Verify(&Verifier::default()));
    assert!(matches!(prepared.transaction(0), Err(Refusal::Signature(_))));
    assert!(prepared.transaction(1).is_ok());
    let tip = chain.tip_id();
    let id = add(&mut chain, tip, batch, 1);
    assert_eq!(chain.pending(id).unwrap().transactions.len(), 1);
    chain.finalize(id).unwrap();
    let Some(Record::Validator(record)) = chain.record(&RecordId::Validator(name(2))).unwrap() else {
        panic!()
    };
    assert_eq!(record.bonded.tokens, "19.8".parse().unwrap());
    // The seat is its validator's until the end of the epoch; then another has it.
    assert!(chain.seats(chain.tip_id()).unwrap().iter().any(|seat| seat.account == name(2)));
    while chain.tip().height < rules().epoch_blocks {
        let (tip, view) = (chain.tip_id(), chain.tip().view + 1);
        let id = add(&mut chain, tip, Batch::default(), view);
        chain.finalize(id).unwrap();
    }
    let seats = chain.seats(chain.tip_id()).unwrap();
    assert_eq!(seats.len(), 3);
    assert!(seats.iter().all(|seat| seat.account != name(2)));
    let (held, supply) = held(&chain);
    assert_eq!(held, supply);
}
