//! What `doctor` found, for people and for programs.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{VERSION, cli::print::Printer, domain::text};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, and may surprise.
    Warning,
    /// It does not work.
    Failed,
    /// It could not be looked at.
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, in a word.
    pub check: &'static str,
    /// How it came out.
    pub status: Status,
    /// What was found. A failure in the words of the tools: code, cause, next step.
    pub detail: String,
    /// The failure's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// By which support can find the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u128>,
}

impl Check {
    fn new(check: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Self {
            check,
            status,
            detail: detail.into(),
            code: None,
            next: None,
            request_id: None,
            milliseconds: None,
        }
    }

    pub(crate) fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, detail)
    }

    pub(crate) fn skipped(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, Status::Skipped, detail)
    }

    pub(crate) fn warning(check: &'static str, detail: impl Into<String>, next: &str) -> Self {
        let mut warning = Self::new(check, Status::Warning, detail);
        warning.next = Some(next.to_owned());
        warning
    }

    /// A failure's one line, and its parts.
    pub(crate) fn failed(check: &'static str, line: String, parts: &Value) -> Self {
        let part = |name| parts.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut failed = Self::new(check, Status::Failed, line);
        failed.code = part("code");
        failed.next = part("next");
        failed.request_id = part("request_id");
        failed
    }

    pub(crate) fn taking(mut self, time: Duration) -> Self {
        self.milliseconds = Some(time.as_millis());
        self
    }

    pub(crate) fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id;
        self
    }

    /// Everything in one line. A failure's has the rest in it already.
    fn line(&self) -> String {
        let told = |what: Option<&String>, before: &str, after: &str| {
            what.filter(|_| self.status != Status::Failed)
                .map(|what| format!("{before}{what}{after}"))
                .unwrap_or_default()
        };
        let next = told(self.next.as_ref(), ". Next: ", "");
        let request_id = told(self.request_id.as_ref(), " (request_id ", ")");
        format!("{}{next}{request_id}", self.detail)
    }
}

/// What was found, settings first.
#[derive(Debug, Clone)]
pub struct Report {
    settings: Vec<(&'static str, String)>,
    checks: Vec<Check>,
}

impl Report {
    pub(crate) fn new(settings: Vec<(&'static str, String)>) -> Self {
        Self {
            settings,
            checks: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, check: Check) {
        self.checks.push(check);
    }

    pub(crate) fn has_failed(&self, check: &str) -> bool {
        self.checks
            .iter()
            .any(|each| each.check == check && each.status == Status::Failed)
    }

    /// Whether no check failed.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.status != Status::Failed)
    }

    /// The checks, in the order in which they were made.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let settings: Map<_, _> = self
            .settings
            .iter()
            .map(|(name, value)| (name.to_lowercase().replace(' ', "_"), json!(value)))
            .collect();
        let mut report = json!({
            "ok": self.is_well(),
            "version": VERSION,
            "platform": platform(),
            "settings": settings,
            "checks": self.checks,
        });
        text::make_visible(&mut report);
        report
    }

    /// For people.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub fn print(&self, printer: &mut Printer<impl Write>) -> io::Result<()> {
        printer.line(&format!("managed-sessions-mcp {VERSION} on {}", platform()))?;
        printer.line("\nConfiguration")?;
        for (name, value) in &self.settings {
            printer.entry(name, 16, &text::visible(value))?;
        }
        printer.line("\nChecks")?;
        for check in &self.checks {
            let status = match check.status {
                Status::Ok => "ok",
                Status::Warning => "warning",
                Status::Failed => "FAILED",
                Status::Skipped => "skipped",
            };
            let name = format!("{status:<9}{}", check.check);
            printer.entry(&name, 24, &text::visible(&check.line()))?;
        }
        let failed = self
            .checks
            .iter()
            .filter(|check| check.status == Status::Failed)
            .count();
        printer.line(&match failed {
            0 => "\nNo check failed.".to_owned(),
            1 => "\n1 check failed.".to_owned(),
            failed => format!("\n{failed} checks failed."),
        })
    }
}

fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}
