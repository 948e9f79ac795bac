//! `qenex device policy`: policies as JSON files, which people write.

use std::path::Path;
use std::str::FromStr;

use qenex_core::codec::{self, Encoded};
use qenex_core::crypto::{Hash, KeyHash};
use qenex_core::error::{Coded, INPUT_VALUE};
use qenex_core::hsm::proto::{Command, Index, SetPolicy};
use qenex_core::num::Amount;
use qenex_core::policy::{self, AssetRule, Hours, OpKind, OpSet, Policy, Sorted, Window};
use qenex_core::tx::KycLevel;
use qenex_device::DeviceError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::session::login;
use crate::args;
use crate::files;
use crate::output::{Failure, Output};

/// A policy as a file. Amounts are decimals in quotes, times of the day are HH:MM in UTC.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    account: String,
    operations: Vec<String>,
    #[serde(default)]
    without_witness: Vec<String>,
    max_fee: String,
    max_validity_blocks: u64,
    assets: Vec<AssetFile>,
    #[serde(default)]
    receivers: Option<Vec<String>>,
    #[serde(default)]
    min_receiver_kyc: Option<String>,
    #[serde(default)]
    pools: Option<Vec<String>>,
    #[serde(default)]
    max_price_impact_bps: Option<u16>,
    #[serde(default)]
    max_slippage_bps: Option<u16>,
    #[serde(default)]
    hours: Option<HoursFile>,
    #[serde(default)]
    approvals: Option<ApprovalsFile>,
    #[serde(default)]
    delay_ms: u64,
    #[serde(default)]
    max_risk: Option<u16>,
    #[serde(default)]
    confirm: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AssetFile {
    asset: String,
    max_per_transaction: String,
    #[serde(default)]
    window: Option<WindowFile>,
    #[serde(default)]
    min_after: Option<String>,
    #[serde(default)]
    approve_above: Option<String>,
    #[serde(default)]
    delay_above: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowFile {
    span_ms: u64,
    max: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoursFile {
    from: String,
    until: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalsFile {
    threshold: u8,
    approvers: Vec<String>,
    #[serde(default)]
    always: Vec<String>,
}

/// The longest encoding of a policy, in bytes.
const LONGEST: usize = <Policy<'_> as Encoded>::MAX_LEN;

/// Room for a list of a policy.
type Room = [u8; LONGEST];

pub fn run(args: args::Policy, output: &Output) -> Result<(), Failure> {
    match args {
        args::Policy::Set { session, slot, file } => {
            let policy = read(&file)?;
            login(&session)?.ask(Command::SetPolicy, &SetPolicy { slot, policy: &policy })?;
            output.line(format_args!("slot {slot} has the policy of {}", file.display()));
            output.result(&json!({ "slot": slot, "bytes": policy.len() }));
            Ok(())
        }
        args::Policy::Show { session, slot } => {
            let bytes = login(&session)?.ask(Command::GetPolicy, &Index { index: slot })?;
            let policy = Policy::decode(&bytes).map_err(|_| DeviceError::Message)?;
            let value = serde_json::to_value(PolicyFile::of(&policy))
                .map_err(|error| Failure::input(INPUT_VALUE, error))?;
            output.line(format_args!("{value:#}"));
            output.result(&value);
            Ok(())
        }
    }
}

/// The policy's encoding.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let text = files::read_text(file)?;
    let wrong = |detail: String| Failure::input(INPUT_VALUE, format_args!("{}: {detail}", file.display()));
    let parsed: PolicyFile = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let mut rooms = [[0; LONGEST]; 4];
    let policy = parsed.policy(&mut rooms).map_err(wrong)?;
    policy.check().map_err(|error| Failure::input(error.code(), file.display()))?;
    let mut buffer = [0; LONGEST];
    Ok(codec::encode(&policy, &mut buffer)?.to_vec())
}

/// A value of a field.
fn parse<T: FromStr>(field: &str, text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| format!("{field}: \"{text}\": {error}"))
}

fn parse_some<T: FromStr>(field: &str, text: &Option<String>) -> Result<Option<T>, String>
where
    T::Err: std::fmt::Display,
{
    text.as_deref().map(|text| parse(field, text)).transpose()
}

/// A list in any order.
fn sorted<'r, T: Ord + Copy + Serialize + DeserializeOwned, const N: usize>(
    field: &str,
    items: impl Iterator<Item = Result<T, String>>,
    room: &'r mut Room,
) -> Result<Sorted<'r, T, N>, String> {
    let mut items: Vec<T> = items.collect::<Result<_, _>>()?;
    items.sort();
    Sorted::new(items, room).map_err(|error| format!("{field}: {error}"))
}

fn parse_list<'r, T: Ord + Copy + Serialize + DeserializeOwned + FromStr, const N: usize>(
    field: &str,
    list: &Option<Vec<String>>,
    room: &'r mut Room,
) -> Result<Option<Sorted<'r, T, N>>, String>
where
    T::Err: std::fmt::Display,
{
    list.as_ref().map(|list| sorted(field, list.iter().map(|text| parse(field, text)), room)).transpose()
}

fn operations(field: &str, names: &[String]) -> Result<OpSet, String> {
    let known = || OpKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let kinds: Result<Vec<OpKind>, String> = names
        .iter()
        .map(|name| {
            let kind = OpKind::ALL.iter().find(|kind| kind.as_str() == name).copied();
            kind.ok_or_else(|| format!("{field}: \"{name}\": one of {} was expected", known()))
        })
        .collect();
    Ok(OpSet::of(&kinds?))
}

fn names(set: OpSet) -> Vec<String> {
    OpKind::ALL.iter().filter(|kind| set.contains(**kind)).map(|kind| kind.to_string()).collect()
}

fn minute(field: &str, text: &str) -> Result<u16, String> {
    let parts = text.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
    });
    parts.ok_or_else(|| format!("{field}: \"{text}\": a time of the day as 09:30 was expected"))
}

impl PolicyFile {
    fn policy<'r>(&self, rooms: &'r mut [Room; 4]) -> Result<Policy<'r>, String> {
        let [assets, receivers, pools, approvers] = rooms;
        let kyc = match &self.min_receiver_kyc {
            None => KycLevel::None,
            Some(name) => *KycLevel::ALL.iter().find(|level| level.as_str() == name).ok_or_else(|| {
                format!("min_receiver_kyc: \"{name}\": none, basic, verified or enhanced was expected")
            })?,
        };
        let hours = self.hours.as_ref().map(|hours| {
            Ok::<_, String>(Hours {
                from_minute: minute("hours.from", &hours.from)?,
                until_minute: minute("hours.until", &hours.until)?,
            })
        });
        let approvals = self.approvals.as_ref().map(|approvals| {
            let approver = |text: &String| {
                let hash = Hash::from_hex(text);
                hash.map(KeyHash)
                    .ok_or_else(|| format!("approvals.approvers: \"{text}\": a key hash was expected"))
            };
            Ok::<_, String>(policy::Approvals {
                threshold: approvals.threshold,
                approvers: sorted(
                    "approvals.approvers",
                    approvals.approvers.iter().map(approver),
                    approvers,
                )?,
                always: operations("approvals.always", &approvals.always)?,
            })
        });
        Ok(Policy {
            account: parse("account", &self.account)?,
            operations: operations("operations", &self.operations)?,
            without_witness: operations("without_witness", &self.without_witness)?,
            max_fee: parse("max_fee", &self.max_fee)?,
            max_validity_blocks: self.max_validity_blocks,
            assets: sorted("assets", self.assets.iter().map(AssetFile::rule), assets)?,
            receivers: parse_list("receivers", &self.receivers, receivers)?,
            min_receiver_kyc: kyc,
            pools: parse_list("pools", &self.pools, pools)?,
            max_price_impact_bps: self.max_price_impact_bps,
            max_slippage_bps: self.max_slippage_bps,
            hours: hours.transpose()?,
            approvals: approvals.transpose()?,
            delay_ms: self.delay_ms,
            max_risk: self.max_risk,
            confirm: self.confirm,
        })
    }

    fn of(policy: &Policy<'_>) -> Self {
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self {
            account: policy.account.to_string(),
            operations: names(policy.operations),
            without_witness: names(policy.without_witness),
            max_fee: policy.max_fee.to_string(),
            max_validity_blocks: policy.max_validity_blocks,
            assets: policy.assets.iter().map(|rule| AssetFile::of(&rule)).collect(),
            receivers: policy.receivers.map(|ids| ids.iter().map(|id| id.to_string()).collect()),
            min_receiver_kyc: Some(policy.min_receiver_kyc.to_string()),
            pools: policy.pools.map(|ids| ids.iter().map(|id| id.to_string()).collect()),
            max_price_impact_bps: policy.max_price_impact_bps,
            max_slippage_bps: policy.max_slippage_bps,
            hours: policy
                .hours
                .map(|hours| HoursFile { from: time(hours.from_minute), until: time(hours.until_minute) }),
            approvals: policy.approvals.map(|approvals| ApprovalsFile {
                threshold: approvals.threshold,
                approvers: approvals.approvers.iter().map(|hash| hash.to_string()).collect(),
                always: names(approvals.always),
            }),
            delay_ms: policy.delay_ms,
            max_risk: policy.max_risk,
            confirm: policy.confirm,
        }
    }
}

impl AssetFile {
    fn rule(&self) -> Result<AssetRule, String> {
        let window = self.window.as_ref().map(|window| {
            Ok::<_, String>(Window { span_ms: window.span_ms, max: parse("assets.window.max", &window.max)? })
        });
        Ok(AssetRule {
            asset: parse("assets.asset", &self.asset)?,
            max_per_transaction: parse("assets.max_per_transaction", &self.max_per_transaction)?,
            window: window.transpose()?,
            min_after: parse_some("assets.min_after", &self.min_after)?.unwrap_or(Amount::ZERO),
            approve_above: parse_some("assets.approve_above", &self.approve_above)?,
            delay_above: parse_some("assets.delay_above", &self.delay_above)?,
        })
    }

    fn of(rule: &AssetRule) -> Self {
        Self {
            asset: rule.asset.to_string(),
            max_per_transaction: rule.max_per_transaction.to_string(),
            window: rule
                .window
                .map(|window| WindowFile { span_ms: window.span_ms, max: window.max.to_string() }),
            min_after: Some(rule.min_after.to_string()),
            approve_above: rule.approve_above.map(|amount| amount.to_string()),
            delay_above: rule.delay_above.map(|amount| amount.to_string()),
        }
    }
}
