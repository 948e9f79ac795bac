//! Transactions between nodes: what a client gave to one is sent to all.
//!
//! A message is one or several signed transactions, each with its length (u32, little-endian) before it. Who sends a transaction that can be in no
//! block is blocked. What is lost on the way is sent again while it waits.

use std::iter::Peekable;
use std::time::Duration;

use commonware_cryptography::ed25519::PublicKey;
use commonware_macros::select_loop;
use commonware_p2p::{Blocker, Receiver, Recipients, Sender};
use commonware_runtime::{Clock, Handle, IoBuf, Spawner};
use commonware_utils::channel::mpsc;
use qenex_core::crypto::Hash;
use qenex_core::error::Coded;
use qenex_core::tx::MAX_SIGNED_LEN;
use qenex_node::block::Batch;
use qenex_node::sequencer::SubmitError;

use crate::ledger::Shared;

/// Where transactions wait.
pub trait Pool: Clone + Send + 'static {
    /// Takes those of several in that are new; a result for each of these.
    fn submit_new(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>>;

    /// A message of what could be in the next block, best first.
    fn message(&self) -> Vec<u8>;
}

impl Pool for Shared {
    fn submit_new(&self, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        Self::submit_new(self, signed)
    }

    fn message(&self) -> Vec<u8> {
        pack(&mut self.lock().best().into_iter().peekable(), MAX_MESSAGE_BYTES)
    }
}

/// The longest message.
pub const MAX_MESSAGE_BYTES: usize = 256 << 10;

/// How long transactions are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(5);

/// How often what waits is sent again.
const AGAIN: Duration = Duration::from_secs(2);

const _: () = assert!(MAX_SIGNED_LEN + 4 <= MAX_MESSAGE_BYTES);

/// Takes as many of these transactions, or of anything, as fit into one message, and makes it: [`Batch::unpack`] takes it apart.
pub fn pack<'a>(items: &mut Peekable<impl Iterator<Item = &'a [u8]>>, max_bytes: usize) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some(item) = items.next_if(|item| message.len() + 4 + item.len() <= max_bytes) {
        message.extend_from_slice(&(item.len() as u32).to_le_bytes());
        message.extend_from_slice(item);
    }
    message
}

/// Sends and takes transactions until the network ends, on a thread of its own where the runtime has threads.
pub fn start<E: Spawner + Clock>(
    context: E,
    pool: impl Pool,
    mut submitted: mpsc::Receiver<Batch>,
    (mut sender, mut receiver): (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
    mut blocker: impl Blocker<PublicKey = PublicKey>,
) -> Handle<()> {
    context.dedicated().spawn(move |context| async move {
        let mut again = context.current() + AGAIN;
        select_loop! {
            context,
            on_stopped => {},
            Some(first) = submitted.recv() else break => {
                let mut waiting = vec![first];
                context.sleep(GATHER).await;
                while let Ok(next) = submitted.try_recv() {
                    waiting.push(next);
                }
                let mut rest = waiting.iter().flat_map(Batch::iter).peekable();
                while rest.peek().is_some() {
                    sender.send(Recipients::All, IoBuf::from(pack(&mut rest, MAX_MESSAGE_BYTES)), false);
                }
            },
            message = receiver.recv() => {
                let Ok((peer, message)) = message else { break };
                if let Some(reason) = take(&pool, message.as_ref()) {
                    commonware_p2p::block!(blocker, peer, "{reason}");
                }
            },
            _ = context.sleep_until(again) => {
                let message = pool.message();
                if !message.is_empty() {
                    sender.send(Recipients::All, IoBuf::from(message), false);
                }
                again = context.current() + AGAIN;
            },
        }
    })
}

/// Takes what a peer sent into the pool; returns why the peer is at fault.
fn take(pool: &impl Pool, message: &[u8]) -> Option<String> {
    let Some(batch) = Batch::unpack(message) else {
        return Some("a message is no list of transactions".into());
    };
    let results = pool.submit_new(&batch);
    results.into_iter().find_map(|result| match result {
        Err(SubmitError::Refused(refusal)) => {
            Some(format!("a transaction cannot be in any block: {}", refusal.code()))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_hold_what_fits() {
        let transactions: Vec<Vec<u8>> = (0..400).map(|number| vec![number as u8; 1_000]).collect();
        let mut rest = transactions.iter().map(Vec::as_slice).peekable();
        let message = pack(&mut rest, MAX_MESSAGE_BYTES);
        let count = transactions.len() - rest.count();
        assert!(message.len() <= MAX_MESSAGE_BYTES && message.len() + 1_004 > MAX_MESSAGE_BYTES);
        let unpacked = Batch::unpack(&message).unwrap();
        assert_eq!(unpacked.len(), count);
        assert!(unpacked.iter().eq(transactions[..count].iter().map(Vec::as_slice)));
        assert!(Batch::unpack(&message[..message.len() - 1]).is_none());
        assert!(Batch::unpack(&[message.as_slice(), &[0; 3]].concat()).is_none());
    }
}
