//! The paths that code names: the trees of its `use` declarations, and `a::b` anywhere else.

use super::lexer::{Located, Token};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    /// The inline modules around it.
    pub(crate) within: Vec<String>,
    pub(crate) segments: Vec<String>,
    /// The name that a `use` declaration gives it.
    pub(crate) alias: Option<String>,
}

/// The paths in `tokens`, in order.
pub(crate) fn paths(tokens: &[Located]) -> Vec<Path> {
    let mut paths = Vec::new();
    let mut modules: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let within: Vec<String> = modules.iter().map(|(name, _)| name.clone()).collect();
        let begins = before(tokens, at).is_none_or(|token| token.word().is_none());
        match &token.token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => {
                depth -= 1;
                modules.retain(|(_, opened_at)| *opened_at <= depth);
            }
            Token::Word(word) if word == "use" && !next_is(tokens, at, '<') => {
                let first = paths.len();
                at = tree(tokens, at + 1, &[], &mut paths);
                for path in &mut paths[first..] {
                    path.within.clone_from(&within);
                }
                continue;
            }
            Token::Word(word) if word == "mod" && tokens.get(at + 2).is_some_and(|t| t.is('{')) => {
                let name = tokens[at + 1].word().unwrap_or_default();
                modules.push((name.to_owned(), depth + 1));
            }
            Token::Word(_) if separator(tokens, at + 1) && begins && !is_visibility(tokens, at) => {
                let segments = segments(tokens, &mut at);
                paths.push(Path { line: token.line, within, segments, alias: None });
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    paths
}

/// The word or separator that a path at `at` would go on from; none after a leading `::`.
fn before(tokens: &[Located], at: usize) -> Option<&Located> {
    let separator_at = at.checked_sub(1).filter(|at| separator(tokens, *at))?;
    tokens.get(separator_at.checked_sub(1)?)
}

fn separator(tokens: &[Located], at: usize) -> bool {
    tokens.get(at).map(|token| &token.token) == Some(&Token::PathSeparator)
}

fn next_is(tokens: &[Located], at: usize, mark: char) -> bool {
    tokens.get(at + 1).is_some_and(|token| token.is(mark))
}

/// `pub(in crate::a)` makes something visible and depends on nothing.
fn is_visibility(tokens: &[Located], at: usize) -> bool {
    let word = at.checked_sub(1).and_then(|at| tokens[at].word());
    word == Some("in") && at >= 2 && tokens[at - 2].is('(')
}

fn segments(tokens: &[Located], at: &mut usize) -> Vec<String> {
    let mut segments = Vec::new();
    while let Some(word) = tokens.get(*at).and_then(Located::word) {
        segments.push(word.to_owned());
        *at += 1;
        if !separator(tokens, *at) {
            break;
        }
        *at += 1;
    }
    segments
}

/// Reads one tree of a `use` declaration; returns where it ends.
fn tree(tokens: &[Located], mut at: usize, prefix: &[String], paths: &mut Vec<Path>) -> usize {
    if separator(tokens, at) {
        at += 1;
    }
    let Some(line) = tokens.get(at).map(|token| token.line) else {
        return at;
    };
    let mut path = prefix.to_vec();
    path.extend(segments(tokens, &mut at));
    if tokens.get(at).is_some_and(|token| token.is('{')) {
        at += 1;
        while tokens.get(at).is_some_and(|token| !token.is('}')) {
            at = tree(tokens, at, &path, paths);
            if tokens.get(at).is_some_and(|token| token.is(',')) {
                at += 1;
            }
        }
        return at + 1;
    }
    if tokens.get(at).is_some_and(|token| token.is('*')) {
        path.push("*".to_owned());
        at += 1;
    } else if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let mut alias = path.last().cloned();
    if tokens.get(at).and_then(Located::word) == Some("as") {
        alias = tokens.get(at + 1).and_then(Located::word).map(str::to_owned);
        at += 2;
    }
    paths.push(Path { line, within: Vec::new(), segments: path, alias });
    at
}

/// Without the items under `#[cfg(test)]`.
pub(crate) fn without_tests(tokens: &[Located]) -> Vec<Located> {
    without(tokens, |attribute, rest| {
        let words: Vec<&str> = attribute.iter().filter_map(Located::word).collect();
        let is_test = words.starts_with(&["cfg"]) && words.contains(&"test");
        (is_test && !words.contains(&"not")).then(|| item(rest))
    })
}

/// Without attributes.
pub(crate) fn without_attributes(tokens: &[Located]) -> Vec<Located> {
    without(tokens, |_, _| Some(0))
}

/// Leaves out each attribute for which `skip` says how many of the tokens after it go too.
fn without(
    tokens: &[Located],
    skip: impl Fn(&[Located], &[Located]) -> Option<usize>,
) -> Vec<Located> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(length) = attribute(&tokens[at..]) {
            let after = at + length;
            if let Some(more) = skip(&tokens[at..after], &tokens[after..]) {
                at = after + more;
                continue;
            }
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    kept
}

/// How long the attribute is that begins here.
fn attribute(tokens: &[Located]) -> Option<usize> {
    let bang = usize::from(tokens.get(1)?.is('!'));
    let begins = tokens[0].is('#') && tokens.get(1 + bang)?.is('[');
    begins.then(|| 1 + bang + group(&tokens[1 + bang..]))
}

/// How long the item is that begins here, its further attributes included.
fn item(tokens: &[Located]) -> usize {
    let mut at = 0;
    while let Some(length) = tokens.get(at..).filter(|rest| !rest.is_empty()).and_then(attribute) {
        at += length;
    }
    let mut is_use = false;
    while let Some(token) = tokens.get(at) {
        match &token.token {
            Token::Word(word) => is_use |= word == "use",
            Token::Mark(';') => return at + 1,
            Token::Mark('{') if !is_use => return at + group(&tokens[at..]),
            Token::Mark('(' | '[' | '{') => {
                at += group(&tokens[at..]);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    at
}

/// How long the bracketed group is that begins here.
pub(crate) fn group(tokens: &[Located]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}
