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
use qenex_core::error::Coded;
use qenex_core::tx::MAX_SIGNED_LEN;
use qenex_node::block::Batch;
use qenex_node::sequencer::SubmitError;

use crate::ledger::Shared;

/// The longest message.
pub const MAX_MESSAGE_BYTES: usize = 256 << 10;

/// How long transactions are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(5);

/// How often what waits is sent again.
const AGAIN: Duration = Duration::from_secs(2);

const _: () = assert!(MAX_SIGNED_LEN + 4 <= MAX_MESSAGE_BYTES);

/// Takes as many of these transactions as fit into one message, and makes it.
pub fn pack<'a>(transactions: &mut Peekable<impl Iterator<Item = &'a [u8]>>) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some(signed) =
        transactions.next_if(|signed| message.len() + 4 + signed.len() <= MAX_MESSAGE_BYTES)
    {
        message.extend_from_slice(&(signed.len() as u32).to_le_bytes());
        message.extend_from_slice(signed);
    }
    message
}

/// The transactions of a message; nothing if it is none.
pub fn unpack(mut message: &[u8]) -> Option<Batch> {
    let mut batch = Batch::default();
    while let Some((length, rest)) = message.split_first_chunk::<4>() {
        let (signed, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        batch.push(signed);
        message = rest;
    }
    message.is_empty().then_some(batch)
}

/// Sends and takes transactions until the network ends.
pub fn start<E: Spawner + Clock>(
    context: E,
    ledger: Shared,
    mut submitted: mpsc::Receiver<Batch>,
    (mut sender, mut receiver): (impl Sender<PublicKey = PublicKey>, impl Receiver<PublicKey = PublicKey>),
    mut blocker: impl Blocker<PublicKey = PublicKey>,
) -> Handle<()> {
    context.spawn(move |context| async move {
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
                    sender.send(Recipients::All, IoBuf::from(pack(&mut rest)), false);
                }
            },
            message = receiver.recv() => {
                let Ok((peer, message)) = message else { break };
                if let Some(reason) = take(&ledger, message.as_ref()) {
                    commonware_p2p::block!(blocker, peer, "{reason}");
                }
            },
            _ = context.sleep_until(again) => {
                let message = pack(&mut ledger.lock().best().into_iter().peekable());
                if !message.is_empty() {
                    sender.send(Recipients::All, IoBuf::from(message), false);
                }
                again = context.current() + AGAIN;
            },
        }
    })
}

/// Takes what a peer sent into the pool; returns why the peer is at fault.
fn take(ledger: &Shared, message: &[u8]) -> Option<String> {
    let Some(batch) = unpack(message) else { return Some("a message is no list of transactions".into()) };
    let results = ledger.submit_new(&batch);
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
        let message = pack(&mut rest);
        let count = transactions.len() - rest.count();
        assert!(message.len() <= MAX_MESSAGE_BYTES && message.len() + 1_004 > MAX_MESSAGE_BYTES);
        let unpacked = unpack(&message).unwrap();
        assert_eq!(unpacked.len(), count);
        assert!(unpacked.iter().eq(transactions[..count].iter().map(Vec::as_slice)));
        assert!(unpack(&message[..message.len() - 1]).is_none());
        assert!(unpack(&[message.as_slice(), &[0; 3]].concat()).is_none());
    }
}
