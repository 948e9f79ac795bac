#![no_main]

use core::mem::{MaybeUninit, size_of};

use libfuzzer_sys::fuzz_target;
use qenex_ffi::amount::{qnx_amount_parse, qnx_amount_print};
use qenex_ffi::hash::qnx_hash_t;
use qenex_ffi::light::{qnx_header_decode, qnx_header_encode, qnx_header_t};
use qenex_ffi::policy::{
    qnx_policy_case_t, qnx_policy_check, qnx_policy_decode, qnx_policy_encode, qnx_policy_t,
    qnx_transaction_records,
};
use qenex_ffi::record::{qnx_authority_t, qnx_record_decode};
use qenex_ffi::transaction::{
    qnx_signed_decode, qnx_signed_encode, qnx_signed_t, qnx_signed_verify, qnx_transaction_decode,
    qnx_transaction_encode, qnx_transaction_t,
};
use qenex_ffi::witness::{
    qnx_state_value_t, qnx_witness_clear, qnx_witness_finish, qnx_witness_init, qnx_witness_key_t,
    qnx_witness_push, qnx_witness_t,
};

/// A struct of C whose bytes are the first of the input, zeros behind them, and the rest of the input. Pointers in it point nowhere.
fn of_bytes<T>(data: &[u8]) -> (T, &[u8]) {
    let (bytes, rest) = data.split_at(data.len().min(size_of::<T>()));
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: the bytes fit, and every pattern of bits is a value of a struct of C.
    let value = unsafe {
        value.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        value.assume_init()
    };
    (value, rest)
}

/// What a function writes to a buffer of this room, if it succeeds.
fn bytes(room: usize, fill: impl FnOnce(*mut u8, *mut usize) -> i32) -> Option<Vec<u8>> {
    let mut buffer = vec![0xa5; room];
    let mut len = room;
    let status = fill(buffer.as_mut_ptr(), &mut len);
    buffer.truncate(len);
    (status == 0).then_some(buffer)
}

type Encode<T> = unsafe extern "C" fn(*const T, *mut u8, *mut usize) -> i32;
type Decode<T> = unsafe extern "C" fn(*const u8, usize, *mut T) -> i32;

fn decoded<T>(decode: Decode<T>, input: &[u8]) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the pointers are to memory of their types; a call that returns zero has written its result.
    unsafe { (decode(input.as_ptr(), input.len(), value.as_mut_ptr()) == 0).then(|| value.assume_init()) }
}

/// Either way round: bytes that are read are written alike, and a struct that is written is read and written alike.
fn round_trip<T>(encode: Encode<T>, decode: Decode<T>, data: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: the pointers are to memory of their types.
    let encoded = |value: &T| bytes(4096, |out, len| unsafe { encode(value, out, len) });
    if let Some(value) = decoded(decode, data) {
        assert_eq!(encoded(&value).as_deref(), Some(data));
    }
    let written = encoded(&of_bytes::<T>(data).0)?;
    let again = decoded(decode, &written).and_then(|value| encoded(&value));
    assert_eq!(again.as_deref(), Some(written.as_slice()));
    Some(written)
}

fn signed(data: &[u8]) {
    let (authority, rest) = of_bytes::<qnx_authority_t>(data);
    // SAFETY: the pointers are to memory of their types.
    let status = unsafe { qnx_signed_verify(rest.as_ptr(), rest.len(), &authority) };
    let Some(parts) = decoded::<qnx_signed_t>(qnx_signed_decode, rest) else {
        assert_ne!(status, 0);
        return;
    };
    let again = bytes(100_000, |out, len| {
        let signatures = parts.signatures.as_ptr();
        // SAFETY: the parts lie in the input.
        unsafe {
            qnx_signed_encode(
                parts.transaction,
                parts.transaction_len,
                signatures,
                parts.signature_count,
                out,
                len,
            )
        }
    });
    assert_eq!(again.as_deref(), Some(rest));
}

fn witness(data: &[u8]) {
    let (root, rest) = of_bytes::<qnx_hash_t>(data);
    let mut keys = Vec::new();
    let mut rest = rest;
    while let Some((1, _)) = rest.split_first().map(|(first, rest)| (first & 1, rest)) {
        let key;
        (key, rest) = of_bytes::<qnx_witness_key_t>(rest);
        keys.push(key);
    }
    let mut state = Box::new(MaybeUninit::<qnx_witness_t>::uninit());
    let state = state.as_mut_ptr();
    // SAFETY: the pointers are to memory of their types.
    unsafe {
        if qnx_witness_init(state, keys.as_ptr(), keys.len()) == 0 {
            let _ = qnx_witness_push(state, rest.as_ptr(), rest.len());
            let mut values = [MaybeUninit::<qnx_state_value_t>::uninit(); 64];
            let (mut count, mut after) = (values.len(), MaybeUninit::uninit());
            if qnx_witness_finish(state, &root, values.as_mut_ptr().cast(), &mut count, after.as_mut_ptr())
                == 0
            {
                assert_eq!(count, keys.len());
            }
            assert_eq!(qnx_witness_clear(state), 0);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((which, data)) = data.split_first() else { return };
    match which % 7 {
        0 => {
            let Some(transaction) =
                round_trip::<qnx_transaction_t>(qnx_transaction_encode, qnx_transaction_decode, data)
            else {
                return;
            };
            let mut count = 0;
            // SAFETY: the pointers are to memory of their types; there is no room, and none is needed to count.
            let status = unsafe {
                qnx_transaction_records(
                    transaction.as_ptr(),
                    transaction.len(),
                    core::ptr::null_mut(),
                    &mut count,
                )
            };
            assert!(status != 0 && (1..=35).contains(&count));
        }
        1 => drop(round_trip::<qnx_header_t>(qnx_header_encode, qnx_header_decode, data)),
        2 => signed(data),
        3 => {
            let (mut case, rest) = of_bytes::<qnx_policy_case_t>(data);
            case.records = core::ptr::null();
            let (policy, transaction) = rest.split_at(rest.len() / 2);
            // SAFETY: the pointers are to memory of their types.
            let _ = unsafe {
                qnx_policy_check(
                    policy.as_ptr(),
                    policy.len(),
                    transaction.as_ptr(),
                    transaction.len(),
                    &case,
                )
            };
            let _ = decoded(qnx_record_decode, rest);
        }
        4 => witness(data),
        5 => drop(round_trip::<qnx_policy_t>(qnx_policy_encode, qnx_policy_decode, data)),
        _ => {
            let mut amount = MaybeUninit::uninit();
            // SAFETY: the pointers are to memory of their types; a call that returns zero has written its result.
            unsafe {
                if qnx_amount_parse(data.as_ptr().cast(), data.len(), amount.as_mut_ptr()) == 0 {
                    let amount = amount.assume_init();
                    let text = bytes(40, |out, len| qnx_amount_print(amount, out.cast(), len));
                    let text = text.expect("an amount that was read can be printed");
                    let mut again = MaybeUninit::uninit();
                    assert_eq!(qnx_amount_parse(text.as_ptr().cast(), text.len() - 1, again.as_mut_ptr()), 0);
                    assert!(again.assume_init() == amount);
                }
            }
        }
    }
});
