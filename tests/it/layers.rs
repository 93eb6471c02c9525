//! The layers of `src`, held by reading its `use` declarations and paths: which layer may use
//! which ([`rules`]), that no files use each other in a circle ([`circles`]), and that nothing
//! below `explain` holds a sentence for a reader ([`prose`]).
//!
//! Test code is exempt: items under `#[cfg(test)]`, files named `tests.rs`, and whatever is in a
//! folder `tests`.

mod circles;
mod lexer;
mod prose;
mod rules;
mod sources;
mod tests;
mod uses;

use std::fmt;

use sources::Sources;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    file: String,
    line: usize,
    rule: String,
    text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, text } = self;
        write!(f, "{file}:{line}: {rule}: {text}")
    }
}

fn violations(sources: &Sources) -> Vec<Violation> {
    let mut violations = rules::violations(sources);
    violations.extend(circles::violations(sources));
    violations.extend(prose::violations(sources));
    violations.sort();
    violations
}

#[test]
fn every_file_keeps_to_its_layer() {
    let violations = violations(&Sources::of_this_crate());
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
