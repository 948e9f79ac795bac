//! The routes, by what they are about.
//!
//! | module | what it is for |
//! |---|---|
//! | [`chain`] | where the chain is: status, blocks, checkpoints |
//! | [`accounts`] | what the ledger holds: accounts, balances, assets, pools, proofs, history |
//! | [`transactions`] | transactions that their owners signed |
//! | [`custody`] | accounts for which the node's device signs |
//! | [`people`] | tokens, keys, sessions, the audit log |
//! | [`health`] | whether the node answers, and is ready |

pub mod accounts;
pub mod chain;
pub mod custody;
pub mod health;
pub mod people;
pub mod transactions;

/// The answers that every route may give beside its own.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "the document is made of it")]
pub enum Refusals {
    /// What was sent is of another form.
    #[response(status = 400)]
    Form(crate::problem::ErrorBody),
    /// Nothing was shown, or what was shown does not count.
    #[response(status = 401)]
    Unauthenticated(crate::problem::ErrorBody),
    /// What was shown does not allow this.
    #[response(status = 403)]
    Forbidden(crate::problem::ErrorBody),
    /// There is none.
    #[response(status = 404)]
    Unknown(crate::problem::ErrorBody),
    /// It took too long to arrive.
    #[response(status = 408)]
    Timeout(crate::problem::ErrorBody),
    /// Too many requests.
    #[response(status = 429)]
    RateLimited(crate::problem::ErrorBody),
    /// The node cannot.
    #[response(status = 500)]
    Failed(crate::problem::ErrorBody),
}

/// What a route that takes a body may answer beside [`Refusals`].
#[derive(utoipa::IntoResponses)]
#[allow(dead_code, reason = "the document is made of it")]
pub enum BodyRefusals {
    /// The body is too long.
    #[response(status = 413)]
    TooLong(crate::problem::ErrorBody),
}
