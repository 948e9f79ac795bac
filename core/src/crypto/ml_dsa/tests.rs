//! Vectors of NIST (ACVP) and Wycheproof, through the interfaces that they are made for: the internal ones of FIPS 204,
//! section 6, where a message has no context, mu is given, or the randomness is not zero.

use std::io::Read;
use std::path::PathBuf;
use std::println;
use std::string::String;
use std::vec::Vec;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;
use crate::crypto::keccak::Shake;

/// A file of the folder of shared data beside the project.
fn shared(name: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/crypto").join(name);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            println!("left out: {}: {error}", path.display());
            return None;
        }
    };
    let mut text = String::new();
    if name.ends_with(".gz") {
        GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    Some(serde_json::from_str(&text).unwrap())
}

fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_default();
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap()
}

/// The groups' tests, each with its group.
fn tests(data: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = data["testGroups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
}

impl Expanded {
    /// skDecode (FIPS 204, algorithm 25).
    fn decode(bytes: &[u8; 4896]) -> Self {
        let mut key = Self::EMPTY;
        let mut rest = &bytes[..];
        let fields = [&mut key.rho[..], &mut key.key, &mut key.tr, key.s1.as_flattened_mut()];
        for field in fields.into_iter().chain([key.s2.as_flattened_mut(), key.t0.as_flattened_mut()]) {
            let (now, after) = rest.split_at(field.len());
            field.copy_from_slice(now);
            rest = after;
        }
        assert!(rest.is_empty());
        key
    }

    /// skEncode (FIPS 204, algorithm 24).
    fn encode(&self) -> Vec<u8> {
        let vectors = [self.s1.as_flattened(), self.s2.as_flattened(), self.t0.as_flattened()];
        [&self.rho[..], &self.key, &self.tr].into_iter().chain(vectors).collect::<Vec<_>>().concat()
    }
}

fn expand(seed: &[u8; 32]) -> (Expanded, Vec<u8>) {
    let (mut key, mut public) = (Expanded::EMPTY, Vec::new());
    let mut work = Work::EMPTY;
    key.fill(seed, &mut work, |bytes| public.extend_from_slice(bytes));
    (key, public)
}

/// mu of a message that has its prefix, if it has one at all.
fn mu(tr: &[u8; 64], parts: &[&[u8]]) -> [u8; 64] {
    let mut xof = Shake::new();
    xof.absorb(tr);
    for part in parts {
        xof.absorb(part);
    }
    xof.end();
    xof.output()
}

fn sign_mu(key: &Expanded, mu: &[u8; 64], rnd: &[u8; 32]) -> [u8; SIGNATURE_BYTES] {
    let mut signature = [0xa5; SIGNATURE_BYTES];
    let mut work = Work::EMPTY;
    sign::sign(key, &mut work, mu, rnd, &mut signature).unwrap();
    signature
}

fn verify_mu(public: &[u8], mu: &[u8; 64], signature: &[u8]) -> Result<(), SignatureError> {
    let mut verifier = Verifier::new();
    verifier.public_key(public)?;
    verifier.end_public_key()?;
    verifier.begin_signature(*mu);
    verifier.signature(signature)?;
    verifier.finish()
}

#[test]
fn acvp_key_generation() {
    let Some(data) = shared("acvp_ml_dsa_87.json") else { return };
    let mut count = 0;
    for (_, test) in tests(&data["key-gen"]) {
        let seed = array(&test["seed"]);
        let (key, public) = expand(&seed);
        assert_eq!(public, hex(&test["pk"]), "{}", test["tcId"]);
        assert_eq!(key.encode(), hex(&test["sk"]), "{}", test["tcId"]);
        let mut same = [0; PUBLIC_KEY_BYTES];
        SecretKey::from_seed(&seed).public_key(&mut same);
        assert_eq!(public, same);
        count += 1;
    }
    assert_eq!(count, 25);
}

#[test]
fn acvp_signatures() {
    let Some(data) = shared("acvp_ml_dsa_87.json") else { return };
    let mut hedged = 0;
    for (group, test) in tests(&data["sig-gen"]) {
        let key = Expanded::decode(&array(&test["sk"]));
        let mu = mu(&key.tr, &[&hex(&test["message"])]);
        let rnd = if group["deterministic"] == true { [0; 32] } else { array(&test["rnd"]) };
        hedged += usize::from(rnd != [0; 32]);
        assert_eq!(sign_mu(&key, &mu, &rnd)[..], hex(&test["signature"]), "{}", test["tcId"]);
    }
    assert_eq!((hedged, tests(&data["sig-gen"]).count()), (10, 20));
}

#[test]
fn acvp_verification() {
    let Some(data) = shared("acvp_ml_dsa_87.json") else { return };
    let mut accepted = 0;
    for (group, test) in tests(&data["sig-ver"]) {
        let public = hex(&group["pk"]);
        let tr = Expanded::decode(&array(&group["sk"])).tr;
        let result = verify_mu(&public, &mu(&tr, &[&hex(&test["message"])]), &hex(&test["signature"]));
        let expected = match test["reason"].as_str().unwrap() {
            "no modification" => Ok(()),
            "too many hints" => Err(SignatureError::Malformed),
            _ => Err(SignatureError::Mismatch),
        };
        assert_eq!(expected.is_ok(), test["testPassed"] == true);
        assert_eq!(result, expected, "{} {}", test["tcId"], test["reason"]);
        accepted += usize::from(result.is_ok());
    }
    assert_eq!(accepted, 3);
}

#[test]
fn wycheproof_signatures() {
    let Some(data) = shared("wycheproof_mldsa_87_sign_seed_test.json.gz") else { return };
    let mut signed = 0;
    for (group, test) in tests(&data) {
        let name = std::format!("{} {}", test["tcId"], test["comment"]);
        let Ok(seed) = <[u8; 32]>::try_from(hex(&group["privateSeed"])) else {
            assert_eq!(test["result"], "invalid", "{name}");
            continue;
        };
        let (key, public) = expand(&seed);
        let (context, message) = (hex(&test["ctx"]), hex(&test["msg"]));
        let mut signature = [0; SIGNATURE_BYTES];
        let pure = SecretKey::from_seed(&seed).sign(&message, &context, &mut signature);
        if test["result"] == "invalid" {
            assert_eq!(pure, Err(SignError::Context), "{name}");
            assert_eq!(signature, [0; SIGNATURE_BYTES]);
            continue;
        }
        assert_eq!(public, hex(&group["publicKey"]), "{name}");
        let expected = hex(&test["sig"]);
        let mu = match test["mu"].is_string() {
            true => array(&test["mu"]),
            false => mu(&key.tr, &[&[0, context.len() as u8], &context, &message]),
        };
        let rnd = if test["rnd"].is_string() { array(&test["rnd"]) } else { [0; 32] };
        assert_eq!(sign_mu(&key, &mu, &rnd)[..], expected, "{name}");
        assert_eq!(verify_mu(&public, &mu, &expected), Ok(()), "{name}");
        if test["msg"].is_string() && rnd == [0; 32] {
            assert_eq!(pure, Ok(()), "{name}");
            assert_eq!(signature[..], expected, "{name}");
            assert_eq!(verify(&public, &message, &context, &signature), Ok(()), "{name}");
        }
        signed += 1;
    }
    assert_eq!(signed, 92);
}

#[test]
fn wycheproof_verification() {
    let Some(data) = shared("wycheproof_mldsa_87_verify_test.json.gz") else { return };
    let mut accepted = 0;
    for (group, test) in tests(&data) {
        let name = std::format!("{} {} {}", test["tcId"], test["comment"], test["flags"]);
        let (public, signature) = (hex(&group["publicKey"]), hex(&test["sig"]));
        let (message, context) = (hex(&test["msg"]), hex(&test["ctx"]));
        let result = verify(&public, &message, &context, &signature);
        assert_eq!(result.is_ok(), test["result"] == "valid", "{name}: {result:?}");
        let expected = match test["flags"][0].as_str().unwrap_or_default() {
            "InfinityNormViolation" | "InvalidHintsEncoding" => Some(SignatureError::Malformed),
            "InvalidContext" if context.len() > 255 => Some(SignatureError::Context),
            "IncorrectPublicKeyLength" => Some(SignatureError::PublicKeyLength),
            "IncorrectSignatureLength" => Some(SignatureError::Length),
            _ => result.err(),
        };
        assert_eq!(result.err(), expected, "{name}");
        accepted += usize::from(result.is_ok());
    }
    assert_eq!((accepted, tests(&data).count()), (71, 241));
}
