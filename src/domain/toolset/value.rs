//! JSON compared by meaning: numbers by value, objects regardless of key order.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// Whether both are equal; a null member differs from an absent one.
pub fn same(one: &Value, two: &Value) -> bool {
    equal(one, two, false)
}

/// Like [`same`], but a null member counts as absent, as in the settings that the API fills in.
pub(crate) fn alike(one: &Value, two: &Value) -> bool {
    equal(one, two, true)
}

fn equal(one: &Value, two: &Value, null_is_absent: bool) -> bool {
    let is_absent = |value: &Value| null_is_absent && value.is_null();
    match (one, two) {
        (Value::Number(one), Value::Number(two)) => same_number(one, two),
        (Value::Array(one), Value::Array(two)) => {
            all_pairs(one, two, |one, two| equal(one, two, null_is_absent))
        }
        (Value::Object(one), Value::Object(two)) => {
            let mut members = one.iter();
            members.all(|(key, value)| {
                let other = two.get(key);
                other.map_or(is_absent(value), |other| equal(value, other, null_is_absent))
            }) && two.iter().all(|(key, value)| one.contains_key(key) || is_absent(value))
        }
        _ => one == two,
    }
}

fn all_pairs(one: &[Value], two: &[Value], is_met: impl Fn(&Value, &Value) -> bool) -> bool {
    one.len() == two.len() && one.iter().zip(two).all(|(one, two)| is_met(one, two))
}

/// Whether the answer contains everything that was asked; it may contain more.
pub fn covers(answered: &Value, asked: &Value) -> bool {
    match (answered, asked) {
        (_, Value::Null) => true,
        (Value::Object(answered), Value::Object(asked)) => asked.iter().all(|(key, asked)| {
            let answered = answered.get(key);
            answered.map_or(asked.is_null(), |answered| covers(answered, asked))
        }),
        (Value::Array(answered), Value::Array(asked)) => all_pairs(answered, asked, covers),
        _ => same(answered, asked),
    }
}

fn same_number(one: &Number, two: &Number) -> bool {
    match (normal_number(one), normal_number(two)) {
        (Some(one), Some(two)) => one == two,
        _ => one == two,
    }
}

/// Whether it is negative, digits without zeros at either end, and the power of ten they are
/// multiplied by. As text, since a float would round it. `None` if the exponent needs more than 64
/// bits; such numbers are compared as written.
fn normal_number(number: &Number) -> Option<(bool, String, i64)> {
    let text = number.to_string();
    let unsigned = text.strip_prefix('-').unwrap_or(&text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.trim_start_matches('0');
    let significant = leading.trim_end_matches('0');
    let exponent: i64 = exponent.parse().ok()?;
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let dropped = leading.len() - significant.len();
    let exponent = exponent
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(i64::try_from(dropped).ok()?)?;
    Some((text.starts_with('-'), significant.to_owned(), exponent))
}

/// Whether two URLs are equal, regardless of the case of scheme and host, a default port or an
/// empty path (RFC 3986, 6.2): some services normalise what they were given.
pub(crate) fn same_url(one: &str, two: &str) -> bool {
    normal_url(one) == normal_url(two)
}

fn normal_url(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Cow::Borrowed(url);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let scheme = scheme.to_ascii_lowercase();
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host.to_ascii_lowercase()),
        None => (String::new(), authority.to_ascii_lowercase()),
    };
    let host = match scheme.as_str() {
        "https" => host.strip_suffix(":443").unwrap_or(&host),
        _ => &host,
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    Cow::Owned(format!("{scheme}://{user}{host}{slash}{path}"))
}

/// The member, unless it is absent or null.
pub(crate) fn present<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object.get(key).filter(|value| !value.is_null())
}

/// The member of an object, if it is a string that is not empty.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use crate::domain::toolset::value::{alike, covers, same, same_url};

    fn json(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_are_compared_by_value_and_exactly() {
        for (one, two, expected) in [
            ("1.50", "1.5", true),
            ("1e2", "100", true),
            ("1E+2", "100.00", true),
            ("0.0", "-0", true),
            ("-1", "1", false),
            ("100e-2", "1", true),
            ("9007199254740993", "9007199254740992", false),
            ("12345678901234567890123", "12345678901234567890123.0", true),
            ("0.1", "0.10000000000000001", false),
            ("1e99999999999999999999", "1e99999999999999999999", true),
            ("1e99999999999999999999", "1e99999999999999999998", false),
        ] {
            assert_eq!(same(&json(one), &json(two)), expected, "{one} and {two}");
        }
    }

    #[test]
    fn null_members_count_as_absent_only_where_asked() {
        let (one, two) = (json(r#"{"a":1,"b":null}"#), json(r#"{"a":1.0}"#));
        assert!(alike(&one, &two) && alike(&two, &one));
        assert!(!same(&one, &two) && !same(&two, &one));
        assert!(!alike(&json(r#"{"a":1,"b":2}"#), &two));
    }

    #[test]
    fn an_answer_may_contain_more_but_not_less() {
        let asked = json(r#"{"a":{"b":1.50},"c":[{"d":true}],"e":null}"#);
        for (answer, expected) in [
            (r#"{"x":1,"a":{"b":1.5,"y":2},"c":[{"d":true,"z":0}]}"#, true),
            (r#"{"a":{"b":1.5}}"#, false),
            (r#"{"a":{"b":1.5},"c":[{"d":true},{"d":true}]}"#, false),
        ] {
            assert_eq!(covers(&json(answer), &asked), expected, "{answer}");
        }
    }

    #[test]
    fn urls_are_compared_after_normalization() {
        let url = "https://mcp.linear.app/mcp";
        assert!(same_url("https://Mcp.Linear.app", "https://mcp.linear.app:443/"));
        assert!(!same_url(url, "https://mcp.linear.app/MCP"));
        assert!(!same_url(url, "https://mcp.linear.app/mcp/"));
    }

    proptest! {
        #[test]
        fn a_shifted_decimal_point_is_the_same_number(digits in "[1-9][0-9]{0,40}", shift in 0_i64..50) {
            let plain = json(&digits);
            let zeros = "0".repeat(usize::try_from(shift).unwrap());
            prop_assert!(same(&plain, &json(&format!("{digits}{zeros}e-{shift}"))), "{}", digits);
            prop_assert!(same(&plain, &json(&format!("{digits}.{zeros}0"))), "{}", digits);
        }
    }
}
