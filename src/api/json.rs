//! JSON of services, made readable in place and bounded before it is parsed.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The most values (objects, arrays, texts, numbers, …) that are kept of an answer: a page of 1,000
/// events has some 50,000. In memory each takes some 250 bytes, however few it has in the text.
pub(crate) const MOST_VALUES: usize = 300_000;
/// What an entry of a list takes at least, in values.
const ENTRY: usize = 8;

/// Replaces escapes of lone surrogates, such as `"\ud83d"` where a text was cut within an emoji, by
/// U+FFFD. JSON allows them (RFC 8259, 8.2), but they stand for no character.
pub(crate) fn repair_surrogates(json: &mut [u8]) {
    let mut at = 0;
    while let Some(escape) = json.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'\\')) {
        at += escape;
        let unit = |from: usize| {
            let [b'\\', b'u', digits @ ..] = json.get(from..from + 6)? else {
                return None;
            };
            u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        };
        let length = match unit(at) {
            Some(0xd800..=0xdbff) if matches!(unit(at + 6), Some(0xdc00..=0xdfff)) => 12,
            Some(0xd800..=0xdfff) => {
                if let Some(digits) = json.get_mut(at + 2..at + 6) {
                    digits.copy_from_slice(b"fffd");
                }
                6
            }
            Some(_) => 6,
            None => 2,
        };
        at += length;
    }
}

/// Whether the text has more than [`MOST_VALUES`] values.
pub(crate) fn has_too_many_values(json: &[u8]) -> bool {
    // Fast, and almost always enough.
    let marks = json.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    marks >= MOST_VALUES && values(json) > MOST_VALUES
}

/// How many values the text has. Each but the first of an array or object comes behind a comma; an
/// empty one counts as two.
fn values(json: &[u8]) -> usize {
    let (mut values, mut in_text, mut is_escaped) = (1_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values
}

/// Whether more than [`MOST_VALUES`] values would be kept of a list of which only the heads of its
/// entries are: of a list with many large sessions most are skipped.
pub(crate) fn has_too_many_entries(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct List {
        #[serde(default)]
        data: Entries,
    }
    let count = |json| serde_json::from_slice::<List>(json).map(|list| list.data.0);
    // What is no list is reported where it is read.
    has_too_many_values(json) && count(json).is_ok_and(|values| values > MOST_VALUES)
}

/// The values that are kept of all entries.
#[derive(Default)]
struct Entries(usize);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_unit<E: Error>(self) -> Result<Entries, E> {
                Ok(Entries(0))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Entries, A::Error> {
                #[derive(Deserialize)]
                struct Kept {
                    #[serde(default)]
                    metadata: Count,
                    #[serde(default)]
                    resources: Count,
                }
                let mut total = 0;
                while let Some(Kept { metadata, resources }) = entries.next_element()? {
                    total += ENTRY + metadata.0 + resources.0;
                    if total > MOST_VALUES {
                        while entries.next_element::<IgnoredAny>()?.is_some() {}
                    }
                }
                Ok(Entries(total))
            }
        }

        deserializer.deserialize_any(EntriesVisitor)
    }
}

/// The values of a field.
#[derive(Default)]
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let field = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(values(field.get().as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_VALUES, has_too_many_values, repair_surrogates};

    #[test]
    fn only_lone_surrogates_are_replaced() {
        for (text, expected) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (
                r#""\uDE00 \ud83d\ude00 \ud83d\ud83d\ude00""#,
                r#""\ufffd \ud83d\ude00 \ufffd\ud83d\ude00""#,
            ),
            (r#""\ud83d\n\\ud83d \\\ud83d""#, r#""\ufffd\n\\ud83d \\\ufffd""#),
            (r#"{"\udfff":"\u00e9"}"#, r#"{"\ufffd":"\u00e9"}"#),
            (r#""\ud83"#, r#""\ud83"#),
            ("\"\\ud8é", "\"\\ud8é"),
            (r"\", r"\"),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            repair_surrogates(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }

    #[test]
    fn values_are_counted_outside_of_texts() {
        let array = |of: &str, count: usize| format!("[{}]", vec![of; count].join(","));
        for (json, expected) in [
            (array("0", MOST_VALUES - 1), false),
            (array("0", MOST_VALUES), true),
            (array("[]", MOST_VALUES / 2), true),
            (array("{}", MOST_VALUES / 2 - 1), false),
            (format!(r#"["{}\",,{{"]"#, ",[".repeat(MOST_VALUES)), false),
        ] {
            assert_eq!(has_too_many_values(json.as_bytes()), expected, "{}", json.len());
        }
    }
}
