//! A proposer: it takes transactions in and makes blocks of them. On a chain with one proposer each block is final at once; validators propose with the
//! same calls, and consensus decides.

use std::sync::Arc;

use qenex_core::codec::DecodeError;
use qenex_core::crypto::Hash;
use qenex_core::error::{Code, Coded};
use qenex_core::id::AccountId;
use qenex_core::ledger::Receipt;
use qenex_core::tx::{SignedTransaction, Transaction};
use qenex_signatures::Verifier;

use crate::block::Batch;
use crate::error::{MempoolError, NodeError, Refusal};
use crate::history;
use crate::mempool::{Mempool, MempoolLimits, Verified};
use crate::node::Node;
use crate::prepare::{Prepared, Signatures, prepare};

/// Why a transaction is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// It can be in no block.
    Refused(Refusal),
    /// The pool does not take it.
    Mempool(MempoolError),
}

impl Coded for SubmitError {
    fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Mempool(error) => error.code(),
        }
    }
}

/// What of several transactions a pool could take.
#[derive(Debug)]
pub struct Screened {
    /// Those that it could.
    pub admitted: Batch,
    /// For each of all why it is none of these, or nothing.
    pub refused: Vec<Option<SubmitError>>,
}

/// The results of all that were screened, from those of the ones that were admitted.
pub fn with_refused(
    refused: Vec<Option<SubmitError>>,
    inserted: Vec<Result<Hash, SubmitError>>,
) -> Vec<Result<Hash, SubmitError>> {
    let mut inserted = inserted.into_iter();
    refused
        .into_iter()
        .filter_map(|refused| refused.map_or_else(|| inserted.next(), |error| Some(Err(error))))
        .collect()
}

/// A block that was made and finalized.
#[derive(Clone, Debug)]
pub struct Produced {
    /// Its id.
    pub id: Hash,
    /// Its height.
    pub height: u64,
    /// The state root after it.
    pub state_root: Hash,
    /// Its transactions in order, with what they yielded.
    pub receipts: Vec<(Hash, Receipt)>,
    /// Transactions that were taken out of the pool and are in no block.
    pub refused: Vec<(Hash, Refusal)>,
}

/// What a block may hold.
#[derive(Clone, Copy, Debug)]
pub struct BlockLimits {
    /// Transactions.
    pub transactions: usize,
    /// Bytes of them.
    pub bytes: usize,
}

impl Default for BlockLimits {
    fn default() -> Self {
        Self { transactions: 8_192, bytes: 4 << 20 }
    }
}

/// The proposer.
pub struct Sequencer {
    /// The account that receives the fees.
    pub proposer: AccountId,
    verifier: Arc<Verifier>,
    mempool: Mempool,
    head: Option<Hash>,
}

impl Sequencer {
    /// A proposer with an empty pool.
    pub fn new(proposer: AccountId, limits: MempoolLimits) -> Self {
        Self { proposer, verifier: Arc::default(), mempool: Mempool::new(limits), head: None }
    }

    /// From now on the pool goes by the state after this block, which is pending, and not by the newest final one.
    pub fn follow(&mut self, head: Hash) {
        self.head = Some(head);
    }

    /// Checks a signed transaction and puts it into the pool. Returns its id.
    ///
    /// # Errors
    /// It is malformed, a signature is wrong, or the pool does not take it.
    pub fn submit(&mut self, node: &Node, signed: &[u8]) -> Result<Hash, SubmitError> {
        let mut results = self.submit_all(node, &[signed].into_iter().collect());
        results.pop().unwrap_or(Err(SubmitError::Refused(Refusal::Decode(DecodeError::Malformed))))
    }

    /// [`submit`](Self::submit) for several, whose signatures are verified together; a result for each.
    pub fn submit_all(&mut self, node: &Node, signed: &Batch) -> Vec<Result<Hash, SubmitError>> {
        let Screened { admitted, refused } = self.screen(node, signed);
        let inserted = self.insert_all(node, &prepare(admitted, Signatures::Verify(&self.verifier)));
        with_refused(refused, inserted)
    }

    /// Finds out which of several the pool could take, before anything is verified.
    pub fn screen(&self, node: &Node, signed: &Batch) -> Screened {
        let mut admitted = Batch::default();
        let refusal = |signed: &[u8]| {
            let decoded = SignedTransaction::decode(signed);
            let decoded = decoded.map_err(|error| SubmitError::Refused(Refusal::Decode(error)))?;
            let Transaction { sender, nonce, .. } = decoded.transaction;
            let next_nonce = next_nonce(node, self.head, sender);
            self.mempool.admits(sender, nonce, signed.len(), next_nonce).map_err(SubmitError::Mempool)
        };
        let refused = signed.iter().map(|signed| {
            let refused = refusal(signed).err();
            if refused.is_none() {
                admitted.push(signed);
            }
            refused
        });
        let refused = refused.collect();
        Screened { admitted, refused }
    }

    /// Puts transactions into the pool whose signatures were looked at when they were prepared; a result for each.
    pub fn insert_all(&mut self, node: &Node, prepared: &Prepared) -> Vec<Result<Hash, SubmitError>> {
        let insert = |index| {
            let Transaction { sender, nonce, fee, last_valid_height, .. } =
                prepared.transaction(index).map_err(SubmitError::Refused)?;
            let signed = prepared.batch.get(index).unwrap_or_default().to_vec();
            let next_nonce = next_nonce(node, self.head, sender);
            let verified = Verified { sender, nonce, fee, last_valid_height, signed };
            self.mempool.insert(verified, next_nonce).map_err(SubmitError::Mempool)?;
            Ok(prepared.id(index))
        };
        (0..prepared.len()).map(insert).collect()
    }

    /// Those that neither wait nor were used up; bytes that are no transaction are among them.
    pub fn new_ones(&self, node: &Node, signed: &Batch) -> Batch {
        let mut new = Batch::default();
        for signed in signed.iter() {
            let known = SignedTransaction::decode(signed).is_ok_and(|decoded| {
                let Transaction { sender, nonce, .. } = decoded.transaction;
                self.mempool.get(sender, nonce).is_some() || nonce < next_nonce(node, self.head, sender)
            });
            if !known {
                new.push(signed);
            }
        }
        new
    }

    /// For each of these, whether it is not in the pool, where all were verified.
    pub fn unverified(&self, prepared: &Prepared) -> Vec<bool> {
        let waiting = |index| {
            let Transaction { sender, nonce, .. } = prepared.transaction(index).ok()?;
            self.mempool.get(sender, nonce)
        };
        (0..prepared.len()).map(|index| waiting(index) != prepared.batch.get(index)).collect()
    }

    /// What verifies signatures, with the keys that it knows.
    pub const fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    /// What could be in a block over the one that the pool goes by, best first.
    pub fn best(&self, node: &Node, limits: BlockLimits) -> Vec<&[u8]> {
        self.mempool.best(limits.transactions, limits.bytes, |account| next_nonce(node, self.head, account))
    }

    /// How many transactions may wait.
    pub fn room(&self) -> usize {
        self.mempool.limits().transactions
    }

    /// How many transactions wait.
    pub fn waiting(&self) -> usize {
        self.mempool.len()
    }

    /// Makes a block of waiting transactions over a final or pending block, in this view, and keeps it as pending. Returns its id and what was
    /// refused, which waits no longer; the others stay in the pool until they are [`settled`](Self::settled).
    ///
    /// # Errors
    /// The parent is unknown, or the fees cannot be paid out.
    pub fn execute(
        &mut self,
        node: &mut Node,
        (parent, view): (Hash, u64),
        time_ms: u64,
        limits: BlockLimits,
    ) -> Result<(Hash, Vec<(Hash, Refusal)>), NodeError> {
        let mut execution = node.chain().begin(parent, time_ms, view)?;
        let mut batch = Batch::default();
        for signed in self.mempool.best(limits.transactions, limits.bytes, |account| execution.nonce(account))
        {
            batch.push(signed);
        }
        // Every one was verified when it was submitted.
        let prepared = prepare(batch, Signatures::Committed);
        let mut refused = Vec::new();
        for index in 0..prepared.len() {
            if let Err(refusal) = execution.push(&prepared, index) {
                refused.push((prepared.id(index), refusal));
                if let Ok(Transaction { sender, nonce, .. }) = prepared.transaction(index) {
                    self.mempool.remove(sender, nonce);
                }
            }
        }
        let executed = execution.finish(self.proposer)?;
        Ok((node.chain_mut().seal(executed)?, refused))
    }

    /// Where the next block of a chain with one proposer goes: over the newest final one, in a view that the proposer leads.
    ///
    /// # Errors
    /// It leads none of the next views.
    pub fn next(&self, node: &Node) -> Result<(Hash, u64), NodeError> {
        let parent = node.chain().tip_id();
        Ok((parent, node.chain().next_view(parent, self.proposer)?))
    }

    /// Takes what a final block used up out of the pool, and what can be in no block after it.
    pub fn settled(&mut self, node: &Node, transactions: &Batch) {
        for signed in transactions.iter() {
            if let Ok(signed) = SignedTransaction::decode(signed) {
                let sender = signed.transaction.sender;
                self.mempool.drop_used(sender, next_nonce(node, self.head, sender));
            }
        }
        self.mempool.drop_expired(node.chain().tip().height);
    }

    /// Makes a block of waiting transactions and finalizes it.
    ///
    /// # Errors
    /// The store fails, or the fees cannot be paid out.
    pub fn produce(
        &mut self,
        node: &mut Node,
        time_ms: u64,
        limits: BlockLimits,
    ) -> Result<Produced, NodeError> {
        let (id, refused) = self.execute(node, self.next(node)?, time_ms, limits)?;
        node.finalize(id)?;
        let tip = node.chain().tip();
        let (height, state_root) = (tip.height, tip.state_root);
        let transactions = node.block(height)?.transactions;
        self.settled(node, &transactions);
        let damaged = || NodeError::HistoryDamaged { height };
        let record = node.block_record(height)?.ok_or_else(damaged)?;
        let prepared = prepare(transactions, Signatures::Committed);
        let receipts = (0..prepared.len()).map(|index| {
            Ok((prepared.id(index), history::receipt(&record, index as u32).ok_or_else(damaged)?))
        });
        let receipts = receipts.collect::<Result<_, NodeError>>()?;
        Ok(Produced { id, height, state_root, receipts, refused })
    }
}

/// The nonce that the state after a block expects next of an account; that of the newest final one without.
fn next_nonce(node: &Node, head: Option<Hash>, account: AccountId) -> u64 {
    match head {
        Some(head) => node.chain().nonce_after(head, account),
        None => node.chain().account(account).map_or(0, |account| account.nonce),
    }
}
