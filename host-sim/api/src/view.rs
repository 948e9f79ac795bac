//! How things of the ledger are shown. Amounts are decimal texts, hashes and bytes hexadecimal digits, times milliseconds since the beginning of 1970.

use qenex_core::amm::Direction;
use qenex_core::codec::{self, Encoded};
use qenex_core::consensus::Header;
use qenex_core::crypto::Hash;
use qenex_core::id::{AccountId, AssetId, PoolId};
use qenex_core::ledger::{self, RecordId};
use qenex_core::num::Amount;
use qenex_core::policy::OpKind;
use qenex_core::tx::{SignedTransaction, Summary, Transaction};
use qenex_node::block::Block;
use qenex_node::chain::Chain;
use serde::Serialize;
use utoipa::ToSchema;

/// Where a chain is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Status {
    /// The chain.
    pub chain_id: String,
    /// The height of the newest block.
    pub height: u64,
    /// Its epoch.
    pub epoch: u64,
    /// Its view.
    pub view: u64,
    /// Its time.
    pub time_ms: u64,
    /// Its id.
    pub id: String,
    /// The root of the state after it.
    pub state_root: String,
    /// Who proposed it.
    pub proposer: String,
    /// How many transactions wait.
    pub waiting: usize,
    /// How many may wait.
    pub room: usize,
    /// The first block that the node keeps, where validators decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_height: Option<u64>,
    /// Where work decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mining: Option<WorkStatus>,
}

/// Where a chain is on which work decides.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkStatus {
    /// The height of the newest block that is final.
    pub final_height: u64,
    /// The work in the chain.
    pub work: String,
    /// How many hashes the next block takes.
    pub hashes_per_block: u64,
    /// How many blocks are not final.
    pub pending: usize,
    /// How many threads of this node mine.
    pub mining_threads: usize,
    /// How fast.
    pub hashes_per_second: u64,
}

impl Status {
    /// What the newest header says.
    pub fn new(tip: &Header, waiting: usize, room: usize) -> Self {
        Self {
            chain_id: tip.chain_id.to_string(),
            height: tip.height,
            epoch: tip.epoch,
            view: tip.view,
            time_ms: tip.time_ms,
            id: tip.id().to_string(),
            state_root: tip.state_root.to_string(),
            proposer: tip.proposer.to_string(),
            waiting,
            room,
            first_height: None,
            mining: None,
        }
    }
}

/// How far an answer is confirmed. Where validators decide, everything that is shown is final.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct Confirmed {
    /// By how many blocks, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmations: Option<u64>,
    /// Whether it is final.
    #[serde(rename = "final", skip_serializing_if = "Option::is_none")]
    pub is_final: Option<bool>,
}

/// A transaction that waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Submitted {
    /// Its id.
    pub id: String,
}

/// What became of several transactions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SubmittedAll {
    /// How many wait.
    pub accepted: usize,
    /// The others.
    pub refused: Vec<RefusedOne>,
}

/// One that was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RefusedOne {
    /// Its place.
    pub index: usize,
    /// Why: the number of a row in the table of codes.
    pub code: u16,
    /// The name of the row.
    pub name: &'static str,
}

/// An account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// What it is.
    pub kind: &'static str,
    /// Whether it may act.
    pub status: &'static str,
    /// How well its holder is known.
    pub kyc: &'static str,
    /// How many transactions it has sent.
    pub nonce: u64,
    /// How many of its keys must sign.
    pub threshold: u8,
    /// Its keys.
    pub keys: Vec<Key>,
    /// How far this is confirmed.
    #[serde(flatten)]
    pub confirmed: Confirmed,
}

/// A key of an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Key {
    /// How it signs.
    pub scheme: String,
    /// The hash of scheme, purpose and public key.
    pub hash: String,
}

impl Account {
    /// An account of the ledger.
    pub fn new(id: AccountId, account: &ledger::Account<'_>, confirmed: Confirmed) -> Self {
        let key =
            |key: qenex_core::tx::KeyRef| Key { scheme: key.scheme.to_string(), hash: key.hash.to_string() };
        Self {
            id: id.to_string(),
            kind: account.kind.as_str(),
            status: account.status.as_str(),
            kyc: account.kyc.as_str(),
            nonce: account.nonce,
            threshold: account.authority.threshold(),
            keys: account.authority.keys().map(key).collect(),
            confirmed,
        }
    }
}

/// How much of an asset an account has.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Balance {
    /// The account.
    pub account: String,
    /// The asset.
    pub asset: String,
    /// How much.
    pub amount: String,
    /// How far this is confirmed.
    #[serde(flatten)]
    pub confirmed: Confirmed,
}

/// An asset.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Asset {
    /// Its id.
    pub id: String,
    /// Who issues it.
    pub issuer: String,
    /// How much is in circulation.
    pub supply: String,
    /// How much may ever be.
    pub max_supply: String,
    /// How far this is confirmed.
    #[serde(flatten)]
    pub confirmed: Confirmed,
}

impl Asset {
    /// An asset of the ledger.
    pub fn new(id: AssetId, asset: &ledger::Asset, confirmed: Confirmed) -> Self {
        Self {
            id: id.to_string(),
            issuer: asset.issuer.to_string(),
            supply: asset.supply.to_string(),
            max_supply: asset.max_supply.to_string(),
            confirmed,
        }
    }
}

/// A pool.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Pool {
    /// Its id.
    pub pool: String,
    /// The asset whose id comes first.
    pub asset_a: String,
    /// The asset whose id comes second.
    pub asset_b: String,
    /// How much it has of the first.
    pub reserve_a: String,
    /// How much it has of the second.
    pub reserve_b: String,
    /// How many shares there are.
    pub shares: String,
    /// What it keeps of each swap's input, in basis points.
    pub fee_bps: u16,
    /// What one of the first is worth in the second, without fee; nothing while the pool is empty.
    pub price_a_in_b: Option<String>,
    /// What one of the second is worth in the first, without fee; nothing while the pool is empty.
    pub price_b_in_a: Option<String>,
    /// How far this is confirmed.
    #[serde(flatten)]
    pub confirmed: Confirmed,
}

impl Pool {
    /// A pool of the ledger.
    pub fn new(id: PoolId, pool: &ledger::Pool, confirmed: Confirmed) -> Self {
        let reserves = &pool.reserves;
        let price = |direction| reserves.spot_price(direction).ok().map(|price| price.to_string());
        Self {
            pool: id.to_string(),
            asset_a: pool.asset_a.to_string(),
            asset_b: pool.asset_b.to_string(),
            reserve_a: reserves.a().to_string(),
            reserve_b: reserves.b().to_string(),
            shares: reserves.shares().to_string(),
            fee_bps: reserves.fee_bps(),
            price_a_in_b: price(Direction::AToB),
            price_b_in_a: price(Direction::BToA),
            confirmed,
        }
    }
}

/// What a swap would yield.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Quote {
    /// What is given.
    pub amount_in: String,
    /// What is received.
    pub amount_out: String,
    /// What of the input the pool keeps.
    pub fee: String,
    /// How far the price moves, as a ratio.
    pub price_impact: String,
}

impl Quote {
    /// A quote of the market maker.
    pub fn new(quote: &qenex_core::amm::Quote) -> Self {
        Self {
            amount_in: quote.amount_in.to_string(),
            amount_out: quote.amount_out.to_string(),
            fee: quote.fee().to_string(),
            price_impact: quote.price_impact().to_string(),
        }
    }
}

/// A block.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Block)]
pub struct BlockView {
    /// Its id.
    pub id: String,
    /// Its height.
    pub height: u64,
    /// Its epoch.
    pub epoch: u64,
    /// Its view.
    pub view: u64,
    /// Its time.
    pub time_ms: u64,
    /// The id of the block before it.
    pub parent: String,
    /// Who proposed it.
    pub proposer: String,
    /// How many transactions it holds.
    pub transactions: usize,
    /// The root of its transactions.
    pub transaction_root: String,
    /// The root of the state after it.
    pub state_root: String,
    /// The root of what its transactions yielded.
    pub receipt_root: String,
    /// The hash of the validators who decided on it.
    pub validators: String,
    /// The hash of those who decide in the next epoch.
    pub next_validators: String,
    /// How far it is confirmed.
    #[serde(flatten)]
    pub confirmed: Confirmed,
}

impl BlockView {
    /// A block of the chain.
    pub fn new(Block { header, transactions }: &Block, confirmed: Confirmed) -> Self {
        Self::of(header, transactions.len(), confirmed)
    }

    /// A block with this header and so many transactions.
    pub fn of(header: &Header, transactions: usize, confirmed: Confirmed) -> Self {
        Self {
            id: header.id().to_string(),
            height: header.height,
            epoch: header.epoch,
            view: header.view,
            time_ms: header.time_ms,
            parent: header.parent.to_string(),
            proposer: header.proposer.to_string(),
            transactions,
            transaction_root: header.transaction_root.to_string(),
            state_root: header.state_root.to_string(),
            receipt_root: header.receipt_root.to_string(),
            validators: header.validators.to_string(),
            next_validators: header.next_validators.to_string(),
            confirmed,
        }
    }
}

/// How a light client follows the end of an epoch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Checkpoint {
    /// The epoch.
    pub epoch: u64,
    /// The height of its last block.
    pub height: u64,
    /// The id of that.
    pub id: String,
    /// Its header, in canonical bytes.
    pub header: String,
    /// Its validators.
    pub members: Vec<Member>,
    /// Its certificate, if the node has it.
    pub certificate: Option<Certificate>,
}

/// A validator of an epoch.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Member {
    /// Its key of votes.
    pub vote_key: String,
    /// The hash of its key of checkpoints.
    pub finality_key: String,
    /// Its key of checkpoints, if it signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Its signature, if it signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// The votes that made a block final.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Certificate {
    /// The view of the proposal.
    pub view: u64,
    /// The view of its parent.
    pub parent_view: u64,
    /// A bit for each validator.
    pub signers: String,
    /// The signatures of those.
    pub signatures: Vec<String>,
}

/// What a state holds, and the proof of it: the same as the file of `qenex proof make`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Proof {
    /// The height of the block.
    pub height: u64,
    /// The root of the state after it.
    pub state_root: String,
    /// What the state holds.
    pub statements: Vec<Statement>,
    /// One proof of all.
    pub proof: String,
}

impl Proof {
    /// What the newest final state of a chain holds under these identifiers.
    pub fn new(chain: &Chain, ids: &[RecordId]) -> Self {
        let mut ids: Vec<(Hash, RecordId)> = ids.iter().map(|id| (id.key(), *id)).collect();
        ids.sort();
        let keys: Vec<Hash> = ids.iter().map(|(key, _)| *key).collect();
        let statement = |(key, id): &(Hash, RecordId)| {
            let mut buffer = [0; RecordId::MAX_LEN];
            // Cannot fail: the buffer has the greatest length.
            let encoded = codec::encode(id, &mut buffer).unwrap_or_default();
            let record = chain.records().get(id, key).map(hex::encode);
            Statement { id: hex::encode(encoded), record }
        };
        Self {
            height: chain.tip().height,
            state_root: chain.tip().state_root.to_string(),
            statements: ids.iter().map(statement).collect(),
            proof: hex::encode(chain.prove(&keys)),
        }
    }
}

/// What a state holds under an identifier.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Statement {
    /// The identifier, in canonical bytes.
    pub id: String,
    /// The record, in canonical bytes; nothing if there is none.
    pub record: Option<String>,
}

/// One line of what a device shows of a transaction.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SummaryLine {
    /// What it is.
    pub label: &'static str,
    /// The value.
    pub value: String,
}

/// What a device shows of a transaction before it signs.
pub fn summary(transaction: &Transaction<'_>) -> Vec<SummaryLine> {
    let line =
        |line: qenex_core::tx::Line| SummaryLine { label: line.label, value: line.value.as_str().into() };
    Summary::new(transaction).lines().map(line).collect()
}

/// What a transaction yielded.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// What it asks for.
    Done,
    /// A swap.
    Swapped {
        /// What was given.
        amount_in: String,
        /// What was received.
        amount_out: String,
    },
    /// Liquidity was added.
    Deposited {
        /// Of the first asset.
        amount_a: String,
        /// Of the second asset.
        amount_b: String,
        /// For these shares.
        shares: String,
    },
    /// Liquidity was removed.
    Withdrawn {
        /// Of the first asset.
        amount_a: String,
        /// Of the second asset.
        amount_b: String,
    },
    /// Stake was delegated.
    Delegated {
        /// For these shares.
        shares: String,
    },
    /// Stake was taken back.
    Unbonded {
        /// How much.
        amount: String,
        /// From when on it can be received.
        release_epoch: u64,
    },
    /// Stake was received.
    Released {
        /// How much.
        amount: String,
    },
    /// Stake was burned.
    Slashed {
        /// How much.
        amount: String,
    },
}

impl Outcome {
    /// An outcome of the ledger.
    pub fn new(outcome: &ledger::Outcome) -> Self {
        use ledger::Outcome as Of;
        let text = ToString::to_string;
        match outcome {
            Of::Done => Self::Done,
            Of::Swapped(a, b) => Self::Swapped { amount_in: text(a), amount_out: text(b) },
            Of::Deposited(a, b, shares) => {
                Self::Deposited { amount_a: text(a), amount_b: text(b), shares: text(shares) }
            }
            Of::Withdrawn(a, b) => Self::Withdrawn { amount_a: text(a), amount_b: text(b) },
            Of::Delegated(shares) => Self::Delegated { shares: text(shares) },
            Of::Unbonded(amount, epoch) => Self::Unbonded { amount: text(amount), release_epoch: *epoch },
            Of::Released(amount) => Self::Released { amount: text(amount) },
            Of::Slashed(amount) => Self::Slashed { amount: text(amount) },
        }
    }
}

/// A final transaction.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Transaction)]
pub struct TransactionView {
    /// The height of its block.
    pub height: u64,
    /// Its place there.
    pub place: u32,
    /// The time of its block.
    pub time_ms: u64,
    /// Its id.
    pub id: String,
    /// What it does: `transfer`, `swap-exact-in` and so on.
    pub kind: &'static str,
    /// Who sent it.
    pub sender: String,
    /// What a device shows of it.
    pub summary: Vec<SummaryLine>,
    /// What it yielded.
    pub outcome: Outcome,
    /// What its sender paid.
    pub fee: String,
}

impl TransactionView {
    /// A transaction of a block, and what it yielded; nothing if it is none.
    pub fn new(header: &Header, place: u32, signed: &[u8], receipt: &ledger::Receipt) -> Option<Self> {
        let signed = SignedTransaction::decode(signed).ok()?;
        let transaction = &signed.transaction;
        Some(Self {
            height: header.height,
            place,
            time_ms: header.time_ms,
            id: signed.id().to_string(),
            kind: OpKind::of(&transaction.op).as_str(),
            sender: transaction.sender.to_string(),
            summary: summary(transaction),
            outcome: Outcome::new(&receipt.outcome),
            fee: receipt.fee.to_string(),
        })
    }
}

/// Units of 10^-18 as a decimal text: of sums, which may be larger than any amount.
pub fn decimal(units: u128) -> String {
    const ONE: u128 = Amount::ONE.units();
    let (whole, rest) = (units / ONE, units % ONE);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = format!("{rest:018}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

impl From<Hash> for Submitted {
    fn from(id: Hash) -> Self {
        Self { id: id.to_string() }
    }
}
