// The examples of C once more in C++: amounts with operators, a quote, a transfer that is built, shown and signed, by keys in memory and by a device.
#include <iostream>

#include "device.h"
#include "qenex.hpp"

using qenex::Amount;

static int checks_failed = 0;

static void expect(bool condition, const char* what) {
    if (!condition) {
        std::cerr << "expected: " << what << "\n";
        checks_failed++;
    }
}

int main() {
    // Amounts are exact, and what does not fit is an error, not a wrong number.
    const Amount price = Amount::parse("19.99");
    std::cout << "sum            " << price + Amount::whole(1) << "\n";
    std::cout << "a third        " << price.div(Amount::whole(3), qenex::Rounding::down) << "\n";
    expect(price < Amount::whole(20), "19.99 is less than 20");
    try {
        (void)(price - Amount::whole(20));
        expect(false, "nothing is below zero");
    } catch (const qenex::Error& error) {
        std::cout << "19.99 - 20     " << error.name() << "\n";
    }
    const auto wrong = Amount::try_parse("1e3");
    expect(!wrong && wrong.status() == QNX_ERR_NUM_SYNTAX, "no exponents");
    expect(wrong.value_or(price) == price, "value_or gives the other value");

    qnx_pool_t pool{};
    pool.a = Amount::whole(10000).c();
    pool.b = Amount::whole(5).c();
    pool.shares = Amount::parse("223.60679774997896964").c();
    pool.fee_bps = 30;
    const auto quote = qenex::try_swap_exact_in(pool, qenex::Direction::a_to_b, Amount::whole(1000), Amount()).value();
    std::cout << "amount out     " << Amount(quote.amount_out) << "\n";
    const auto back = qenex::try_swap_exact_out(pool, qenex::Direction::a_to_b, Amount(quote.amount_out), Amount::whole(1000));
    expect(back.has_value() && Amount(back.value().amount_in) <= Amount::whole(1000), "exact out asks for no more");

    qnx_transaction_t transaction{};
    transaction.chain_id = qenex::id("QENEX-DEMO");
    transaction.sender = qenex::id("ACC000001");
    transaction.nonce = 7;
    transaction.last_valid_height = 1000;
    transaction.fee = Amount::parse("0.01").c();
    transaction.op = QNX_OP_TRANSFER;
    transaction.body.transfer.asset = qenex::id("USDC");
    transaction.body.transfer.leg_count = 1;
    transaction.body.transfer.legs[0].to = qenex::id("BANK_001");
    transaction.body.transfer.legs[0].amount = Amount::whole(25).c();
    const auto bytes = qenex::try_encode(transaction).value();
    qenex::check(qenex::for_each_line(bytes, [](std::string_view label, std::string_view value) {
        std::cout << label << ": " << value << "\n";
    }));
    expect(qenex::try_decode(bytes).value().nonce == 7, "what is read back is what was written");

    std::array<std::uint8_t, QNX_SEED_SIZE> seed{};
    seed.fill(7);
    const qnx_hash_t id = qenex::try_transaction_id(bytes).value();
    for (const int number : {QNX_ED25519, QNX_ML_DSA_87, QNX_HYBRID, QNX_P256}) {
        const auto scheme = static_cast<qnx_scheme_t>(number);
        const qenex::SecretKey key(scheme, seed);
        const auto public_key = key.public_key();
        const auto signature = key.sign(QNX_PURPOSE_TRANSACTION, id);
        expect(qnx_verify(scheme, QNX_PURPOSE_TRANSACTION, &id, public_key.data(), public_key.size(), signature.data(),
                          signature.size()) == QNX_OK,
               "a signature verifies");
        expect(qnx_verify(scheme, QNX_PURPOSE_VOTE, &id, public_key.data(), public_key.size(), signature.data(),
                          signature.size()) == QNX_ERR_SIGNATURE_MISMATCH,
               "and for no other purpose");
        std::cout << "scheme " << number << ": public key " << public_key.size() << ", signature " << signature.size()
                  << " bytes\n";
    }

    expect(qenex::try_encode(qnx_transaction_t{}).status() == QNX_ERR_ID_SYNTAX, "an empty transaction is none");

    // The same by a device, whose keys nobody takes out of it. The line to it is a call here.
    static hardware_t hardware;
    static qenex::Device device;
    start(device.c(), &hardware);
    auto line = [](qenex::Bytes frame, qenex::Span<std::uint8_t> answer, std::size_t& length) {
        return exchange(device.c(), frame.data(), frame.size(), answer.data(), answer.size(), &length);
    };
    qenex::Client::Key static_key{}, random{};
    static_key.fill(1);
    random.fill(2);
    qenex::Client client(line, static_key, random);
    qnx_key_info_t made{};
    set_up(client.c(), &made);
    client.log_out();
    expect(client.try_login("OSCAR", "no PIN of his") == QNX_ERR_PIN_WRONG, "a PIN is the user's");
    client.login("OSCAR", OPERATOR_PIN);
    qenex::check(client.for_each_key([](std::uint8_t slot, const qnx_key_info_t& key) {
        std::cout << "slot " << int{slot} << ": " << key.label.text << "\n";
    }));
    qenex::Request request;
    request.transaction = bytes;
    expect(client.try_judge(request) == QNX_OK, "the policy allows it");
    const auto signature = client.sign(request);
    expect(qnx_verify(made.scheme, QNX_PURPOSE_TRANSACTION, &id, made.public_key, made.public_key_len, signature.data(),
                      signature.size()) == QNX_OK,
           "a device's signature is like any other");
    request.slot = 1;
    expect(client.try_sign(request).status() == QNX_ERR_KEY_UNKNOWN, "there is one key");
    return checks_failed;
}
