//! `asset`, `send`, `swap`, `pool` and `quote`.

use clap::{Args as ClapArgs, Subcommand};
use qenex_core::id::{AccountId, AssetId, PoolId, Reference};
use qenex_core::num::Amount;

use super::{Data, Signing, parse, parse_leg};

/// `asset`.
#[derive(Subcommand, Debug)]
pub enum Asset {
    /// Show an asset.
    Show {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The asset.
        #[arg(value_parser = parse::<AssetId>)]
        asset: AssetId,
    },
    /// Create an asset.
    Create {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The issuer.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The new asset's id.
        #[arg(value_parser = parse::<AssetId>)]
        asset: AssetId,
        /// The most that may ever be in circulation.
        #[arg(long, value_parser = parse::<Amount>)]
        max_supply: Option<Amount>,
    },
    /// Bring new units into circulation.
    Issue {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The issuer.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// Who receives.
        #[arg(long, value_parser = parse::<AccountId>)]
        to: AccountId,
        /// How many.
        #[arg(long, value_parser = parse::<Amount>)]
        amount: Amount,
        /// The asset.
        #[arg(value_parser = parse::<AssetId>)]
        asset: AssetId,
    },
    /// Take units out of circulation, from the issuer's own balance.
    Burn {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The issuer.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// How many.
        #[arg(long, value_parser = parse::<Amount>)]
        amount: Amount,
        /// The asset.
        #[arg(value_parser = parse::<AssetId>)]
        asset: AssetId,
    },
}

/// `send`.
#[derive(ClapArgs, Debug)]
pub struct Send {
    /// The chain.
    #[command(flatten)]
    pub data: Data,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// The sender.
    #[arg(long, value_parser = parse::<AccountId>)]
    pub from: AccountId,
    /// The asset.
    #[arg(long, value_parser = parse::<AssetId>)]
    pub asset: AssetId,
    /// A receiver and its amount, as ACCOUNT=AMOUNT; up to 16.
    #[arg(long = "to", required = true, value_parser = parse_leg)]
    pub to: Vec<(AccountId, Amount)>,
    /// What the payments are for; at most 35 characters.
    #[arg(long, default_value = "", value_parser = parse::<Reference>)]
    pub reference: Reference,
}

/// `swap`.
#[derive(ClapArgs, Debug)]
#[command(group = clap::ArgGroup::new("exact").required(true).args(["amount_in", "amount_out"]))]
pub struct Swap {
    /// The chain.
    #[command(flatten)]
    pub data: Data,
    /// Who signs.
    #[command(flatten)]
    pub signing: Signing,
    /// The trader.
    #[arg(long, value_parser = parse::<AccountId>)]
    pub from: AccountId,
    /// The pool.
    #[arg(long, value_parser = parse::<PoolId>)]
    pub pool: PoolId,
    /// The asset to give.
    #[arg(long, value_parser = parse::<AssetId>)]
    pub give: AssetId,
    /// Give exactly this much.
    #[arg(long, value_parser = parse::<Amount>)]
    pub amount_in: Option<Amount>,
    /// Receive exactly this much.
    #[arg(long, value_parser = parse::<Amount>)]
    pub amount_out: Option<Amount>,
    /// The least to receive, with --amount-in.
    #[arg(long, value_parser = parse::<Amount>, conflicts_with = "amount_out")]
    pub min_out: Option<Amount>,
    /// The most to give, with --amount-out.
    #[arg(long, value_parser = parse::<Amount>, conflicts_with = "amount_in")]
    pub max_in: Option<Amount>,
    /// The largest price impact, in basis points.
    #[arg(long)]
    pub max_price_impact_bps: Option<u16>,
    /// The latest block time, in milliseconds since the Unix epoch.
    #[arg(long)]
    pub deadline_ms: Option<u64>,
}

/// `pool`.
#[derive(Subcommand, Debug)]
pub enum Pool {
    /// Show a pool.
    Show {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// The pool.
        #[arg(value_parser = parse::<PoolId>)]
        pool: PoolId,
    },
    /// Create an empty pool of two assets.
    Create {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The sender.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The new pool's id.
        #[arg(value_parser = parse::<PoolId>)]
        pool: PoolId,
        /// Its two assets, in any order.
        #[arg(long, num_args = 2, required = true, value_parser = parse::<AssetId>)]
        assets: Vec<AssetId>,
        /// What it keeps of each swap's input, in basis points.
        #[arg(long, default_value_t = 30)]
        fee_bps: u16,
    },
    /// Put both assets in for shares.
    Add {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The sender.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The pool.
        #[arg(value_parser = parse::<PoolId>)]
        pool: PoolId,
        /// The most of the first asset.
        #[arg(long, value_parser = parse::<Amount>)]
        max_a: Amount,
        /// The most of the second asset.
        #[arg(long, value_parser = parse::<Amount>)]
        max_b: Amount,
        /// The fewest shares to accept.
        #[arg(long, default_value = "0", value_parser = parse::<Amount>)]
        min_shares: Amount,
    },
    /// Give shares back for both assets.
    Remove {
        /// The chain.
        #[command(flatten)]
        data: Data,
        /// Who signs.
        #[command(flatten)]
        signing: Signing,
        /// The sender.
        #[arg(long, value_parser = parse::<AccountId>)]
        from: AccountId,
        /// The pool.
        #[arg(value_parser = parse::<PoolId>)]
        pool: PoolId,
        /// How many shares.
        #[arg(long, value_parser = parse::<Amount>)]
        shares: Amount,
        /// The least of the first asset.
        #[arg(long, default_value = "0", value_parser = parse::<Amount>)]
        min_a: Amount,
        /// The least of the second asset.
        #[arg(long, default_value = "0", value_parser = parse::<Amount>)]
        min_b: Amount,
    },
}

/// `quote`.
#[derive(Subcommand, Debug)]
pub enum Quote {
    /// x·y = k.
    #[command(group = clap::ArgGroup::new("exact").required(true).args(["amount_in", "amount_out"]))]
    ConstantProduct {
        /// What the pool holds of the asset to give.
        #[arg(long, value_parser = parse::<Amount>)]
        reserve_in: Amount,
        /// What the pool holds of the asset to receive.
        #[arg(long, value_parser = parse::<Amount>)]
        reserve_out: Amount,
        /// Give exactly this much.
        #[arg(long, value_parser = parse::<Amount>)]
        amount_in: Option<Amount>,
        /// Receive exactly this much.
        #[arg(long, value_parser = parse::<Amount>)]
        amount_out: Option<Amount>,
        /// What the pool keeps of the input, in basis points.
        #[arg(long)]
        fee_bps: u16,
    },
}
