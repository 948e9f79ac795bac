//! A PKCS#11 module (`libqenex_pkcs11.so`) over QENEX devices: applications that know nothing of the ledger sign with keys of plain use, and those that
//! know it let the device's policy decide about whole transactions.
//!
//! - [`config`]: the file that names the devices, and who logs in.
//! - [`module`]: slots and sessions; [`token`]: the channel to one device and what is known of it.
//! - [`object`]: keys as objects; [`template`]: what applications ask of objects.
//! - [`mechanism`]: the table of mechanisms; [`operation`]: signing and verifying; [`transaction`]: the mechanism that takes transactions.
//! - [`rv`]: what calls return. [`list`]: the functions that an application finds.
//! - `entry`: these functions, a file for each group of them. `pointer`: everything that comes from an application's pointers. `shared`: one module for a process.
//!
//! Calls from several threads wait for each other: a device does one thing at a time. A process that was forked off finds a module that is not
//! initialised. No call panics by intent; a panic is caught and answered with `CKR_GENERAL_ERROR`.

pub mod config;
mod entry;
pub mod list;
pub mod mechanism;
pub mod module;
pub mod object;
pub mod operation;
mod pointer;
pub mod rv;
mod shared;
pub mod template;
pub mod token;
pub mod transaction;

pub use entry::*;
