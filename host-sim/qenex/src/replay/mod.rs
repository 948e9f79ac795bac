//! `qenex replay`: a file of transfers through the whole ledger.
//!
//! Rules:
//! - A row moves the amount paid, in the currency paid. Where the receiver gets another currency, that side is not booked; such rows are counted.
//! - A transfer to oneself is signed and executed as every other, and rejected by the ledger's rule; such rows are counted.
//! - An account opens with the sum of what it sends in each asset, or with its balance of the accounts file in the default asset.
//! - A sender signs with the nonce that follows if its earlier transfers are accepted. When one was rejected, it signs
//!   again with the nonce that the ledger expects. The order of the rows is the order of execution.
//! - Blocks are cut by count, times are counted in blocks, keys derive from a public label and the account's id: the same file gives
//!   the same blocks and the same root on every machine.

mod columns;
mod decimal;
mod input;
mod names;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use qenex_core::codec::EncodeError;
use qenex_core::crypto::{Purpose, Scheme};
use qenex_core::error::{Code, Coded, OUTPUT_FILE};
use qenex_core::id::{AccountId, AssetId, ChainId, Reference};
use qenex_core::ledger::{Reject, Rule};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AuthorityBuf, KeyRef, KycLevel, Leg, LegsBuf, MAX_SIGNED_LEN, Op, Signature, Transaction,
    Transfer, encode_signed,
};
use qenex_node::block::Batch;
use qenex_node::error::Refusal;
use qenex_node::execution::Execution;
use qenex_node::genesis::{Genesis, GenesisAccount};
use qenex_node::node::{Node, NodeConfig};
use qenex_node::pipeline::{self, PipelineConfig, Refused};
use qenex_node::prepare::{Signatures, prepare};
use qenex_signatures::{LoadSigner, Verifier};
use qenex_store::RealDisk;
use serde_json::{Value, json};

use self::input::{BadRow, Row, Sink};
use self::names::Names;
use crate::args::Replay;
use crate::keys::label_seed;
use crate::output::{Failure, Output};

/// Transfers that one worker signs and verifies at a time.
const BATCH: usize = 512;

/// The account that proposes the blocks and issues the assets. No name of a file maps to it.
const OPERATOR: &str = "X.OPERATOR";

/// Rejected lines that are shown without being asked for.
const REJECTED_SHOWN: usize = 10;

/// Rejected lines in the JSON.
const REJECTED_JSON: usize = 1_000;

/// A transfer, with its accounts by number.
#[derive(Clone, Copy)]
struct Entry {
    line: u64,
    from: u32,
    to: u32,
    asset: AssetId,
    amount: Amount,
}

/// What a file holds.
struct Collected {
    names: Names,
    default_asset: AssetId,
    entries: Vec<Entry>,
    unreadable: Vec<BadRow>,
    self_transfers: u64,
    two_currencies: u64,
}

impl Sink for Collected {
    fn row(&mut self, row: Result<Row, BadRow>) -> Result<(), Failure> {
        let row = match row {
            Ok(row) => row,
            Err(bad) => {
                self.unreadable.push(bad);
                return Ok(());
            }
        };
        let from = self.names.account(&row.from.iter().map(String::as_str).collect::<Vec<_>>())?;
        let to = self.names.account(&row.to.iter().map(String::as_str).collect::<Vec<_>>())?;
        let asset = match &row.asset {
            Some(name) => self.names.asset(name)?,
            None => self.default_asset,
        };
        self.self_transfers += u64::from(from == to);
        self.two_currencies += u64::from(row.asset_received.is_some() && row.asset_received != row.asset);
        self.entries.push(Entry { line: row.line, from, to, asset, amount: row.amount });
        Ok(())
    }
}

/// The accounts' keys, and how their transfers are signed.
struct Signers {
    chain_id: ChainId,
    ids: Vec<AccountId>,
    keys: Vec<LoadSigner>,
    last_valid_height: u64,
}

impl Signers {
    fn sign(&self, entry: &Entry, nonce: u64, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        let (from, to) = (self.ids[entry.from as usize], self.ids[entry.to as usize]);
        let leg = Leg { to, amount: entry.amount, reference: EMPTY };
        // One leg is always a valid list.
        let legs = LegsBuf::new(&[leg]).map_err(|_| EncodeError::BufferTooSmall)?;
        let transaction = Transaction {
            chain_id: self.chain_id,
            sender: from,
            nonce,
            last_valid_height: self.last_valid_height,
            fee: Amount::ZERO,
            op: Op::Transfer(Transfer { asset: entry.asset, legs: legs.get() }),
        };
        let key = &self.keys[entry.from as usize];
        let signature = key.sign(Purpose::Transaction, &transaction.id());
        let signature =
            Signature { scheme: Scheme::Ed25519, public_key: &key.public_key(), signature: &signature };
        Ok(encode_signed(&transaction, &[signature], buffer)?.len())
    }
}

const EMPTY: Reference = match Reference::new("") {
    Ok(reference) => reference,
    Err(_) => panic!("an empty reference is valid"),
};

/// What happens to rejected transfers, and the progress bar.
struct Caller<'a> {
    entries: &'a [Entry],
    signers: &'a Signers,
    verifier: &'a Verifier,
    rejected_before: &'a [AtomicU32],
    rejected: Vec<(u64, Code)>,
    signed_again: u64,
    bar: ProgressBar,
}

impl Caller<'_> {
    /// Signs again with the nonce that the ledger expects.
    fn again(&mut self, entry: &Entry, execution: &mut Execution<'_>) -> Result<(), Refusal> {
        self.signed_again += 1;
        let nonce = execution.nonce(self.signers.ids[entry.from as usize]);
        let mut buffer = [0; 2_048];
        let mut batch = Batch::default();
        if let Ok(len) = self.signers.sign(entry, nonce, &mut buffer) {
            batch.push(&buffer[..len]);
        }
        let prepared = prepare(batch, Signatures::Verify(self.verifier));
        execution.push(&prepared, 0)
    }
}

impl Refused for Caller<'_> {
    fn refused(&mut self, place: u64, refusal: Refusal, execution: &mut Execution<'_>) -> u64 {
        let Some(entry) = self.entries.get(place as usize).copied() else { return 0 };
        let mut refusal = refusal;
        if refusal == Refusal::Reject(Reject::Rule(Rule::NonceAhead)) {
            match self.again(&entry, execution) {
                Ok(()) => return 1,
                Err(error) => refusal = error,
            }
        }
        self.rejected_before[entry.from as usize].fetch_add(1, Ordering::Relaxed);
        self.rejected.push((entry.line, refusal.code()));
        0
    }

    fn progress(&mut self, done: u64) {
        self.bar.set_position(done);
    }
}

/// A directory that goes when the value goes.
struct Directory {
    path: PathBuf,
    temporary: bool,
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

pub fn run(args: &Replay, output: &Output) -> Result<(), Failure> {
    let mut file = Collected {
        names: Names::default(),
        default_asset: args.default_asset,
        entries: Vec::new(),
        unreadable: Vec::new(),
        self_transfers: 0,
        two_currencies: 0,
    };
    input::read(&args.file, args, &mut file)?;
    let opening = opening_balances(args, &mut file)?;
    let Collected { names, entries, unreadable, self_transfers, two_currencies, .. } = file;
    output.line(format_args!(
        "{}: {} transfers between {} accounts, {} unreadable lines",
        args.file.display(),
        entries.len(),
        names.ids().len(),
        unreadable.len()
    ));
    let chain_id = ChainId::new("QENEX-REPLAY").map_err(|error| Failure::argument("chain", error))?;
    let keys = derive_keys(&args.label, names.ids())?;
    let signers =
        Signers { chain_id, ids: names.ids().to_vec(), keys, last_valid_height: entries.len() as u64 };
    let genesis = genesis(chain_id, &signers, &names, &opening, args.default_asset)?;
    let operator = genesis.accounts[0].id;
    drop(opening);

    let directory = match &args.data {
        Some(path) => Directory { path: path.clone(), temporary: false },
        None => Directory {
            path: std::env::temp_dir().join(format!("qenex-replay-{}", std::process::id())),
            temporary: true,
        },
    };
    let mut node = Node::create(RealDisk::open(&directory.path)?, &genesis, NodeConfig::default())?;
    drop(genesis);
    let verifier = Verifier::default();
    let rejected_before: Vec<AtomicU32> = signers.ids.iter().map(|_| AtomicU32::new(0)).collect();
    let mut caller = Caller {
        entries: &entries,
        signers: &signers,
        verifier: &verifier,
        rejected_before: &rejected_before,
        rejected: unreadable.iter().map(|bad| (bad.line, bad.code)).collect(),
        signed_again: 0,
        bar: progress_bar(entries.len() as u64, output),
    };
    let config = PipelineConfig {
        block_transactions: args.block as usize,
        workers: std::thread::available_parallelism().map_or(2, usize::from),
        proposer: operator,
        block_interval_ms: 1_000,
    };
    let mut sent = vec![0u32; signers.ids.len()];
    let mut chunks = entries.chunks(BATCH);
    let source = || {
        chunks.next().map(|chunk| {
            let nonce = |entry: &Entry| {
                let count = &mut sent[entry.from as usize];
                let before = *count;
                *count += 1;
                u64::from(before.saturating_sub(rejected_before[entry.from as usize].load(Ordering::Relaxed)))
            };
            let nonces: Vec<u64> = chunk.iter().map(nonce).collect();
            (chunk, nonces)
        })
    };
    let make = |(chunk, nonces): (&[Entry], Vec<u64>)| {
        let mut batch = Batch::with_capacity(chunk.len(), 192 * chunk.len());
        let mut buffer = [0; MAX_SIGNED_LEN];
        for (entry, nonce) in chunk.iter().zip(nonces) {
            // One transfer with one signature always fits.
            let len = signers.sign(entry, nonce, &mut buffer).unwrap_or(0);
            batch.push(&buffer[..len]);
        }
        batch
    };
    let report = pipeline::run(&mut node, Signatures::Verify(&verifier), config, source, make, &mut caller)?;
    caller.bar.finish_and_clear();
    node.checkpoint()?;
    let state_root = node.chain().tip().state_root;
    let Caller { mut rejected, signed_again, .. } = caller;
    rejected.sort_by_key(|(line, _)| *line);

    let per_second = report.transactions as f64 / report.elapsed.as_secs_f64().max(1e-9);
    let mut reasons: BTreeMap<u16, (Code, u64)> = BTreeMap::new();
    for (_, code) in &rejected {
        reasons.entry(code.number).or_insert((*code, 0)).1 += 1;
    }
    let details: HashMap<u64, &str> = unreadable.iter().map(|bad| (bad.line, bad.failure.as_str())).collect();
    let shown = if args.show_rejected { rejected.len() } else { REJECTED_SHOWN };
    for (line, code) in rejected.iter().take(shown) {
        let detail = details.get(line).map_or(String::new(), |detail| format!(" ({detail})"));
        output.line(format_args!("  line {line}: {code}{detail}"));
    }
    if rejected.len() > shown {
        output.line(format_args!("  and {} more rejected lines (--show-rejected)", rejected.len() - shown));
    }
    for (code, count) in reasons.values() {
        output.line(format_args!("rejected {count:>9}  {} {}", code.number, code.name));
    }
    output.line(format_args!(
        "self-transfers {self_transfers} (the ledger rejects them); rows with two currencies {two_currencies} (the amount \
         paid moves, in the currency paid); signed again after an earlier rejection {signed_again}"
    ));
    let share = |time: Duration| time.as_secs_f64();
    let stages = &report.stages;
    output.line(format_args!(
        "processor seconds: sign {:.2}, decode {:.2}, hash {:.2}, verify {:.2}, execute {:.2}, roots {:.2}, settle {:.2}, \
         write {:.2}",
        share(stages.make),
        share(stages.prepare.decode),
        share(stages.prepare.hash),
        share(stages.prepare.verify),
        share(stages.execute),
        share(stages.roots),
        share(stages.settle),
        share(stages.write)
    ));
    output.line(format_args!("transfers            {}", report.transactions));
    output.line(format_args!("transfers per second {per_second:.0}"));
    output.line(format_args!("blocks               {}", report.blocks));
    output.line(format_args!("rejected             {}", rejected.len()));
    output.line(format_args!("state root           {state_root}"));
    if let Some(data) = &args.data {
        output.line(format_args!(
            "the chain is kept in {}; `qenex check --data {0}` checks it",
            data.display()
        ));
    }
    let lines: Vec<Value> = rejected
        .iter()
        .take(if args.show_rejected { usize::MAX } else { REJECTED_JSON })
        .map(|(line, code)| {
            json!({ "line": line, "code": code.number, "name": code.name, "detail": details.get(line) })
        })
        .collect();
    let by_reason: serde_json::Map<String, Value> =
        reasons.values().map(|(code, count)| (code.name.to_string(), json!(count))).collect();
    output.result(&json!({
        "file": args.file.display().to_string(),
        "accounts": signers.ids.len(),
        "transfers": report.transactions,
        "transfers_per_second": per_second.round(),
        "seconds": report.elapsed.as_secs_f64(),
        "blocks": report.blocks,
        "rejected": rejected.len(),
        "rejected_by_reason": by_reason,
        "rejected_lines": lines,
        "self_transfers": self_transfers,
        "two_currencies": two_currencies,
        "signed_again": signed_again,
        "state_root": state_root.to_string(),
    }));
    Ok(())
}

fn progress_bar(total: u64, output: &Output) -> ProgressBar {
    if output.json {
        return ProgressBar::hidden();
    }
    // On standard error, and only where that is a terminal.
    let bar = ProgressBar::new(total);
    let template = "{bar:40} {human_pos}/{human_len} transfers, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

type Balances = BTreeMap<(u32, AssetId), Amount>;

/// What each account opens with. Accounts of the accounts file that send and receive nothing are opened too.
fn opening_balances(args: &Replay, file: &mut Collected) -> Result<Balances, Failure> {
    let mut balances = Balances::new();
    let overflow = |error: qenex_core::num::NumError| Failure::refused(error.code(), "opening balances");
    match &args.accounts {
        Some(path) => {
            for (name, amount) in input::read_accounts(path)? {
                let account = file.names.account(&[&name])?;
                if !amount.is_zero() {
                    let balance = balances.entry((account, args.default_asset)).or_insert(Amount::ZERO);
                    *balance = balance.checked_add(amount).map_err(overflow)?;
                }
            }
        }
        None => {
            for entry in file.entries.iter().filter(|entry| entry.from != entry.to && !entry.amount.is_zero())
            {
                let balance = balances.entry((entry.from, entry.asset)).or_insert(Amount::ZERO);
                *balance = balance.checked_add(entry.amount).map_err(overflow)?;
            }
        }
    }
    Ok(balances)
}

/// The keys of all accounts, derived on all cores.
fn derive_keys(label: &str, ids: &[AccountId]) -> Result<Vec<LoadSigner>, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let derive = |id: &AccountId| {
        LoadSigner::from_seed(&label_seed(label, id.as_str()))
            .map_err(|error| Failure::argument("--label", error))
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = ids
            .chunks(ids.len().div_ceil(threads).max(1))
            .map(|part| scope.spawn(move || part.iter().map(derive).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut keys = Vec::with_capacity(ids.len());
        for part in parts {
            let derived = part.join().map_err(|_| Failure::refused(OUTPUT_FILE, "a thread ended early"))?;
            keys.extend(derived?);
        }
        Ok(keys)
    })
}

fn genesis(
    chain_id: ChainId,
    signers: &Signers,
    names: &Names,
    opening: &Balances,
    default_asset: AssetId,
) -> Result<Genesis, Failure> {
    let account = |id, key: &LoadSigner, kind, balances| GenesisAccount {
        id,
        kind,
        kyc: KycLevel::Basic,
        authority: AuthorityBuf::single(KeyRef {
            scheme: Scheme::Ed25519,
            hash: key.key_hash(Purpose::Transaction),
        }),
        balances,
    };
    let operator = AccountId::new(OPERATOR).map_err(|error| Failure::argument("operator", error))?;
    let operator_key = LoadSigner::from_seed(&label_seed("operator", OPERATOR))
        .map_err(|error| Failure::argument("operator", error))?;
    let mut accounts = vec![account(operator, &operator_key, AccountKind::System, Vec::new())];
    for (number, (id, key)) in signers.ids.iter().zip(&signers.keys).enumerate() {
        let number = number as u32;
        let lowest = AssetId::new("-").map_err(|error| Failure::argument("asset", error))?;
        let balances = opening
            .range((number, lowest)..)
            .take_while(|((account, _), _)| *account == number)
            .map(|((_, asset), amount)| (*asset, *amount))
            .collect();
        accounts.push(account(*id, key, AccountKind::Individual, balances));
    }
    let mut assets = names.assets();
    if !assets.contains(&default_asset) {
        assets.push(default_asset);
    }
    let assets = assets.into_iter().map(|asset| (asset, operator)).collect();
    Ok(Genesis { chain_id, time_ms: 0, assets, accounts, staking: None, work: None })
}
