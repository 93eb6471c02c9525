//! Exact amounts of money.

use rust_decimal::Decimal;

/// An exact amount in major units of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    amount: Decimal,
    currency: String,
}

impl Money {
    /// From minor units as a decimal string.
    #[must_use]
    pub fn from_minor(amount: &str, currency: &str) -> Option<Self> {
        let amount = amount
            .parse::<Decimal>()
            .ok()?
            .checked_div(Decimal::ONE_HUNDRED)?;
        Some(Self {
            amount,
            currency: currency.to_owned(),
        })
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} {}", self.amount, self.currency)
    }
}
