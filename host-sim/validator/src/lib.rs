//! A node in the network of a chain.
//!
//! Commonware's simplex decides, its marshal brings blocks, the ledger's rules execute them before anybody votes. The same code runs on a real network and in
//! the deterministic simulation; what differs is the runtime that is handed in.
//!
//! | module | what it is for |
//! |---|---|
//! | [`block`] | a block as the engine orders, stores and sends it |
//! | [`ledger`] | the node as consensus sees it |
//! | [`application`] | to propose, to check, to take what is final |
//! | [`epochs`], [`seats`] | who decides when |
//! | [`evidence`] | votes that contradict each other, reported to the ledger |
//! | [`gossip`] | transactions between nodes |
//! | [`checkpoint`], [`checkpoints`], [`exchange`] | the ends of epochs, signed to outlive Ed25519: one, all that a node has, between nodes |
//! | [`snapshots`], [`state_sync`] | states of the ledger: those that a node offers, how one gets one |
//! | `beginning`, `finalizer`, [`newest`] | what a node starts with, what becomes of final blocks, the newest one for devices |
//! | [`engine`] | all of it put together |
#![forbid(unsafe_code)]

pub mod application;
mod beginning;
pub mod block;
pub mod checkpoint;
pub mod checkpoints;
pub mod clock;
pub mod engine;
pub mod epochs;
pub mod evidence;
pub mod exchange;
mod finalizer;
pub mod gossip;
pub mod ledger;
pub mod newest;
pub mod seats;
pub mod snapshots;
pub mod state_sync;
