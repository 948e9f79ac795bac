//! Clients: each sends one transfer after the other, to any validator, and keeps a ledger of its own of what became final.

use qenex_core::ledger::{Balance, Record, RecordId};
use qenex_core::num::Amount;
use qenex_validator::ledger::Ledger;
use rand::RngExt;
use rand::rngs::StdRng;

use crate::keys;
use crate::world::World;

/// After so long a client asks another validator.
const PATIENCE_MS: u64 = 3_000;

/// A transfer whose fate is not known.
struct Waiting {
    to: usize,
    amount: Amount,
    signed: Vec<u8>,
    /// Whom it is going to ask.
    next: usize,
    since_ms: u64,
}

struct Client {
    nonce: u64,
    balance: Amount,
    waiting: Option<Waiting>,
}

/// All clients of a run.
pub struct Clients {
    clients: Vec<Client>,
    /// Transfers that became final.
    pub transfers: u64,
}

impl Clients {
    /// Clients as the genesis has them.
    pub fn new(count: usize) -> Self {
        let balance = Amount::from_whole(keys::CLIENT_BALANCE);
        let clients = (0..count).map(|_| Client { nonce: 0, balance, waiting: None }).collect();
        Self { clients, transfers: 0 }
    }

    /// Whether nobody waits.
    pub fn all_idle(&self) -> bool {
        self.clients.iter().all(|client| client.waiting.is_none())
    }

    /// Looks what has become final, and sends what is due; new transfers only if `more`.
    ///
    /// # Errors
    /// A final state that no transfers could have led to.
    pub async fn step(
        &mut self,
        world: &World,
        rng: &mut StdRng,
        now_ms: u64,
        more: bool,
    ) -> Result<(), String> {
        let count = self.clients.len();
        for from in 0..count {
            let nonces = (0..world.members.len()).filter_map(|index| {
                let ledger = world.ledger(index)?.lock();
                Some(ledger.node().chain().account(keys::client_account(from))?.nonce)
            });
            let newest = nonces.max();
            let client = &mut self.clients[from];
            match newest {
                Some(newest) if newest > client.nonce => {
                    let Some(done) = client.waiting.take().filter(|_| newest == client.nonce + 1) else {
                        return Err(format!("client {from} has nonce {newest}, and sent {}", client.nonce));
                    };
                    client.nonce = newest;
                    client.balance =
                        client.balance.checked_sub(done.amount).map_err(|error| error.to_string())?;
                    let receiver = &mut self.clients[done.to];
                    receiver.balance =
                        receiver.balance.checked_add(done.amount).map_err(|error| error.to_string())?;
                    self.transfers += 1;
                }
                _ => {}
            }
            let client = &mut self.clients[from];
            if client.waiting.is_none() && more && rng.random_range(0..4) == 0 {
                let to = (from + rng.random_range(1..count)) % count;
                let amount = Amount::from_whole(rng.random_range(1..100));
                let signed = keys::transfer(from, to, amount, client.nonce, u64::MAX);
                // Not asked yet.
                let since_ms = now_ms.saturating_sub(PATIENCE_MS);
                let next = rng.random_range(0..world.members.len());
                client.waiting = Some(Waiting { to, amount, signed, next, since_ms });
            }
            if let Some(waiting) = &mut client.waiting
                && now_ms.saturating_sub(waiting.since_ms) >= PATIENCE_MS
            {
                let asked = waiting.next;
                waiting.next = (asked + 1) % world.members.len();
                // Who does not answer costs no time.
                let Some(running) = world.running(asked) else { continue };
                waiting.since_ms = now_ms;
                // A pool that has it already refuses it: it waits there.
                if running.ledger.submit(&waiting.signed).is_ok() {
                    let _ = running.submitted.send([&waiting.signed].into_iter().collect()).await;
                }
            }
        }
        Ok(())
    }

    /// Whether a state has what the clients know they have.
    ///
    /// # Errors
    /// It has something else.
    pub fn compare(&self, ledger: &Ledger) -> Result<(), String> {
        for (index, client) in self.clients.iter().enumerate() {
            let id = RecordId::Balance(keys::client_account(index), keys::asset());
            let found = match ledger.node().chain().record(&id) {
                Ok(Some(Record::Balance(Balance { amount }))) => amount,
                _ => Amount::ZERO,
            };
            if found != client.balance {
                return Err(format!("client {index} has {found}, and knows of {}", client.balance));
            }
        }
        Ok(())
    }
}
