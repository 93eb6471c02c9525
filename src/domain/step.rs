//! What to do next, also on a server whose operator left some tools out.

/// What is said where every wording of a step needs a tool that is not there.
const NO_TOOL: &str = "ask the operator of this server: what would help needs a tool that its \
                       configuration leaves out";

/// The tools that the operator's configuration leaves out. A host refuses to call them, so no
/// text may send a model there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut(Vec<&'static str>);

impl LeftOut {
    /// Leaves out one more.
    pub fn add(&mut self, tool: &'static str) {
        self.0.push(tool);
    }

    /// Whether this tool is left out.
    #[must_use]
    pub fn contains(&self, tool: &str) -> bool {
        self.0.contains(&tool)
    }

    /// The text without its sentences about tools that are left out.
    #[must_use]
    pub fn without(&self, text: &str) -> String {
        let sentences = text.split_inclusive(". ");
        let kept: String = sentences.filter(|each| !self.is_named_in(each)).collect();
        kept.trim_end().to_owned()
    }

    fn is_named_in(&self, text: &str) -> bool {
        let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        !self.0.is_empty() && words.any(|word| self.contains(word))
    }
}

/// One step, with other wordings for servers that do not offer its tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step(Vec<String>);

impl Step {
    /// What to say where a tool of all wordings before this one is left out.
    #[must_use]
    pub fn or(mut self, wording: impl Into<String>) -> Self {
        self.0.push(wording.into());
        self
    }

    /// The first wording that can be followed.
    #[must_use]
    pub fn on(&self, left_out: &LeftOut) -> &str {
        let mut wordings = self.0.iter();
        let possible = wordings.find(|wording| !left_out.is_named_in(wording));
        possible.map_or(NO_TOOL, String::as_str)
    }
}

impl From<String> for Step {
    fn from(wording: String) -> Self {
        Self(vec![wording])
    }
}

impl From<&str> for Step {
    fn from(wording: &str) -> Self {
        Self::from(wording.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::step::{LeftOut, NO_TOOL, Step};

    #[test]
    fn a_step_is_one_that_the_tools_offered_can_take() {
        let step = Step::from("call update_session with {}").or("call get_session");
        let check = |left_out: &[&'static str], expected: &str| {
            assert_eq!(step.on(&LeftOut(left_out.to_vec())), expected);
        };
        check(&[], "call update_session with {}");
        check(
            &["update_session_tools", "session"],
            "call update_session with {}",
        );
        check(&["update_session"], "call get_session");
        check(&["update_session", "get_session"], NO_TOOL);
    }

    #[test]
    fn sentences_about_tools_that_are_left_out_go() {
        let left_out = LeftOut(vec!["apply_cleanup"]);
        let check = |text: &str, expected: &str| assert_eq!(left_out.without(text), expected);
        check("Plans. Then call apply_cleanup. Reads.", "Plans. Reads.");
        check("Give it to apply_cleanup.", "");
        check("Plans. Reads.", "Plans. Reads.");
    }
}
