//! A small world of accounts whose transactions are signed and random.
#![allow(dead_code, reason = "each test uses its part")]

use qenex_core::crypto::{Hash, Purpose, Scheme};
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId, Reference};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AddLiquidity, AuthorityBuf, CreatePool, KeyRef, KycLevel, Leg, LegsBuf, MAX_SIGNED_LEN, Op,
    Signature, SwapExactIn, Transaction, Transfer, encode_signed,
};
use qenex_node::block::Batch;
use qenex_node::chain::Chain;
use qenex_node::genesis::{Genesis, GenesisAccount};
use qenex_node::prepare::{Signatures, prepare};
use qenex_signatures::LoadSigner;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// The seed of this run, from `QENEX_SEED` or fixed; printed, so that a failure can be run again.
pub fn seed() -> u64 {
    let seed = std::env::var("QENEX_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_120);
    println!("QENEX_SEED={seed}");
    seed
}

/// How many cases to run: `few` in CI, or what `QENEX_CASES` says.
pub fn cases(few: u64) -> u64 {
    std::env::var("QENEX_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

pub struct World {
    pub genesis: Genesis,
    pub random: ChaCha8Rng,
    signers: Vec<LoadSigner>,
    nonces: Vec<u64>,
}

pub fn usd() -> AssetId {
    AssetId::new("USD").unwrap()
}

pub fn pool() -> PoolId {
    PoolId::new("QNX-USD").unwrap()
}

pub fn name(number: usize) -> AccountId {
    AccountId::new(&format!("A{number}")).unwrap()
}

impl World {
    /// `accounts` accounts with QNX and USD; the first is the system's and proposes.
    pub fn new(accounts: usize, seed: u64) -> Self {
        let signers: Vec<LoadSigner> = (0..accounts)
            .map(|number| {
                let mut bytes = [7; 32];
                bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
                LoadSigner::from_seed(&bytes).unwrap()
            })
            .collect();
        let accounts = signers
            .iter()
            .enumerate()
            .map(|(number, signer)| GenesisAccount {
                id: name(number),
                kind: if number == 0 { AccountKind::System } else { AccountKind::Individual },
                kyc: KycLevel::None,
                authority: AuthorityBuf::single(KeyRef {
                    scheme: Scheme::Ed25519,
                    hash: signer.key_hash(Purpose::Transaction),
                }),
                balances: vec![(NATIVE_ASSET, Amount::from_whole(1_000)), (usd(), Amount::from_whole(1_000))],
            })
            .collect();
        let genesis = Genesis {
            chain_id: ChainId::new("TEST").unwrap(),
            time_ms: 1_000,
            assets: vec![(NATIVE_ASSET, name(0)), (usd(), name(0))],
            accounts,
            staking: None,
            work: None,
        };
        let nonces = vec![0; signers.len()];
        Self { genesis, random: ChaCha8Rng::seed_from_u64(seed), signers, nonces }
    }

    pub fn sign(&self, sender: usize, nonce: u64, fee: Amount, op: Op<'_>) -> Vec<u8> {
        let transaction = Transaction {
            chain_id: self.genesis.chain_id,
            sender: name(sender),
            nonce,
            last_valid_height: u64::MAX,
            fee,
            op,
        };
        let signer = &self.signers[sender];
        let signature = signer.sign(Purpose::Transaction, &transaction.id());
        let public_key = signer.public_key();
        let signature = Signature { scheme: Scheme::Ed25519, public_key: &public_key, signature: &signature };
        encode_signed(&transaction, &[signature], &mut [0; MAX_SIGNED_LEN]).unwrap().to_vec()
    }

    /// The next transaction of `sender`, counting it as sent.
    pub fn send(&mut self, sender: usize, fee: u64, op: Op<'_>) -> Vec<u8> {
        let nonce = self.nonces[sender];
        self.nonces[sender] += 1;
        self.sign(sender, nonce, Amount::from_units(fee.into()).unwrap(), op)
    }

    fn receiver(to: usize, units: u64) -> LegsBuf {
        let amount = Amount::from_units(units.into()).unwrap();
        LegsBuf::new(&[Leg { to: name(to), amount, reference: Reference::new("").unwrap() }]).unwrap()
    }

    /// Transactions that make the pool.
    pub fn pool_batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        let create = CreatePool { pool: pool(), asset_a: NATIVE_ASSET, asset_b: usd(), fee_bps: 30 };
        batch.push(&self.send(0, 1, Op::CreatePool(create)));
        let add = AddLiquidity {
            pool: pool(),
            asset_a: NATIVE_ASSET,
            asset_b: usd(),
            max_a: Amount::from_whole(100),
            max_b: Amount::from_whole(300),
            min_shares: Amount::ZERO,
            deadline_ms: None,
        };
        batch.push(&self.send(0, 1, Op::AddLiquidity(add)));
        batch
    }

    /// Random transfers and swaps, all of which are accepted: amounts are far below what anybody has.
    pub fn batch(&mut self, count: usize) -> Batch {
        let mut batch = Batch::default();
        for _ in 0..count {
            let sender = self.random.random_range(0..self.signers.len());
            let to = (sender + self.random.random_range(1..self.signers.len())) % self.signers.len();
            let units = self.random.random_range(1..1_000_000_000);
            let legs = Self::receiver(to, units);
            let op = if self.random.random_range(0..4) == 0 {
                let (asset_in, asset_out) =
                    if self.random.random() { (NATIVE_ASSET, usd()) } else { (usd(), NATIVE_ASSET) };
                Op::SwapExactIn(SwapExactIn {
                    pool: pool(),
                    asset_in,
                    asset_out,
                    amount_in: Amount::from_units(u128::from(units) + 1_000).unwrap(),
                    min_out: Amount::ZERO,
                    max_price_impact_bps: None,
                    deadline_ms: None,
                })
            } else {
                let asset = if self.random.random() { usd() } else { NATIVE_ASSET };
                Op::Transfer(Transfer { asset, legs: legs.get() })
            };
            let fee = self.random.random_range(0..100);
            let signed = self.send(sender, fee, op);
            batch.push(&signed);
        }
        batch
    }
}

/// Makes a block of these over the newest final one, and keeps it as pending.
pub fn execute(chain: &mut Chain, batch: Batch, time_ms: u64) -> Hash {
    let prepared = prepare(batch, Signatures::Committed);
    let mut execution = chain.begin(chain.tip_id(), time_ms, 0).unwrap();
    for index in 0..prepared.len() {
        execution.push(&prepared, index).unwrap();
    }
    let executed = execution.finish(name(0)).unwrap();
    chain.seal(executed).unwrap()
}
