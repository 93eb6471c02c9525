//! Untrusted text made fit to be shown: invisible characters are escaped, long text is cut.

use std::{borrow::Cow, fmt::Write as _, io};

use serde::Serialize as _;
use serde_json::{
    Map, Value,
    ser::{CharEscape, CompactFormatter, Formatter},
};

/// Longest quoted title, in characters.
const TITLE_CHARACTERS: usize = 80;

/// Whether a character is invisible, or reorders the text around it.
pub fn is_invisible(c: char) -> bool {
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

/// The text with every invisible character as an escape such as `\u{202e}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_invisible(c) {
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
            if map.keys().any(|key| key.chars().any(is_invisible)) {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(key, value)| (visible(&key).into_owned(), value))
                    .collect::<Map<_, _>>();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The first `limit` characters, and how many more there are.
pub fn cut(text: &str, limit: usize) -> (&str, usize) {
    match text.char_indices().nth(limit) {
        Some((end, _)) => {
            let (head, tail) = text.split_at(end);
            (head, tail.chars().count())
        }
        None => (text, 0),
    }
}

/// The first `limit` characters, then how many more there are: `abc… (12 more characters)`.
pub fn shortened(text: &str, limit: usize) -> String {
    match cut(text, limit) {
        (all, 0) => all.to_owned(),
        (head, more) => format!("{head}… ({more} more characters)"),
    }
}

/// A title inside a sentence: a JSON string of at most 80 visible characters, so that nothing in
/// it can pass for the sentence itself.
pub fn quoted(title: &str) -> String {
    let (head, more) = cut(title, TITLE_CHARACTERS);
    let ellipsis = if more == 0 { "" } else { "…" };
    quoted_whole(&format!("{head}{ellipsis}"))
}

/// Untrusted text as a JSON string of visible characters.
pub fn quoted_whole(text: &str) -> String {
    json(&Value::String(text.to_owned()))
}

/// An untrusted value as compact JSON of visible characters. Control characters are escaped like
/// all other invisible ones, as `\u{7}` and not `\u0007`.
pub fn json(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Visible);
    // Neither serialising a value nor writing to memory can fail.
    let _ = value.serialize(&mut serializer);
    visible(&String::from_utf8_lossy(&bytes)).into_owned()
}

/// Compact JSON with the escapes of [`visible`].
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
