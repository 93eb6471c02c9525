//! Title, metadata and budget of a session, changed as a patch.

use serde_json::{Map, Value, json};

use crate::{
    domain::{
        code::Code,
        money::{InvalidAmount, Money},
        text,
        view::row::NAME_CHARACTERS,
    },
    model::Session,
};

/// The API's limits for metadata, in characters.
pub const KEY_CHARACTERS: usize = 64;
/// See [`KEY_CHARACTERS`].
pub const VALUE_CHARACTERS: usize = 512;

/// A field that is left alone, cleared, or set.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    /// Not given.
    #[default]
    Keep,
    /// Named as one to clear.
    Clear,
    /// Given as a value.
    Set(T),
}

impl<T> Field<T> {
    fn of(given: Option<T>, clear: bool) -> Self {
        match given {
            Some(value) => Self::Set(value),
            None if clear => Self::Clear,
            None => Self::Keep,
        }
    }
}

/// A field that can be cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clearable {
    /// The title.
    Title,
    /// The budget, which can never be given again.
    Budget,
}

impl Clearable {
    /// Its name as an argument.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Budget => "budget",
        }
    }
}

/// The changes asked for, checked as far as possible without the session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    title: Field<String>,
    metadata: Vec<(String, Option<String>)>,
    budget: Field<Money>,
}

/// Why the arguments cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// This metadata key is empty or longer than [`KEY_CHARACTERS`].
    MetadataKey(String),
    /// The value of this metadata key is not a string of at most [`VALUE_CHARACTERS`].
    MetadataValue(String),
    /// The budget is not an amount.
    Budget(InvalidAmount),
    /// The field is given and is to be cleared.
    GivenAndCleared(Clearable),
    /// There is nothing to change.
    NothingGiven,
}

/// Why the budget cannot become as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BudgetRefusal {
    /// A session created without a budget never has one.
    CreateOnly,
    /// It must be at least one cent above what the session has already cost, which is this much.
    NotRaised {
        /// The budget asked for.
        asked: Money,
        /// The cost so far.
        cost: Money,
    },
}

impl BudgetRefusal {
    /// The code of the failure it becomes.
    pub fn code(&self) -> Code {
        match self {
            Self::CreateOnly => Code::BudgetCreateOnly,
            Self::NotRaised { .. } => Code::BudgetNotRaised,
        }
    }
}

/// What to send, and what that changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DetailsChange {
    /// The body of the update.
    pub body: Map<String, Value>,
    /// For each field that differs `{"before", "after"}`, long text cut; null means "not set".
    pub changes: Map<String, Value>,
}

impl Details {
    /// Reads the arguments, or returns every mistake in them.
    pub(crate) fn read(
        title: Option<String>,
        metadata: Option<Map<String, Value>>,
        budget: Option<String>,
        clear: &[Clearable],
    ) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let has_metadata = metadata.is_some();
        let mut pairs = Vec::new();
        for (key, value) in metadata.unwrap_or_default() {
            if key.is_empty() || key.chars().count() > KEY_CHARACTERS {
                mistakes.push(Mistake::MetadataKey(key.clone()));
            }
            let value = match value {
                Value::Null => None,
                Value::String(text) if text.chars().count() <= VALUE_CHARACTERS => Some(text),
                // The API stores strings, and 5 clearly means "5".
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(flag) => Some(flag.to_string()),
                _ => {
                    mistakes.push(Mistake::MetadataValue(key));
                    continue;
                }
            };
            pairs.push((key, value));
        }
        let given = [(Clearable::Title, title.is_some()), (Clearable::Budget, budget.is_some())];
        let twice = given.iter().filter(|(field, is_given)| *is_given && clear.contains(field));
        mistakes.extend(twice.map(|(field, _)| Mistake::GivenAndCleared(*field)));
        let budget = budget.and_then(|text| match Money::parse_major(&text) {
            Ok(money) => Some(money),
            Err(error) => {
                mistakes.push(Mistake::Budget(error));
                None
            }
        });
        let title = Field::of(title, clear.contains(&Clearable::Title));
        let budget = Field::of(budget, clear.contains(&Clearable::Budget));
        let nothing = title == Field::Keep && !has_metadata && budget == Field::Keep;
        if nothing && mistakes.is_empty() {
            mistakes.push(Mistake::NothingGiven);
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Self { title, metadata: pairs, budget })
    }

    /// Whether the budget is to change.
    pub(crate) fn touches_budget(&self) -> bool {
        self.budget != Field::Keep
    }
}

/// Why the API would refuse the budget asked for, as far as the session's record shows. An amount
/// that it does not give, or gives in another currency, is left to the API.
pub(crate) fn budget_refusal(details: &Details, session: &Session) -> Option<BudgetRefusal> {
    let Field::Set(asked) = &details.budget else {
        return None;
    };
    let Some(limit) = session.budget() else {
        return Some(BudgetRefusal::CreateOnly);
    };
    if Money::from_amount(&limit).as_ref() == Some(asked) {
        return None;
    }
    let cost = Money::from_amount(session.head.usage.list_cost.as_ref()?)?;
    let lowest = cost.checked_add(&Money::from_minor("1", cost.currency())?)?;
    let is_too_low = *asked < lowest;
    is_too_low.then(|| BudgetRefusal::NotRaised { asked: asked.clone(), cost })
}

/// Whether the budget that stopped a session has been raised above the cost so far, or removed.
pub(crate) fn is_budget_lifted(session: &Session) -> bool {
    let Some(budget) = session.budget() else {
        return true;
    };
    let cost = session.head.usage.list_cost.as_ref();
    let (budget, cost) = (Money::from_amount(&budget), cost.and_then(Money::from_amount));
    matches!((budget, cost), (Some(budget), Some(cost)) if budget > cost)
}

/// Whether the budget asked for lifts the limit that stopped the session, so that its work goes on
/// by itself. Unknown where the budget before was not used up: a model without a list price stops
/// at any budget, and goes on only without one.
pub(crate) fn lifts_limit(details: &Details, session: &Session) -> Option<bool> {
    match &details.budget {
        Field::Keep => Some(false),
        Field::Clear => Some(true),
        Field::Set(asked) => {
            let limit = Money::from_amount(&session.budget()?)?;
            if *asked == limit {
                return Some(false);
            }
            let cost = Money::from_amount(session.head.usage.list_cost.as_ref()?)?;
            let was_used_up = limit.partial_cmp(&cost)?.is_le();
            was_used_up.then_some(true)
        }
    }
}

/// What to send so that the session becomes as asked: only what differs.
pub(crate) fn plan(details: &Details, session: &Session) -> DetailsChange {
    let mut change = DetailsChange::default();
    let title = json!(session.head.title());
    match &details.title {
        Field::Keep => {}
        Field::Clear => change.set("title", &title, &Value::Null, Value::Null),
        Field::Set(new) => change.set("title", &title, &json!(new), json!(new)),
    }
    change.set_metadata(details, session);
    let limit = session.budget().as_ref().and_then(Money::from_amount);
    let before = json!(limit.as_ref().map(Money::to_string));
    match &details.budget {
        Field::Keep => {}
        Field::Clear => change.set("budget", &before, &Value::Null, Value::Null),
        Field::Set(money) if limit.as_ref() == Some(money) => {}
        Field::Set(money) => {
            let cost = json!({"amount": money.to_minor_string(), "currency": money.currency()});
            let body = json!({"type": "limit", "max_list_cost": cost});
            change.set("budget", &before, &money.to_string().into(), body);
        }
    }
    change
}

impl DetailsChange {
    fn set(&mut self, field: &str, before: &Value, after: &Value, body: Value) {
        if before != after {
            self.body.insert(field.to_owned(), body);
            let change = json!({"before": shortened(before), "after": shortened(after)});
            self.changes.insert(field.to_owned(), change);
        }
    }

    /// The API takes metadata as a patch, so only the keys that differ are sent and shown.
    fn set_metadata(&mut self, details: &Details, session: &Session) {
        let (mut before, mut after) = (Map::new(), Map::new());
        for (key, value) in &details.metadata {
            let old = session.head.metadata.get(key).cloned().unwrap_or_default();
            let new = json!(value);
            if old != new {
                before.insert(key.clone(), old);
                after.insert(key.clone(), new);
            }
        }
        let after = Value::Object(after);
        self.set("metadata", &before.into(), &after, after.clone());
    }
}

fn shortened(value: &Value) -> Value {
    match value {
        Value::String(long) => text::shortened(long, NAME_CHARACTERS).into(),
        Value::Object(pairs) => {
            pairs.iter().map(|(key, value)| (key.clone(), shortened(value))).collect()
        }
        other => other.clone(),
    }
}
