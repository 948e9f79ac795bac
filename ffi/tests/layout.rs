//! Sizes, alignments and offsets as Rust has them are those that C has (ffi/abi.txt), on machines with pointers of 64 bits.
//!
//! Written by `tests/c/layout.py --write`; do not edit it.
#![cfg(target_pointer_width = "64")]

use core::mem::{align_of, offset_of, size_of};

use qenex_ffi::*;

macro_rules! layout {
    ($($type:path, $size:literal, $align:literal, [$($field:ident $offset:literal),*];)+) => {
        $(
            const _: () = assert!(size_of::<$type>() == $size && align_of::<$type>() == $align);
            $(const _: () = assert!(offset_of!($type, $field) == $offset);)*
        )+
    };
}

layout! {
    text::qnx_id_t, 25, 1, [text 0];
    text::qnx_reference_t, 36, 1, [text 0];
    amount::qnx_amount_t, 16, 8, [high 0, low 8];
    amm::qnx_pool_t, 56, 8, [a 0, b 16, shares 32, fee_bps 48];
    amm::qnx_limits_t, 16, 8, [deadline_ms 0, max_price_impact_bps 8, has_max_price_impact 10, has_deadline 11];
    amm::qnx_ratio_t, 16, 8, [whole 0, fraction 8];
    amm::qnx_quote_t, 136, 8, [amount_in 0, amount_out 16, fee 32, price_impact 48, price_impact_without_fee 64, pool 80];
    amm::qnx_liquidity_t, 104, 8, [amount_a 0, amount_b 16, shares 32, pool 48];
    hash::qnx_hash_t, 32, 1, [bytes 0];
    hash::qnx_hasher_t, 448, 8, [opaque 0];
    key::qnx_key_t, 320, 8, [opaque 0];
    merkle::qnx_log_t, 2176, 8, [opaque 0];
    record::qnx_key_ref_t, 33, 1, [hash 0, scheme 32];
    record::qnx_authority_t, 266, 1, [keys 0, key_count 264, threshold 265];
    record::qnx_account_t, 288, 8, [nonce 0, holdings 8, kind 12, status 13, kyc 14, authority 15];
    record::qnx_asset_t, 64, 8, [supply 0, max_supply 16, issuer 32];
    record::qnx_pool_record_t, 112, 8, [pool 0, asset_a 56, asset_b 81];
    record::qnx_record_body_t, 288, 8, [account 0, asset 0, balance 0, pool 0, shares 0];
    record::qnx_record_t, 296, 8, [body 0, kind 288];
    witness::qnx_witness_t, 16320, 8, [opaque 0];
    witness::qnx_witness_key_t, 65, 1, [key 0, value_hash 32, access 64];
    witness::qnx_state_value_t, 33, 1, [value_hash 0, present 32];
    transaction::qnx_create_account_t, 293, 1, [account 0, kind 25, kyc 26, authority 27];
    transaction::qnx_rotate_authority_t, 266, 1, [authority 0];
    transaction::qnx_set_frozen_t, 26, 1, [account 0, frozen 25];
    transaction::qnx_create_asset_t, 48, 8, [max_supply 0, asset 16];
    transaction::qnx_issue_t, 72, 8, [amount 0, asset 16, to 41];
    transaction::qnx_burn_t, 48, 8, [amount 0, asset 16];
    transaction::qnx_leg_t, 80, 8, [amount 0, to 16, reference 41];
    transaction::qnx_transfer_t, 1312, 8, [legs 0, leg_count 1280, asset 1281];
    transaction::qnx_create_pool_t, 78, 2, [pool 0, asset_a 25, asset_b 50, fee_bps 76];
    transaction::qnx_add_liquidity_t, 136, 8, [max_a 0, max_b 16, min_shares 32, deadline_ms 48, has_deadline 56, pool 57, asset_a 82, asset_b 107];
    transaction::qnx_remove_liquidity_t, 136, 8, [shares 0, min_a 16, min_b 32, deadline_ms 48, has_deadline 56, pool 57, asset_a 82, asset_b 107];
    transaction::qnx_swap_t, 120, 8, [exact 0, limit 16, deadline_ms 32, max_price_impact_bps 40, has_max_price_impact 42, has_deadline 43, pool 44, asset_in 69, asset_out 94];
    transaction::qnx_op_body_t, 1312, 8, [create_account 0, rotate_authority 0, set_frozen 0, create_asset 0, issue 0, burn 0, transfer 0, create_pool 0, add_liquidity 0, remove_liquidity 0, swap 0];
    transaction::qnx_transaction_t, 1400, 8, [nonce 0, last_valid_height 8, fee 16, chain_id 32, sender 57, op 82, body 88];
    transaction::qnx_line_t, 103, 1, [label 0, value 22];
    transaction::qnx_signature_t, 40, 8, [public_key 0, public_key_len 8, signature 16, signature_len 24, scheme 32];
    transaction::qnx_signed_t, 376, 8, [transaction 0, transaction_len 8, signatures 16, signature_count 336, id 344];
    policy::qnx_record_id_t, 83, 1, [key 0, first 32, second 57, kind 82];
    policy::qnx_asset_rule_t, 120, 8, [max_per_transaction 0, window_max 16, min_after 32, approve_above 48, delay_above 64, window_span_ms 80, has_window 88, has_approve_above 89, has_delay_above 90, asset 91];
    policy::qnx_policy_t, 2312, 8, [max_validity_blocks 0, delay_ms 8, max_fee 16, operations 32, without_witness 36, approve_always 40, max_price_impact_bps 44, max_slippage_bps 46, max_risk 48, from_minute 50, until_minute 52, has_max_price_impact 54, has_max_slippage 55, has_max_risk 56, has_hours 57, has_receivers 58, has_pools 59, has_approvals 60, approvals_threshold 61, min_receiver_kyc 62, confirm 63, asset_count 64, receiver_count 65, pool_count 66, approver_count 67, account 68, assets 96, receivers 1056, pools 1856, approvers 2056];
    policy::qnx_bytes_t, 16, 8, [bytes 0, len 8];
    policy::qnx_policy_case_t, 72, 8, [height 0, time_ms 8, requested_ms 16, records 24, record_count 32, chain_id 40, approvals 65];
    light::qnx_header_t, 344, 8, [epoch 0, view 8, height 16, time_ms 24, protocol 32, seal_len 34, chain_id 35, proposer 60, parent 85, transaction_root 117, state_root 149, receipt_root 181, validators 213, next_validators 245, seal 277];
    light::qnx_proposal_t, 56, 8, [epoch 0, view 8, parent_view 16, header 24];
    light::qnx_validators_t, 512, 8, [opaque 0];
    light::qnx_trusted_t, 192, 8, [height 0, epoch 8, time_ms 16, trusting_period_ms 24, chain_id 32, header 57, state_root 89, validators 121, next_validators 153];
    light::qnx_following_t, 1024, 8, [opaque 0];
    checkpoint::qnx_checkpoint_t, 1024, 8, [opaque 0];
    client::qnx_client_t, 9216, 8, [opaque 0];
    client::qnx_trust_t, 80, 8, [height 0, time_ms 8, chain_id 16, header 41, present 73];
    client::qnx_client_status_t, 128, 8, [audit_count 0, audit_taken 8, trusted 16, version 96, name 100, officers_needed 125, logged_in 126, unlocked 127];
    client_keys::qnx_key_info_t, 2724, 4, [path 0, public_key_len 4, scheme 6, purpose 7, has_policy 8, label 9, hash 34, policy 66, public_key 98];
    client_chain::qnx_audit_head_t, 136, 8, [count 0, hash 8, public_key 40, signature 72];
    client_chain::qnx_attestation_t, 280, 8, [audit_count 0, trusted 8, version 88, measurement 92, audit_hash 124, name 156, public_key 181, signature 213];
    client_audit::qnx_audit_place_t, 40, 8, [count 0, hash 8];
    client_audit::qnx_audit_entry_t, 46, 1, [bytes 0];
    client_audit::qnx_audit_event_t, 48, 8, [time_ms 0, refusal 8, about 12, command 44, user 45, key 46];
    client_backup::qnx_shares_t, 67, 1, [root 0, id 32, made 64, threshold 65, here 66];
    device::qnx_device_t, 5120, 8, [opaque 0];
    device::qnx_sign_work_t, 43008, 8, [opaque 0];
    device::qnx_region_t, 8, 4, [offset 0, pages 4];
    device::qnx_board_t, 208, 8, [context 0, read 8, program 16, erase 24, entropy 32, uptime 40, show 48, confirm 56, flash_size 64, vault 68, audit 76, votes 84, boot 92, slots 100, name 116, vendor_scheme 141, vendor 142, unique_secret 174];
    device::qnx_firmware_t, 76, 4, [version 0, sequence 4, slot 8, measurement 9, given_up 41];
}
