//! Takes a secret out of what comes from outside: services, proxies and gateways echo what they
//! reject, as it is or in one of the usual encodings.

use std::{collections::HashSet, fmt::Write as _};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

const REDACTED: &str = "[redacted]";

/// A shorter run of the characters of a secret is no part worth hiding: `sk-ant-api03-` is public.
const LEAST_RUN: usize = 16;
/// A secret of fewer bytes is found as a whole only, since a part of it may be a common word.
const LEAST_SPLIT: usize = 24;
/// Encodings of a shorter secret would be found in ordinary words.
const LEAST_ENCODED: usize = 8;
/// How often escapes are resolved: `%2541` is an `A` escaped twice.
const PASSES: usize = 2;

/// A byte of the text with its escapes resolved, and where it stands in the text.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    start: usize,
    end: usize,
}

/// `text` without `secret`: whole, or a part of at least 16 characters, in any case, and with
/// percent-encoding, JSON or HTML escapes, as base64 or as hexadecimal digits.
pub(crate) fn scrub(text: &str, secret: &str) -> String {
    let mut units: Vec<Unit> =
        text.bytes().enumerate().map(|(at, byte)| Unit { byte, start: at, end: at + 1 }).collect();
    let forms = forms(secret);
    let mut found = Vec::new();
    for pass in 0..=PASSES {
        for form in &forms {
            find(&units, form, &mut found);
        }
        if pass < PASSES {
            let resolved = resolve(&units);
            if resolved.len() == units.len() {
                break;
            }
            units = resolved;
        }
    }
    replace(text, found)
}

/// What is searched for, in lower case, and how long a part of it must be to count.
struct Form {
    bytes: Vec<u8>,
    least: usize,
}

fn forms(secret: &str) -> Vec<Form> {
    let form = |text: &str, least: usize| {
        let bytes = text.to_ascii_lowercase().into_bytes();
        Form { least: least.min(bytes.len()).max(1), bytes }
    };
    let is_split = secret.len() >= LEAST_SPLIT;
    let mut forms = vec![form(secret, if is_split { LEAST_RUN } else { secret.len() })];
    if secret.len() < LEAST_ENCODED {
        return forms;
    }
    let part = |length: usize| if is_split { LEAST_RUN * 3 / 2 } else { length };
    let mut hex = String::with_capacity(secret.len() * 2);
    for byte in secret.bytes() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    forms.push(form(&hex, if is_split { LEAST_RUN * 2 } else { hex.len() }));
    // Whatever stands before it shifts its bytes against the groups of three, as in the `user:key`
    // of a Basic header; the digits at the borders depend on the neighbours.
    for (before, skipped) in [("", 0), ("u", 2), ("me", 3)] {
        let shifted = format!("{before}{secret}");
        let whole = shifted.len() / 3 * 4;
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            let inner = encoded.get(skipped..whole).unwrap_or_default();
            if !inner.is_empty() {
                forms.push(form(inner, part(inner.len())));
            }
        }
    }
    forms
}

/// Notes where at least `form.least` consecutive bytes of the form stand, each as long as it goes.
fn find(units: &[Unit], form: &Form, found: &mut Vec<(usize, usize)>) {
    let text: Vec<u8> = units.iter().map(|unit| unit.byte.to_ascii_lowercase()).collect();
    let parts: HashSet<&[u8]> = form.bytes.windows(form.least).collect();
    let mut at = 0;
    while let Some(part) = text.get(at..at + form.least) {
        if !parts.contains(part) {
            at += 1;
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let run = |from: usize| {
            let wanted = form.bytes.get(from..).unwrap_or_default();
            rest.iter().zip(wanted).take_while(|(byte, wanted)| byte == wanted).count()
        };
        let longest = (0..form.bytes.len()).map(run).max().unwrap_or_default();
        let found_units = units.get(at..at + longest).unwrap_or_default();
        if let (Some(first), Some(last)) = (found_units.first(), found_units.last()) {
            found.push((first.start, last.end));
        }
        at += longest.max(1);
    }
}

/// One layer of escapes resolved: `%41`, `\u0041`, `\/`, `&#65;`, `&#x41;`. Only those of ASCII
/// matter: a secret is sent in a header.
fn resolve(units: &[Unit]) -> Vec<Unit> {
    let mut resolved = Vec::with_capacity(units.len());
    let mut rest = units;
    while let [first, tail @ ..] = rest {
        let escape = escape(rest);
        let (byte, length) = escape.unwrap_or((first.byte, 1));
        let last = rest.get(length - 1).unwrap_or(first);
        resolved.push(Unit { byte, start: first.start, end: last.end });
        rest = rest.get(length..).unwrap_or(tail);
    }
    resolved
}

/// The byte that an escape stands for, and its length.
fn escape(units: &[Unit]) -> Option<(u8, usize)> {
    let byte = |at: usize| units.get(at).map(|unit| unit.byte);
    let digits = |from: usize, to: usize, radix: u32| {
        let digits: Vec<u8> = units.get(from..to)?.iter().map(|unit| unit.byte).collect();
        let number = u32::from_str_radix(std::str::from_utf8(&digits).ok()?, radix).ok()?;
        u8::try_from(number).ok().filter(u8::is_ascii)
    };
    match (byte(0)?, byte(1)?) {
        (b'%', _) => Some((digits(1, 3, 16)?, 3)),
        (b'\\', b'u') => Some((digits(2, 6, 16)?, 6)),
        (b'\\', b'x') => Some((digits(2, 4, 16)?, 4)),
        (b'\\', plain @ (b'/' | b'"' | b'\\')) => Some((plain, 2)),
        (b'&', b'#') => {
            let end = (2..10).find(|at| byte(*at) == Some(b';'))?;
            let number = match byte(2)? {
                b'x' | b'X' => digits(3, end, 16)?,
                _ => digits(2, end, 10)?,
            };
            Some((number, end + 1))
        }
        _ => None,
    }
}

/// Replaces the ranges, which may overlap.
fn replace(text: &str, mut found: Vec<(usize, usize)>) -> String {
    found.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in found {
        if start >= done {
            out.push_str(text.get(done..start).unwrap_or_default());
            out.push_str(REDACTED);
        }
        done = done.max(end);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::scrub;

    const KEY: &str = "sk-ant-api03-0123456789abcdefGHIJ/+xyz";

    #[test]
    fn a_secret_is_found_in_the_usual_encodings() {
        let each = |escape: fn(u8) -> String| KEY.bytes().map(escape).collect::<String>();
        let part = |from: usize, to: usize| KEY.get(from..to).unwrap().to_owned();
        let basic = |before: &str| STANDARD.encode(format!("{before}{KEY}"));
        for hidden in [
            KEY.to_owned(),
            KEY.to_uppercase(),
            KEY.to_lowercase(),
            KEY.replace('-', "%2D").replace('/', "%2f").replace('+', "%2B"),
            KEY.replace('-', "%252d"),
            KEY.replace('-', "\\u002d").replace('/', "\\/"),
            each(|byte| format!("%{byte:02X}")),
            each(|byte| format!("\\u{byte:04x}")),
            each(|byte| format!("&#{byte};")),
            each(|byte| format!("&#x{byte:x};")),
            each(|byte| format!("{byte:02x}")),
            part(0, 30),
            part(8, 30),
            part(20, KEY.len()),
        ] {
            assert_eq!(scrub(&format!("a {hidden} b"), KEY), "a [redacted] b", "{hidden}");
        }
        for before in ["", "u", "me", "you", "user:"] {
            for encoded in [basic(before), basic(before).replace('/', "_").replace('+', "-")] {
                let shown = scrub(&format!("Basic {encoded}!"), KEY);
                assert!(shown.contains("[redacted]") && shown.len() < 36, "{shown}");
            }
        }
    }

    #[test]
    fn other_text_is_left_as_it_is() {
        for text in ["", "sk-ant-api03-…", "100 % of é %41 \\u0041 &#65; &#; %", "日本語 %E6%97"]
        {
            assert_eq!(scrub(text, KEY), text);
        }
        assert_eq!(scrub("no key at all", "key"), "no [redacted] at all");
        assert_eq!(scrub("c2VjcmV0 7365", "se"), "c2VjcmV0 7365");
    }
}
