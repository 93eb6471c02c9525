//! The words for what keeps an answer from being whole.

use super::explanation::whole_seconds;
use crate::{
    app::scan::gap::Gap,
    domain::{text, toolset::Unused},
};

/// How many names of tools and servers are shown.
const SHOWN: usize = 10;

/// One sentence for each; `resumes` is whether the answer has a cursor to go on with.
pub(crate) fn warnings(gaps: &[Gap], resumes: bool) -> Vec<String> {
    gaps.iter().map(|gap| warning(gap, resumes)).collect()
}

fn warning(gap: &Gap, resumes: bool) -> String {
    match gap {
        Gap::NoCursor => {
            "the service says that there is more (has_more) and gives no next_page to \
                          read on with: what it lists beyond this cannot be read here"
                .to_owned()
        }
        Gap::Repeats => "the service returned the same page or cursor again, so that its list \
                         cannot be read to the end"
            .to_owned(),
        Gap::RateLimited(wait) => {
            let wait = match wait {
                Some(wait) => format!("in {} s", whole_seconds(*wait)),
                None => "in a minute".to_owned(),
            };
            let how = if resumes { "go on with next_page" } else { "try again" };
            format!("the API's rate limit stopped this before the end: {how} {wait}")
        }
        Gap::UnreadableTimes(1) => "1 session or event has a time that is missing or cannot be \
                                    read, so that the conditions on times do not decide about it"
            .to_owned(),
        Gap::UnreadableTimes(count) => format!(
            "{count} sessions or events have a time that is missing or cannot be read, so that the \
             conditions on times do not decide about them"
        ),
        Gap::FiltersUnsupported => "the service fails on these filters, so that everything has to \
                                    be read and filtered here"
            .to_owned(),
        Gap::Unused(unused) => nobody_uses(unused),
    }
}

fn nobody_uses(unused: &Unused) -> String {
    let wanted = text::quoted(&unused.wanted);
    let nobody =
        format!("no session that was looked at and meets the other conditions uses {wanted}");
    if unused.under_others {
        return format!("{nobody}; some use it under another permission");
    }
    let shown = unused.names.iter().take(SHOWN);
    let shown: Vec<String> = shown.map(|name| text::quoted(name)).collect();
    match (shown.as_slice(), unused.names.len().saturating_sub(SHOWN)) {
        ([], _) => format!("{nobody}: the list names no tool or server of theirs"),
        (shown, 0) => format!("{nobody}; they use {}", shown.join(", ")),
        (shown, more) => format!("{nobody}; they use {} and {more} more", shown.join(", ")),
    }
}
