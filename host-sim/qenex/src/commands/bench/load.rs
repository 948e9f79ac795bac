//! The chain and the transfers that are measured.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use qenex_core::crypto::{Domain, Hash, KeyHash, Purpose, Scheme, hash::hash};
use qenex_core::error::OUTPUT_FILE;
use qenex_core::id::{AccountId, AssetId, ChainId, Reference};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AuthorityBuf, KeyRef, KycLevel, Leg, LegsBuf, MAX_SIGNED_LEN, Op, Signature, Transaction,
    Transfer, encode_signed,
};
use qenex_node::block::Batch;
use qenex_node::genesis::{Genesis, GenesisAccount};
use qenex_node::node::{Node, NodeConfig};
use qenex_signatures::LoadSigner;
use qenex_store::RealDisk;

use crate::args::Load;
use crate::files::{unreadable, unwritable};
use crate::keys::label_seed;
use crate::output::Failure;

const LABEL: &str = "qenex-bench";
const TRANSFERS: &str = "transfers";

/// Transfers of a batch in the file.
pub const BATCH: usize = 512;

/// A chain in a directory that goes when the value goes, unless the caller named it.
pub struct Prepared {
    path: PathBuf,
    temporary: bool,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

impl Prepared {
    /// Makes chain and transfers in another process.
    pub fn make(load: &Load) -> Result<Self, Failure> {
        let prepared = match &load.data {
            Some(path) => Self { path: path.clone(), temporary: false },
            None => Self {
                path: std::env::temp_dir().join(format!("qenex-bench-{}", std::process::id())),
                temporary: true,
            },
        };
        let program = std::env::current_exe().map_err(unwritable(&prepared.path))?;
        let status = Command::new(program)
            .args(["bench", "prepare"])
            .args(["--accounts", &load.accounts.to_string(), "--transfers", &load.transfers.to_string()])
            .args(["--seed", &load.seed.to_string(), "--data"])
            .arg(&prepared.path)
            .status()
            .map_err(unwritable(&prepared.path))?;
        if !status.success() {
            let detail = format_args!("{}: the load was not made", prepared.path.display());
            return Err(Failure::input(OUTPUT_FILE, detail));
        }
        Ok(prepared)
    }

    /// What [`Prepared::make`] made before in the directory that the caller names.
    pub fn made(load: &Load) -> Result<Self, Failure> {
        let path = load.data.clone().ok_or_else(|| Failure::argument("data", "a directory is wanted"))?;
        Ok(Self { path, temporary: false })
    }

    /// The chain's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The transfers, batch by batch.
    pub fn transfers(&self) -> Result<Transfers, Failure> {
        let path = self.path.join(TRANSFERS);
        let file = File::open(&path).map_err(unreadable(&path))?;
        Ok(Transfers(BufReader::with_capacity(1 << 20, file)))
    }
}

/// Reads batches of signed transfers.
pub struct Transfers(BufReader<File>);

impl Transfers {
    fn u32(&mut self) -> Option<usize> {
        let mut bytes = [0; 4];
        self.0.read_exact(&mut bytes).ok()?;
        Some(u32::from_le_bytes(bytes) as usize)
    }
}

impl Iterator for Transfers {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let count = self.u32()?;
        let mut batch = Batch::with_capacity(count, count * 192);
        let mut buffer = Vec::new();
        for _ in 0..count {
            let len = self.u32()?;
            buffer.resize(len, 0);
            self.0.read_exact(&mut buffer).ok()?;
            batch.push(&buffer);
        }
        Some(batch)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u32
    }
}

fn name(number: u32) -> Result<AccountId, Failure> {
    AccountId::new(&format!("ACC{number:08}")).map_err(|error| Failure::argument("account", error))
}

/// The account that proposes the blocks.
pub fn operator() -> Result<AccountId, Failure> {
    AccountId::new("OPERATOR").map_err(|error| Failure::argument("account", error))
}

/// The chain.
pub fn chain_id() -> Result<ChainId, Failure> {
    ChainId::new("QENEX-BENCH").map_err(|error| Failure::argument("chain", error))
}

/// Signs a transaction with one key.
pub fn sign<'b>(
    key: &LoadSigner,
    transaction: &Transaction<'_>,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Failure> {
    let (public_key, signature) = (key.public_key(), key.sign(Purpose::Transaction, &transaction.id()));
    let signature = Signature { scheme: Scheme::Ed25519, public_key: &public_key, signature: &signature };
    Ok(encode_signed(transaction, &[signature], buffer)?)
}

/// Makes the chain and the transfers in the directory.
pub fn make(load: &Load) -> Result<(), Failure> {
    let data = load.data.clone().unwrap_or_else(|| "bench.qenex".into());
    let mut random = Random(load.seed);
    let pairs: Vec<(u32, u32, u64)> = (0..load.transfers)
        .map(|_| {
            let from = random.below(load.accounts);
            // Any account but the sender.
            let to = (from + 1 + random.below(load.accounts - 1)) % load.accounts;
            (from, to, 1 + random.next() % 1_000_000)
        })
        .collect();
    let mut keys: Vec<Option<LoadSigner>> = Vec::new();
    keys.resize_with(load.accounts as usize, || None);
    for (from, ..) in &pairs {
        let slot = &mut keys[*from as usize];
        if slot.is_none() {
            let seed = label_seed(LABEL, name(*from)?.as_str());
            *slot = LoadSigner::from_seed(&seed).ok();
        }
    }
    let asset = AssetId::new("USD").map_err(|error| Failure::argument("asset", error))?;
    let chain_id = chain_id()?;
    let nobody = |number: u32| KeyHash(hash(Domain::LabelSeed, &[&number.to_be_bytes()]));
    let key_ref = |hash| KeyRef { scheme: Scheme::Ed25519, hash };
    let mut accounts = vec![GenesisAccount {
        id: operator()?,
        kind: AccountKind::System,
        kyc: KycLevel::None,
        authority: AuthorityBuf::single(key_ref(nobody(u32::MAX))),
        balances: Vec::new(),
    }];
    for (number, key) in keys.iter().enumerate() {
        // An account that never sends needs no key that anybody has.
        let hash = key.as_ref().map_or(nobody(number as u32), |key| key.key_hash(Purpose::Transaction));
        accounts.push(GenesisAccount {
            id: name(number as u32)?,
            kind: AccountKind::Individual,
            kyc: KycLevel::None,
            authority: AuthorityBuf::single(key_ref(hash)),
            balances: vec![(asset, Amount::from_whole(1_000_000))],
        });
    }
    let genesis = Genesis {
        chain_id,
        time_ms: 0,
        assets: vec![(asset, operator()?)],
        accounts,
        staking: None,
        work: None,
    };
    Node::create(
        RealDisk::open(&data)?,
        &genesis,
        NodeConfig { state_bytes: usize::MAX, ..NodeConfig::default() },
    )?;
    drop(genesis);

    let mut nonces = vec![0u64; load.accounts as usize];
    let path = data.join(TRANSFERS);
    let mut out = BufWriter::new(File::create(&path).map_err(unwritable(&path))?);
    let numbered: Vec<(u32, u32, u64, u64)> = pairs
        .iter()
        .map(|(from, to, cents)| {
            let nonce = nonces[*from as usize];
            nonces[*from as usize] += 1;
            (*from, *to, *cents, nonce)
        })
        .collect();
    let sign_part = |part: &[(u32, u32, u64, u64)]| -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::with_capacity(part.len() * 192);
        let mut buffer = [0; MAX_SIGNED_LEN];
        for chunk in part.chunks(BATCH) {
            bytes.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
            for (from, to, cents, nonce) in chunk {
                let Some(key) = &keys[*from as usize] else { continue };
                let amount = Amount::from_units(u128::from(*cents) * 10u128.pow(16)).unwrap_or(Amount::ONE);
                let reference = Reference::new("").map_err(|error| Failure::argument("reference", error))?;
                let legs = LegsBuf::new(&[Leg { to: name(*to)?, amount, reference }])
                    .map_err(|error| Failure::argument("legs", error))?;
                let transaction = Transaction {
                    chain_id,
                    sender: name(*from)?,
                    nonce: *nonce,
                    last_valid_height: load.transfers,
                    fee: Amount::ZERO,
                    op: Op::Transfer(Transfer { asset, legs: legs.get() }),
                };
                let signed = sign(key, &transaction, &mut buffer)?;
                bytes.extend_from_slice(&(signed.len() as u32).to_le_bytes());
                bytes.extend_from_slice(signed);
            }
        }
        Ok(bytes)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for part in numbered.chunks(threads * 128 * BATCH) {
        let signed = std::thread::scope(|scope| {
            let threads: Vec<_> =
                part.chunks(128 * BATCH).map(|part| scope.spawn(|| sign_part(part))).collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for bytes in signed {
            let bytes = bytes.map_err(|_| Failure::input(OUTPUT_FILE, "a thread ended early"))??;
            out.write_all(&bytes).map_err(unwritable(&path))?;
        }
    }
    out.flush().map_err(unwritable(&path))
}

/// The greatest resident memory of this process since the last call of [`reset_peak`], in bytes.
pub fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1_024)
}

/// Forgets the peak so far.
pub fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The root that a whole file of transfers leads to depends on nothing but the load: shown to compare machines.
pub fn short(root: &Hash) -> String {
    root.to_string().chars().take(16).collect()
}
