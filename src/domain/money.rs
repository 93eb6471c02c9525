//! Exact amounts of money. Never a float, never a silent rounding: what cannot be kept exactly is
//! no amount at all.

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
            return Err("is negative");
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Money, Sums};

    fn minor(amount: &str, currency: &str) -> Money {
        Money::from_minor(amount, currency).unwrap_or_else(|| panic!("{amount} {currency}"))
    }

    #[test]
    fn minor_units_are_shown_as_major_ones() {
        for (amount, currency, shown, again) in [
            ("1234", "USD", "12.34 USD", "1234"),
            ("1234.5", "usd", "12.345 USD", "1234.5"),
            ("1200.000", "USD", "12.00 USD", "1200"),
            ("5", "USD", "0.05 USD", "5"),
            ("0", "USD", "0.00 USD", "0"),
            ("-0.0", "USD", "0.00 USD", "0"),
            ("0.0001", "USD", "0.000001 USD", "0.0001"),
            ("-1234", "EUR", "-12.34 EUR", "-1234"),
            ("0012", "EUR", "0.12 EUR", "12"),
            ("1234", "JPY", "1234 JPY", "1234"),
            ("1234.5", "JPY", "1234.5 JPY", "1234.5"),
            ("1234", "KWD", "1.234 KWD", "1234"),
            ("1230", "KWD", "1.230 KWD", "1230"),
            (
                "9007199254740993",
                "USD",
                "90071992547409.93 USD",
                "9007199254740993",
            ),
            (
                "1234567890123456789012345.678",
                "USD",
                "12345678901234567890123.45678 USD",
                "1234567890123456789012345.678",
            ),
            (
                "0.0000000000000000000000000001",
                "USD",
                "0.000000000000000000000000000001 USD",
                "0.0000000000000000000000000001",
            ),
        ] {
            let money = minor(amount, currency);
            assert_eq!(money.to_string(), shown, "{amount} {currency}");
            assert_eq!(money.to_minor_string(), again, "{amount} {currency}");
            assert_eq!(serde_json::to_value(&money).unwrap(), shown);
        }
    }

    #[test]
    fn what_is_not_exactly_an_amount_is_none() {
        for amount in [
            "",
            " ",
            "1e3",
            "1_000",
            "1,5",
            ".5",
            "5.",
            "+5",
            "--5",
            "NaN",
            "٣",
            "1.2.3",
            "99999999999999999999999999999999",
            "0.00000000000000000000000000001",
        ] {
            assert_eq!(Money::from_minor(amount, "USD"), None, "{amount:?}");
        }
        for currency in ["", "US", "DOLLAR", "U$D", "€€€"] {
            assert_eq!(Money::from_minor("1", currency), None, "{currency:?}");
        }
    }

    #[test]
    fn major_units_are_read_as_people_write_them() {
        for (text, expected) in [
            ("50.00 USD", Ok("5000 USD")),
            ("50.00", Ok("5000 USD")),
            (" 50  eur ", Ok("5000 EUR")),
            ("0.5", Ok("50 USD")),
            ("0.005", Ok("0.5 USD")),
            ("50 JPY", Ok("50 JPY")),
            ("1.5 KWD", Ok("1500 KWD")),
            ("-1", Err("is negative")),
            (
                "50 dollars",
                Err("must name a currency by its three letters, like USD"),
            ),
            ("", Err("must be an amount like \"50.00 USD\"")),
            ("USD", Err("must be an amount like \"50.00 USD\"")),
            (".5", Err("must be an amount like \"50.00 USD\"")),
            ("5.", Err("must be an amount like \"50.00 USD\"")),
            ("$50", Err("must be an amount like \"50.00 USD\"")),
            ("1,000.00", Err("must be an amount like \"50.00 USD\"")),
            ("1e3", Err("must be an amount like \"50.00 USD\"")),
        ] {
            let read = Money::parse_major(text);
            let read =
                read.map(|money| format!("{} {}", money.to_minor_string(), money.currency()));
            assert_eq!(
                read.as_deref().map_err(|clause| *clause),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn amounts_are_compared_within_a_currency() {
        assert!(minor("1234.50", "USD") == minor("1234.5", "USD"));
        assert!(minor("99.9", "USD") < minor("100", "USD"));
        assert_eq!(minor("1", "USD").partial_cmp(&minor("1", "EUR")), None);
        assert_ne!(minor("1", "USD"), minor("1", "EUR"));
    }

    #[test]
    fn sums_are_sorted_and_exact() {
        let mut sums = Sums::default();
        for (amount, currency) in [
            ("1234", "USD"),
            ("100", "EUR"),
            ("0.1", "USD"),
            ("0.2", "USD"),
        ] {
            assert!(sums.add(&minor(amount, currency)));
        }
        assert_eq!(sums.to_string(), "1.00 EUR, 12.343 USD");
        assert_eq!(
            serde_json::to_string(&sums).unwrap(),
            r#"{"EUR":"1.00","USD":"12.343"}"#
        );
        assert!(sums.add(&minor("70000000000000000000000000000", "JPY")));
        assert!(!sums.add(&minor("0.1", "JPY")), "would be rounded");
        assert!(
            !sums.add(&minor("70000000000000000000000000000", "JPY")),
            "would overflow"
        );
        assert_eq!(
            sums.get("JPY").unwrap().to_minor_string(),
            "70000000000000000000000000000"
        );
    }

    fn amount() -> impl Strategy<Value = (i64, u32, &'static str)> {
        (
            any::<i64>(),
            0_u32..6,
            prop::sample::select(vec!["USD", "EUR", "JPY", "KWD"]),
        )
    }

    /// `units` × 10^-`scale`, written out.
    fn written(units: i128, scale: u32) -> String {
        let (sign, digits) = (
            if units < 0 { "-" } else { "" },
            units.unsigned_abs().to_string(),
        );
        let scale = usize::try_from(scale).unwrap();
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        if scale == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }

    proptest! {
        #[test]
        fn an_amount_survives_being_written_and_read((units, scale, currency) in amount()) {
            let money = minor(&written(units.into(), scale), currency);
            prop_assert_eq!(&minor(&money.to_minor_string(), currency), &money);
            if units >= 0 {
                prop_assert_eq!(Money::parse_major(&money.to_string()).unwrap(), money);
            }
        }

        #[test]
        fn sums_do_not_depend_on_the_order_and_are_exact(amounts in prop::collection::vec(amount(), 0..20)) {
            let sum = |amounts: &mut dyn Iterator<Item = &(i64, u32, &'static str)>| {
                let mut sums = Sums::default();
                for (units, scale, currency) in amounts {
                    assert!(sums.add(&minor(&written((*units).into(), *scale), currency)));
                }
                sums
            };
            let (one, two) = (sum(&mut amounts.iter()), sum(&mut amounts.iter().rev()));
            prop_assert_eq!(one.to_string(), two.to_string());
            for total in one.iter() {
                let units: i128 = amounts.iter().filter(|(.., currency)| *currency == total.currency())
                    .map(|(units, scale, _)| i128::from(*units) * 10_i128.pow(5 - scale)).sum();
                prop_assert_eq!(total, &minor(&written(units, 5), total.currency()));
            }
        }

        #[test]
        fn no_text_is_a_panic(text in any::<String>(), currency in any::<String>()) {
            let _ = Money::from_minor(&text, &currency);
            let _ = Money::parse_major(&format!("{text} {currency}"));
        }
    }
}
