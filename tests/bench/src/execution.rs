//! Transfers executed and durable, without signatures: the ledger beside SQLite (WAL, synchronous=FULL), each with
//! one commit a block, on the file system of the temporary directory. One operation is a block.
//!
//! Both keep each account's balance and nonce, refuse what overdraws or has the wrong nonce, and keep the bytes of each
//! transfer. The ledger decodes each transfer and hashes it and the keys of its records, on a second thread, and keeps
//! receipts and histories; the node has all roots of each block besides. In SQLite, accounts are found by number, which is its
//! fastest key, by the one thread that may write.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, sync_channel};

use qenex_core::consensus::Header;
use qenex_core::crypto::{Hash, Scheme};
use qenex_core::id::{AccountId, AssetId, ChainId, Reference};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AuthorityBuf, KeyRef, KycLevel, Leg, LegsBuf, MAX_SIGNED_LEN, Op, Signature, Transaction,
    Transfer, encode_signed,
};
use qenex_node::block::{Batch, Block};
use qenex_node::catch_up::CatchUp;
use qenex_node::genesis::{Genesis, GenesisAccount};
use qenex_node::node::{Node, NodeConfig};
use qenex_node::prepare::{Prepared, Signatures, prepare};
use qenex_node::records::Records;
use qenex_store::{BlockLog, LogConfig, RealDisk};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::{Connection, params};

use crate::harness::{Bench, Case, ROUNDS};
use crate::stores::{Directory, sqlite};

const ACCOUNTS: u32 = 100_000;
const BLOCK: usize = 8_190;
const OPENING: u32 = 1_000_000;

/// From, to, amount, nonce.
type Row = (u32, u32, u32, u32);

fn name(number: u32) -> AccountId {
    AccountId::new(&format!("ACC{number:08}")).expect("an identifier")
}

fn asset() -> AssetId {
    AssetId::new("USD").expect("an identifier")
}

fn chain_id() -> ChainId {
    ChainId::new("BENCH").expect("an identifier")
}

fn public_key(number: u32) -> [u8; 32] {
    let mut key = [7; 32];
    key[..4].copy_from_slice(&number.to_le_bytes());
    key
}

fn genesis() -> Genesis {
    let account = |number: u32| GenesisAccount {
        id: name(number),
        kind: AccountKind::Individual,
        kyc: KycLevel::None,
        authority: AuthorityBuf::single(KeyRef::of(Scheme::Ed25519, &public_key(number))),
        balances: vec![(asset(), Amount::from_whole(OPENING.into()))],
    };
    let accounts = (0..ACCOUNTS).map(account).collect();
    Genesis {
        chain_id: chain_id(),
        time_ms: 0,
        assets: vec![(asset(), name(0))],
        accounts,
        staking: None,
        work: None,
    }
}

/// A transfer with a signature that nobody looks at.
fn signed((from, to, amount, nonce): Row) -> Vec<u8> {
    let reference = Reference::new("").expect("a text");
    let leg = Leg { to: name(to), amount: Amount::from_whole(amount.into()), reference };
    let legs = LegsBuf::new(&[leg]).expect("one leg");
    let transaction = Transaction {
        chain_id: chain_id(),
        sender: name(from),
        nonce: nonce.into(),
        last_valid_height: u64::MAX,
        fee: Amount::ZERO,
        op: Op::Transfer(Transfer { asset: asset(), legs: legs.get() }),
    };
    let key = public_key(from);
    let signature = Signature { scheme: Scheme::Ed25519, public_key: &key, signature: &[1; 64] };
    encode_signed(&transaction, &[signature], &mut [0; MAX_SIGNED_LEN]).expect("room").to_vec()
}

/// Prepares batches on a second thread while those before are executed, as a node does.
fn ahead<T>(batches: Vec<Batch>, execute: impl FnOnce(Receiver<Prepared>) -> T) -> T {
    let (out, ready) = sync_channel(4);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for batch in batches {
                if out.send(prepare(batch, Signatures::Committed)).is_err() {
                    break;
                }
            }
        });
        execute(ready)
    })
}

/// A block with all its roots, as a node makes it.
fn rooted(node: &mut Node, batches: Vec<Batch>) -> usize {
    let mut execution = node.chain().begin(node.chain().tip_id(), 0, 0).expect("the tip");
    ahead(batches, |ready| ready.iter().try_for_each(|prepared| execution.push_all(&prepared)))
        .expect("all are accepted");
    let accepted = execution.len();
    let executed = execution.finish(name(0)).expect("no fees");
    let id = node.chain_mut().seal(executed).expect("the tip");
    node.finalize(id).expect("a disk");
    accepted
}

/// Blocks without roots: appended to the log, and executed as a node does at its start.
struct Unrooted {
    log: BlockLog,
    state: CatchUp,
    header: Header,
    history: Vec<Vec<u8>>,
}

impl Unrooted {
    fn new(directory: &Directory) -> Self {
        let disk = RealDisk::open(directory.path()).expect("a directory of our own");
        let config = LogConfig { segment_bytes: 64 << 20, genesis: [0; 32] };
        let log = BlockLog::open(disk, config).expect("an empty directory").0;
        let header = genesis().header(Hash::default(), Hash::default()).expect("a genesis");
        let state = CatchUp::new(header.clone(), Records::of(&genesis()).expect("a genesis").0);
        Self { log, state, header, history: Vec::new() }
    }

    fn execute(&mut self, batches: Vec<Batch>) -> usize {
        self.header.parent = self.header.id();
        self.header.height += 1;
        let mut transactions = Batch::default();
        batches.iter().flat_map(Batch::iter).for_each(|signed| transactions.push(signed));
        let (block, state) = (Block { header: self.header.clone(), transactions }, &mut self.state);
        let done = ahead(batches, |ready| state.execute(block.header.clone(), ready));
        self.history.push(done.expect("all are accepted").record);
        self.log.append(block.header.height, &block.encode()).expect("a disk");
        self.log.sync().expect("a disk");
        block.transactions.len()
    }
}

fn open_accounts(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "CREATE TABLE accounts (id INTEGER PRIMARY KEY, nonce INTEGER NOT NULL, balance INTEGER NOT NULL)",
        [],
    )?;
    let transaction = connection.unchecked_transaction()?;
    for number in 0..ACCOUNTS {
        transaction
            .prepare_cached("INSERT INTO accounts VALUES (?1, 0, ?2)")?
            .execute(params![number, OPENING])?;
    }
    transaction.commit()
}

fn transact(connection: &Connection, rows: &[Row], bytes: &[Vec<u8>]) -> rusqlite::Result<usize> {
    let transaction = connection.unchecked_transaction()?;
    let mut accepted = 0;
    {
        let mut pay = transaction.prepare_cached(
            "UPDATE accounts SET nonce = nonce + 1, balance = balance - ?2 \
             WHERE id = ?1 AND nonce = ?3 AND balance >= ?2",
        )?;
        let mut receive =
            transaction.prepare_cached("UPDATE accounts SET balance = balance + ?2 WHERE id = ?1")?;
        let mut keep = transaction.prepare_cached("INSERT INTO transfers (bytes) VALUES (?1)")?;
        for ((from, to, amount, nonce), bytes) in rows.iter().zip(bytes) {
            if pay.execute(params![from, amount, nonce])? == 1 {
                receive.execute(params![to, amount])?;
                keep.execute(params![bytes])?;
                accepted += 1;
            }
        }
    }
    transaction.commit()?;
    Ok(accepted)
}

pub fn run(bench: &mut Bench) {
    let mut rng = StdRng::seed_from_u64(5);
    let mut nonces = vec![0; ACCOUNTS as usize];
    // Each block can be executed once: one for the comparison of results, one for each round.
    let blocks: Vec<Vec<Row>> = (0..ROUNDS + 1)
        .map(|_| {
            let mut row = || {
                let from = rng.random_range(0..ACCOUNTS);
                let to = (from + rng.random_range(1..ACCOUNTS)) % ACCOUNTS;
                nonces[from as usize] += 1;
                (from, to, rng.random_range(1..1_000), nonces[from as usize] - 1)
            };
            (0..BLOCK).map(|_| row()).collect()
        })
        .collect();
    let bytes: Vec<Vec<Vec<u8>>> =
        blocks.iter().map(|rows| rows.iter().map(|row| signed(*row)).collect()).collect();
    // In batches, twice, each to be taken once.
    let batch = |transfers: &[Vec<u8>]| {
        let mut batch = Batch::default();
        transfers.iter().for_each(|signed| batch.push(signed));
        batch
    };
    let batches = || {
        let block = |block: &Vec<Vec<u8>>| block.chunks(512).map(batch).collect::<Vec<_>>();
        RefCell::new(bytes.iter().map(block).collect::<Vec<_>>().into_iter())
    };
    let (for_rooted, for_unrooted) = (batches(), batches());

    let directories = ["node", "log", "sqlite-ledger"].map(Directory::new);
    let [for_node, for_log, for_sqlite] = &directories;
    let disk = RealDisk::open(for_node.path()).expect("a directory of our own");
    let node = RefCell::new(Node::create(disk, &genesis(), NodeConfig::default()).expect("a new chain"));
    let unrooted = RefCell::new(Unrooted::new(for_log));
    let connection =
        sqlite(for_sqlite).and_then(|db| open_accounts(&db).map(|()| db)).expect("a new database");
    // Each makes the same blocks, one after the other.
    let rows = RefCell::new(blocks.iter().zip(&bytes));
    bench.run(
        Case::new("execution", "block of 8,190 transfers, unsigned and durable")
            .with("qenex without roots", vec![()], |()| {
                for_unrooted.borrow_mut().next().map_or(0, |block| unrooted.borrow_mut().execute(block))
            })
            .with("sqlite", vec![()], |()| {
                let block = rows.borrow_mut().next();
                block.map_or(0, |(rows, bytes)| transact(&connection, rows, bytes).expect("a disk"))
            })
            .with("qenex with roots", vec![()], |()| {
                for_rooted.borrow_mut().next().map_or(0, |block| rooted(&mut node.borrow_mut(), block))
            }),
    );

    let node = node.borrow();
    for number in (0..ACCOUNTS).step_by(997) {
        let record = node.chain().record(&RecordId::Balance(name(number), asset()));
        let theirs: u32 = connection
            .query_row("SELECT balance FROM accounts WHERE id = ?1", [number], |row| row.get(0))
            .expect("an account");
        match record {
            Ok(Some(Record::Balance(balance))) => {
                assert_eq!(balance.amount, Amount::from_whole(theirs.into()))
            }
            other => panic!("account {number}: {other:?}, sqlite has {theirs}"),
        }
    }
}
