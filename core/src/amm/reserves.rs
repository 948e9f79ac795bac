//! What a pool holds.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{AmmError, MAX_FEE_BPS, MINIMUM_LIQUIDITY};
use crate::num::{Amount, NumError, Ratio};

/// Which asset goes into the pool; the other one comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The first asset goes in.
    AToB,
    /// The second asset goes in.
    BToA,
}

/// A pool's reserves, shares and fee. It is empty, or it holds both assets and has the locked shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Reserves {
    a: Amount,
    b: Amount,
    shares: Amount,
    fee_bps: u16,
}

impl Reserves {
    /// A pool with nothing in it.
    pub const fn empty(fee_bps: u16) -> Result<Self, AmmError> {
        if fee_bps > MAX_FEE_BPS {
            return Err(AmmError::FeeOutOfRange);
        }
        Ok(Self { a: Amount::ZERO, b: Amount::ZERO, shares: Amount::ZERO, fee_bps })
    }

    /// A pool with these reserves.
    pub fn new(a: Amount, b: Amount, shares: Amount, fee_bps: u16) -> Result<Self, AmmError> {
        let pool = Self { a, b, shares, ..Self::empty(fee_bps)? };
        let filled = !a.is_zero() && !b.is_zero() && shares >= MINIMUM_LIQUIDITY;
        let empty = a.is_zero() && b.is_zero() && shares.is_zero();
        if filled || empty { Ok(pool) } else { Err(AmmError::PoolInvalid) }
    }

    /// The reserve of the first asset.
    pub const fn a(&self) -> Amount {
        self.a
    }

    /// The reserve of the second asset.
    pub const fn b(&self) -> Amount {
        self.b
    }

    /// All shares, with those that are locked.
    pub const fn shares(&self) -> Amount {
        self.shares
    }

    /// What the pool keeps of each swap's input, in basis points.
    pub const fn fee_bps(&self) -> u16 {
        self.fee_bps
    }

    /// Whether nothing has been deposited yet.
    pub const fn is_empty(&self) -> bool {
        self.shares.is_zero()
    }

    /// The reserve of the asset that goes in, and that of the one that comes out.
    pub const fn directed(&self, direction: Direction) -> (Amount, Amount) {
        match direction {
            Direction::AToB => (self.a, self.b),
            Direction::BToA => (self.b, self.a),
        }
    }

    /// How much of the asset that comes out one of the asset that goes in is worth, before fee and price impact.
    pub fn spot_price(&self, direction: Direction) -> Result<Ratio, NumError> {
        let (reserve_in, reserve_out) = self.directed(direction);
        Ratio::new(reserve_out, reserve_in)
    }

    /// The same pool with other reserves after a swap.
    pub(super) const fn with_directed(
        self,
        direction: Direction,
        reserve_in: Amount,
        reserve_out: Amount,
    ) -> Self {
        match direction {
            Direction::AToB => Self { a: reserve_in, b: reserve_out, ..self },
            Direction::BToA => Self { a: reserve_out, b: reserve_in, ..self },
        }
    }
}

impl<'de> Deserialize<'de> for Reserves {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename = "Reserves")]
        struct Fields {
            a: Amount,
            b: Amount,
            shares: Amount,
            fee_bps: u16,
        }
        let Fields { a, b, shares, fee_bps } = Fields::deserialize(deserializer)?;
        Self::new(a, b, shares, fee_bps).map_err(de::Error::custom)
    }
}
