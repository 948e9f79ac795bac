// qenex.hpp: qenex.h for C++17. MIT licence.
//
// Thin and header only: states are wiped by destructors, lengths travel with their pointers, amounts have operators. Nothing is allocated.
// Every operation comes in two forms: one that throws `qenex::Error`, and one whose name starts with `try_` or `checked_` and which returns a
// `qenex::Result`. Whoever compiles without exceptions uses the second form and never meets the first.
#ifndef QENEX_HPP
#define QENEX_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>

#include "qenex.h"

#if defined(__cpp_exceptions)
#define QENEX_FAIL(status) throw ::qenex::Error(status)
#else
#define QENEX_FAIL(status) std::abort()
#endif

namespace qenex {

/// Why a call failed.
class Error : public std::exception {
public:
    explicit Error(qnx_status_t status) noexcept : status_(status) {}
    /// The number of the one table, QNX_ERR_*.
    qnx_status_t status() const noexcept { return status_; }
    /// Its name, such as "QNX_ERR_NUM_OVERFLOW".
    const char* name() const noexcept { return qnx_status_name(status_); }
    /// A sentence that says what was expected.
    const char* what() const noexcept override { return qnx_status_text(status_); }

private:
    qnx_status_t status_;
};

/// Throws unless the status is QNX_OK.
inline void check(qnx_status_t status) {
    if (status != QNX_OK) QENEX_FAIL(status);
}

/// A value, or why there is none: what std::expected is in later versions of C++.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) noexcept : value_(std::move(value)) {}
    static Result failure(qnx_status_t status) noexcept { return Result(status, 0); }

    explicit operator bool() const noexcept { return status_ == QNX_OK; }
    bool has_value() const noexcept { return status_ == QNX_OK; }
    qnx_status_t status() const noexcept { return status_; }
    /// The value; throws if there is none.
    const T& value() const {
        check(status_);
        return value_;
    }
    const T& operator*() const { return value(); }
    T value_or(T other) const { return has_value() ? value_ : other; }

private:
    Result(qnx_status_t status, int) noexcept : status_(status) {}
    T value_{};
    qnx_status_t status_ = QNX_OK;
};

/// A value if the status is QNX_OK.
template <class T>
Result<T> result(qnx_status_t status, T value) noexcept {
    return status == QNX_OK ? Result<T>(std::move(value)) : Result<T>::failure(status);
}

/// A pointer and a number of elements, which belong to somebody else: from arrays and containers, or from both.
template <class T>
class Span {
public:
    constexpr Span() noexcept = default;
    constexpr Span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
    template <std::size_t N>
    constexpr Span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    template <class C, class = std::enable_if_t<std::is_convertible_v<decltype(std::declval<C&>().data()), T*>>>
    constexpr Span(C&& container) noexcept : data_(container.data()), size_(container.size()) {}

    constexpr T* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T* begin() const noexcept { return data_; }
    constexpr T* end() const noexcept { return data_ + size_; }
    constexpr T& operator[](std::size_t index) const noexcept { return data_[index]; }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

using Bytes = Span<const std::uint8_t>;

/// Up to N elements in place.
template <class T, std::size_t N>
class Inline {
public:
    const T* data() const noexcept { return items_.data(); }
    T* data() noexcept { return items_.data(); }
    std::size_t size() const noexcept { return size_; }
    const T* begin() const noexcept { return data(); }
    const T* end() const noexcept { return data() + size_; }

    /// Lets a function of C fill it: `fill(pointer, &length)`.
    template <class F>
    static Result<Inline> made(F&& fill) noexcept {
        Inline made;
        made.size_ = N;
        const qnx_status_t status = fill(made.items_.data(), &made.size_);
        return result(status, made);
    }

private:
    std::array<T, N> items_{};
    std::size_t size_ = 0;
};

/// A short text in place, with a zero byte behind it.
template <std::size_t N>
class Text {
public:
    const char* c_str() const noexcept { return chars_.data(); }
    operator std::string_view() const noexcept { return chars_.data(); }

    template <class F>
    static Result<Text> made(F&& fill) noexcept {
        Text made;
        std::size_t length = N;
        const qnx_status_t status = fill(made.chars_.data(), &length);
        return result(status, made);
    }

private:
    std::array<char, N> chars_{};
};

/// Anything that has an inserter for texts: std::ostream, without including it here.
template <class Stream, std::size_t N>
auto operator<<(Stream& stream, const Text<N>& text) -> decltype(stream << std::string_view()) {
    return stream << std::string_view(text);
}

/// An identifier of a chain, an account, an asset or a pool. What is longer than 24 characters is refused where it is used.
inline qnx_id_t id(std::string_view text) noexcept {
    qnx_id_t made{};
    std::memcpy(made.text, text.data(), text.size() < sizeof made.text ? text.size() : sizeof made.text);
    return made;
}

/// The direction in which a division gives up what does not divide.
enum class Rounding : qnx_rounding_t { down = QNX_ROUND_DOWN, up = QNX_ROUND_UP };

/// An exact amount of money: an unsigned decimal with 18 fractional digits. Nothing is rounded but where a rounding is named.
class Amount {
public:
    constexpr Amount() noexcept = default;
    constexpr explicit Amount(qnx_amount_t c) noexcept : c_(c) {}
    static Amount whole(std::uint64_t whole) noexcept { return Amount(qnx_amount_from_whole(whole)); }
    static Result<Amount> try_parse(std::string_view text) noexcept {
        qnx_amount_t made{};
        const qnx_status_t status = qnx_amount_parse(text.data(), text.size(), &made);
        return result(status, Amount(made));
    }
    static Amount parse(std::string_view text) { return try_parse(text).value(); }

    constexpr const qnx_amount_t& c() const noexcept { return c_; }
    Text<QNX_AMOUNT_TEXT_SIZE> text() const {
        return Text<QNX_AMOUNT_TEXT_SIZE>::made([&](char* out, std::size_t* len) { return qnx_amount_print(c_, out, len); })
            .value();
    }

    Result<Amount> checked_add(Amount other) const noexcept {
        qnx_amount_t made{};
        const qnx_status_t status = qnx_amount_add(c_, other.c_, &made);
        return result(status, Amount(made));
    }
    Result<Amount> checked_sub(Amount other) const noexcept {
        qnx_amount_t made{};
        const qnx_status_t status = qnx_amount_sub(c_, other.c_, &made);
        return result(status, Amount(made));
    }
    Result<Amount> checked_mul(Amount other, Rounding rounding) const noexcept {
        qnx_amount_t made{};
        const qnx_status_t status = qnx_amount_mul(c_, other.c_, static_cast<qnx_rounding_t>(rounding), &made);
        return result(status, Amount(made));
    }
    Result<Amount> checked_div(Amount other, Rounding rounding) const noexcept {
        qnx_amount_t made{};
        const qnx_status_t status = qnx_amount_div(c_, other.c_, static_cast<qnx_rounding_t>(rounding), &made);
        return result(status, Amount(made));
    }
    /// `*this * factor / divisor`, exact before the one rounding.
    Result<Amount> checked_mul_div(Amount factor, Amount divisor, Rounding rounding) const noexcept {
        qnx_amount_t made{};
        const qnx_status_t status =
            qnx_amount_mul_div(c_, factor.c_, divisor.c_, static_cast<qnx_rounding_t>(rounding), &made);
        return result(status, Amount(made));
    }

    Amount mul(Amount other, Rounding rounding) const { return checked_mul(other, rounding).value(); }
    Amount div(Amount other, Rounding rounding) const { return checked_div(other, rounding).value(); }
    Amount mul_div(Amount factor, Amount divisor, Rounding rounding) const {
        return checked_mul_div(factor, divisor, rounding).value();
    }
    Amount& operator+=(Amount other) { return *this = checked_add(other).value(); }
    Amount& operator-=(Amount other) { return *this = checked_sub(other).value(); }
    friend Amount operator+(Amount a, Amount b) { return a += b; }
    friend Amount operator-(Amount a, Amount b) { return a -= b; }

    friend bool operator==(Amount a, Amount b) noexcept { return qnx_amount_compare(a.c_, b.c_) == 0; }
    friend bool operator!=(Amount a, Amount b) noexcept { return qnx_amount_compare(a.c_, b.c_) != 0; }
    friend bool operator<(Amount a, Amount b) noexcept { return qnx_amount_compare(a.c_, b.c_) < 0; }
    friend bool operator>(Amount a, Amount b) noexcept { return qnx_amount_compare(a.c_, b.c_) > 0; }
    friend bool operator<=(Amount a, Amount b) noexcept { return qnx_amount_compare(a.c_, b.c_) <= 0; }
    friend bool operator>=(Amount a, Amount b) noexcept { return qnx_amount_compare(a.c_, b.c_) >= 0; }

private:
    qnx_amount_t c_{};
};

/// Anything that has an inserter for texts.
template <class Stream>
auto operator<<(Stream& stream, Amount amount) -> decltype(stream << std::string_view()) {
    return stream << std::string_view(amount.text());
}

/// Which asset goes into a pool; the other one comes out.
enum class Direction : qnx_direction_t { a_to_b = QNX_A_TO_B, b_to_a = QNX_B_TO_A };

/// What a swap of an exact input would do.
inline Result<qnx_quote_t> try_swap_exact_in(const qnx_pool_t& pool, Direction direction, Amount amount_in, Amount min_out,
                                             const qnx_limits_t* limits = nullptr, std::uint64_t now_ms = 0) noexcept {
    qnx_quote_t quote{};
    const qnx_status_t status = qnx_amm_swap_exact_in(&pool, static_cast<qnx_direction_t>(direction), amount_in.c(),
                                                      min_out.c(), limits, now_ms, &quote);
    return result(status, quote);
}

/// What a swap for an exact output would do.
inline Result<qnx_quote_t> try_swap_exact_out(const qnx_pool_t& pool, Direction direction, Amount amount_out, Amount max_in,
                                              const qnx_limits_t* limits = nullptr, std::uint64_t now_ms = 0) noexcept {
    qnx_quote_t quote{};
    const qnx_status_t status = qnx_amm_swap_exact_out(&pool, static_cast<qnx_direction_t>(direction), amount_out.c(),
                                                       max_in.c(), limits, now_ms, &quote);
    return result(status, quote);
}

/// A state of C that is wiped when it goes out of scope. It is neither copied nor moved.
template <class State, qnx_status_t (*Clear)(State*)>
class Owned {
public:
    Owned() = default;
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() { (void)Clear(&state_); }
    State* c() noexcept { return &state_; }
    const State* c() const noexcept { return &state_; }

private:
    State state_{};
};

/// States whose functions are C's: `qnx_device_init(device.c(), ...)`.
using Device = Owned<qnx_device_t, qnx_device_clear>;
using Hasher = Owned<qnx_hasher_t, qnx_hasher_clear>;
using Witness = Owned<qnx_witness_t, qnx_witness_clear>;
using Validators = Owned<qnx_validators_t, qnx_validators_clear>;

/// The ledger's hash of bytes under a domain.
inline Result<qnx_hash_t> try_hash(qnx_domain_t domain, Bytes bytes) noexcept {
    qnx_hash_t made{};
    const qnx_status_t status = qnx_hash(domain, bytes.data(), bytes.size(), &made);
    return result(status, made);
}

using PublicKey = Inline<std::uint8_t, QNX_MAX_PUBLIC_KEY_SIZE>;
using SignatureBytes = Inline<std::uint8_t, QNX_MAX_SIGNATURE_SIZE>;

/// A secret key in memory.
class SecretKey {
public:
    /// From 32 random bytes.
    SecretKey(qnx_scheme_t scheme, const std::array<std::uint8_t, QNX_SEED_SIZE>& seed) {
        check(qnx_key_init(state_.c(), scheme, seed.data()));
    }
    Result<PublicKey> try_public_key() const noexcept {
        return PublicKey::made([&](std::uint8_t* out, std::size_t* len) { return qnx_key_public(state_.c(), out, len); });
    }
    PublicKey public_key() const { return try_public_key().value(); }
    Result<SignatureBytes> try_sign(qnx_purpose_t purpose, const qnx_hash_t& id) const noexcept {
        return SignatureBytes::made(
            [&](std::uint8_t* out, std::size_t* len) { return qnx_key_sign(state_.c(), purpose, &id, out, len); });
    }
    SignatureBytes sign(qnx_purpose_t purpose, const qnx_hash_t& id) const { return try_sign(purpose, id).value(); }

private:
    Owned<qnx_key_t, qnx_key_clear> state_;
};

using TransactionBytes = Inline<std::uint8_t, QNX_TRANSACTION_MAX>;

/// The canonical bytes of a transaction.
inline Result<TransactionBytes> try_encode(const qnx_transaction_t& transaction) noexcept {
    return TransactionBytes::made(
        [&](std::uint8_t* out, std::size_t* len) { return qnx_transaction_encode(&transaction, out, len); });
}

/// The transaction that canonical bytes say.
inline Result<qnx_transaction_t> try_decode(Bytes bytes) noexcept {
    qnx_transaction_t made{};
    const qnx_status_t status = qnx_transaction_decode(bytes.data(), bytes.size(), &made);
    return result(status, made);
}

/// The id of a transaction, from its canonical bytes.
inline Result<qnx_hash_t> try_transaction_id(Bytes bytes) noexcept {
    qnx_hash_t made{};
    const qnx_status_t status = qnx_transaction_id(bytes.data(), bytes.size(), &made);
    return result(status, made);
}

/// Calls `each(label, value)` with every line of the clear-signing summary.
template <class F>
qnx_status_t for_each_line(Bytes transaction, F&& each) {
    std::size_t count = 0;
    qnx_status_t status = qnx_summary_count(transaction.data(), transaction.size(), &count);
    for (std::size_t index = 0; index < count && status == QNX_OK; index++) {
        qnx_line_t line{};
        status = qnx_summary_line(transaction.data(), transaction.size(), index, &line);
        if (status == QNX_OK) each(std::string_view(line.label), std::string_view(line.value));
    }
    return status;
}

/// The approval of a person.
struct Approval {
    qnx_scheme_t scheme;
    Bytes public_key;
    Bytes signature;
};

/// What a device is asked to sign.
struct Request {
    /// The slot of the key.
    std::uint8_t slot = 0;
    /// Canonical bytes.
    Bytes transaction;
    /// The transactions that the key has signed and that are not final, the oldest first.
    Span<const Bytes> pending;
    Span<const Approval> approvals;
    /// The witness, if there is one: every record that these transactions may touch, in the order of their keys, and the proof.
    Span<const Bytes> records;
    Bytes proof;
};

/// A channel to a device. Where it goes out of scope, users are logged out and keys are wiped. What has no method here is C's:
/// `qnx_client_pair(client.c())`.
class Client {
public:
    using Key = std::array<std::uint8_t, QNX_CHANNEL_KEY_SIZE>;

    Client() = default;
    /// Opens it, as `try_open` does.
    template <class F>
    Client(F& exchange, const Key& static_key, const Key& random, const Key* known = nullptr) {
        check(try_open(exchange, static_key, random, known));
    }
    ~Client() {
        if (logged_in_) (void)try_log_out();
    }
    qnx_client_t* c() noexcept { return state_.c(); }
    const qnx_client_t* c() const noexcept { return state_.c(); }

    /// Opens a channel with the host's static key, and 32 random bytes that are used only here; `known` is the device's key, if the host
    /// has met it. `exchange(frame, answer, length)` is a `qnx_exchange_t` with Bytes, a Span of room and a reference; it throws nothing
    /// and lives longer than the client.
    template <class F>
    qnx_status_t try_open(F& exchange, const Key& static_key, const Key& random, const Key* known = nullptr) noexcept {
        const qnx_exchange_t carry = [](void* context, const std::uint8_t* frame, std::size_t len, std::uint8_t* answer,
                                        std::size_t capacity, std::size_t* answer_len) noexcept -> qnx_status_t {
            return (*static_cast<F*>(context))(Bytes(frame, len), Span<std::uint8_t>(answer, capacity), *answer_len);
        };
        logged_in_ = false;
        return qnx_client_open(c(), carry, &exchange, static_key.data(), random.data(), known ? known->data() : nullptr);
    }

    qnx_status_t try_login(std::string_view user, std::string_view pin) noexcept {
        const qnx_id_t name = id(user);
        const qnx_status_t status =
            qnx_client_login(c(), &name, reinterpret_cast<const std::uint8_t*>(pin.data()), pin.size());
        logged_in_ = logged_in_ || status == QNX_OK;
        return status;
    }
    void login(std::string_view user, std::string_view pin) { check(try_login(user, pin)); }
    /// Logs all users out.
    qnx_status_t try_log_out() noexcept {
        logged_in_ = false;
        return qnx_client_logout(c());
    }
    void log_out() { check(try_log_out()); }

    /// Calls `each(slot, key)` with every key of the device, a `qnx_key_info_t`.
    template <class F>
    qnx_status_t for_each_key(F&& each) {
        for (std::uint8_t slot = 0; slot < QNX_KEY_SLOTS; slot++) {
            qnx_key_info_t key{};
            const qnx_status_t status = qnx_client_describe_key(c(), slot, &key);
            if (status == QNX_ERR_KEY_UNKNOWN) continue;
            if (status != QNX_OK) return status;
            each(slot, static_cast<const qnx_key_info_t&>(key));
        }
        return QNX_OK;
    }

    /// What `try_sign` would return; nothing changes.
    qnx_status_t try_judge(const Request& request) noexcept {
        const qnx_status_t status = bring(request);
        qnx_status_t verdict = QNX_OK;
        const qnx_status_t judged = status == QNX_OK ? qnx_client_judge(c(), &verdict) : status;
        return judged == QNX_OK ? verdict : judged;
    }
    /// The signature of a transaction.
    Result<SignatureBytes> try_sign(const Request& request) noexcept {
        const qnx_status_t status = bring(request);
        if (status != QNX_OK) return Result<SignatureBytes>::failure(status);
        return SignatureBytes::made([&](std::uint8_t* out, std::size_t* len) { return qnx_client_sign(c(), out, len); });
    }
    SignatureBytes sign(const Request& request) { return try_sign(request).value(); }

private:
    qnx_status_t bring(const Request& request) noexcept {
        const bool witnessed = !request.proof.empty();
        qnx_status_t status =
            qnx_client_begin_sign(c(), request.slot, witnessed, request.transaction.data(), request.transaction.size());
        for (const Bytes& bytes : request.pending) {
            if (status == QNX_OK) status = qnx_client_push_pending(c(), bytes.data(), bytes.size());
        }
        for (const Approval& by : request.approvals) {
            if (status != QNX_OK) break;
            status = qnx_client_approve(c(), by.scheme, by.public_key.data(), by.public_key.size(), by.signature.data(),
                                        by.signature.size());
        }
        if (!witnessed) return status;
        for (const Bytes& record : request.records) {
            if (status == QNX_OK) status = qnx_client_push_record(c(), record.data(), record.size());
        }
        return status == QNX_OK ? qnx_client_push_proof(c(), request.proof.data(), request.proof.size()) : status;
    }

    Owned<qnx_client_t, qnx_client_clear> state_;
    bool logged_in_ = false;
};

/// Makes the root of a tree of transactions or receipts from its leaves in order.
class Log {
public:
    Log() { check(qnx_log_init(state_.c())); }
    void push(const qnx_hash_t& leaf) { check(qnx_log_push(state_.c(), &leaf)); }
    qnx_hash_t root() const {
        qnx_hash_t root{};
        std::uint64_t size = 0;
        check(qnx_log_root(state_.c(), &root, &size));
        return root;
    }

private:
    Owned<qnx_log_t, qnx_log_clear> state_;
};

/// A validator that is to have signed a header: its key of votes, the hash of its key of checkpoints, and its signature, which is empty if it did not.
struct Member {
    qnx_scheme_t scheme;
    Bytes public_key;
    qnx_hash_t finality_key;
    Bytes signature;
};

/// A validator that is to have signed a checkpoint: its key of votes, its key of checkpoints and its signature. Those two are empty if it did not
/// sign; then the hash of the key of checkpoints counts instead.
struct Endorser {
    qnx_scheme_t scheme;
    Bytes vote_key;
    qnx_hash_t finality_key;
    Bytes public_key;
    Bytes signature;
};

/// A light client: believes a header that somebody vouches for, then those that quorums finalized.
class LightClient {
public:
    LightClient(const qnx_header_t& anchor, std::uint64_t trusting_period_ms) {
        check(qnx_trust_anchor(&anchor, trusting_period_ms, &trusted_));
    }
    const qnx_trusted_t& trusted() const noexcept { return trusted_; }

    /// Believes a newer header if its certificate holds: all members of its set, in their order.
    qnx_status_t try_follow(const qnx_header_t& header, const qnx_proposal_t& proposal, Span<const Member> members) noexcept {
        Owned<qnx_following_t, qnx_following_clear> check;
        qnx_status_t status = qnx_following_init(check.c(), &trusted_, &header, &proposal);
        for (const Member& member : members) {
            if (status != QNX_OK) break;
            status = qnx_following_push(check.c(), member.scheme, member.public_key.data(), member.public_key.size(),
                                        &member.finality_key, member.signature.empty() ? nullptr : member.signature.data(),
                                        member.signature.size());
        }
        return status == QNX_OK ? qnx_following_finish(check.c(), &trusted_) : status;
    }

    /// Believes the last header of an epoch if its checkpoint holds: all members of its set, in their order.
    qnx_status_t try_follow_checkpoint(const qnx_header_t& header, Span<const Endorser> members) noexcept {
        Owned<qnx_checkpoint_t, qnx_checkpoint_clear> check;
        qnx_status_t status = qnx_checkpoint_init(check.c(), &trusted_, &header);
        for (const Endorser& member : members) {
            if (status != QNX_OK) break;
            status = member.signature.empty()
                         ? qnx_checkpoint_push(check.c(), member.scheme, member.vote_key.data(), member.vote_key.size(),
                                               &member.finality_key)
                         : qnx_checkpoint_push_signed(check.c(), member.scheme, member.vote_key.data(),
                                                      member.vote_key.size(), member.public_key.data(),
                                                      member.public_key.size(), member.signature.data(),
                                                      member.signature.size());
        }
        return status == QNX_OK ? qnx_checkpoint_finish(check.c(), &trusted_) : status;
    }

private:
    qnx_trusted_t trusted_{};
};

}  // namespace qenex

#undef QENEX_FAIL

#endif  // QENEX_HPP
