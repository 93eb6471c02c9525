//! Text that comes from elsewhere, made fit to be shown: what cannot be seen is escaped, what is
//! too long is cut.

use std::{borrow::Cow, fmt::Write as _, io};

use jiff::Timestamp;
use serde::Serialize as _;
use serde_json::{
    Map, Value,
    ser::{CharEscape, CompactFormatter, Formatter},
};

/// How many characters of a title a failure shows.
const TITLE_CHARACTERS: usize = 80;

/// Whether a character has no visible form of its own, or reorders what stands around it.
fn is_unseen(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Soft hyphen, joiners, Hangul and Khmer fillers, zero-width and bidi controls, line and
        // paragraph separators, invisible operators, byte order mark, annotation anchors,
        // musical controls, tag characters and the variation selectors used to smuggle bytes.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => c.is_control(),
    }
}

/// The text with every unseen character as an escape such as `\u{202e}`.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unseen(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// [`visible`] for every string and key of a value, in place.
pub fn make_visible(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(escaped) = visible(text) {
                *text = escaped;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(make_visible),
        Value::Object(map) => {
            map.values_mut().for_each(make_visible);
            if map.keys().any(|key| key.chars().any(is_unseen)) {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(key, value)| (visible(&key).into_owned(), value))
                    .collect::<Map<_, _>>();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The first `limit` characters, and how many were left out.
#[must_use]
pub fn cut(text: &str, limit: usize) -> (&str, usize) {
    match text.char_indices().nth(limit) {
        Some((end, _)) => {
            let (head, tail) = text.split_at(end);
            (head, tail.chars().count())
        }
        None => (text, 0),
    }
}

/// `limit` characters at most, with what was left out said at the end: `abc… (12 more characters)`.
#[must_use]
pub fn shortened(text: &str, limit: usize) -> String {
    match cut(text, limit) {
        (all, 0) => all.to_owned(),
        (head, more) => format!("{head}… ({more} more characters)"),
    }
}

/// A title as it may stand in a sentence: a JSON string of at most 80 visible characters, so that
/// nothing in it can be taken for the sentence itself.
#[must_use]
pub fn quoted(title: &str) -> String {
    let (head, more) = cut(title, TITLE_CHARACTERS);
    let ellipsis = if more == 0 { "" } else { "…" };
    quoted_whole(&format!("{head}{ellipsis}"))
}

/// A text of somebody else's as a JSON string of visible characters.
#[must_use]
pub fn quoted_whole(text: &str) -> String {
    json(&Value::String(text.to_owned()))
}

/// A value of somebody else's as compact JSON of visible characters. Control characters look as
/// all others that cannot be seen, `\u{7}` and not `\u0007`.
#[must_use]
pub fn json(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Visible);
    // A value is always JSON, and writing to memory cannot fail.
    let _ = value.serialize(&mut serializer);
    visible(&String::from_utf8_lossy(&bytes)).into_owned()
}

/// Compact JSON with our escapes.
struct Visible;

impl Formatter for Visible {
    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let control = match escape {
            CharEscape::AsciiControl(byte) => byte,
            CharEscape::Backspace => 0x8,
            CharEscape::FormFeed => 0xc,
            CharEscape::CarriageReturn => 0xd,
            other => return CompactFormatter.write_char_escape(writer, other),
        };
        write!(writer, "\\u{{{control:x}}}")
    }
}

/// How long ago, in the largest unit that says it: `3 days`, `1 hour`, `0 minutes`.
#[must_use]
pub fn age(at: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(at).as_secs().max(0) / 60;
    let (count, unit) = match minutes {
        1_440.. => (minutes / 1_440, "day"),
        60.. => (minutes / 60, "hour"),
        _ => (minutes, "minute"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use serde_json::json;

    use crate::domain::text::{age, cut, is_unseen, make_visible, quoted, shortened, visible};

    #[test]
    fn what_cannot_be_seen_is_shown_as_an_escape() {
        let check = |input: &str, expected: &str| assert_eq!(visible(input), expected);
        check(
            "plain, naïve, 日本語, 👍, line\nbreak\ttab",
            "plain, naïve, 日本語, 👍, line\nbreak\ttab",
        );
        check("a\u{202e}b", "a\\u{202e}b");
        check("\u{1b}[31mred", "\\u{1b}[31mred");
        check("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}");
        check("tag\u{e0041}\u{e007f}", "tag\\u{e0041}\\u{e007f}");
        check("\r\0\u{7f}\u{85}", "\\u{d}\\u{0}\\u{7f}\\u{85}");
    }

    #[test]
    fn keys_and_nested_values_are_made_visible_too() {
        let mut value = json!({"a\u{202e}": ["x\u{7}", {"n": 1, "k": "\u{2066}"}]});
        make_visible(&mut value);
        assert_eq!(
            value,
            json!({"a\\u{202e}": ["x\\u{7}", {"n": 1, "k": "\\u{2066}"}]})
        );
    }

    #[test]
    fn a_title_is_quoted_and_cut_to_eighty_characters() {
        assert_eq!(
            quoted("say \"hi\"\nNext: delete all"),
            r#""say \"hi\"\nNext: delete all""#
        );
        assert_eq!(
            quoted("\u{7}\u{8}\r\u{202e}\\u0007"),
            r#""\u{7}\u{8}\u{d}\u{202e}\\u0007""#
        );
        assert_eq!(quoted(&"ü".repeat(81)), format!("\"{}…\"", "ü".repeat(80)));
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let check = |at: &str, expected: &str| {
            let now = "2026-11-22T12:00:00Z".parse().unwrap();
            assert_eq!(age(at.parse().unwrap(), now), expected);
        };
        check("2026-11-01T08:00:00Z", "21 days");
        check("2026-11-21T11:59:59Z", "1 day");
        check("2026-11-22T10:30:00Z", "1 hour");
        check("2026-11-22T11:59:50Z", "0 minutes");
        check("2026-11-23T00:00:00Z", "0 minutes");
    }

    #[test]
    fn a_cut_says_how_much_was_cut() {
        assert_eq!(cut("äöü", 2), ("äö", 1));
        assert_eq!(cut("äöü", 3), ("äöü", 0));
        assert_eq!(shortened("abcdef", 4), "abcd… (2 more characters)");
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left_and_nothing_seen_is_lost(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.chars().any(is_unseen));
            if !text.chars().any(is_unseen) {
                prop_assert_eq!(shown, text.as_str());
            }
        }
    }
}
