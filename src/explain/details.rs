//! What is wrong with a change of title, metadata or budget.

use crate::{
    app::op::Op,
    domain::{
        details::{BudgetRefusal, KEY_CHARACTERS, Mistake, VALUE_CHARACTERS},
        text,
    },
    explain::{
        explanation::{Words, words},
        names, values,
        vocabulary::Vocabulary,
    },
    model::SessionHead,
};

const SHOWN_CHARACTERS: usize = 40;

/// One clause, which begins with the argument.
pub(crate) fn mistake(mistake: &Mistake) -> String {
    let metadata =
        |key| format!("metadata.{}", text::one_line(&text::shortened(key, SHOWN_CHARACTERS)));
    match mistake {
        Mistake::MetadataKey(key) => {
            format!("{} has a key that is not 1 to {KEY_CHARACTERS} characters", metadata(key))
        }
        Mistake::MetadataValue(key) => format!(
            "{} must be a string of at most {VALUE_CHARACTERS} characters, or null",
            metadata(key)
        ),
        Mistake::Budget(error) => {
            format!("budget {} (clear takes it away)", values::amount(*error))
        }
        Mistake::GivenAndCleared(field) => {
            format!("{0} is given and named in clear; give one of them", field.name())
        }
        Mistake::NothingGiven => {
            "nothing is given to change; give title, metadata, budget or clear".to_owned()
        }
    }
}

/// Why the budget cannot become as asked.
pub(crate) fn budget_refused(
    op: Op,
    session: &SessionHead,
    refusal: &BudgetRefusal,
    vocabulary: &dyn Vocabulary,
) -> Words {
    let named = names::session(session);
    match refusal {
        BudgetRefusal::CreateOnly => words(
            format!("session {named} was created without a budget, and none can be added later"),
            format!(
                "call {} without budget; only a new session can have one",
                vocabulary.called(op)
            ),
        ),
        BudgetRefusal::NotRaised { asked, cost } => words(
            format!(
                "the budget {asked} of session {named} is not at least one cent above what it has \
                 already cost, {cost}"
            ),
            format!("call {} with a budget above {cost}", vocabulary.called(op)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        domain::details::{Clearable, Details},
        explain::details::mistake,
    };

    #[test]
    fn every_mistake_is_named() {
        let metadata = json!({"": "x", "k".repeat(65): "x", "deep": {"a": 1}, "long": "v".repeat(513), "n": 5});
        let metadata = metadata.as_object().cloned();
        let (title, budget) = (Some("New".to_owned()), Some("much".to_owned()));
        let read = Details::read(title, metadata, budget, &[Clearable::Title]);
        let mistakes: Vec<_> = read.unwrap_err().iter().map(mistake).collect();
        let long = format!("{}… (25 more characters)", "k".repeat(40));
        assert_eq!(
            mistakes,
            [
                "metadata. has a key that is not 1 to 64 characters",
                &format!("metadata.{long} has a key that is not 1 to 64 characters"),
                "metadata.deep must be a string of at most 512 characters, or null",
                "metadata.long must be a string of at most 512 characters, or null",
                "title is given and named in clear; give one of them",
                "budget must be an amount like \"50.00 USD\" (clear takes it away)",
            ]
        );
        let nothing = Details::read(None, None, None, &[]).unwrap_err();
        let expected = "nothing is given to change; give title, metadata, budget or clear";
        assert_eq!(nothing.iter().map(mistake).collect::<Vec<_>>(), [expected]);
    }
}
