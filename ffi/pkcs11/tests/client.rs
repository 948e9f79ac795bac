//! The module as an application uses it: loaded by the client of the crate `cryptoki`, over a simulated device. What it signs, other implementations verify.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

mod bench;
mod calls;

use bench::{Bench, HYBRID, OFFICER_PIN, OPERATOR_PIN, TRANSACTIONS, UNNAMED, VOTES, transfer};
use calls::{numbered, object, refusal, section, whole_transactions};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{
    Attribute, AttributeInfo, AttributeType, KeyType, MlDsaParameterSetType, ObjectClass, ObjectHandle,
};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use fips204::ml_dsa_87;
use fips204::traits::{SerDes, Verifier};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use qenex_core::crypto::{Purpose, Scheme, signing_digest, verify};
use qenex_core::error::{KEY_POLICY, POLICY_AMOUNT};

const ED25519_OID: &[u8] = b"\x06\x03\x2b\x65\x70";
const ED25519_NAME: &[u8] = b"\x13\x0cedwards25519";
const P256_OID: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// The module, initialised, and its slots: one with a device, one without.
fn load() -> (Pkcs11, Vec<Slot>) {
    let module = Pkcs11::new(Bench::module()).unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slots = module.get_all_slots().unwrap();
    (module, slots)
}

fn pin(text: &str) -> Option<AuthPin> {
    Some(AuthPin::new(text.into()))
}

/// An operator and an officer at once.
fn both() -> Option<AuthPin> {
    pin(&format!("{OPERATOR_PIN}\n{OFFICER_PIN}"))
}

fn log_in(session: &Session) {
    session.login(UserType::User, both().as_ref()).unwrap();
}

/// Makes a key: its public and its private object.
fn generate(
    session: &Session,
    mechanism: &Mechanism<'_>,
    public: &[Attribute],
) -> (ObjectHandle, ObjectHandle) {
    let private = [Attribute::Token(true), Attribute::Sensitive(true), Attribute::Sign(true)];
    session.generate_key_pair(mechanism, public, &private).unwrap()
}

fn value(session: &Session, object: ObjectHandle, kind: AttributeType) -> Vec<u8> {
    match session.get_attributes(object, &[kind]).unwrap().pop() {
        Some(
            Attribute::EcPoint(bytes)
            | Attribute::Value(bytes)
            | Attribute::EcParams(bytes)
            | Attribute::Id(bytes),
        ) => bytes,
        other => panic!("{other:?}"),
    }
}

/// Signs and verifies in one part and in many, and returns the signature.
fn sign_and_verify(
    session: &Session,
    mechanism: &Mechanism<'_>,
    keys: (ObjectHandle, ObjectHandle),
    data: &[u8],
) -> Vec<u8> {
    let (public, private) = keys;
    let signature = session.sign(mechanism, private, data).unwrap();
    session.sign_init(mechanism, private).unwrap();
    data.chunks(100).for_each(|part| session.sign_update(part).unwrap());
    assert_eq!(session.sign_final().unwrap(), signature);
    session.verify(mechanism, public, data, &signature).unwrap();
    session.verify_init(mechanism, public).unwrap();
    data.chunks(77).for_each(|part| session.verify_update(part).unwrap());
    session.verify_final(&signature).unwrap();
    let mut wrong = signature.clone();
    wrong[40] ^= 1;
    assert_eq!(refusal(session.verify(mechanism, public, data, &wrong)), RvError::SignatureInvalid);
    let short = session.verify(mechanism, public, data, &signature[1..]);
    assert_eq!(refusal(short), RvError::SignatureLenRange);
    signature
}

/// All key pairs that the test made are deleted.
fn clean(session: &Session) {
    let plain = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Destroyable(true)];
    for object in session.find_objects(&plain).unwrap() {
        session.destroy_object(object).unwrap();
    }
}

#[test]
fn slots_and_tokens() {
    let (bench, _used) = Bench::take();
    let (module, slots) = load();
    assert_eq!(slots.len(), 2);
    assert_eq!(module.get_slots_with_token().unwrap(), slots[..1]);
    let info = module.get_slot_info(slots[0]).unwrap();
    assert!(info.token_present() && info.hardware_slot());
    assert_eq!(info.manufacturer_id(), "QENEX");
    let path = bench.folder().join("socket").display().to_string();
    assert_eq!(info.slot_description(), &path[..path.len().min(64)]);
    let token = module.get_token_info(slots[0]).unwrap();
    assert_eq!((token.label(), token.manufacturer_id()), ("VAULT", "QENEX"));
    assert!(token.rng() && token.login_required() && token.token_initialized());
    assert_eq!(token.serial_number().len(), 16);
    assert_eq!(refusal(module.get_token_info(slots[1])), RvError::TokenNotPresent);
    assert_eq!(refusal(module.open_rw_session(slots[1])), RvError::TokenNotPresent);
    let mechanisms = module.get_mechanism_list(slots[0]).unwrap();
    for mechanism in [MechanismType::EDDSA, MechanismType::ECDSA, MechanismType::ML_DSA] {
        assert!(mechanisms.contains(&mechanism));
        let info = module.get_mechanism_info(slots[0], mechanism).unwrap();
        assert!(info.sign() && info.verify() && info.hardware() && !info.encrypt());
    }
    assert_eq!(
        refusal(module.get_mechanism_info(slots[0], MechanismType::AES_CBC)),
        RvError::MechanismInvalid
    );
    let again = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    assert!(matches!(again, Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _))), "{again:?}");
    module.finalize().unwrap();
}

#[test]
fn logins() {
    let (bench, _used) = Bench::take();
    let (module, slots) = load();
    let session = module.open_rw_session(slots[0]).unwrap();
    assert_eq!(session.get_session_info().unwrap().session_state(), SessionState::RwPublic);
    assert!(session.find_objects(&[]).unwrap().is_empty());
    assert_eq!(refusal(session.logout()), RvError::UserNotLoggedIn);
    let lines = session.login(UserType::User, pin(OPERATOR_PIN).as_ref());
    assert_eq!(refusal(lines), RvError::PinInvalid);
    let wrong = pin(&format!("{OPERATOR_PIN}\nanother pin"));
    assert_eq!(refusal(session.login(UserType::User, wrong.as_ref())), RvError::PinIncorrect);
    // The operator's login was taken back.
    assert_eq!(session.get_session_info().unwrap().session_state(), SessionState::RwPublic);
    log_in(&session);
    assert_eq!(session.get_session_info().unwrap().session_state(), SessionState::RwUser);
    assert_eq!(refusal(session.login(UserType::User, both().as_ref())), RvError::UserAlreadyLoggedIn);
    let officer = session.login(UserType::So, pin(OFFICER_PIN).as_ref());
    assert_eq!(refusal(officer), RvError::UserAnotherAlreadyLoggedIn);
    // A login holds for all sessions of a slot.
    let other = module.open_ro_session(slots[0]).unwrap();
    assert_eq!(other.get_session_info().unwrap().session_state(), SessionState::RoUser);
    assert_eq!(other.find_objects(&[]).unwrap().len(), 6);
    other.logout().unwrap();
    assert!(session.find_objects(&[]).unwrap().is_empty());
    let officer = session.login(UserType::So, pin(OFFICER_PIN).as_ref());
    assert_eq!(refusal(officer), RvError::SessionReadOnlyExists);
    drop(other);
    session.login(UserType::So, pin(OFFICER_PIN).as_ref()).unwrap();
    assert_eq!(session.get_session_info().unwrap().session_state(), SessionState::RwSecurityOfficer);
    assert_eq!(refusal(module.open_ro_session(slots[0])), RvError::SessionReadWriteSoExists);
    drop(session);
    // The last session's end is a logout.
    let session = module.open_rw_session(slots[0]).unwrap();
    assert_eq!(session.get_session_info().unwrap().session_state(), SessionState::RwPublic);
    drop(session);
    module.finalize().unwrap();

    // Where the configuration names nobody, the PIN does.
    bench.configure(UNNAMED);
    let (module, slots) = load();
    let session = module.open_rw_session(slots[0]).unwrap();
    assert_eq!(session.get_session_info().unwrap().session_state(), SessionState::RwPublic);
    assert_eq!(refusal(session.login(UserType::User, pin(OPERATOR_PIN).as_ref())), RvError::PinInvalid);
    session.login(UserType::User, pin(&format!("OSCAR:{OPERATOR_PIN}")).as_ref()).unwrap();
    let made = session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &[], &[]);
    assert_eq!(refusal(made), RvError::ActionProhibited);
    session.logout().unwrap();
    // To an auditor a device shows no public keys.
    session.login(UserType::User, pin(&format!("AUDREY:{OPERATOR_PIN}")).as_ref()).unwrap();
    assert!(session.find_objects(&[]).unwrap().is_empty());
    drop(session);
    module.finalize().unwrap();
}

#[test]
fn ed25519() {
    let (_, _used) = Bench::take();
    let (module, slots) = load();
    let session = module.open_rw_session(slots[0]).unwrap();
    log_in(&session);
    let eddsa = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
    for curve in [ED25519_OID, ED25519_NAME] {
        let template = [
            Attribute::Token(true),
            Attribute::EcParams(curve.into()),
            Attribute::Label(b"WEB-1".into()),
            Attribute::Id(vec![7]),
        ];
        let keys = generate(&session, &Mechanism::EccEdwardsKeyPairGen, &template);
        let point = value(&session, keys.0, AttributeType::EcPoint);
        assert_eq!(point[..2], [4, 32]);
        let public_key = ed25519_compact::PublicKey::from_slice(&point[2..]).unwrap();
        for length in [0, 1, 33, 5_000, 8_192] {
            let data: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let signature = sign_and_verify(&session, &eddsa, keys, &data);
            let signature = ed25519_compact::Signature::from_slice(&signature).unwrap();
            public_key.verify(&data, &signature).unwrap();
        }
        let too_long = session.sign(&eddsa, keys.1, &[0; 8_193]);
        assert_eq!(refusal(too_long), RvError::DataLenRange);
        // Either form finds it.
        for curve in [ED25519_OID, ED25519_NAME] {
            let wanted =
                [Attribute::EcParams(curve.into()), Attribute::Label(b"WEB-1".into()), Attribute::Sign(true)];
            assert_eq!(session.find_objects(&wanted).unwrap(), [keys.1]);
        }
        let taken = session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &template, &[]);
        assert_eq!(refusal(taken), RvError::DeviceMemory);
        let public = session.destroy_object(keys.0);
        assert_eq!(refusal(public), RvError::ActionProhibited);
        session.destroy_object(keys.1).unwrap();
        assert_eq!(
            refusal(session.get_attributes(keys.0, &[AttributeType::Id])),
            RvError::ObjectHandleInvalid
        );
    }
    module.finalize().unwrap();
}

#[test]
fn p256() {
    let (_, _used) = Bench::take();
    let (module, slots) = load();
    let session = module.open_rw_session(slots[0]).unwrap();
    log_in(&session);
    let template = [Attribute::EcParams(P256_OID.into())];
    let keys = generate(&session, &Mechanism::EccKeyPairGen, &template);
    let point = value(&session, keys.0, AttributeType::EcPoint);
    assert_eq!(point[..3], [4, 65, 4]);
    let public_key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point[2..]).unwrap();
    for length in [1, 20, 31, 32, 48, 64] {
        let digest: Vec<u8> = (1..=length).collect();
        let signature = sign_and_verify(&session, &Mechanism::Ecdsa, keys, &digest);
        let signature = p256::ecdsa::Signature::from_slice(&signature).unwrap();
        // The peer takes no digest that is shorter than half of the order: a shorter one is the same number with zeros before it.
        let padded = [&[0; 32][digest.len().min(32)..], &digest[..]].concat();
        public_key.verify_prehash(&padded, &signature).unwrap();
    }
    let long: Vec<u8> = (0..100_000).map(|index| index as u8).collect();
    let signature = sign_and_verify(&session, &Mechanism::EcdsaSha256, keys, &long);
    public_key.verify(&long, &p256::ecdsa::Signature::from_slice(&signature).unwrap()).unwrap();
    for wrong in [&[][..], &[1; 65]] {
        assert_eq!(refusal(session.sign(&Mechanism::Ecdsa, keys.1, wrong)), RvError::DataLenRange);
    }
    clean(&session);
    module.finalize().unwrap();
}

#[test]
fn ml_dsa_87() {
    let (_, _used) = Bench::take();
    let (module, slots) = load();
    let session = module.open_rw_session(slots[0]).unwrap();
    log_in(&session);
    let keys = generate(
        &session,
        &Mechanism::MlDsaKeyPairGen,
        &[Attribute::ParameterSet(MlDsaParameterSetType::ML_DSA_87.into())],
    );
    let public_key = value(&session, keys.0, AttributeType::Value);
    let public_key = ml_dsa_87::PublicKey::try_from_bytes(public_key.try_into().unwrap()).unwrap();
    for hedge in [HedgeType::Preferred, HedgeType::DeterministicRequired] {
        let mechanism = Mechanism::MlDsa(SignAdditionalContext::new(hedge, None));
        for length in [0, 100, 4_627, 8_192] {
            let data: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let signature = sign_and_verify(&session, &mechanism, keys, &data);
            assert!(public_key.verify(&data, &signature.try_into().unwrap(), &[]));
        }
    }
    for parameters in [
        SignAdditionalContext::new(HedgeType::Required, None),
        SignAdditionalContext::new(HedgeType::Preferred, Some(b"context")),
    ] {
        let refused = session.sign(&Mechanism::MlDsa(parameters), keys.1, b"data");
        assert_eq!(refusal(refused), RvError::MechanismParamInvalid);
    }
    let other = session.generate_key_pair(
        &Mechanism::MlDsaKeyPairGen,
        &[Attribute::ParameterSet(MlDsaParameterSetType::ML_DSA_65.into())],
        &[],
    );
    assert!(other.is_err());
    clean(&session);
    module.finalize().unwrap();
}

#[test]
fn what_a_key_is_not_for_is_refused() {
    let (_, _used) = Bench::take();
    let (module, slots) = load();
    let session = module.open_rw_session(slots[0]).unwrap();
    log_in(&session);
    let eddsa = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
    // Keys of the ledger sign nothing raw, whatever an application asks.
    for slot in [TRANSACTIONS, VOTES] {
        let key = object(&session, ObjectClass::PRIVATE_KEY, slot);
        assert_eq!(refusal(session.sign(&eddsa, key, b"data")), RvError::KeyFunctionNotPermitted);
        assert_eq!(refusal(session.destroy_object(key)), RvError::ActionProhibited);
    }
    let votes =
        session.get_attributes(object(&session, ObjectClass::PRIVATE_KEY, VOTES), &[AttributeType::Sign]);
    assert_eq!(votes.unwrap(), [Attribute::Sign(false)]);
    let hybrid = object(&session, ObjectClass::PRIVATE_KEY, HYBRID);
    let keys = generate(&session, &Mechanism::EccEdwardsKeyPairGen, &[]);
    for (mechanism, key, expected) in [
        (&eddsa, hybrid, RvError::KeyTypeInconsistent),
        (&Mechanism::Ecdsa, keys.1, RvError::KeyTypeInconsistent),
        (&eddsa, keys.0, RvError::KeyFunctionNotPermitted),
        (
            &Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519ph(b""))),
            keys.1,
            RvError::MechanismParamInvalid,
        ),
    ] {
        assert_eq!(refusal(session.sign(mechanism, key, b"data")), expected);
    }
    // What never leaves the device, and what there is not.
    let info = session
        .get_attribute_info(keys.1, &[AttributeType::Value, AttributeType::Modulus, AttributeType::Label])
        .unwrap();
    assert!(
        matches!(
            info[..],
            [AttributeInfo::Sensitive, AttributeInfo::TypeInvalid, AttributeInfo::Available(5)]
        ),
        "{info:?}"
    );
    let found = session.get_attributes(
        keys.1,
        &[AttributeType::Extractable, AttributeType::NeverExtractable, AttributeType::KeyType],
    );
    let expected = [
        Attribute::Extractable(false),
        Attribute::NeverExtractable(true),
        Attribute::KeyType(KeyType::EC_EDWARDS),
    ];
    assert_eq!(found.unwrap(), expected);
    for (template, expected) in [
        (Attribute::Extractable(true), RvError::AttributeValueInvalid),
        (Attribute::Sensitive(false), RvError::AttributeValueInvalid),
        (Attribute::Token(false), RvError::AttributeValueInvalid),
        (Attribute::Label(b"lower case".into()), RvError::AttributeValueInvalid),
        (Attribute::Id(vec![1, 2]), RvError::AttributeValueInvalid),
        (Attribute::Id(vec![16]), RvError::DeviceMemory),
        (Attribute::EcParams(P256_OID.into()), RvError::CurveNotSupported),
        (Attribute::KeyType(KeyType::RSA), RvError::TemplateInconsistent),
        (Attribute::Class(ObjectClass::PUBLIC_KEY), RvError::TemplateInconsistent),
    ] {
        let refused =
            session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &[], std::slice::from_ref(&template));
        assert_eq!(refusal(refused), expected, "{template:?}");
    }
    // A session that reads makes no keys; an operator makes none either, an officer signs nothing.
    let reader = module.open_ro_session(slots[0]).unwrap();
    let refused = reader.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &[], &[]);
    assert_eq!(refusal(refused), RvError::SessionReadOnly);
    drop(reader);
    session.logout().unwrap();
    session.login(UserType::So, pin(OFFICER_PIN).as_ref()).unwrap();
    assert_eq!(refusal(session.sign(&eddsa, keys.1, b"data")), RvError::ActionProhibited);
    clean(&session);
    module.finalize().unwrap();
}

/// A whole transaction goes through the policy: what it allows has the ledger's signature, what it does not its number.
#[test]
fn transactions() {
    let (bench, _used) = Bench::take();
    let (module, slots) = load();
    let session = module.open_rw_session(slots[0]).unwrap();
    log_in(&session);
    let mechanism = whole_transactions();
    let key = object(&session, ObjectClass::PRIVATE_KEY, TRANSACTIONS);
    let (bytes, id) = transfer(1, 25);
    let signature = session.sign(&mechanism, key, &section(1, &bytes)).unwrap();
    let digest = signing_digest(Scheme::Ed25519, Purpose::Transaction, &id);
    verify(Scheme::Ed25519, &bench.public_key, &digest, &signature).unwrap();
    let too_much = session.sign(&mechanism, key, &section(1, &transfer(2, 101).0));
    assert_eq!(refusal(too_much), numbered(POLICY_AMOUNT));
    assert_eq!(refusal(session.sign(&mechanism, key, &bytes)), RvError::DataInvalid);
    // A key without a policy.
    let hybrid = object(&session, ObjectClass::PRIVATE_KEY, HYBRID);
    assert_eq!(refusal(session.sign(&mechanism, hybrid, &section(1, &bytes))), numbered(KEY_POLICY));
    let votes = object(&session, ObjectClass::PRIVATE_KEY, VOTES);
    assert_eq!(
        refusal(session.sign(&mechanism, votes, &section(1, &bytes))),
        RvError::KeyFunctionNotPermitted
    );
    module.finalize().unwrap();
}

#[test]
fn random_bytes() {
    let (_, _used) = Bench::take();
    let (module, slots) = load();
    let session = module.open_ro_session(slots[0]).unwrap();
    let bytes = session.generate_random_vec(10_000).unwrap();
    let mut pieces: Vec<&[u8]> = bytes.chunks(16).collect();
    pieces.sort();
    assert!(pieces.windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(refusal(session.seed_random(&[1; 32])), RvError::RandomSeedNotSupported);
    drop(session);
    module.finalize().unwrap();
}

/// Sessions of several threads over one device: each gets what it asked for.
#[test]
fn threads() {
    let (_, _used) = Bench::take();
    let (module, slots) = load();
    let session = module.open_rw_session(slots[0]).unwrap();
    log_in(&session);
    let keys = generate(&session, &Mechanism::EccEdwardsKeyPairGen, &[]);
    std::thread::scope(|scope| {
        for thread in 0..6u8 {
            let (module, slot) = (&module, slots[0]);
            scope.spawn(move || {
                let eddsa = &Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
                for round in 0..10 {
                    let session = module.open_ro_session(slot).unwrap();
                    let data = [thread, round].repeat(300);
                    let signature = sign_and_verify(&session, eddsa, keys, &data);
                    assert_eq!(signature, session.sign(eddsa, keys.1, &data).unwrap());
                    assert!(session.generate_random_vec(32).is_ok());
                }
            });
        }
    });
    clean(&session);
    module.finalize().unwrap();
}
