//! `qenex demo`: the ledger at work, told step by step.
//!
//! The first half runs in a process of its own, which is killed while it holds a block that is executed but not
//! committed. The second half opens the store that is left, and goes on. Times and keys are fixed, so every run ends with the
//! same state root.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use qenex_core::error::CHECK_FAILED;
use qenex_core::id::{AccountId, AssetId, ChainId, NATIVE_ASSET, PoolId, Reference};
use qenex_core::ledger::{Record, RecordId};
use qenex_core::num::Amount;
use qenex_core::tx::{
    AccountKind, AddLiquidity, AuthorityBuf, CreateAccount, CreateAsset, CreatePool, Issue, KycLevel, Leg,
    LegsBuf, Op, SetFrozen, SwapExactIn, SwapExactOut, Transfer,
};
use qenex_node::genesis::{Genesis, GenesisAccount};
use qenex_node::node::{Node, NodeConfig, Recovery};
use qenex_store::RealDisk;
use serde_json::json;

use super::{proof, show};
use crate::args::Demo;
use crate::files::{make_room, unwritable};
use crate::keys;
use crate::local::Local;
use crate::output::{Failure, Output};

/// The public label of the demonstration's keys.
const LABEL: &str = "qenex-demo";

/// 1 January 2026, in milliseconds since the Unix epoch.
const START_MS: u64 = 1_767_225_600_000;

/// In a directory that a demonstration may replace.
const MARKER: &str = "demonstration";

/// What the first half says when it is ready to be killed.
const READY: &str = "ready-to-crash";

pub fn run(args: &Demo, output: &Output) -> Result<(), Failure> {
    if args.until_crash {
        return first_half(&args.data);
    }
    make_room(&args.data, MARKER)?;
    output.line(format_args!("A ledger in {}, by a process that is going to crash", args.data.display()));
    let killed_at = run_first_half(&args.data, output)?;
    second_half(&args.data, killed_at, output)
}

/// Starts the first half, repeats what it says, and kills it. Returns the height that it had committed.
fn run_first_half(data: &Path, output: &Output) -> Result<u64, Failure> {
    let program = std::env::current_exe().map_err(unwritable(data))?;
    let mut child = Command::new(program)
        .args(["demo", "--until-crash", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(unwritable(data))?;
    let mut height = None;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(unwritable(data))?;
            if let Some(text) = line.strip_prefix(READY) {
                height = text.trim().parse().ok();
                break;
            }
            output.line(line);
        }
    }
    // SIGKILL: nothing in the process runs any more.
    child.kill().map_err(unwritable(data))?;
    child.wait().map_err(unwritable(data))?;
    height.ok_or_else(|| {
        Failure::refused(CHECK_FAILED, "the first half of the demonstration did not get to its end")
    })
}

/// The actors.
struct Actors {
    system: AccountId,
    treasury: AccountId,
    bank: AccountId,
    alice: AccountId,
    bob: AccountId,
    eth: AssetId,
    usdc: AssetId,
    pool: PoolId,
}

fn text<T: std::str::FromStr>(text: &str) -> Result<T, Failure>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| Failure::argument(text, error))
}

impl Actors {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            system: text("SYSTEM")?,
            treasury: text("TREASURY")?,
            bank: text("BANK_001")?,
            alice: text("ACC000001")?,
            bob: text("ACC000002")?,
            eth: text("ETH")?,
            usdc: text("USDC")?,
            pool: text("ETH-USDC")?,
        })
    }
}

fn authority(account: AccountId) -> Result<AuthorityBuf, Failure> {
    let key = keys::from_seed(&keys::label_seed(LABEL, account.as_str()))?;
    Ok(AuthorityBuf::single(keys::key_ref(&key)))
}

/// A ledger that tells what it does.
struct Story<'o> {
    local: Local,
    output: &'o Output,
    step: u32,
}

impl Story<'_> {
    fn tell(&mut self, what: impl std::fmt::Display) {
        self.step += 1;
        self.output.line(format_args!("{:>3}  {what}", self.step));
    }

    fn now(&self) -> u64 {
        self.local.node.chain().tip().time_ms + 1_000
    }

    fn sign(&self, sender: AccountId, ahead: u64, fee: &str, op: Op<'_>) -> Result<Vec<u8>, Failure> {
        let mut transaction = self.local.transaction(sender, text(fee)?, op);
        transaction.nonce += ahead;
        let key = keys::from_seed(&keys::label_seed(LABEL, sender.as_str()))?;
        keys::sign(&transaction, &[&key])
    }

    /// One block of these operations; several of one sender follow each other.
    fn block(&mut self, what: &str, ops: Vec<(AccountId, &str, Op<'_>)>) -> Result<(), Failure> {
        let mut senders: Vec<AccountId> = Vec::new();
        for (sender, fee, op) in ops {
            let ahead = senders.iter().filter(|earlier| **earlier == sender).count() as u64;
            senders.push(sender);
            let signed = self.sign(sender, ahead, fee, op)?;
            self.local.submit(&signed)?;
        }
        let time_ms = self.now();
        let produced = self.local.produce(time_ms)?;
        if let Some((_, refusal)) = produced.refused.first() {
            return Err((*refusal).into());
        }
        let fees = produced
            .receipts
            .iter()
            .try_fold(Amount::ZERO, |sum, (_, receipt)| sum.checked_add(receipt.fee))
            .unwrap_or(Amount::MAX);
        let count = produced.receipts.len();
        let root = produced.state_root.to_string();
        self.tell(format_args!(
            "block {}: {count} signed, fees {fees} {NATIVE_ASSET}, root {}: {what}",
            produced.height,
            short(&root)
        ));
        for (_, receipt) in &produced.receipts {
            if !matches!(receipt.outcome, qenex_core::ledger::Outcome::Done) {
                self.output.line(format_args!("       {}", show::outcome(&receipt.outcome)));
            }
        }
        Ok(())
    }
}

fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

/// A transfer before it is an operation.
struct Payment {
    asset: AssetId,
    legs: LegsBuf,
}

impl Payment {
    fn op(&self) -> Op<'_> {
        Op::Transfer(Transfer { asset: self.asset, legs: self.legs.get() })
    }
}

fn transfer(asset: AssetId, legs: &[(AccountId, &str, &str)]) -> Result<Payment, Failure> {
    let legs: Vec<Leg> = legs
        .iter()
        .map(|(to, amount, reference)| {
            Ok(Leg { to: *to, amount: text(amount)?, reference: text::<Reference>(reference)? })
        })
        .collect::<Result<_, Failure>>()?;
    let legs = LegsBuf::new(&legs).map_err(|error| Failure::argument("legs", error))?;
    Ok(Payment { asset, legs })
}

/// An account before it is opened.
struct Opening {
    account: AccountId,
    kind: AccountKind,
    authority: AuthorityBuf,
}

impl Opening {
    fn op(&self) -> Op<'_> {
        let (account, kind, kyc) = (self.account, self.kind, KycLevel::Verified);
        Op::CreateAccount(CreateAccount { account, kind, kyc, authority: self.authority.get() })
    }
}

fn create(account: AccountId, kind: AccountKind) -> Result<Opening, Failure> {
    Ok(Opening { account, kind, authority: authority(account)? })
}

fn first_half(data: &Path) -> Result<(), Failure> {
    let output = Output { json: false };
    let Actors { system, treasury, bank, alice, bob, eth, usdc, pool } = Actors::new()?;
    let genesis = Genesis {
        chain_id: text::<ChainId>("QENEX-DEMO")?,
        time_ms: START_MS,
        assets: vec![(NATIVE_ASSET, system)],
        accounts: vec![GenesisAccount {
            id: system,
            kind: AccountKind::System,
            kyc: KycLevel::Enhanced,
            authority: authority(system)?,
            balances: vec![(NATIVE_ASSET, text("1000000")?)],
        }],
        staking: None,
        work: None,
    };
    let node = Node::create(RealDisk::open(data)?, &genesis, NodeConfig::default())?;
    let root = node.chain().tip().state_root.to_string();
    let mut story = Story { local: Local::over(node, Recovery::default()), output: &output, step: 0 };
    story.tell(format_args!("genesis: SYSTEM with 1000000 {NATIVE_ASSET}, root {}", short(&root)));
    story.block(
        "SYSTEM opens TREASURY (government) and BANK_001 (institution)",
        vec![
            (system, "0.01", create(treasury, AccountKind::Government)?.op()),
            (system, "0.01", create(bank, AccountKind::Institution)?.op()),
            (
                system,
                "0.01",
                transfer(NATIVE_ASSET, &[(bank, "1000", "for fees"), (treasury, "10", "for fees")])?.op(),
            ),
        ],
    )?;
    story.block(
        "BANK_001 opens ACC000001 and ACC000002 (individuals)",
        vec![
            (bank, "0.01", create(alice, AccountKind::Individual)?.op()),
            (bank, "0.01", create(bob, AccountKind::Individual)?.op()),
            (bank, "0.01", transfer(NATIVE_ASSET, &[(alice, "5", "for fees"), (bob, "5", "for fees")])?.op()),
        ],
    )?;
    let asset = |asset| -> Result<Op<'_>, Failure> {
        Ok(Op::CreateAsset(CreateAsset { asset, max_supply: text("1000000000")? }))
    };
    let issue = |asset, amount| -> Result<Op<'_>, Failure> {
        Ok(Op::Issue(Issue { asset, to: bank, amount: text(amount)? }))
    };
    story.block(
        "BANK_001 creates USDC and ETH and issues 50000 and 20",
        vec![
            (bank, "0.01", asset(usdc)?),
            (bank, "0.01", asset(eth)?),
            (bank, "0.01", issue(usdc, "50000")?),
            (bank, "0.01", issue(eth, "20")?),
        ],
    )?;
    let deposit = AddLiquidity {
        pool,
        asset_a: eth,
        asset_b: usdc,
        max_a: text("5")?,
        max_b: text("10000")?,
        min_shares: Amount::ZERO,
        deadline_ms: None,
    };
    story.block(
        "BANK_001 creates the pool ETH-USDC, fee 0.30%, and fills it",
        vec![
            (bank, "0.01", Op::CreatePool(CreatePool { pool, asset_a: eth, asset_b: usdc, fee_bps: 30 })),
            (bank, "0.01", Op::AddLiquidity(deposit)),
        ],
    )?;
    story.block(
        "BANK_001 pays ACC000001 and ACC000002 in one transfer; ACC000001 pays ACC000002",
        vec![
            (
                bank,
                "0.01",
                transfer(usdc, &[(alice, "3000", "salary 11/2026"), (bob, "2000.50", "salary 11/2026")])?
                    .op(),
            ),
            (alice, "0.002", transfer(usdc, &[(bob, "123.456789", "rent")])?.op()),
        ],
    )?;
    let swap = SwapExactIn {
        pool,
        asset_in: usdc,
        asset_out: eth,
        amount_in: text("1000")?,
        min_out: text("0.45")?,
        max_price_impact_bps: Some(1_000),
        deadline_ms: Some(START_MS + 60_000),
    };
    story.block(
        "ACC000001 swaps 1000 USDC, at least 0.45 ETH, at most 10% price impact",
        vec![(alice, "0.002", Op::SwapExactIn(swap))],
    )?;
    let signed = story.sign(bob, 0, "0.002", transfer(usdc, &[(alice, "500", "lost in the crash")])?.op())?;
    story.local.submit(&signed)?;
    let time_ms = story.now();
    story.local.execute_only(time_ms)?;
    let height = story.local.node.chain().tip().height;
    story.tell(format_args!("block {} is executed and not committed; now the process is killed", height + 1));
    output.line(format_args!("{READY} {height}"));
    // The end comes from outside.
    loop {
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}

fn second_half(data: &Path, killed_at: u64, output: &Output) -> Result<(), Failure> {
    let Actors { treasury, alice, bob, eth, usdc, pool, bank, .. } = Actors::new()?;
    let local = Local::open(data)?;
    let recovery = local.recovery.clone();
    let height = local.node.chain().tip().height;
    if height != killed_at {
        let detail = format!("block {killed_at} was committed, the store ends at {height}");
        return Err(Failure::refused(CHECK_FAILED, detail));
    }
    let root = local.node.chain().tip().state_root.to_string();
    let mut story = Story { local, output, step: height as u32 + 2 };
    story.tell(format_args!(
        "opened again in {:.1} ms: checkpoint at height {}, {} blocks with {} transactions executed again",
        recovery.elapsed.as_secs_f64() * 1e3,
        recovery.checkpoint_height,
        recovery.blocks,
        recovery.transactions
    ));
    story.tell(format_args!("nothing committed is lost: height {height}, root {}", short(&root)));
    let swap = SwapExactOut {
        pool,
        asset_in: eth,
        asset_out: usdc,
        amount_out: text("200")?,
        max_in: text("0.1")?,
        max_price_impact_bps: None,
        deadline_ms: None,
    };
    story.block(
        "ACC000001 swaps ETH for exactly 200 USDC; ACC000002 pays the bank",
        vec![
            (alice, "0.002", Op::SwapExactOut(swap)),
            (bob, "0.002", transfer(usdc, &[(bank, "7.77", "card")])?.op()),
        ],
    )?;
    story.block(
        "TREASURY freezes ACC000002",
        vec![(treasury, "0.01", Op::SetFrozen(SetFrozen { account: bob, frozen: true }))],
    )?;
    let signed = story.sign(bob, 0, "0", transfer(usdc, &[(alice, "500", "too late")])?.op())?;
    story.local.submit(&signed)?;
    let time_ms = story.now();
    let produced = story.local.produce(time_ms)?;
    match produced.refused.first() {
        Some((_, refusal)) => story.tell(format_args!("a transfer of ACC000002 is refused: {refusal}")),
        None => return Err(Failure::refused(CHECK_FAILED, "a frozen account could send")),
    }
    story.local.node.checkpoint()?;

    let chain = story.local.node.chain();
    let ids = [RecordId::Balance(alice, usdc), RecordId::Balance(alice, eth), RecordId::Balance(bob, eth)];
    let made = proof::make(chain, &ids)?;
    let root = chain.tip().state_root;
    let lines = proof::check(&made, &root)?;
    let bytes = made["proof"].as_str().map_or(0, |hex| hex.len() / 2);
    let (height, records) = (chain.tip().height, chain.records().len());
    let supply = match chain.record(&RecordId::Asset(usdc)) {
        Ok(Some(Record::Asset(asset))) => asset.supply,
        _ => Amount::ZERO,
    };
    story.tell(format_args!("one proof of {bytes} bytes, checked by the core against the root alone:"));
    for line in &lines {
        output.line(format_args!("       {line}"));
    }
    output.line(format_args!("\nheight {height}, {records} records, {supply} USDC in circulation"));
    output.line(format_args!("state root {root}\n"));
    let show = data.display();
    output.line("Go on with:");
    for command in [
        format!("account show ACC000001 --data {show}"),
        format!(
            "send --data {show} --label {LABEL} --from ACC000001 --asset USDC --to BANK_001=25 --reference coffee"
        ),
        format!(
            "swap --data {show} --label {LABEL} --from ACC000001 --pool ETH-USDC --give USDC --amount-in 100"
        ),
        format!("history ACC000001 --data {show}"),
        format!("proof make ACC000001 --asset USDC --data {show} --out proof.json"),
        "proof verify proof.json".to_string(),
        format!("check --data {show}"),
        "quote constant-product --reserve-in 10000 --reserve-out 5 --amount-in 1000 --fee-bps 30".to_string(),
    ] {
        output.line(format_args!("  cargo run --release -- {command}"));
    }
    output.result(&json!({
        "data": data.display().to_string(),
        "height": height,
        "records": records,
        "state_root": root.to_string(),
        "recovery": {
            "checkpoint_height": recovery.checkpoint_height,
            "blocks": recovery.blocks,
            "transactions": recovery.transactions,
            "milliseconds": recovery.elapsed.as_secs_f64() * 1e3,
        },
        "proven": lines,
        "proof": made,
    }));
    Ok(())
}
