//! `qenex bench chain`: validators in processes of their own on this machine, with stores and devices, and transfers from a process of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use qenex_core::error::CHECK_FAILED;
use qenex_service::testnet::{NewTestnet, create};
use serde_json::json;

use super::send::Measured;
use crate::args::{ChainLoad, Consensus};
use crate::commands::testnet::now_ms;
use crate::files::unwritable;
use crate::output::{Failure, Output};
use crate::processes::Processes;

/// The chain's folder, which goes with the value unless the caller named it.
pub struct Folder(pub PathBuf, pub bool);

impl Drop for Folder {
    fn drop(&mut self) {
        if self.1 {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Processor time that processes have taken, in seconds.
fn processor_seconds(ids: impl Iterator<Item = u32>) -> f64 {
    let ticks = ids.filter_map(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th behind it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    });
    ticks.sum::<u64>() as f64 / rustix::param::clock_ticks_per_second() as f64
}

pub fn run(
    args: &ChainLoad,
    block_interval_ms: u64,
    data: Option<PathBuf>,
    output: &Output,
) -> Result<(), Failure> {
    let temporary = std::env::temp_dir().join(format!("qenex-bench-chain-{}", std::process::id()));
    let folder = Folder(data.clone().unwrap_or(temporary), data.is_none());
    let new = NewTestnet {
        consensus: Consensus::Stake.into(),
        validators: args.validators,
        followers: 0,
        clients: args.clients,
        epoch_blocks: 100_000,
        block_interval_ms,
        history_blocks: None,
        hosts: Vec::new(),
        base_port: args.base_port,
        devices: Vec::new(),
        custody: 0,
        time_ms: now_ms(),
    };
    let mut network = Processes::new(create(&folder.0, &new)?, args.base_port);
    let all: Vec<u16> = (0..args.validators).collect();
    for index in &all {
        network.start(*index)?;
    }
    network.wait_for(&all, 1)?;
    output.line(format_args!(
        "{} validators, {} accounts, blocks at least {block_interval_ms} ms apart",
        args.validators, args.clients
    ));
    let program = std::env::current_exe().map_err(unwritable(&folder.0))?;
    let before = processor_seconds(network.ids());
    let sent = Command::new(program)
        .args(["bench", "send"])
        .args(["--validators", &args.validators.to_string(), "--clients", &args.clients.to_string()])
        .args(["--seconds", &args.seconds.to_string(), "--base-port", &args.base_port.to_string()])
        .args(["--per-second-max", &args.per_second_max.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .map_err(unwritable(&folder.0))?;
    let processor = processor_seconds(network.ids()) - before;
    network.check()?;
    let measured: Measured =
        serde_json::from_slice(&sent.stdout).ok().filter(|_| sent.status.success()).ok_or_else(|| {
            Failure::refused(CHECK_FAILED, "the process that sends failed; its reason stands above")
        })?;
    let height = network.nodes.height(0).unwrap_or_default();
    network.wait_for(&all, height)?;
    network.nodes.same_block(&all, height)?;
    let processor_us = 1e6 * processor / measured.transfers.max(1) as f64;
    let Measured { per_second, blocks, transfers, waits_ms, offered_per_second, .. } = &measured;
    output.line(format_args!("final and durable    {per_second:.0} transfers/s in {blocks} blocks"));
    output.line(format_args!(
        "at {offered_per_second:.0}/s           final after {:.0} ms (median), {:.0} ms (99 of 100), {:.0} ms (longest)",
        waits_ms.0, waits_ms.1, waits_ms.2
    ));
    output.line(format_args!(
        "processor time       {processor_us:.1} us a transfer, of all {} nodes, over {transfers} transfers",
        args.validators
    ));
    output.line(format_args!(
        "every transfer that was accepted is final, and block {height} is the same at all nodes"
    ));
    output.result(&json!({
        "validators": args.validators,
        "transfers": transfers,
        "transfers_per_second": per_second.round(),
        "blocks": blocks,
        "offered_per_second": offered_per_second.round(),
        "median_ms": waits_ms.0,
        "p99_ms": waits_ms.1,
        "longest_ms": waits_ms.2,
        "processor_us": processor_us,
    }));
    Ok(())
}
