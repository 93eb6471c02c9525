//! Sentences for a reader below `explain`: what went wrong is a value there, and becomes words
//! further up. A string literal counts as such a sentence when it names a next step, or when it
//! has more words than a clause that an error carries ("the answer is not a JSON object").

use super::{
    Violation,
    lexer::{Located, Token},
    sources::Sources,
    uses::{group, without_attributes},
};

pub(crate) const RULE: &str = "a sentence for a reader";

/// The layers without sentences, with the most words a literal may have there: `app` decides, and
/// needs no words; those below describe an answer, a file or an argument in one clause.
const MOST_WORDS: [(&str, usize); 4] = [("app", 6), ("domain", 12), ("api", 12), ("model", 12)];
/// Said only to somebody who is to do something.
const NEXT_STEPS: [&str; 4] = ["call ", "try again", "the operator", "Next:"];
/// The same at the beginning of a clause.
const IMPERATIVES: [&str; 6] = ["ask ", "give ", "log in ", "run ", "set ", "use "];
/// Macros whose literals are for logs and for developers.
const NOT_FOR_READERS: [&str; 9] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "assert",
    "assert_eq",
    "debug_assert",
    "unreachable",
];

pub(crate) fn violations(sources: &Sources) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, file) in &sources.files {
        let limit = MOST_WORDS.iter().find(|(layer, _)| *layer == file.layer());
        let Some((_, most_words)) = limit else {
            continue;
        };
        let tokens = without_attributes(&file.tokens);
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += not_for_readers(&tokens[at..], file.layer()).max(1);
            if let Token::Text(text) = &token.token
                && (names_a_step(text) || words(text) > *most_words)
            {
                violations.push(Violation {
                    file: path.clone(),
                    line: token.line,
                    rule: RULE.to_owned(),
                    text: format!("{text:?}"),
                });
            }
        }
    }
    violations
}

/// How many tokens from here on are for logs: a macro call, or how an error of `api` is displayed.
fn not_for_readers(tokens: &[Located], layer: &str) -> usize {
    let word = |at: usize| tokens.get(at).and_then(Located::word).unwrap_or_default();
    let opens = |at: usize| tokens.get(at).is_some_and(|token| !token.is('='));
    if NOT_FOR_READERS.contains(&word(0)) && tokens.get(1).is_some_and(|t| t.is('!')) && opens(2) {
        return 2 + group(&tokens[2..]);
    }
    if layer == "api" && word(0) == "impl" {
        let header = tokens.iter().take_while(|token| !token.is('{'));
        if header.clone().any(|token| token.word() == Some("Display")) {
            let length = header.count();
            return length + group(&tokens[length..]);
        }
    }
    0
}

pub(crate) fn names_a_step(text: &str) -> bool {
    let says = |step: &&str| {
        let parts: Vec<&str> = text.split(*step).collect();
        let mut before = parts[..parts.len() - 1].iter();
        before.any(|before| !before.ends_with(char::is_alphanumeric))
    };
    let begins = |clause: &str| IMPERATIVES.iter().any(|verb| clause.starts_with(verb));
    NEXT_STEPS.iter().any(says) || text.split("; ").any(begins)
}

/// How many words stand in the text, placeholders and other marks aside.
pub(crate) fn words(text: &str) -> usize {
    let mut depth = 0_usize;
    let outside = text.chars().filter(|c| {
        depth = (depth + usize::from(*c == '{')).saturating_sub(usize::from(*c == '}'));
        depth == 0
    });
    let outside: String = outside.collect();
    let words = outside.split_whitespace().filter(|word| {
        let word = word.trim_matches(|c: char| ".,;:()[]\"'!?`".contains(c));
        !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-')
    });
    words.count()
}
