//! The constant-product market maker: quotes, and what a swap, a deposit or a withdrawal would do to a pool.
//!
//! Fees are in basis points (1/10,000), times in milliseconds since the Unix epoch. Every rounding favours the pool.

use core::ffi::c_char;
use core::fmt::Write as _;

use qenex_core::amm::{self, AmmError, Direction, Limits, Quote, Reserves};
use qenex_core::num::{Amount, NumError, Ratio};

use crate::amount::{QNX_AMOUNT_TEXT_SIZE, amount, qnx_amount_t, to_c};
use crate::flag::optional;
use crate::memory::{Fallible, Lent, plain, status, unknown_number};
use crate::status::qnx_status_t;

/// A pool: its reserves of two assets, the shares in it, and its fee.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_pool_t {
    /// What it holds of the first asset.
    pub a: qnx_amount_t,
    /// What it holds of the second asset.
    pub b: qnx_amount_t,
    /// The shares, 1,000 units of which are locked for ever.
    pub shares: qnx_amount_t,
    /// What it keeps of each swap's input, in basis points, at most 9,999.
    pub fee_bps: u16,
}

/// Which asset goes into the pool; the other one comes out.
pub type qnx_direction_t = u8;
/// The first asset goes in.
pub const QNX_A_TO_B: qnx_direction_t = 0;
/// The second asset goes in.
pub const QNX_B_TO_A: qnx_direction_t = 1;

/// A ratio for people to read, `whole + fraction / 2^64`. It holds no money and decides nothing.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_ratio_t {
    /// The part before the point.
    pub whole: u64,
    /// The part behind it, in units of 2^-64.
    pub fraction: u64,
}

/// A swap that the pool would accept, and the pool after it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_quote_t {
    /// What goes into the pool, with the fee.
    pub amount_in: qnx_amount_t,
    /// What comes out of the pool.
    pub amount_out: qnx_amount_t,
    /// The part of the input that is the fee.
    pub fee: qnx_amount_t,
    /// How much worse the price is than the spot price, fee included: 1 - (out / in) / spot.
    pub price_impact: qnx_ratio_t,
    /// The same for the part of the input that trades, so without the fee.
    pub price_impact_without_fee: qnx_ratio_t,
    /// The pool after the swap.
    pub pool: qnx_pool_t,
}

/// What a trader accepts besides an amount.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_limits_t {
    /// The latest time, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    /// The largest price impact, fee included, in basis points.
    pub max_price_impact_bps: u16,
    /// 1 if there is a largest price impact, else 0.
    pub has_max_price_impact: u8,
    /// 1 if there is a latest time, else 0.
    pub has_deadline: u8,
}

/// A deposit or a withdrawal that the pool would accept, and the pool after it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct qnx_liquidity_t {
    /// What is put in or comes out of the first asset.
    pub amount_a: qnx_amount_t,
    /// What is put in or comes out of the second asset.
    pub amount_b: qnx_amount_t,
    /// The shares that are received or given back.
    pub shares: qnx_amount_t,
    /// The pool afterwards.
    pub pool: qnx_pool_t,
}

plain!(qnx_pool_t, qnx_ratio_t, qnx_quote_t, qnx_limits_t, qnx_liquidity_t);

/// Of the core.
#[inline(always)]
pub(crate) fn reserves(pool: &qnx_pool_t) -> Fallible<Reserves> {
    Ok(Reserves::new(amount(pool.a)?, amount(pool.b)?, amount(pool.shares)?, pool.fee_bps)?)
}

/// For C.
#[inline(always)]
pub(crate) fn pool_to_c(reserves: &Reserves) -> qnx_pool_t {
    let mut pool: qnx_pool_t = crate::memory::Plain::zeroed();
    pool.a = to_c(reserves.a());
    pool.b = to_c(reserves.b());
    pool.shares = to_c(reserves.shares());
    pool.fee_bps = reserves.fee_bps();
    pool
}

fn direction(number: qnx_direction_t) -> Fallible<Direction> {
    match number {
        QNX_A_TO_B => Ok(Direction::AToB),
        QNX_B_TO_A => Ok(Direction::BToA),
        _ => Err(unknown_number().into()),
    }
}

fn limits(limits: &qnx_limits_t) -> Fallible<Limits> {
    Ok(Limits {
        max_price_impact_bps: optional(limits.has_max_price_impact, limits.max_price_impact_bps)?,
        deadline_ms: optional(limits.has_deadline, limits.deadline_ms)?,
    })
}

fn ratio_to_c(ratio: Ratio) -> qnx_ratio_t {
    let bits = ratio.to_bits();
    qnx_ratio_t { whole: (bits >> 64) as u64, fraction: bits as u64 }
}

fn quote_to_c(quote: &Quote, after: &Reserves) -> qnx_quote_t {
    let mut out: qnx_quote_t = crate::memory::Plain::zeroed();
    out.amount_in = to_c(quote.amount_in);
    out.amount_out = to_c(quote.amount_out);
    out.fee = to_c(quote.fee());
    out.price_impact = ratio_to_c(quote.price_impact());
    out.price_impact_without_fee = ratio_to_c(quote.price_impact_without_fee());
    out.pool = pool_to_c(after);
    out
}

/// What comes out for an input: floor(in * kept * reserve_out / (reserve_in * 10,000 + in * kept)), kept being 10,000 - fee_bps.
///
/// Codes: NUM_OVERFLOW, AMM_ZERO_AMOUNT, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amm_amount_out(
    amount_in: qnx_amount_t,
    reserve_in: qnx_amount_t,
    reserve_out: qnx_amount_t,
    fee_bps: u16,
    out: *mut qnx_amount_t,
) -> qnx_status_t {
    status((|| {
        // SAFETY: promised by the caller.
        let out = unsafe { Lent::new().place(out)? };
        out.write(to_c(amm::amount_out(
            amount(amount_in)?,
            amount(reserve_in)?,
            amount(reserve_out)?,
            fee_bps,
        )?));
        Ok(())
    })())
}

/// What must go in for an output: floor(reserve_in * out * 10,000 / ((reserve_out - out) * kept)) + 1.
///
/// Codes: NUM_OVERFLOW, AMM_ZERO_AMOUNT, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_INSUFFICIENT_LIQUIDITY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amm_amount_in(
    amount_out: qnx_amount_t,
    reserve_in: qnx_amount_t,
    reserve_out: qnx_amount_t,
    fee_bps: u16,
    out: *mut qnx_amount_t,
) -> qnx_status_t {
    status((|| {
        // SAFETY: promised by the caller.
        let out = unsafe { Lent::new().place(out)? };
        out.write(to_c(amm::amount_in(
            amount(amount_out)?,
            amount(reserve_in)?,
            amount(reserve_out)?,
            fee_bps,
        )?));
        Ok(())
    })())
}

/// What a swap of an exact input at time `now_ms` would do; it must yield at least `min_out`. `limits` may be null for none.
///
/// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_ZERO_AMOUNT, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_ZERO_OUTPUT, AMM_OUTPUT_BELOW_MINIMUM, AMM_PRICE_IMPACT_ABOVE_LIMIT, AMM_DEADLINE_PASSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amm_swap_exact_in(
    pool: *const qnx_pool_t,
    way: qnx_direction_t,
    amount_in: qnx_amount_t,
    min_out: qnx_amount_t,
    limits: *const qnx_limits_t,
    now_ms: u64,
    out: *mut qnx_quote_t,
) -> qnx_status_t {
    status((|| {
        // SAFETY: promised by the caller.
        let (pool, accepted, out) = unsafe { swap_arguments(pool, limits, out)? };
        let swap = amm::swap_exact_in(
            &pool,
            direction(way)?,
            amount(amount_in)?,
            amount(min_out)?,
            accepted,
            now_ms,
        )?;
        out.write(quote_to_c(&swap.quote, &swap.reserves));
        Ok(())
    })())
}

/// What a swap for an exact output at time `now_ms` would do; it must take at most `max_in`. `limits` may be null for none.
///
/// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_ZERO_AMOUNT, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_INSUFFICIENT_LIQUIDITY, AMM_INPUT_ABOVE_MAXIMUM, AMM_PRICE_IMPACT_ABOVE_LIMIT, AMM_DEADLINE_PASSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amm_swap_exact_out(
    pool: *const qnx_pool_t,
    way: qnx_direction_t,
    amount_out: qnx_amount_t,
    max_in: qnx_amount_t,
    limits: *const qnx_limits_t,
    now_ms: u64,
    out: *mut qnx_quote_t,
) -> qnx_status_t {
    status((|| {
        // SAFETY: promised by the caller.
        let (pool, accepted, out) = unsafe { swap_arguments(pool, limits, out)? };
        let swap = amm::swap_exact_out(
            &pool,
            direction(way)?,
            amount(amount_out)?,
            amount(max_in)?,
            accepted,
            now_ms,
        )?;
        out.write(quote_to_c(&swap.quote, &swap.reserves));
        Ok(())
    })())
}

type SwapArguments<'a> = (Reserves, Limits, &'a mut core::mem::MaybeUninit<qnx_quote_t>);

/// Takes what both swaps take.
unsafe fn swap_arguments<'a>(
    pool: *const qnx_pool_t,
    accepted: *const qnx_limits_t,
    out: *mut qnx_quote_t,
) -> Fallible<SwapArguments<'a>> {
    let mut lent = Lent::new();
    // SAFETY: promised by the caller.
    let pool = reserves(unsafe { lent.value(pool)? })?;
    let accepted = match accepted.is_null() {
        true => Limits::NONE,
        // SAFETY: promised by the caller.
        false => limits(unsafe { lent.value(accepted)? })?,
    };
    // SAFETY: promised by the caller.
    Ok((pool, accepted, unsafe { lent.place(out)? }))
}

/// What a deposit of at most these amounts would do; it must give at least `min_shares`. The first deposit sets the price and
/// takes both maxima; later ones take as much as the pool's proportion allows.
///
/// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_ZERO_AMOUNT, AMM_FIRST_DEPOSIT_TOO_SMALL, AMM_ZERO_OUTPUT, AMM_SHARES_BELOW_MINIMUM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amm_add_liquidity(
    pool: *const qnx_pool_t,
    max_a: qnx_amount_t,
    max_b: qnx_amount_t,
    min_shares: qnx_amount_t,
    out: *mut qnx_liquidity_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let pool = reserves(unsafe { lent.value(pool)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let deposit =
            amm::add_liquidity(&pool, amount(max_a)?, amount(max_b)?, amount(min_shares)?, None, 0)?;
        out.write(liquidity_to_c(deposit.amount_a, deposit.amount_b, deposit.shares, &deposit.reserves));
        Ok(())
    })())
}

/// What giving back shares would do; it must yield at least these amounts.
///
/// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_EMPTY_POOL, AMM_FEE_OUT_OF_RANGE, AMM_POOL_OVERFLOW, AMM_ZERO_AMOUNT, AMM_SHARES_LOCKED, AMM_ZERO_OUTPUT, AMM_OUTPUT_BELOW_MINIMUM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amm_remove_liquidity(
    pool: *const qnx_pool_t,
    shares: qnx_amount_t,
    min_a: qnx_amount_t,
    min_b: qnx_amount_t,
    out: *mut qnx_liquidity_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let pool = reserves(unsafe { lent.value(pool)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        let shares = amount(shares)?;
        let given = amm::remove_liquidity(&pool, shares, amount(min_a)?, amount(min_b)?, None, 0)?;
        out.write(liquidity_to_c(given.amount_a, given.amount_b, shares, &given.reserves));
        Ok(())
    })())
}

fn liquidity_to_c(a: Amount, b: Amount, shares: Amount, after: &Reserves) -> qnx_liquidity_t {
    let mut out: qnx_liquidity_t = crate::memory::Plain::zeroed();
    out.amount_a = to_c(a);
    out.amount_b = to_c(b);
    out.shares = to_c(shares);
    out.pool = pool_to_c(after);
    out
}

/// How much of the asset that comes out one unit of the asset that goes in is worth, before any trade.
///
/// Codes: NUM_OVERFLOW, AMM_POOL_INVALID, AMM_FEE_OUT_OF_RANGE, AMM_EMPTY_POOL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_amm_spot_price(
    pool: *const qnx_pool_t,
    way: qnx_direction_t,
    out: *mut qnx_ratio_t,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let pool = reserves(unsafe { lent.value(pool)? })?;
        // SAFETY: promised by the caller.
        let out = unsafe { lent.place(out)? };
        out.write(ratio_to_c(pool.spot_price(direction(way)?).map_err(|_| AmmError::EmptyPool)?));
        Ok(())
    })())
}

/// Prints a ratio to the nearest 18th decimal, with a zero byte. `*len` is the room of `out` before and the length with the
/// zero byte after; QNX_AMOUNT_TEXT_SIZE is always enough.
///
/// Codes: NUM_OVERFLOW, BUFFER_TOO_SMALL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qnx_ratio_print(
    ratio: qnx_ratio_t,
    out: *mut c_char,
    len: *mut usize,
) -> qnx_status_t {
    status((|| {
        let mut lent = Lent::new();
        // SAFETY: promised by the caller.
        let out = unsafe { lent.buffer(out.cast::<u8>(), len)? };
        let bits = u128::from(ratio.whole) << 64 | u128::from(ratio.fraction);
        let mut text = heapless::String::<QNX_AMOUNT_TEXT_SIZE>::new();
        write!(text, "{}", Ratio::from_bits(bits)).map_err(|_| NumError::Overflow)?;
        out.put_text(&text)
    })())
}
