//! Checkpoints between nodes: who has signed, and what is missing.
//!
//! A validator signs when the ledger has the last block of an epoch, and sends its signature to all. What is lost, or comes to a node that is not there
//! yet, is asked for: twice a second a node tells one of the validators, each in turn, which signatures it has of an epoch, and gets some of those
//! that it lacks. So a checkpoint spreads however the network was parted, for as long as somebody is without it.
//!
//! | message | bytes |
//! |---|---|
//! | what is missing | 0, the epoch (u64, little-endian), 32 bytes of the signers that are known |
//! | signatures | 1, the epoch, then up to 32 times a member's place, its key and its signature |

use std::io;
use std::sync::Arc;
use std::time::Duration;

use commonware_cryptography::ed25519::PublicKey;
use commonware_macros::select_loop;
use commonware_p2p::{Blocker, Receiver, Recipients, Sender};
use commonware_runtime::{Clock, Handle, IoBuf, Spawner};
use qenex_consensus::CheckpointSigner;
use qenex_core::consensus::{Checkpoint, Header, SignerSet};

use crate::checkpoint::{Collected, Signed, Unwanted};
use crate::checkpoints::Checkpoints;
use crate::epochs::{Epochs, Schemes};
use crate::ledger::Shared;

/// How often what is missing is asked for.
const AGAIN: Duration = Duration::from_millis(500);

/// Epochs that are asked for at a time.
const ASKED: usize = 8;

/// Signatures in a message.
const IN_MESSAGE: usize = 32;

/// The longest message.
pub const MAX_MESSAGE_BYTES: usize = 9 + IN_MESSAGE * (1 + Signed::BYTES);

/// A message.
enum Message {
    Missing { epoch: u64, known: SignerSet },
    Signatures { epoch: u64, signatures: Vec<(u8, Signed)> },
}

impl Message {
    fn encode(&self) -> Vec<u8> {
        let (kind, epoch) = match self {
            Self::Missing { epoch, .. } => (0, epoch),
            Self::Signatures { epoch, .. } => (1, epoch),
        };
        let mut out = vec![kind];
        out.extend_from_slice(&epoch.to_le_bytes());
        match self {
            Self::Missing { known, .. } => out.extend_from_slice(&known.0),
            Self::Signatures { signatures, .. } => {
                for (place, signed) in signatures {
                    out.push(*place);
                    signed.write(&mut out);
                }
            }
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (epoch, mut rest) = rest.split_first_chunk()?;
        let epoch = u64::from_le_bytes(*epoch);
        match kind {
            0 => Some(Self::Missing { epoch, known: SignerSet(rest.try_into().ok()?) }),
            1 => {
                let mut signatures = Vec::new();
                while let Some((place, tail)) = rest.split_first() {
                    let (signed, tail) = Signed::split(tail)?;
                    signatures.push((*place, signed));
                    rest = tail;
                }
                (1..=IN_MESSAGE).contains(&signatures.len()).then_some(Self::Signatures { epoch, signatures })
            }
            _ => None,
        }
    }
}

/// What the exchange works with.
pub struct Exchange {
    /// The ledger, which says what is final.
    pub ledger: Shared,
    /// Where checkpoints are kept.
    pub checkpoints: Checkpoints,
    /// Which heights an epoch has.
    pub epochs: Epochs,
    /// Who can be asked.
    pub schemes: Schemes,
    /// This node.
    pub me: PublicKey,
    /// Who signs; nobody on a node that only follows.
    pub signer: Option<Arc<dyn CheckpointSigner>>,
}

impl Exchange {
    /// Signs, asks and answers until the network ends or the disk fails.
    pub fn start<E: Spawner + Clock>(
        self,
        context: E,
        (mut sender, mut receiver): (
            impl Sender<PublicKey = PublicKey>,
            impl Receiver<PublicKey = PublicKey>,
        ),
        mut blocker: impl Blocker<PublicKey = PublicKey>,
    ) -> Handle<()> {
        context.spawn(move |context| async move {
            let mut again = context.current();
            let mut turn = 0;
            select_loop! {
                context,
                on_stopped => {},
                message = receiver.recv() => {
                    let Ok((peer, message)) = message else { break };
                    match self.take(message.as_ref()) {
                        Ok(Answer::Nothing) => {},
                        Ok(Answer::Send(message)) => {
                            sender.send(Recipients::One(peer), IoBuf::from(message.encode()), false);
                        },
                        Ok(Answer::Block(reason)) => {
                            commonware_p2p::block!(blocker, peer, "{reason}");
                        }
                        Err(error) => {
                            tracing::error!("a checkpoint cannot be kept: {error}");
                            break;
                        },
                    }
                },
                _ = context.sleep_until(again) => {
                    let signed = match self.look() {
                        Ok(signed) => signed,
                        Err(error) => {
                            tracing::error!("a checkpoint cannot be kept: {error}");
                            break;
                        },
                    };
                    for message in signed {
                        sender.send(Recipients::All, IoBuf::from(message.encode()), false);
                    }
                    turn += 1;
                    for (peer, message) in self.ask(turn) {
                        sender.send(Recipients::One(peer), IoBuf::from(message.encode()), false);
                    }
                    again = context.current() + AGAIN;
                },
            }
        })
    }

    /// Signs the checkpoints of epochs that are over, which this node has not signed.
    fn look(&self) -> io::Result<Vec<Message>> {
        note_ends(&self.ledger, &self.checkpoints, self.epochs)?;
        let mut signed = Vec::new();
        for epoch in self.checkpoints.open() {
            if let Some(header) = self.end(epoch) {
                signed.extend(self.sign(&header)?);
            }
        }
        Ok(signed)
    }

    /// The last header of an epoch that is over and without a checkpoint.
    fn end(&self, epoch: u64) -> Option<Header> {
        self.checkpoints.with_open(epoch, |open| open.header().cloned()).flatten()
    }

    fn sign(&self, header: &Header) -> io::Result<Option<Message>> {
        let Some(signer) = &self.signer else { return Ok(None) };
        let place = |open: &Collected| open.missing(signer.public_key());
        let Some(place) = self.checkpoints.with_open(header.epoch, place).flatten() else {
            return Ok(None);
        };
        let epoch = header.epoch;
        let signature = match signer.sign(&Checkpoint::of(header)) {
            Ok(signature) => signature,
            Err(code) => {
                tracing::warn!(epoch, "checkpoint not signed: {code}");
                return Ok(None);
            }
        };
        let bytes = [signer.public_key(), &signature].concat();
        let Some((signed, [])) = Signed::split(&bytes) else { return Ok(None) };
        match self.checkpoints.add(header, place, signed.clone(), true)? {
            Ok(()) => Ok(Some(Message::Signatures { epoch, signatures: vec![(place, signed)] })),
            Err(reason) => {
                tracing::error!(
                    epoch,
                    "this node's own signature of the checkpoint does not count: {reason:?}"
                );
                Ok(None)
            }
        }
    }

    /// Whom to ask for what, in this turn.
    fn ask(&self, turn: usize) -> Vec<(PublicKey, Message)> {
        let Some(scheme) = self.schemes.newest() else { return Vec::new() };
        let peers: Vec<&PublicKey> =
            scheme.validators().peers().iter().filter(|peer| **peer != self.me).collect();
        if peers.is_empty() {
            return Vec::new();
        }
        let mut over = self.checkpoints.open();
        over.retain(|epoch| self.end(*epoch).is_some());
        // All of them in turn, where they are many.
        let epochs = over.iter().cycle().skip(turn * ASKED % over.len().max(1)).take(ASKED.min(over.len()));
        let message = |(number, epoch): (usize, &u64)| {
            let known = self.checkpoints.with_open(*epoch, Collected::signers)?;
            let peer = peers[(turn + number) % peers.len()];
            Some((peer.clone(), Message::Missing { epoch: *epoch, known }))
        };
        epochs.enumerate().filter_map(message).collect()
    }

    /// Takes a message.
    fn take(&self, bytes: &[u8]) -> io::Result<Answer> {
        match Message::decode(bytes) {
            None => Ok(Answer::Block("a message is none of checkpoints".into())),
            Some(Message::Missing { epoch, known }) => {
                let Some(collected) = self.checkpoints.get(epoch)? else { return Ok(Answer::Nothing) };
                let members = (0..=u8::MAX).zip(collected.members());
                let signatures: Vec<_> = members
                    .filter(|(place, _)| !known.contains(*place))
                    .filter_map(|(place, member)| Some((place, member.signed.clone()?)))
                    .take(IN_MESSAGE)
                    .collect();
                let message = Message::Signatures { epoch, signatures };
                let some =
                    matches!(&message, Message::Signatures { signatures, .. } if !signatures.is_empty());
                Ok(if some { Answer::Send(message) } else { Answer::Nothing })
            }
            Some(Message::Signatures { epoch, signatures }) => {
                // It may be over since the last look.
                note_ends(&self.ledger, &self.checkpoints, self.epochs)?;
                let Some(header) = self.end(epoch) else { return Ok(Answer::Nothing) };
                for (place, signed) in signatures {
                    if self.checkpoints.add(&header, place, signed, false)? == Err(Unwanted::Wrong) {
                        return Ok(Answer::Block(format!(
                            "a signature of the checkpoint of epoch {epoch} is wrong"
                        )));
                    }
                }
                Ok(Answer::Nothing)
            }
        }
    }
}

/// Keeps the last headers of the epochs that are over and without a checkpoint, before their blocks are forgotten.
///
/// # Errors
/// The disk fails.
pub fn note_ends(ledger: &Shared, checkpoints: &Checkpoints, epochs: Epochs) -> io::Result<()> {
    for epoch in checkpoints.open() {
        if checkpoints.with_open(epoch, |open| open.header().is_some()) == Some(true) {
            continue;
        }
        let Some((_, last)) = epochs.heights(epoch) else { continue };
        let block = {
            let ledger = ledger.lock();
            let held = (ledger.node().first_height()..=ledger.tip().height).contains(&last);
            held.then(|| ledger.node().block(last))
        };
        match block {
            Some(Ok(block)) => checkpoints.know(&block.header)?,
            Some(Err(error)) => {
                tracing::error!(epoch, "the last block of the epoch cannot be read: {error}");
            }
            None => {}
        }
    }
    Ok(())
}

/// What a message leads to.
enum Answer {
    Nothing,
    Send(Message),
    Block(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_what_they_were_and_nothing_else_is_one() {
        let signed = |byte: u8| Signed::split(&vec![byte; Signed::BYTES]).unwrap().0;
        let mut known = SignerSet::default();
        known.insert(77);
        let many = |count: u8| Message::Signatures {
            epoch: 300,
            signatures: (0..count).map(|place| (place, signed(place))).collect(),
        };
        for message in [Message::Missing { epoch: 5, known }, many(1), many(32)] {
            let bytes = message.encode();
            assert!(bytes.len() <= MAX_MESSAGE_BYTES);
            assert_eq!(Message::decode(&bytes).unwrap().encode(), bytes);
            assert!(Message::decode(&bytes[..bytes.len() - 1]).is_none());
            assert!(Message::decode(&[&bytes[..], &[0]].concat()).is_none());
        }
        assert_eq!(many(32).encode().len(), MAX_MESSAGE_BYTES);
        for wrong in [many(0).encode(), many(33).encode(), vec![], vec![2; 41]] {
            assert!(Message::decode(&wrong).is_none());
        }
    }
}
