/* A quote, and the check of a swap before it is signed: 1,000 USDC into a pool of 10,000 USDC and 5 ETH with a fee of 0.30%. */
#include "example.h"

int main(void) {
    qnx_pool_t pool;
    qnx_limits_t limits;
    qnx_quote_t quote;
    const uint64_t now_ms = 1795215307123u;

    memset(&pool, 0, sizeof pool);
    pool.a = decimal("10000");
    pool.b = decimal("5");
    pool.shares = decimal("223.606797749978969640");
    pool.fee_bps = 30;

    memset(&limits, 0, sizeof limits);
    limits.has_max_price_impact = 1;
    limits.max_price_impact_bps = 1000;
    limits.has_deadline = 1;
    limits.deadline_ms = now_ms + 60000;

    must(qnx_amm_swap_exact_in(&pool, QNX_A_TO_B, decimal("1000"), decimal("0.45"), &limits, now_ms, &quote));
    print_amount("amount in", quote.amount_in);
    print_amount("amount out", quote.amount_out);
    print_amount("fee", quote.fee);
    print_ratio("price impact", quote.price_impact);
    print_ratio("without fee", quote.price_impact_without_fee);
    print_amount("pool after, a", quote.pool.a);
    print_amount("pool after, b", quote.pool.b);

    /* What a trader does not accept is refused, with the reason. */
    expect(qnx_amm_swap_exact_in(&pool, QNX_A_TO_B, decimal("1000"), decimal("0.46"), &limits, now_ms, &quote),
           QNX_ERR_AMM_OUTPUT_BELOW_MINIMUM);
    limits.max_price_impact_bps = 900;
    expect(qnx_amm_swap_exact_in(&pool, QNX_A_TO_B, decimal("1000"), decimal("0.45"), &limits, now_ms, &quote),
           QNX_ERR_AMM_PRICE_IMPACT_ABOVE_LIMIT);
    expect(qnx_amm_swap_exact_in(&pool, QNX_A_TO_B, decimal("1000"), decimal("0.45"), &limits, now_ms + 60001, &quote),
           QNX_ERR_AMM_DEADLINE_PASSED);
    return 0;
}
