//! Exact amounts of money. Never a float, never a silent rounding: what cannot be kept exactly is
//! no amount at all.

#[cfg(test)]
mod tests;

use std::{borrow::Cow, cmp::Ordering, collections::BTreeMap, fmt};

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

/// The currency of an amount that names none: the API prices in dollars.
const USUAL: &str = "USD";

/// Currencies whose minor unit is not a hundredth (ISO 4217), with their number of decimals.
const DECIMALS: [(&str, usize); 25] = [
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// An amount in one currency. Amounts of different currencies are neither equal nor ordered.
///
/// Displayed and serialised in major units, `12.34 USD`, with as many decimals as the currency
/// has, or more where the amount needs them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Money {
    /// Without trailing zeros.
    minor: Decimal,
    /// Three capital letters.
    currency: String,
}

impl Money {
    /// Reads minor units (cents) as the API sends them, `"1234"` or `"1234.5"`, and the code of a
    /// currency. `None` for what is no plain decimal number of at most 28 digits.
    #[must_use]
    pub fn from_minor(amount: &str, currency: &str) -> Option<Self> {
        let unsigned = amount.strip_prefix('-').unwrap_or(amount);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // Checked here, because `Decimal` would also take `1_000` and `.5`.
        if !digits(whole) || !digits(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let sign = if amount.starts_with('-') { "-" } else { "" };
        let whole = if whole.trim_start_matches('0').is_empty() {
            "0"
        } else {
            whole.trim_start_matches('0')
        };
        let point = if fraction.is_empty() { "" } else { "." };
        let minor = Decimal::from_str_exact(&format!("{sign}{whole}{point}{fraction}")).ok()?;
        Some(Self {
            minor: minor.normalize(),
            currency: code(currency)?,
        })
    }

    /// Reads major units as a person writes them, `"50.00 USD"`; without a currency they are US
    /// dollars.
    ///
    /// # Errors
    /// One clause saying what is wrong, to be read after the argument's name.
    pub fn parse_major(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (amount, currency) = match text.split_once(char::is_whitespace) {
            Some((amount, currency)) => (amount, currency.trim()),
            None => (text, USUAL),
        };
        let currency =
            code(currency).ok_or("must name a currency by its three letters, like USD")?;
        if amount.starts_with('-') {
            return Err("must not be negative");
        }
        let places = i32::try_from(decimals(&currency)).unwrap_or_default();
        shift(amount, places)
            .and_then(|minor| Self::from_minor(&minor, &currency))
            .ok_or("must be an amount like \"50.00 USD\"")
    }

    /// The currency's three letters.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Minor units, as the API takes them: `"1234"`, `"1234.5"`.
    #[must_use]
    pub fn to_minor_string(&self) -> String {
        self.minor.to_string()
    }

    /// The number in major units, without the currency: `12.34`.
    #[must_use]
    pub fn to_major_string(&self) -> String {
        let places = decimals(&self.currency);
        let text = shift(
            &self.minor.to_string(),
            -i32::try_from(places).unwrap_or_default(),
        )
        .unwrap_or_default();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() && places == 0 {
            return whole.to_owned();
        }
        format!("{whole}.{fraction:0<places$}")
    }

    /// Whether the amount is nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.minor.is_zero()
    }

    /// The exact sum; `None` for another currency or a sum of more than 28 digits.
    #[must_use]
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
        // A sum that does not fit is rounded to fewer decimals instead of being refused.
        let exact = minor.is_zero() || minor.scale() >= self.minor.scale().max(other.minor.scale());
        exact.then(|| Self {
            minor: minor.normalize(),
            currency: self.currency.clone(),
        })
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

impl From<Money> for String {
    fn from(money: Money) -> Self {
        money.to_string()
    }
}

impl JsonSchema for Money {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Money")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Totals by currency. Displayed as `1.00 EUR, 12.34 USD`, serialised as
/// `{"EUR": "1.00", "USD": "12.34"}`, always in the order of the currencies' codes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(into = "BTreeMap<String, String>")]
pub struct Sums(BTreeMap<String, Money>);

impl Sums {
    /// Adds an amount to the total of its currency.
    ///
    /// Answers false, and changes nothing, when the exact total would have more than 28 digits.
    #[must_use]
    pub fn add(&mut self, amount: &Money) -> bool {
        let total = match self.0.get(&amount.currency) {
            Some(total) => total.checked_add(amount),
            None => Some(amount.clone()),
        };
        total
            .map(|total| self.0.insert(amount.currency.clone(), total))
            .is_some()
    }

    /// The totals, by currency.
    pub fn iter(&self) -> impl Iterator<Item = &Money> {
        self.0.values()
    }

    /// The total of one currency.
    #[must_use]
    pub fn get(&self, currency: &str) -> Option<&Money> {
        self.0.get(currency)
    }

    /// Whether nothing was added.
    #[must_use]
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
        sums.0
            .into_iter()
            .map(|(currency, total)| (currency, total.to_major_string()))
            .collect()
    }
}

impl JsonSchema for Sums {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Sums")
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        BTreeMap::<String, String>::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

/// The code in capitals, if it has the form of one.
fn code(currency: &str) -> Option<String> {
    let is_code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| currency.to_ascii_uppercase())
}

fn decimals(currency: &str) -> usize {
    let known = DECIMALS.iter().find(|(code, _)| *code == currency);
    known.map_or(2, |(_, decimals)| *decimals)
}

/// Moves the decimal point, to the right for positive `places`. On the text, because a `Decimal`
/// has no room for the decimals of a large amount.
fn shift(amount: &str, places: i32) -> Option<String> {
    let (sign, unsigned) = amount
        .strip_prefix('-')
        .map_or(("", amount), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    // Before padding, or an amount without digits would be given some.
    if whole.is_empty() || fraction.is_empty() {
        return None;
    }
    let room = usize::try_from(places.unsigned_abs()).ok()?;
    let zeros = "0".repeat(room);
    let digits = format!("{zeros}{whole}{fraction}{zeros}");
    let point = room + whole.len();
    let point = if places < 0 {
        point - room
    } else {
        point + room
    };
    let (whole, fraction) = digits.split_at_checked(point)?;
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    Some(format!("{sign}{whole}.{fraction}"))
}
