//! `device`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use qenex_core::hsm::UserName;
use qenex_core::hsm::image::BoardName;

use super::{Data, parse};

/// How to reach a device, and as whom.
#[derive(ClapArgs, Debug, Clone)]
pub struct Session {
    /// The device: its socket, or a serial line.
    #[arg(long, default_value = "device.qenex/socket")]
    pub at: PathBuf,
    /// The directory of this host's own key and of the devices that it knows.
    #[arg(long, default_value = "host.qenex")]
    pub host: PathBuf,
    /// Who logs in; several for what several officers must do together.
    #[arg(long = "user", value_parser = parse::<UserName>)]
    pub users: Vec<UserName>,
    /// Files with the users' PINs, in the same order; otherwise the PIN of one user is taken from QENEX_PIN.
    #[arg(long = "pin-file")]
    pub pin_files: Vec<PathBuf>,
}

/// `device`.
#[derive(Subcommand, Debug)]
pub enum Device {
    /// Run a simulated device until it is stopped: the firmware image in QEMU, or the same service in this process.
    Run {
        /// The service in this process, with its flash in a file.
        #[arg(long, conflicts_with_all = ["image", "loader", "machine"])]
        soft: bool,
        /// The image of a new device in QEMU, as it is signed and installed.
        #[arg(long, requires = "loader")]
        image: Option<PathBuf>,
        /// Its loader, as it was linked.
        #[arg(long, requires = "image")]
        loader: Option<PathBuf>,
        /// Its board.
        #[arg(long, value_parser = ["mps2-an505", "mps3-an524"], default_value = "mps2-an505")]
        machine: String,
        /// Its directory; a new device is made where there is none.
        #[arg(long, default_value = "device.qenex")]
        dir: PathBuf,
        /// Its socket; otherwise one in its directory.
        #[arg(long)]
        socket: Option<PathBuf>,
        /// Who stands at its panel.
        #[arg(long, value_enum, default_value = "ask")]
        panel: Panel,
    },
    /// Stand at the panel of a device in QEMU that was started with another panel than this terminal.
    Panel {
        /// The socket of the panel.
        #[arg(long, default_value = "device.qenex/panel")]
        at: PathBuf,
        /// What to answer when it asks; nobody says no.
        #[arg(long, value_enum, default_value = "confirm")]
        panel: Panel,
    },
    /// Say what state it is in.
    Status(Session),
    /// Pair this host with it: compare the code with the one on its panel.
    Pair(Session),
    /// Make its secrets and the first officer, whose PIN is that of `--user`.
    Init {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// What the device is called.
        #[arg(value_parser = parse::<UserName>)]
        name: UserName,
        /// How many officers must be logged in for what officers do.
        #[arg(long, default_value_t = 1)]
        officers: u8,
    },
    /// Check that a user's PIN opens it.
    Unlock(Session),
    /// Its users.
    #[command(subcommand)]
    User(User),
    /// Its keys.
    #[command(subcommand)]
    Key(DeviceKey),
    /// What its keys may sign.
    #[command(subcommand)]
    Policy(Policy),
    /// Trust the newest header of a chain.
    Anchor {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The longest block time that may pass between two headers that it follows.
        #[arg(long, default_value_t = 1_209_600_000)]
        trusting_period_ms: u64,
    },
    /// Sign a transaction that is in a file, with a witness of the chain's state.
    Sign {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The slot of the key.
        #[arg(long)]
        slot: u8,
        /// Approvals of persons, as `device approve` wrote them.
        #[arg(long = "approval")]
        approvals: Vec<PathBuf>,
        /// Only ask the device what it would say.
        #[arg(long)]
        dry_run: bool,
        /// The file; what is signed in it is signed anew.
        file: PathBuf,
        /// Where to write the signed transaction.
        #[arg(long, required_unless_present = "dry_run")]
        out: Option<PathBuf>,
    },
    /// Approve, as a person, that a key of a device signs a transaction.
    Approve {
        /// The person's key file.
        #[arg(long)]
        key: PathBuf,
        /// The hash of the device's key, as `device key show` prints it.
        #[arg(long)]
        signer: String,
        /// The transaction.
        file: PathBuf,
        /// Where to write the approval.
        #[arg(long)]
        out: PathBuf,
    },
    /// Its audit log; or the technical log that it writes to a port of its own.
    #[command(
        args_conflicts_with_subcommands = true,
        subcommand_negates_reqs = true,
        arg_required_else_help = true
    )]
    Log {
        /// What to do with the audit log.
        #[command(subcommand)]
        audit: Option<Log>,
        /// Print the technical log as it comes, until the device is switched off. The texts are in the firmware as it was linked.
        #[arg(long, value_name = "ELF", required = true)]
        follow: Option<PathBuf>,
        /// The port of the technical log: a socket, or a serial line.
        #[arg(long, default_value = "device.qenex/log")]
        at: PathBuf,
    },
    /// Let it say what it is, signed.
    Attest(Session),
    /// Give it a new image of its firmware, which it tries at its next start and keeps if somebody logs in then.
    Update {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The image: the bytes that the device runs.
        #[arg(long)]
        image: PathBuf,
        /// Its manifest, as `device image sign` wrote it.
        #[arg(long)]
        manifest: PathBuf,
    },
    /// Images of firmware, as their vendor makes them.
    #[command(subcommand)]
    Image(Image),
    /// Print the key to which other devices seal backups for it; its panel shows a code of the key.
    BackupKey(Session),
    /// Seal the root of its keys to another device, or in shares to the devices of several custodians. Vote keys are in no backup.
    Backup {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The other device's backup key; of several custodians, one after the other.
        #[arg(long, required = true)]
        to: Vec<String>,
        /// How many of the custodians together restore the root, 2 or more.
        #[arg(long)]
        threshold: Option<u8>,
        /// Where to write the backup. With a threshold, the folder in which each custodian gets a file: share-1, share-2 and so on.
        #[arg(long)]
        out: PathBuf,
    },
    /// Check the share that a custodian holds, and seal it to the device that is to have the root.
    Share {
        /// The custodian's device.
        #[command(flatten)]
        session: Session,
        /// The backup key of the device that is to have the root.
        #[arg(long)]
        to: String,
        /// The share.
        file: PathBuf,
        /// Where to write the share for that device; an existing file is never overwritten.
        #[arg(long)]
        out: PathBuf,
    },
    /// Take over the root of a backup or of shares that were sealed to it, before it has keys of its own.
    Restore {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The backup, or as many shares as it takes.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Seal all secrets under a new storage key. All but the officer of `--user` then need a new PIN.
    RotateStorageKey(Session),
    /// Erase all its secrets.
    Wipe(Session),
}

/// Who stands at the panel of a simulated device.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Panel {
    /// Somebody at this terminal.
    Ask,
    /// Somebody who confirms everything.
    Confirm,
    /// Nobody.
    Absent,
}

/// `device user`.
#[derive(Subcommand, Debug)]
pub enum User {
    /// Add one.
    Add {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The name.
        #[arg(value_parser = parse::<UserName>)]
        name: UserName,
        /// What the user may do.
        #[arg(long, value_enum)]
        role: Role,
        /// A file with the first PIN.
        #[arg(long)]
        new_pin_file: PathBuf,
    },
    /// Remove one.
    Remove {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The name.
        #[arg(value_parser = parse::<UserName>)]
        name: UserName,
    },
    /// List all.
    List(Session),
    /// Set a new PIN for another user.
    SetPin {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The name.
        #[arg(value_parser = parse::<UserName>)]
        name: UserName,
        /// A file with the new PIN.
        #[arg(long)]
        new_pin_file: PathBuf,
    },
    /// Change one's own PIN.
    ChangePin {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// A file with the new PIN.
        #[arg(long)]
        new_pin_file: PathBuf,
    },
}

/// What a user may do.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Role {
    /// Policies, users, keys.
    Officer,
    /// Signing within the policies.
    Operator,
    /// Reading and taking the audit log.
    Auditor,
}

/// `device key`.
#[derive(Subcommand, Debug)]
pub enum DeviceKey {
    /// Make one.
    Create {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The slot, 0 to 15.
        #[arg(long)]
        slot: u8,
        /// What people call it.
        #[arg(value_parser = parse::<UserName>)]
        label: UserName,
        /// What it signs.
        #[arg(long, value_enum, default_value = "transaction")]
        purpose: Purpose,
        /// How it signs.
        #[arg(long, value_enum, default_value = "ed25519")]
        scheme: Scheme,
        /// Which of the keys that the device's root gives; the slot's number if it is not said.
        #[arg(long)]
        path: Option<u32>,
    },
    /// Show one.
    Show {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The slot.
        #[arg(long)]
        slot: u8,
    },
    /// List all.
    List(Session),
    /// Delete one.
    Delete {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The slot.
        #[arg(long)]
        slot: u8,
    },
}

/// How a key signs.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Scheme {
    /// Ed25519.
    Ed25519,
    /// ML-DSA-87, which quantum computers do not break.
    #[value(name = "ml-dsa-87")]
    MlDsa87,
    /// ML-DSA-87 and Ed25519 together.
    Hybrid,
    /// ECDSA over P-256.
    P256,
}

/// What a key signs.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Purpose {
    /// Transactions of an account.
    Transaction,
    /// Votes of a validator.
    Vote,
    /// A person's approvals.
    Approval,
    /// Raw data for other protocols, PKCS#11 for example.
    Plain,
    /// Checkpoints of a validator; hybrid keys only
    Checkpoint,
}

/// `device policy`.
#[derive(Subcommand, Debug)]
pub enum Policy {
    /// Set it from a JSON file, in the form that `show` prints.
    Set {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The slot of the key.
        #[arg(long)]
        slot: u8,
        /// The file.
        file: PathBuf,
    },
    /// Print it.
    Show {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The slot of the key.
        #[arg(long)]
        slot: u8,
    },
}

/// `device log`.
#[derive(Subcommand, Debug)]
pub enum Log {
    /// Print the entries that were not taken.
    Read(Session),
    /// Write them to a file and take them, so that the device has room again.
    Take {
        /// The device.
        #[command(flatten)]
        session: Session,
        /// The archive, to which they are appended.
        archive: PathBuf,
    },
    /// Check an archive from its first entry on.
    Verify {
        /// The archive.
        archive: PathBuf,
    },
}

/// `device image`.
#[derive(Subcommand, Debug)]
pub enum Image {
    /// Sign an image with the vendor's key, and write its manifest.
    Sign {
        /// The vendor's key file; otherwise the demonstration key signs, which everybody has.
        #[arg(long)]
        key: Option<PathBuf>,
        /// For which board the image is made: SOFT, MPS2-AN505, MPS3-AN524.
        #[arg(long, value_parser = parse::<BoardName>)]
        board: BoardName,
        /// Its version.
        #[arg(long)]
        version: u32,
        /// The image: the bytes that the device runs.
        image: PathBuf,
        /// Where to write the manifest.
        #[arg(long)]
        out: PathBuf,
    },
}
