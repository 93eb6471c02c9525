//! Commands: the first words of a message decide what its turn does.

use serde_json::Value;

/// What a turn will do before it ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum TurnAction {
    /// The agent replies with a text.
    #[default]
    Reply,
    /// The agent goes on after an answer, an error or a budget.
    GoOn,
    /// The agent calls the tools with these names, all at once.
    CallTools(Vec<String>, Judgement),
    /// The agent writes a file with this name and text.
    WriteFile(String, String),
    /// The agent hands a task to another one: `NAME TASK`.
    Delegate(String),
    /// The agent starts a workflow run.
    StartWorkflow(String),
    /// The agent waits for the reports of child threads.
    AwaitReports,
    /// The turn costs this many cents more.
    Spend(u64),
    /// An error of this type occurs, and the turn goes on.
    Report(String),
    Compact,
    /// A transient error: the session is rescheduled, then goes on.
    Reschedule,
    /// A transient error that outlasts the retries.
    Exhaust,
    /// An unrecoverable error.
    Fail,
    /// The model refuses, with this category.
    Refuse(Option<String>),
    /// The grader scores the outcome.
    Evaluate,
}

/// What the service thinks of a call, where the permission policy is `auto`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::sandbox) enum Judgement {
    #[default]
    Safe,
    Unclear,
    Risky,
}

impl TurnAction {
    /// The action that a `user.message` asks for; a plain reply unless it begins with a command.
    pub(super) fn for_message(message: &Value) -> Self {
        let text = message.pointer("/content/0/text").and_then(Value::as_str);
        if let Some((name, content)) = text.and_then(write_command) {
            return Self::WriteFile(name, content);
        }
        let mut words = text.unwrap_or_default().split_whitespace();
        let (command, argument) = (words.next().unwrap_or_default(), words.next());
        let owned = || argument.map(str::to_owned);
        match (command, argument) {
            ("/use", Some(names)) => {
                let names = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
                let judgement = match words.next() {
                    Some("risky") => Judgement::Risky,
                    Some("unclear") => Judgement::Unclear,
                    _ => Judgement::Safe,
                };
                Self::CallTools(names.collect(), judgement)
            }
            ("/delegate", Some(_)) => Self::Delegate(rest(text)),
            ("/workflow", Some(_)) => Self::StartWorkflow(rest(text)),
            ("/spend", Some(amount)) => cents(amount).map_or(Self::Reply, Self::Spend),
            ("/error", Some(kind)) => Self::Report(kind.to_owned()),
            ("/compact", _) => Self::Compact,
            ("/reschedule", _) => Self::Reschedule,
            ("/exhaust", _) => Self::Exhaust,
            ("/fail", _) => Self::Fail,
            ("/refuse", _) => Self::Refuse(owned()),
            _ => Self::Reply,
        }
    }
}

/// What follows the command.
fn rest(text: Option<&str>) -> String {
    let rest = text.and_then(|text| text.trim_start().split_once(char::is_whitespace));
    rest.map(|(_, rest)| rest.trim().to_owned()).unwrap_or_default()
}

/// Cents of an amount such as `12` or `12.50`, up to a million dollars.
fn cents(amount: &str) -> Option<u64> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "00"));
    if fraction.len() != 2 {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|whole| *whole <= 1_000_000)?;
    let fraction: u64 = fraction.parse().ok()?;
    Some(whole * 100 + fraction)
}

/// Name and text of a message `/write NAME TEXT`. Folders in front of the name are left out.
fn write_command(message: &str) -> Option<(String, String)> {
    let arguments = message.strip_prefix("/write")?;
    let arguments = arguments.strip_prefix(char::is_whitespace)?.trim_start();
    let (path, text) = arguments.split_once(char::is_whitespace).unwrap_or((arguments, ""));
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some((name.to_owned(), text.to_owned()))
}
