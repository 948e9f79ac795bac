//! `qenex backup` and `qenex restore`: the chain copied elsewhere, and brought back.

use std::path::Path;

use qenex_service::backup::{Place, Target, bring_back, examine, write};
use qenex_service::error::ServiceError;
use serde_json::json;

use crate::args::{Backup, Restore};
use crate::output::{Failure, Output, progress_bar};

pub fn run(args: &Backup, output: &Output) -> Result<(), Failure> {
    match args {
        Backup::Write(args) => {
            let (to, height) =
                write(&args.configured.config, &args.configured.overrides(), args.to.as_deref())?;
            output.line(format_args!("{to}: blocks up to height {height}"));
            output.result(&json!({ "to": to, "height": height }));
        }
        Backup::Verify(args) => verify(&args.place, output)?,
    }
    Ok(())
}

fn verify(name: &str, output: &Output) -> Result<(), Failure> {
    let place = Place::open(name).map_err(ServiceError::from)?;
    let contents = examine(&place, &std::env::temp_dir())?;
    output.line(format_args!("chain {}, genesis {}", contents.chain_id, contents.genesis));
    for stretch in &contents.blocks {
        output.line(format_args!(
            "blocks {} to {}, the last one of {}",
            stretch.from,
            stretch.to,
            time(stretch.time_ms)
        ));
    }
    let states: Vec<String> = contents.states.iter().map(u64::to_string).collect();
    output.line(format_args!(
        "states at heights: {}",
        if states.is_empty() { "none".into() } else { states.join(", ") }
    ));
    output.line(format_args!("signed by validators up to height {}", contents.confirmed_height));
    output.result(&json!({
        "chain_id": contents.chain_id,
        "genesis": contents.genesis.to_string(),
        "blocks": contents.blocks.iter().map(|stretch| json!({
            "from": stretch.from, "to": stretch.to, "time_ms": stretch.time_ms,
        })).collect::<Vec<_>>(),
        "states": contents.states,
        "confirmed_height": contents.confirmed_height,
    }));
    Ok(())
}

pub fn restore(args: &Restore, output: &Output) -> Result<(), Failure> {
    let place = Place::open(&args.from).map_err(ServiceError::from)?;
    let target = match (&args.config, &args.data) {
        (Some(config), _) => Target::Node(config),
        (None, data) => Target::Folder(data.as_deref().unwrap_or(Path::new("."))),
    };
    let bar = progress_bar(output);
    let (data, restored) = bring_back(&place, &target, (args.at, args.whole), &mut |height, until| {
        bar.set_length(until);
        bar.set_position(height);
    })?;
    bar.finish_and_clear();
    let header = &restored.header;
    let begun = match restored.state_height {
        0 => "the genesis".to_string(),
        height => format!("the state at height {height}"),
    };
    output.line(format_args!(
        "{}: {} blocks with {} transactions executed after {begun}, in {:.1} s",
        data.display(),
        restored.blocks,
        restored.transactions,
        restored.elapsed.as_secs_f64()
    ));
    output.line(format_args!("chain {}, genesis {}", header.chain_id, restored.genesis));
    output.line(format_args!("height {} of {}, block {}", header.height, time(header.time_ms), header.id()));
    output.line(format_args!("state root {}", header.state_root));
    output.line(format_args!("signed by validators up to height {}", restored.confirmed_height));
    output.result(&json!({
        "data": data.display().to_string(),
        "genesis": restored.genesis.to_string(),
        "height": header.height,
        "id": header.id().to_string(),
        "time_ms": header.time_ms,
        "state_root": header.state_root.to_string(),
        "state_height": restored.state_height,
        "blocks": restored.blocks,
        "transactions": restored.transactions,
        "confirmed_height": restored.confirmed_height,
        "seconds": restored.elapsed.as_secs_f64(),
    }));
    Ok(())
}

fn time(time_ms: u64) -> String {
    let since = std::time::Duration::from_millis(time_ms);
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}
