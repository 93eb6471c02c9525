//! Bounds the size of values of services, whatever they send.

use serde_json::{Map, Number, Value};

use crate::domain::text;

/// Longest key that is never cut, in characters.
const KEY_CHARACTERS: usize = 256;
/// No object of an answer's own form has more fields, so that only free ones lose some.
const MIN_FIELDS: usize = 48;
/// Longest number that is left a number, in characters; hosts read no longer ones.
const NUMBER_CHARACTERS: usize = 40;

/// How much of a value is kept: characters a string, entries an array, levels of nesting.
struct Bounds {
    characters: usize,
    entries: usize,
    depth: usize,
}

/// From mild to severe. What is left after the last is less than 20,000 bytes, whatever it was.
const LEVELS: [Bounds; 11] = [
    Bounds { characters: 16_000, entries: 4_000, depth: 64 },
    Bounds { characters: 4_000, entries: 1_000, depth: 32 },
    Bounds { characters: 1_000, entries: 300, depth: 16 },
    Bounds { characters: 300, entries: 100, depth: 12 },
    Bounds { characters: 150, entries: 40, depth: 10 },
    Bounds { characters: 80, entries: 15, depth: 8 },
    Bounds { characters: 40, entries: 4, depth: 6 },
    Bounds { characters: 20, entries: 1, depth: 5 },
    Bounds { characters: 20, entries: 1, depth: 3 },
    Bounds { characters: 20, entries: 1, depth: 1 },
    Bounds { characters: 20, entries: 1, depth: 0 },
];

/// Cuts strings, arrays and free objects until the value takes at most `limit` bytes as it is
/// answered. Returns how many bytes were left out.
pub fn bound(value: &mut Value, limit: usize) -> usize {
    let whole = length(value);
    if whole <= limit {
        return 0;
    }
    let mut left = whole;
    for bounds in &LEVELS {
        cut(value, bounds, 0);
        left = length(value);
        if left <= limit {
            break;
        }
    }
    whole.saturating_sub(left).max(1)
}

/// Makes text of the numbers that no host could read, and cuts it. Returns how many there were.
pub(crate) fn readable_numbers(value: &mut Value) -> usize {
    match value {
        Value::Number(number) if !is_readable(number) => {
            *value = text::shortened(&number.to_string(), NUMBER_CHARACTERS).into();
            1
        }
        Value::Array(values) => values.iter_mut().map(readable_numbers).sum(),
        Value::Object(fields) => fields.values_mut().map(readable_numbers).sum(),
        _ => 0,
    }
}

/// Whether a host could read the number: it is finite and not longer than any double.
pub(crate) fn is_readable(number: &Number) -> bool {
    number.as_f64().is_some_and(f64::is_finite) && number.to_string().len() <= NUMBER_CHARACTERS
}

/// The bytes of a value as it is answered, without making a copy of it.
pub fn length(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text_length(text),
        Value::Array(values) => {
            let commas = values.len().saturating_sub(1);
            2 + commas + values.iter().map(length).sum::<usize>()
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| text_length(name) + 1 + length(value);
            let commas = fields.len().saturating_sub(1);
            2 + commas + fields.iter().map(field).sum::<usize>()
        }
    }
}

fn text_length(text: &str) -> usize {
    let character = |(c, is_escaped): (char, bool)| match c {
        '"' | '\\' | '\n' | '\t' => 2,
        // `\\u{…}`, with one to six digits.
        c if is_escaped => 5 + (u32::from(c).max(1).ilog(16) as usize + 1),
        c => c.len_utf8(),
    };
    2 + text::characters(text).map(character).sum::<usize>()
}

fn cut(value: &mut Value, bounds: &Bounds, depth: usize) {
    match value {
        Value::String(text) if text.len() > bounds.characters => {
            *text = text::shortened(text, bounds.characters);
        }
        Value::Number(number) if !is_readable(number) => {
            *value = text::shortened(&number.to_string(), NUMBER_CHARACTERS).into();
        }
        Value::Array(_) | Value::Object(_) if depth > bounds.depth => *value = "…".into(),
        Value::Array(values) => {
            values.truncate(bounds.entries);
            for value in values {
                cut(value, bounds, depth + 1);
            }
        }
        Value::Object(fields) => {
            let most = bounds.entries.max(MIN_FIELDS);
            let is_short = |name: &String| name.len() <= KEY_CHARACTERS;
            if fields.len() > most || !fields.keys().all(is_short) {
                let kept = std::mem::take(fields).into_iter().take(most);
                let short = |(name, value): (String, Value)| {
                    (text::shortened(&name, KEY_CHARACTERS), value)
                };
                *fields = kept.map(short).collect::<Map<_, _>>();
            }
            for value in fields.values_mut() {
                cut(value, bounds, depth + 1);
            }
        }
        _ => {}
    }
}
