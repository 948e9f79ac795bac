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
    components(schemas(crate::routes::custody::Preview, crate::routes::custody::Sent)),
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
    for operations in document["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        for operation in operations.as_object_mut().into_iter().flat_map(|operations| operations.values_mut())
        {
            mend(operation);
        }
    }
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

/// What OpenAPI asks for and the annotations leave out: a description of each answer; headers are never null, they are there or not; and bytes are bytes.
fn mend(operation: &mut Value) {
    for answer in operation["responses"].as_object_mut().into_iter().flat_map(|answers| answers.values_mut())
    {
        if answer["description"].as_str().is_none_or(str::is_empty) {
            answer["description"] = "What was asked for.".into();
        }
    }
    let bytes = |content: &mut Value| {
        if let Some(content) = content.get_mut("application/octet-stream") {
            content["schema"] = json!({ "type": "string", "format": "binary" });
        }
    };
    operation.pointer_mut("/requestBody/content").map(bytes);
    for answer in operation["responses"].as_object_mut().into_iter().flat_map(|answers| answers.values_mut())
    {
        answer.get_mut("content").map(bytes);
    }
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let types = parameter["schema"]["type"].as_array().cloned().unwrap_or_default();
        if parameter["in"] == "header"
            && let [kind, null] = types.as_slice()
            && null == "null"
        {
            parameter["schema"]["type"] = kind.clone();
        }
    }
}
