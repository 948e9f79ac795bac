//! What is answered when something is not done: a status, and a row of the one table of codes.

use std::fmt::Display;
use std::time::Duration;

use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use qenex_core::error::{
    ACCOUNT_NOT_GRANTED, BODY_FORM, Code, Coded, INTERFACE_FAILED, NONCE_SIGNED, PENDING_FULL, RATE_LIMITED,
    REQUEST_TIMEOUT, SCOPE_MISSING, UNAUTHENTICATED,
};
use qenex_core::id::AccountId;
use qenex_index::IndexError;
use qenex_node::error::NodeError;
use qenex_node::sequencer::SubmitError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Denied;
use crate::access::scope::Scopes;
use crate::custody::CustodyError;
use crate::store::StoreError;

/// The body of an answer to what was not done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Why.
    error: ErrorDetail,
}

/// Why something was not done.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ErrorDetail {
    /// The number of the row in the table of codes.
    code: u16,
    /// Its name.
    name: &'static str,
    /// What was expected.
    sentence: &'static str,
    /// What was found.
    detail: String,
}

/// Something that was not done.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: Code,
    detail: String,
    retry_after: Option<Duration>,
}

/// What of a problem goes into the audit log: it travels with the response.
#[derive(Clone, Debug)]
pub struct Noted {
    /// The row.
    pub code: Code,
    /// What was found.
    pub detail: String,
}

impl Problem {
    /// A refusal with this status.
    pub fn new(status: StatusCode, code: Code, detail: impl Display) -> Self {
        Self { status, code, detail: detail.to_string(), retry_after: None }
    }

    /// What was sent is of another form.
    pub fn form(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, BODY_FORM, detail)
    }

    /// There is none.
    pub fn unknown(code: Code, detail: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// Whether there is none.
    pub fn is_unknown(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    /// Whoever asks must show who he is.
    pub fn unauthenticated(detail: impl Display) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, UNAUTHENTICATED, detail)
    }

    /// These scopes were not granted.
    pub fn scope_missing(missing: Scopes) -> Self {
        Self::new(StatusCode::FORBIDDEN, SCOPE_MISSING, missing)
    }

    /// The account is none of those that were granted.
    pub fn account_not_granted(account: AccountId) -> Self {
        Self::new(StatusCode::FORBIDDEN, ACCOUNT_NOT_GRANTED, account)
    }

    /// Too often.
    pub fn rate_limited(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, RATE_LIMITED, "") }
    }

    /// It took too long to arrive or to be answered.
    pub fn timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT, "")
    }

    /// The node cannot. Its log says why; the caller learns the code only.
    pub fn failed(code: Code, error: impl Display) -> Self {
        tracing::error!(code = code.number, "{error}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, "")
    }

    /// A part of the node that should not end did.
    pub fn ended(error: impl Display) -> Self {
        Self::failed(INTERFACE_FAILED, error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, detail, retry_after } = self;
        let Code { number, name, sentence } = code;
        let body = ErrorBody { error: ErrorDetail { code: number, name, sentence, detail: detail.clone() } };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(retry_after) = retry_after {
            headers.insert(RETRY_AFTER, (retry_after.as_secs() + 1).into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"qenex\""));
        }
        response.extensions_mut().insert(Noted { code, detail });
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::failed(error.code(), error)
    }
}

impl From<IndexError> for Problem {
    fn from(error: IndexError) -> Self {
        Self::failed(error.code(), error)
    }
}

impl From<NodeError> for Problem {
    fn from(error: NodeError) -> Self {
        Self::failed(error.code(), error)
    }
}

impl From<CustodyError> for Problem {
    fn from(error: CustodyError) -> Self {
        let code = error.code();
        let soon = |detail: String| Self {
            retry_after: Some(Duration::ZERO),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        };
        match error {
            CustodyError::Account(detail) => Self::unknown(code, detail),
            CustodyError::Reused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, ""),
            CustodyError::Waits => soon(String::new()),
            // After the next block there is room again.
            CustodyError::Refused(_) if [PENDING_FULL, NONCE_SIGNED].contains(&code) => soon(String::new()),
            CustodyError::Refused(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, "the device refuses")
            }
            CustodyError::Device(error) => {
                tracing::error!("custody: {error}");
                soon(String::new())
            }
            CustodyError::Submit(error) => error.into(),
            CustodyError::Node(error) => error.into(),
            CustodyError::Store(error) => error.into(),
            CustodyError::Encoding(_) => Self::new(StatusCode::BAD_REQUEST, code, ""),
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Invalid(detail) | Denied::Misused(detail) => Self::unauthenticated(detail),
            Denied::Key(_) => Self::unauthenticated(denied),
            Denied::Store(error) => error.into(),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, refusal.code(), refusal)
            }
            SubmitError::Mempool(error) => Self::new(StatusCode::CONFLICT, error.code(), error),
        }
    }
}
