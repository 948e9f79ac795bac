//! A light client of a node's interface: it follows the ends of epochs by their checkpoints.

use qenex_core::codec::decode;
use qenex_core::consensus::{Endorsement, Header, Trusted};
use qenex_core::crypto::Scheme;
use serde_json::Value;

/// What is believed after this answer to `/api/checkpoint/EPOCH`.
///
/// # Errors
/// What is wrong with it.
pub fn follow(trusted: &Trusted, answer: &Value) -> Result<Trusted, String> {
    let bytes = |of: &Value, name: &str| {
        let text = of.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is missing"))?;
        hex::decode(text).map_err(|error| format!("{name}: {error}"))
    };
    let header = bytes(answer, "header")?;
    let header: Header = decode(&header).map_err(|error| format!("header: {error:?}"))?;
    let mut following = trusted.follow_checkpoint(&header).map_err(|error| format!("{error:?}"))?;
    for member in answer.get("members").and_then(Value::as_array).into_iter().flatten() {
        let (vote_key, finality_key) = (bytes(member, "vote_key")?, bytes(member, "finality_key")?);
        let missing = <&[u8; 32]>::try_from(&finality_key[..]).map_err(|error| error.to_string())?;
        let (public_key, signature) = match member.get("signature") {
            Some(_) => (bytes(member, "public_key")?, bytes(member, "signature")?),
            None => Default::default(),
        };
        let endorsement = match signature.is_empty() {
            true => Endorsement::Missing(missing),
            false => Endorsement::Signed { public_key: &public_key, signature: &signature },
        };
        let pushed = following.endorsements.push(Scheme::Ed25519, &vote_key, endorsement);
        pushed.map_err(|error| format!("{error:?}"))?;
    }
    following.finish(trusted).map_err(|error| format!("{error:?}"))
}
