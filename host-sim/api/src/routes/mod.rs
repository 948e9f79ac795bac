//! The routes, by what they are about.
//!
//! | module | what it is for |
//! |---|---|
//! | [`chain`] | where the chain is: status, blocks, checkpoints |
//! | [`validators`] | who decides on blocks |
//! | [`accounts`] | accounts, what they have, and proofs of it |
//! | [`assets`] | assets, and the figures of an economy that uses them |
//! | [`pools`] | pools, quotes, prices |
//! | [`history`] | what final blocks did |
//! | [`events`] | what becomes final, told while it does |
//! | [`transactions`] | transactions that their owners signed |
//! | [`custody`] | accounts for which the node's device signs |
//! | [`alerts`] | how the node is, and what is amiss |
//! | [`login`] | tokens, logging in |
//! | [`people`] | keys, sessions, the audit log |
//! | [`health`] | whether the node answers, and is ready; its metrics |

pub mod accounts;
pub mod alerts;
pub mod assets;
pub mod chain;
pub mod custody;
pub mod events;
pub mod health;
pub mod history;
pub mod login;
pub mod people;
pub mod pools;
pub mod transactions;
pub mod validators;

use crate::problem::Problem;

/// So many things are in an answer, at most.
const MOST: u16 = 500;

/// How many things somebody asks for: 50 where he does not say.
fn limit(asked: Option<u16>) -> Result<usize, Problem> {
    let most = asked.unwrap_or(50);
    if !(1..=MOST).contains(&most) {
        return Err(Problem::form(format_args!("limit: 1 to {MOST} was expected")));
    }
    Ok(most.into())
}

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
