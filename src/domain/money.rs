//! Exact amounts of money. Never a float and never rounded: an amount that cannot be kept exactly
//! is unknown.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use rust_decimal::Decimal;
use serde::Serialize;

use crate::model::Amount;

/// The currency of an amount that names none: the API prices in dollars.
const DEFAULT_CURRENCY: &str = "USD";

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidAmount {
    /// Not a decimal number.
    Number,
    /// Below zero.
    Negative,
    /// The currency is not a three-letter code.
    Currency,
}

/// An amount in one currency. Amounts of different currencies are neither equal nor ordered.
///
/// Displayed in major units, `12.34 USD`, with as many decimals as the currency has, or more
/// where the amount needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money {
    /// Without trailing zeros.
    minor: Decimal,
    /// Three capital letters.
    currency: String,
}

impl Money {
    /// Reads minor units (cents) as the API sends them, `"1234"` or `"1234.5"`, and a currency
    /// code. `None` unless it is a plain decimal number of at most 28 digits.
    pub fn from_minor(amount: &str, currency: &str) -> Option<Self> {
        // Checked here: `Decimal` would also take `1_000` and `.5`.
        let (sign, whole, fraction) = split(amount)?;
        // Zeros on either side would count toward the digits.
        let (whole, fraction) = (trim_start(whole), fraction.trim_end_matches('0'));
        let point = if fraction.is_empty() { "" } else { "." };
        let minor = Decimal::from_str_exact(&format!("{sign}{whole}{point}{fraction}")).ok()?;
        Some(Self { minor: minor.normalize(), currency: code(currency)? })
    }

    /// The amount as the API sent it, if it can be read.
    pub fn from_amount(amount: &Amount) -> Option<Self> {
        Self::from_minor(&amount.amount, &amount.currency)
    }

    /// Reads major units as people write them, `"50.00 USD"`; US dollars if no currency is named.
    pub fn parse_major(text: &str) -> Result<Self, InvalidAmount> {
        let text = text.trim();
        let (amount, currency) = match text.split_once(char::is_whitespace) {
            Some((amount, currency)) => (amount, currency.trim()),
            None => (text, DEFAULT_CURRENCY),
        };
        let currency = code(currency).ok_or(InvalidAmount::Currency)?;
        if amount.starts_with('-') {
            return Err(InvalidAmount::Negative);
        }
        shift(amount, 0, decimals(&currency))
            .and_then(|minor| Self::from_minor(&minor, &currency))
            .ok_or(InvalidAmount::Number)
    }

    /// The currency's three letters.
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Minor units, as the API takes them: `"1234"`, `"1234.5"`.
    pub fn to_minor_string(&self) -> String {
        self.minor.to_string()
    }

    /// The number in major units, without the currency: `12.34`.
    pub fn to_major_string(&self) -> String {
        let places = decimals(&self.currency);
        let text = shift(&self.minor.to_string(), places, 0).unwrap_or_default();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() && places == 0 {
            return whole.to_owned();
        }
        format!("{whole}.{fraction:0<places$}")
    }

    /// Whether the amount is zero.
    pub fn is_zero(&self) -> bool {
        self.minor.is_zero()
    }

    /// The exact sum; `None` for different currencies or a sum of more than 28 digits.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        if self.is_zero() {
            return Some(other.clone());
        }
        if other.is_zero() {
            return Some(self.clone());
        }
        let minor = self.minor.checked_add(other.minor)?;
        // `Decimal` rounds a sum that does not fit instead of refusing it.
        let exact = minor.is_zero() || minor.scale() >= self.minor.scale().max(other.minor.scale());
        exact.then(|| Self { minor: minor.normalize(), currency: self.currency.clone() })
    }
}

impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.minor.cmp(&other.minor))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_major_string(), self.currency)
    }
}

/// Totals by currency, in the order of the currency codes. Displayed as `1.00 EUR, 12.34 USD`,
/// serialised as `{"EUR": "1.00", "USD": "12.34"}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(into = "BTreeMap<String, String>")]
pub struct Sums(BTreeMap<String, Money>);

impl Sums {
    /// Adds an amount to the total of its currency. False, and nothing is added, if the exact
    /// total would have more than 28 digits.
    pub fn add(&mut self, amount: &Money) -> bool {
        let total = match self.0.get(&amount.currency) {
            Some(total) => total.checked_add(amount),
            None => Some(amount.clone()),
        };
        total.map(|total| self.0.insert(amount.currency.clone(), total)).is_some()
    }

    /// The totals.
    pub fn iter(&self) -> impl Iterator<Item = &Money> {
        self.0.values()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals: Vec<_> = self.iter().map(ToString::to_string).collect();
        f.write_str(&totals.join(", "))
    }
}

impl From<Sums> for BTreeMap<String, String> {
    fn from(sums: Sums) -> Self {
        let totals = sums.0.into_iter();
        totals.map(|(currency, total)| (currency, total.to_major_string())).collect()
    }
}

/// The currency code in capitals, if it has the form of one.
fn code(currency: &str) -> Option<String> {
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| currency.to_ascii_uppercase())
}

/// How many decimals the currency has (ISO 4217).
fn decimals(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" => 4,
        _ => 2,
    }
}

/// Sign, whole digits and decimals of a plain decimal number.
fn split(amount: &str) -> Option<(&str, &str, &str)> {
    let (sign, unsigned) = match amount.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", amount),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then_some((sign, whole, fraction))
}

fn trim_start(whole: &str) -> &str {
    match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    }
}

/// Moves the decimal point by so many places. On the text, since `Decimal` cannot hold all the
/// decimals of a large amount.
fn shift(amount: &str, left: usize, right: usize) -> Option<String> {
    let (sign, whole, fraction) = split(amount)?;
    let digits = format!("{}{whole}{fraction}{}", "0".repeat(left), "0".repeat(right));
    let (whole, fraction) = digits.split_at_checked(whole.len() + right)?;
    Some(format!("{sign}{}.{fraction}", trim_start(whole)))
}
