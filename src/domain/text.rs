//! Untrusted text made fit to be shown: invisible characters are escaped, long text is cut.

use std::{borrow::Cow, fmt::Write as _, io};

use serde::Serialize as _;
use serde_json::{
    Map, Value,
    ser::{CharEscape, CompactFormatter, Formatter},
};

/// Longest quoted title, in characters.
const TITLE_CHARACTERS: usize = 80;

/// Whether a character is invisible, or reorders the text around it. All of
/// `Default_Ignorable_Code_Point` of Unicode 16 is, and the control and format characters beside
/// it that have no glyph.
pub fn is_invisible(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        // Line and paragraph separators, then bidi controls.
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        // Variation selectors, of which any number can follow a character.
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        // Unassigned, then interlinear annotation.
        | '\u{fff0}'..='\u{fffb}'
        // Egyptian and shorthand format controls.
        | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}'
        // A note head without ink, then musical controls.
        | '\u{1d159}'
        | '\u{1d173}'..='\u{1d17a}'
        // Tags, and the variation selectors used to smuggle bytes.
        | '\u{e0000}'..='\u{e0fff}' => true,
        _ => c.is_control() || is_noncharacter(c),
    }
}

/// Never assigned, so that no font shows it.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Whether a character is a pictograph (`Extended_Pictographic` of Unicode 16, without what it
/// reserves), which may be followed by the choice between text and emoji.
fn is_pictograph(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{2199}' | '\u{21a9}'..='\u{21aa}' | '\u{231a}'..='\u{231b}'
        | '\u{2328}' | '\u{23cf}' | '\u{23e9}'..='\u{23f3}' | '\u{23f8}'..='\u{23fa}'
        | '\u{24c2}' | '\u{25aa}'..='\u{25ab}' | '\u{25b6}' | '\u{25c0}'
        | '\u{25fb}'..='\u{25fe}' | '\u{2600}'..='\u{2604}' | '\u{260e}' | '\u{2611}'
        | '\u{2614}'..='\u{2615}' | '\u{2618}' | '\u{261d}' | '\u{2620}'
        | '\u{2622}'..='\u{2623}' | '\u{2626}' | '\u{262a}' | '\u{262e}'..='\u{262f}'
        | '\u{2638}'..='\u{263a}' | '\u{2640}' | '\u{2642}' | '\u{2648}'..='\u{2653}'
        | '\u{265f}'..='\u{2660}' | '\u{2663}' | '\u{2665}'..='\u{2666}' | '\u{2668}'
        | '\u{267b}' | '\u{267e}'..='\u{267f}' | '\u{2692}'..='\u{2697}' | '\u{2699}'
        | '\u{269b}'..='\u{269c}' | '\u{26a0}'..='\u{26a1}' | '\u{26a7}'
        | '\u{26aa}'..='\u{26ab}' | '\u{26b0}'..='\u{26b1}' | '\u{26bd}'..='\u{26be}'
        | '\u{26c4}'..='\u{26c5}' | '\u{26c8}' | '\u{26ce}'..='\u{26cf}' | '\u{26d1}'
        | '\u{26d3}'..='\u{26d4}' | '\u{26e9}'..='\u{26ea}' | '\u{26f0}'..='\u{26f5}'
        | '\u{26f7}'..='\u{26fa}' | '\u{26fd}' | '\u{2702}' | '\u{2705}'
        | '\u{2708}'..='\u{270d}' | '\u{270f}' | '\u{2712}' | '\u{2714}' | '\u{2716}'
        | '\u{271d}' | '\u{2721}' | '\u{2728}' | '\u{2733}'..='\u{2734}' | '\u{2744}'
        | '\u{2747}' | '\u{274c}' | '\u{274e}' | '\u{2753}'..='\u{2755}' | '\u{2757}'
        | '\u{2763}'..='\u{2764}' | '\u{2795}'..='\u{2797}' | '\u{27a1}' | '\u{27b0}'
        | '\u{27bf}' | '\u{2934}'..='\u{2935}' | '\u{2b05}'..='\u{2b07}'
        | '\u{2b1b}'..='\u{2b1c}' | '\u{2b50}' | '\u{2b55}' | '\u{3030}' | '\u{303d}'
        | '\u{3297}' | '\u{3299}' | '\u{1f004}' | '\u{1f0cf}' | '\u{1f170}'..='\u{1f171}'
        | '\u{1f17e}'..='\u{1f17f}' | '\u{1f18e}' | '\u{1f191}'..='\u{1f19a}'
        | '\u{1f201}'..='\u{1f202}' | '\u{1f21a}' | '\u{1f22f}'
        | '\u{1f232}'..='\u{1f23a}' | '\u{1f250}'..='\u{1f251}'
        | '\u{1f300}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1f53d}'
        | '\u{1f546}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6fc}'
        | '\u{1f7e0}'..='\u{1f7eb}' | '\u{1f7f0}' | '\u{1f90c}'..='\u{1f93a}'
        | '\u{1f93c}'..='\u{1f945}' | '\u{1f947}'..='\u{1f9ff}'
        | '\u{1fa70}'..='\u{1faff}')
}

/// The characters of a text, each with whether it is shown as an escape: the invisible ones are,
/// but for a variation selector of text or emoji (U+FE0E, U+FE0F) directly behind a pictograph, or
/// within a keycap such as `1\u{fe0f}\u{20e3}`.
pub(crate) fn characters(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut before = None;
    text.char_indices().map(move |(at, c)| {
        let base = before.replace(c);
        let is_styled = matches!(c, '\u{fe0e}' | '\u{fe0f}')
            && base.is_some_and(|base| {
                let next = || text.get(at + c.len_utf8()..)?.chars().next();
                is_pictograph(base)
                    || (matches!(base, '0'..='9' | '#' | '*') && next() == Some('\u{20e3}'))
            });
        (c, is_invisible(c) && !is_styled)
    })
}

/// The text with every invisible character as an escape such as `\u{202e}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (c, is_escaped) in characters(text) {
        if is_escaped {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// [`visible`] on one line: line breaks and tabs are escaped, too.
pub fn one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// A word of a service, such as a status or an id, inside a sentence: as it is if it consists of
/// 1 to 200 letters, digits and `_.:-`, else [`quoted`].
pub fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
    if (1..=200).contains(&text.len()) && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    quoted(text)
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

/// [`json`] within about `limit` characters. It is cut before it is quoted, since a quotation that
/// does not end would take what follows for its own.
pub fn json_within(value: &Value, limit: usize) -> String {
    if let Value::String(text) = value {
        return quoted_whole(&shortened(text, limit));
    }
    let whole = json(value);
    if cut(&whole, limit).1 == 0 { whole } else { quoted_whole(&shortened(&whole, limit)) }
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
