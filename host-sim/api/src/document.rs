//! The OpenAPI document: what the routes say of themselves, and what is true of all of them.

use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::access::scope::Scope;
use crate::guard::SCHEME;

/// What the document begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "QENEX node",
        description = "What a node of a QENEX chain answers programs. Amounts are decimal texts with at most 18 digits behind the point, identifiers 1 to 24 characters of \
            A-Z, 0-9, '_', '-' and '.', times milliseconds since the beginning of 1970. Every route under /api/v1 is there under /api, too. What is not done is answered \
            with a row of the one table of codes.",
        license(name = "MIT", identifier = "MIT"),
    ),
    tags(
        (name = "chain", description = "Where the chain is."),
        (name = "ledger", description = "What the ledger holds."),
        (name = "transactions", description = "Transactions that their owners signed."),
        (name = "custody", description = "Accounts for which the node's device signs, as the policy of each key allows."),
        (name = "access", description = "Who may do what, and what was written down of it."),
        (name = "health", description = "Whether the node answers, and is ready."),
    )
)]
pub struct Document;

/// The document of these routes, with the schemes of security.
///
/// # Errors
/// It is no JSON.
pub fn finish(document: &utoipa::openapi::OpenApi) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(document)?;
    let scopes: Vec<String> =
        Scope::ALL.iter().map(|scope| format!("`{}`: {}", scope.as_str(), scope.sentence())).collect();
    document["components"]["securitySchemes"] = json!({
        SCHEME: {
            "type": "http", "scheme": "bearer",
            "description": format!("An API key, or a token of `POST /api/v1/token`; a key may also stand in the header X-API-Key. The scopes:\n\n- {}", scopes.join("\n- ")),
        },
    });
    Ok(document)
}
