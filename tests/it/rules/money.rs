//! Amounts as tables, and laws about sums.

use proptest::prelude::*;

use managed_sessions_mcp::domain::money::{InvalidAmount, Money, Sums};

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
    ] {
        let money = minor(amount, currency);
        assert_eq!(money.to_string(), shown, "{amount} {currency}");
        assert_eq!(money.to_minor_string(), again, "{amount} {currency}");
    }
    for (amount, shown) in [
        ("9007199254740993", "90071992547409.93"),
        ("1234567890123456789012345.678", "12345678901234567890123.45678"),
        ("0.0000000000000000000000000001", "0.000000000000000000000000000001"),
    ] {
        let money = minor(amount, "USD");
        assert_eq!(money.to_major_string(), shown);
        assert_eq!(money.to_minor_string(), amount);
    }
}

#[test]
fn only_plain_numbers_and_currency_codes_are_amounts() {
    let numbers = ["", " ", "1e3", "1_000", "1,5", ".5", "5.", "+5", "--5", "NaN", "٣", "1.2.3"];
    for amount in numbers
        .into_iter()
        .chain(["99999999999999999999999999999999", "0.00000000000000000000000000001"])
    {
        assert_eq!(Money::from_minor(amount, "USD"), None, "{amount:?}");
    }
    for currency in ["", "US", "DOLLAR", "U$D", "€€€"] {
        assert_eq!(Money::from_minor("1", currency), None, "{currency:?}");
    }
}

#[test]
fn major_units_are_read_as_people_write_them() {
    for (text, expected) in [
        ("50.00 USD", "5000 USD"),
        ("50.00", "5000 USD"),
        (" 50  eur ", "5000 EUR"),
        ("0.5", "50 USD"),
        ("0.005", "0.5 USD"),
        ("50 JPY", "50 JPY"),
        ("1.5 KWD", "1500 KWD"),
    ] {
        let money = Money::parse_major(text).unwrap();
        let read = format!("{} {}", money.to_minor_string(), money.currency());
        assert_eq!(read, expected, "{text:?}");
    }
    for (text, mistake) in [
        ("-1", InvalidAmount::Negative),
        ("50 dollars", InvalidAmount::Currency),
        ("", InvalidAmount::Number),
        ("USD", InvalidAmount::Number),
        (".5", InvalidAmount::Number),
        ("5.", InvalidAmount::Number),
        ("$50", InvalidAmount::Number),
        ("1,000.00", InvalidAmount::Number),
        ("1e3", InvalidAmount::Number),
    ] {
        assert_eq!(Money::parse_major(text), Err(mistake), "{text:?}");
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
    let amounts = ["1234 USD", "100 EUR", "0.1 USD", "0.2 USD"];
    for (amount, currency) in amounts.map(|each| each.split_once(' ').unwrap()) {
        assert!(sums.add(&minor(amount, currency)));
    }
    assert_eq!(sums.to_string(), "1.00 EUR, 12.343 USD");
    let json = serde_json::to_string(&sums).unwrap();
    assert_eq!(json, r#"{"EUR":"1.00","USD":"12.343"}"#);

    let large = minor("70000000000000000000000000000", "JPY");
    assert!(sums.add(&large));
    assert!(!sums.add(&minor("0.1", "JPY")), "would be rounded");
    assert!(!sums.add(&large), "would overflow");
    assert!(sums.iter().any(|total| *total == large));
}

fn amount() -> impl Strategy<Value = (i64, u32, &'static str)> {
    let currency = prop::sample::select(vec!["USD", "EUR", "JPY", "KWD"]);
    (any::<i64>(), 0_u32..6, currency)
}

/// `units` × 10^-`scale`, written out.
fn written(units: i128, scale: u32) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let scale = usize::try_from(scale).unwrap();
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

proptest! {
    #[test]
    fn an_amount_survives_being_written_and_read((units, scale, currency) in amount()) {
        let money = minor(&written(units.into(), scale), currency);
        prop_assert_eq!(&minor(&money.to_minor_string(), currency), &money);
        if units >= 0 {
            prop_assert_eq!(Money::parse_major(&money.to_string()), Ok(money));
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
