//! Accounts, a genesis with rules of work, and ledgers on simulated disks.

use std::sync::Arc;

use bytes::Bytes;
use qenex_core::codec::Encoded;
use qenex_core::consensus::work::{Seal, Target, WorkRules};
use qenex_core::crypto::{Purpose, Scheme};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, Reference};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AuthorityBuf, KeyRef, KycLevel, Leg, LegsBuf, MAX_SIGNED_LEN, Op, Signature, Transaction,
    Transfer, encode_signed,
};
use qenex_node::block::Batch;
use qenex_node::error::NodeError;
use qenex_node::genesis::{Genesis, GenesisAccount};
use qenex_node::mempool::MempoolLimits;
use qenex_node::node::{Node, NodeConfig};
use qenex_node::sequencer::{BlockLimits, Sequencer};
use qenex_signatures::LoadSigner;
use qenex_store::{Disk, SimDisk};
use qenex_work::ledger::{Ledger, Puzzle};

pub const LIMITS: BlockLimits = BlockLimits { transactions: 64, bytes: 64 << 10 };

/// No checkpoint is written in the background, so that a run replays exactly.
pub const NODE: NodeConfig = NodeConfig {
    state_bytes: 64 << 20,
    cache_bytes: 1 << 20,
    segment_bytes: 256 << 10,
    checkpoint_transactions: u64::MAX,
    checkpoint_blocks: u64::MAX,
    background: true,
    history_blocks: None,
};

/// Small, so that segments go.
const JOURNAL_BYTES: u64 = 8 << 10;

pub const CLIENTS: usize = 8;

pub fn number(name: &str, or: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or)
}

/// The seed of this run, printed, so that a failure can be run again.
pub fn seed() -> u64 {
    let seed = number("QENEX_SEED", 20_261_122);
    println!("QENEX_SEED={seed}");
    seed
}

fn signer(index: usize) -> LoadSigner {
    let mut bytes = [9; 32];
    bytes[..8].copy_from_slice(&(index as u64).to_le_bytes());
    LoadSigner::from_seed(&bytes).unwrap()
}

pub fn client(index: usize) -> AccountId {
    AccountId::new(&format!("C{index}")).unwrap()
}

pub fn miner(index: usize) -> AccountId {
    AccountId::new(&format!("MINER{index}")).unwrap()
}

pub fn usd() -> AssetId {
    AssetId::new("USD").unwrap()
}

pub fn genesis(rules: WorkRules) -> Genesis {
    let account = |id, kind, index, balances: Vec<(AssetId, Amount)>| {
        let owner = KeyRef { scheme: Scheme::Ed25519, hash: signer(index).key_hash(Purpose::Transaction) };
        GenesisAccount { id, kind, kyc: KycLevel::None, authority: AuthorityBuf::single(owner), balances }
    };
    let some = Amount::from_whole(1_000);
    let mut accounts = vec![account(AccountId::new("SYSTEM").unwrap(), AccountKind::System, 1_000, vec![])];
    accounts
        .extend((0..8).map(|index| account(miner(index), AccountKind::Individual, 1_001 + index, vec![])));
    accounts.extend((0..CLIENTS).map(|index| {
        account(client(index), AccountKind::Individual, index, vec![(NATIVE_ASSET, some), (usd(), some)])
    }));
    let system = accounts[0].id;
    Genesis {
        chain_id: ChainId::new("WORK").unwrap(),
        time_ms: 1_000,
        assets: vec![(NATIVE_ASSET, system), (usd(), system)],
        accounts,
        staking: None,
        work: Some(rules),
    }
}

/// Every second hash is a proof.
pub fn easy(depth: u32) -> WorkRules {
    // So long a halving that the target stays.
    WorkRules { target: Target::EASIEST, interval_ms: 1_000, halving_ms: u32::MAX, depth }
}

/// A signed transfer with a fee of one unit.
pub fn transfer(from: usize, to: usize, amount: u64, nonce: u64) -> Vec<u8> {
    let amount = Amount::from_units(amount.into()).unwrap();
    let legs =
        LegsBuf::new(&[Leg { to: client(to), amount, reference: Reference::new("").unwrap() }]).unwrap();
    let transaction = Transaction {
        chain_id: ChainId::new("WORK").unwrap(),
        sender: client(from),
        nonce,
        last_valid_height: u64::MAX,
        fee: Amount::from_units(1).unwrap(),
        op: Op::Transfer(Transfer { asset: usd(), legs: legs.get() }),
    };
    let signer = signer(from);
    let signature = signer.sign(Purpose::Transaction, &transaction.id());
    let public_key = signer.public_key();
    let signature = Signature { scheme: Scheme::Ed25519, public_key: &public_key, signature: &signature };
    encode_signed(&transaction, &[signature], &mut [0; MAX_SIGNED_LEN]).unwrap().to_vec()
}

/// The disks of a node: of its ledger and of its journal.
#[derive(Clone)]
pub struct Disks {
    pub ledger: Arc<SimDisk>,
    pub journal: Arc<SimDisk>,
}

impl Disks {
    pub fn new(seed: u64) -> Self {
        Self { ledger: SimDisk::new(seed), journal: SimDisk::new(!seed) }
    }
}

/// The ledger of a miner on its disks, begun if nothing is there.
pub fn open(disks: &Disks, genesis: &Genesis, index: usize) -> Result<Ledger, NodeError> {
    let (disk, journal): (Arc<dyn Disk>, Arc<dyn Disk>) = (disks.ledger.clone(), disks.journal.clone());
    let node = match Node::open(Arc::clone(&disk), NODE) {
        Ok((node, _)) => node,
        // Also where it was cut off before it had begun.
        Err(NodeError::Directory { .. }) => Node::create(disk, genesis, NODE)?,
        Err(error) => return Err(error),
    };
    let sequencer = Sequencer::new(miner(index), MempoolLimits::default());
    Ledger::open(node, sequencer, LIMITS, journal, JOURNAL_BYTES)
}

/// A nonce, one after the other.
pub fn solve(puzzle: &Puzzle) -> u64 {
    let proof = |nonce| Seal { target: puzzle.target, nonce }.proof(&puzzle.unsealed);
    (0..).find(|nonce| proof(*nonce).0 <= puzzle.target.to_bytes()).unwrap()
}

/// Mines a block over the head.
pub fn mine(ledger: &mut Ledger, time_ms: u64) -> Bytes {
    let puzzle = ledger.template(time_ms).unwrap();
    ledger.solved(&puzzle, solve(&puzzle)).unwrap().unwrap()
}

/// One asks another until it knows all that the other knows. Returns whether its head changed.
pub fn catch_up(one: &mut Ledger, other: &Ledger) -> bool {
    let before = one.head_id();
    while other.work() > one.work() {
        let message = other.blocks_after(&one.steps(), 10_000).unwrap();
        let batch = Batch::unpack(&message).unwrap();
        assert!(!batch.is_empty());
        for block in batch.iter() {
            one.take(&Bytes::copy_from_slice(block), u64::MAX).unwrap();
        }
        one.settle().unwrap();
    }
    one.head_id() != before
}

/// All that a head says of these accounts.
pub fn at_head(ledger: &Ledger) -> Vec<String> {
    let accounts = (0..CLIENTS).map(client).chain((0..8).map(miner));
    let ids = accounts.flat_map(|account| {
        [
            RecordId::Account(account),
            RecordId::Balance(account, usd()),
            RecordId::Balance(account, NATIVE_ASSET),
        ]
    });
    ids.map(|id| format!("{id:?} {:?}", ledger.record(&id, &mut [0; Record::MAX_LEN]).unwrap())).collect()
}

/// All final records, byte for byte.
pub fn records(ledger: &Ledger) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all: Vec<_> =
        ledger.node().chain().records().iter().map(|item| (item.id.to_vec(), item.value.to_vec())).collect();
    all.sort();
    all
}
