//! `qenex device`.

mod backup;
mod follow;
mod keys;
mod log;
mod policy;
mod run;
mod session;
mod shares;
mod sign;
mod update;
mod users;

use qenex_core::codec;
use qenex_core::error::Coded;
use qenex_core::hsm::proto::{
    Anchor, Attestation, Command, Initialise, Login, Nonce, Nothing, Status, Trust,
};
use qenex_device::DeviceError;
use serde_json::{Value, json};

use crate::args::{self, Device};
use crate::local::Local;
use crate::output::{Failure, Output};

pub use sign::sign as sign_with;

type Client = qenex_device::Client<qenex_device::port::Port>;

pub fn run(args: Device, output: &Output) -> Result<(), Failure> {
    match args {
        Device::Run { soft, image, loader, machine, dir, socket, panel } => {
            let socket = socket.unwrap_or_else(|| dir.join("socket"));
            if soft {
                run::soft(&dir, &socket, panel, output)
            } else {
                run::emulated(&dir, &socket, panel, &machine, image.as_deref().zip(loader.as_deref()), output)
            }
        }
        Device::Panel { at, panel } => run::panel(&at, panel),
        Device::Status(session) => {
            let mut client = session::connect(&session)?;
            let status: Status = client.get(Command::Status, &Nothing {})?;
            show_status(&status, client.is_paired(), output);
            Ok(())
        }
        Device::Pair(session) => session::pair(&session, output),
        Device::Init { session, name, officers } => {
            let (user, pin) = session::user(&session)?;
            let mut client = session::connect(&session)?;
            let request = Initialise { name, officers_needed: officers, officer: user, pin: &pin };
            client.ask(Command::Initialise, &request)?;
            output.line(format_args!("{name} is initialised; {user} is its first officer"));
            output.result(&json!({ "name": name.as_str(), "officer": user.as_str() }));
            Ok(())
        }
        Device::Unlock(session) => {
            let mut client = session::login(&session)?;
            let status: Status = client.get(Command::Status, &Nothing {})?;
            show_status(&status, true, output);
            Ok(())
        }
        Device::User(args) => users::run(args, output),
        Device::Key(args) => keys::run(args, output),
        Device::Policy(args) => policy::run(args, output),
        Device::Anchor { session, data, trusting_period_ms } => {
            let local = Local::open(&data.data)?;
            let header = local.node.chain().tip().clone();
            let (height, id) = (header.height, local.node.chain().tip_id());
            let mut client = session::login(&session)?;
            client.ask(Command::Anchor, &Anchor { trusting_period_ms, header })?;
            output.line(format_args!("anchored at block {height}, {id}"));
            output.result(&json!({ "height": height, "header": id.to_string() }));
            Ok(())
        }
        Device::Sign { session, data, slot, approvals, dry_run, file, out } => {
            sign::sign_file(&session, &data.data, slot, &approvals, dry_run, &file, out.as_deref(), output)
        }
        Device::Approve { key, signer, file, out } => sign::approve(&key, &signer, &file, &out, output),
        Device::Log { audit: Some(args), .. } => log::run(args, output),
        Device::Log { audit: None, follow, at } => follow::run(&at, &follow.unwrap_or_default(), output),
        Device::Attest(session) => attest(&session, output),
        Device::Update { session, image, manifest } => update::run(&session, &image, &manifest, output),
        Device::Image(args) => update::image(args, output),
        Device::BackupKey(session) => backup::key(&session, output),
        Device::Backup { session, to, threshold, out } => {
            backup::make(&session, &to, threshold, &out, output)
        }
        Device::Share { session, to, file, out } => shares::pass(&session, &to, &file, &out, output),
        Device::Restore { session, files } => backup::restore(&session, &files, output),
        Device::RotateStorageKey(session) => {
            let (user, pin) = session::user(&session)?;
            session::login(&session)?.ask(Command::RotateStorageKey, &Login { user, pin: &pin })?;
            output.line("sealed under a new storage key");
            output.result(&json!({}));
            Ok(())
        }
        Device::Wipe(session) => {
            session::login(&session)?.tell(Command::Wipe)?;
            output.line("erased");
            output.result(&json!({}));
            Ok(())
        }
    }
}

fn trust_json(trust: &Option<Trust>) -> Value {
    trust.map_or(Value::Null, |trust| {
        json!({
            "chain": trust.chain_id.as_str(),
            "height": trust.height,
            "time_ms": trust.time_ms,
            "header": trust.header.to_string(),
        })
    })
}

fn show_status(status: &Status, paired: bool, output: &Output) {
    match &status.name {
        Some(name) => output.line(format_args!("{name}, firmware {}", status.version)),
        None => output.line(format_args!("a fresh device, firmware {}", status.version)),
    }
    output.line(format_args!("this host is {}paired", if paired { "" } else { "not " }));
    match &status.trusted {
        Some(trust) => output
            .line(format_args!("it trusts {} at block {}, {}", trust.chain_id, trust.height, trust.header)),
        None => output.line("it is not anchored in a chain"),
    }
    output.line(format_args!("audit log: {} entries, {} taken", status.audit_count, status.audit_taken));
    output.result(&json!({
        "name": status.name.map(|name| name.to_string()),
        "version": status.version,
        "paired": paired,
        "unlocked": status.unlocked,
        "officers_needed": status.officers_needed,
        "trusted": trust_json(&status.trusted),
        "audit_count": status.audit_count,
        "audit_taken": status.audit_taken,
    }));
}

/// 32 random bytes.
fn nonce() -> Result<[u8; 32], Failure> {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).map_err(|error| {
        DeviceError::Line(std::io::Error::other(format!("the system's entropy: {error}")))
    })?;
    Ok(nonce)
}

fn attest(session: &args::Session, output: &Output) -> Result<(), Failure> {
    let mut client = session::connect(session)?;
    let nonce = nonce()?;
    let body = client.ask(Command::Attest, &Nonce { nonce })?;
    let attestation: Attestation<'_> = codec::decode(&body).map_err(|_| DeviceError::Message)?;
    let report = &attestation.report;
    attestation.verify(&nonce).map_err(|error| {
        Failure::refused(error.code(), "the report is not signed by its key for this question")
    })?;
    let key = hex::encode(attestation.public_key);
    output.line(format_args!("firmware {} with measurement {}", report.version, report.measurement));
    output.line(format_args!("attestation key {key}"));
    output.result(&json!({
        "version": report.version,
        "measurement": report.measurement.to_string(),
        "name": report.name.map(|name| name.to_string()),
        "audit_count": report.audit.count,
        "audit_head": report.audit.hash.to_string(),
        "trusted": trust_json(&report.trusted),
        "public_key": key,
    }));
    Ok(())
}
