//! The clear-signing summary: all that a transaction will do, as labelled lines that a person can read.
//!
//! Every field of the transaction appears in some line, so two different transactions have different summaries.
//! Lines are made one at a time and never kept, so that a device needs room for only one. A label and each row of a
//! value fit the width of a 128x64 display with a font of 6x8 pixels; JSON shows the same lines.

use core::fmt::{self, Write};

use super::{Authority, Leg, Op, SignedVote, Transaction};
use crate::consensus::Round;
use crate::id::NATIVE_ASSET;

/// Characters in a row of the display.
pub const DISPLAY_COLUMNS: usize = 21;

/// Rows of the display.
pub const DISPLAY_ROWS: usize = 8;

/// The longest value: a key's scheme and hash; an amount with its asset takes 64.
pub const MAX_VALUE_LEN: usize = 80;

/// The most lines of a summary: the operation, three lines for each receiver, and five of every transaction.
pub const MAX_SUMMARY_LINES: usize = 6 + 3 * super::MAX_RECEIVERS;

/// One line: what it is about, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// At most [`DISPLAY_COLUMNS`] characters.
    pub label: &'static str,
    /// At most [`MAX_VALUE_LEN`] characters of printable ASCII.
    pub value: heapless::String<MAX_VALUE_LEN>,
}

impl Line {
    /// A value, cut at [`MAX_VALUE_LEN`] characters.
    pub fn of(label: &'static str, value: impl fmt::Display) -> Self {
        let mut line = Self { label, value: heapless::String::new() };
        let _ = write!(line.value, "{value}");
        line
    }

    /// The value cut into rows of the display's width, with no character left out.
    pub fn rows(&self) -> impl Iterator<Item = &str> {
        // Values are ASCII, so that every cut falls between characters.
        self.value.as_bytes().chunks(DISPLAY_COLUMNS).map(|row| core::str::from_utf8(row).unwrap_or_default())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.value)
    }
}

/// The summary of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a>(&'a Transaction<'a>);

impl<'a> Summary<'a> {
    /// Of this transaction.
    pub const fn new(transaction: &'a Transaction<'a>) -> Self {
        Self(transaction)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        let mut count = Picker { wanted: usize::MAX, next: 0, line: None };
        count.transaction(self.0);
        count.next
    }

    /// Never: every transaction says something.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The line at `index`, or nothing past the end.
    pub fn line(&self, index: usize) -> Option<Line> {
        let mut picker = Picker { wanted: index, next: 0, line: None };
        picker.transaction(self.0);
        picker.line
    }

    /// All lines in order.
    pub fn lines(self) -> impl Iterator<Item = Line> + 'a {
        (0..MAX_SUMMARY_LINES).map_while(move |index| self.line(index))
    }
}

/// Walks through all lines and keeps the wanted one.
struct Picker {
    wanted: usize,
    next: usize,
    line: Option<Line>,
}

impl Picker {
    fn say(&mut self, label: &'static str, value: impl fmt::Display) {
        if self.next == self.wanted {
            // Nothing is cut: every value is shorter than MAX_VALUE_LEN, as the tests show for the longest ones.
            self.line = Some(Line::of(label, value));
        }
        self.next = self.next.saturating_add(1);
    }

    fn transaction(&mut self, tx: &Transaction<'_>) {
        self.op(&tx.op);
        self.say("From", tx.sender);
        self.say("Fee", format_args!("{} {NATIVE_ASSET}", tx.fee));
        self.say("Chain", tx.chain_id);
        self.say("Nonce", tx.nonce);
        self.say("Valid to block", tx.last_valid_height);
    }

    fn op(&mut self, op: &Op<'_>) {
        match op {
            Op::CreateAccount(op) => {
                self.say("Operation", "Create account");
                self.say("Account", op.account);
                self.say("Kind", op.kind);
                self.say("KYC level", op.kyc);
                self.authority(&op.authority);
            }
            Op::RotateAuthority(op) => {
                self.say("Operation", "Replace all keys of the sender");
                self.authority(&op.authority);
            }
            Op::SetFrozen(op) => {
                self.say("Operation", if op.frozen { "Freeze account" } else { "Unfreeze account" });
                self.say("Account", op.account);
            }
            Op::CloseAccount => self.say("Operation", "Close the sender's account for ever"),
            Op::CreateAsset(op) => {
                self.say("Operation", "Create asset");
                self.say("Asset", op.asset);
                self.say("Largest supply", op.max_supply);
            }
            Op::Issue(op) => {
                self.say("Operation", "Issue");
                self.say("Amount", format_args!("{} {}", op.amount, op.asset));
                self.say("To", op.to);
            }
            Op::Burn(op) => {
                self.say("Operation", "Burn");
                self.say("Amount", format_args!("{} {}", op.amount, op.asset));
            }
            Op::Transfer(op) => {
                self.say("Operation", "Transfer");
                for Leg { to, amount, reference } in op.legs.iter() {
                    self.say("Send", format_args!("{amount} {}", op.asset));
                    self.say("To", to);
                    if !reference.as_str().is_empty() {
                        self.say("For", reference);
                    }
                }
            }
            Op::CreatePool(op) => {
                self.say("Operation", "Create pool");
                self.say("Pool", op.pool);
                self.say("First asset", op.asset_a);
                self.say("Second asset", op.asset_b);
                self.say("Pool fee", BasisPoints(op.fee_bps));
            }
            Op::AddLiquidity(op) => {
                self.say("Operation", "Add liquidity");
                self.say("Pool", op.pool);
                self.say("Give at most", format_args!("{} {}", op.max_a, op.asset_a));
                self.say("Give at most", format_args!("{} {}", op.max_b, op.asset_b));
                self.say("Shares at least", op.min_shares);
                self.deadline(op.deadline_ms);
            }
            Op::RemoveLiquidity(op) => {
                self.say("Operation", "Remove liquidity");
                self.say("Pool", op.pool);
                self.say("Shares to give back", op.shares);
                self.say("Receive at least", format_args!("{} {}", op.min_a, op.asset_a));
                self.say("Receive at least", format_args!("{} {}", op.min_b, op.asset_b));
                self.deadline(op.deadline_ms);
            }
            Op::SwapExactIn(op) => {
                self.say("Operation", "Swap");
                self.say("Give exactly", format_args!("{} {}", op.amount_in, op.asset_in));
                self.say("Receive at least", format_args!("{} {}", op.min_out, op.asset_out));
                self.say("Pool", op.pool);
                self.price_impact(op.max_price_impact_bps);
                self.deadline(op.deadline_ms);
            }
            Op::SwapExactOut(op) => {
                self.say("Operation", "Swap");
                self.say("Receive exactly", format_args!("{} {}", op.amount_out, op.asset_out));
                self.say("Give at most", format_args!("{} {}", op.max_in, op.asset_in));
                self.say("Pool", op.pool);
                self.price_impact(op.max_price_impact_bps);
                self.deadline(op.deadline_ms);
            }
            Op::Stand(op) => {
                self.say("Operation", "Stand as a validator");
                self.say("Slot", op.slot);
                self.say("Vote key", op.vote_key);
                self.say("Network key", op.peer_key);
                self.say("Checkpoint key hash", op.finality_key);
                self.say("Commission", BasisPoints(op.commission_bps));
                self.say("Stake", format_args!("{} {NATIVE_ASSET}", op.amount));
            }
            Op::Leave(op) => {
                self.say("Operation", "Stand as a validator no more");
                self.say("Slot", op.slot);
            }
            Op::Delegate(op) => {
                self.say("Operation", "Delegate stake");
                self.say("Stake", format_args!("{} {NATIVE_ASSET}", op.amount));
                self.say("Validator", op.validator);
            }
            Op::Unbond(op) => {
                self.say("Operation", "Unbond stake");
                self.say("Shares to give back", op.shares);
                self.say("Validator", op.validator);
            }
            Op::Withdraw(op) => {
                self.say("Operation", "Withdraw released stake");
                self.say("Validator", op.validator);
            }
            Op::Report(op) => {
                self.say("Operation", "Report contradicting votes");
                self.say("Validator", op.validator);
                self.say("Vote key", op.vote_key);
                self.vote(&op.first);
                self.vote(&op.second);
            }
        }
    }

    fn vote(&mut self, signed: &SignedVote<'_>) {
        let Round { epoch, view } = signed.vote.round();
        self.say("Vote", format_args!("{} epoch {epoch} view {view}", signed.vote.kind().as_str()));
        if let Some(proposal) = signed.vote.proposal() {
            self.say("Block", proposal.header);
            self.say("Parent's view", proposal.parent_view);
        }
        let (first, second) = signed.signature.0.split_at(32);
        for half in [first, second] {
            self.say("Signature", Hex(half));
        }
    }

    fn authority(&mut self, authority: &Authority<'_>) {
        self.say(
            "Keys that must sign",
            format_args!("{} of {}", authority.threshold(), authority.key_count()),
        );
        for key in authority.keys() {
            self.say("Key", format_args!("{} {}", key.scheme, key.hash));
        }
    }

    fn price_impact(&mut self, limit_bps: Option<u16>) {
        match limit_bps {
            Some(bps) => self.say("Price impact, max", BasisPoints(bps)),
            None => self.say("Price impact, max", "no limit"),
        }
    }

    fn deadline(&mut self, deadline_ms: Option<u64>) {
        match deadline_ms {
            Some(ms) => self.say("Deadline", UtcTime(ms)),
            None => self.say("Deadline", "none"),
        }
    }
}

/// Bytes in hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Basis points as a percentage with two places.
struct BasisPoints(u16);

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 100, self.0 % 100)
    }
}

/// Milliseconds since the Unix epoch as `2026-11-20 22:55:07.123 UTC`.
struct UtcTime(u64);

impl fmt::Display for UtcTime {
    // Divisors are constants and no intermediate exceeds the input by more than a few times its days.
    #[allow(clippy::arithmetic_side_effects)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0 / 86_400_000, self.0 % 86_400_000);
        // Proleptic Gregorian date from days (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}.{:03} UTC", ms % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        // From GNU date: date -u -d @SECONDS
        for (ms, text) in [
            (0, "1970-01-01 00:00:00.000 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00.000 UTC"),
            (1_709_251_199_999, "2024-02-29 23:59:59.999 UTC"),
            (1_795_215_307_123, "2026-11-20 22:55:07.123 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000 UTC"),
        ] {
            assert_eq!(UtcTime(ms).to_string(), text);
        }
        assert!(UtcTime(u64::MAX).to_string().len() <= MAX_VALUE_LEN);
    }
}
