//! The device service: a request frame in, a response frame out, over a flash, an entropy source and a panel; and, in [`client`], its host's side.

pub mod audit;
pub mod backup;
pub mod board;
pub mod boot;
pub mod channel;
pub mod client;
mod data;
pub mod flash;
pub mod image;
mod keys;
pub mod noise;
pub mod proto;
mod refusal;
mod reply;
mod service;
pub mod shares;
mod sign;
mod signed;
mod store;
mod update;
mod users;
mod votes;
mod witness;

pub use keys::MAX_KEYS;
pub use refusal::{HsmError, Refusal};
pub use service::Hsm;
pub use sign::{SignWork, approval_id};
pub use signed::MAX_PENDING;
pub use update::manufacture;
pub use users::{MAX_TRIES, MAX_USERS, Role, UserName};
