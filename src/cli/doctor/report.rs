//! The report of `doctor`, as text and as JSON.

use std::{
    io::{self, Write},
    time::Duration,
};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    VERSION,
    cli::print::{BAD, BOLD, BUSY, FAINT, GOOD, PLAIN, Printer},
    explain::names::{make_visible, one_line},
};

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Ok,
    /// It works, but perhaps not as intended.
    Warning,
    Failed,
    Skipped,
}

/// One check and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    pub(crate) name: &'static str,
    pub(crate) status: Status,
    /// A sentence; for a failure also code, next step and request id, as in a tool's failure.
    pub(crate) detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) milliseconds: Option<u128>,
}

impl Check {
    pub(crate) fn new(name: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            code: None,
            next: None,
            request_id: None,
            milliseconds: None,
        }
    }

    pub(crate) fn taking(self, time: Duration) -> Self {
        Self { milliseconds: Some(time.as_millis()), ..self }
    }

    fn line(&self) -> String {
        // The detail of a failure has the other parts already.
        let part = |before: &str, part: &Option<String>, after: &str| match part {
            Some(part) if self.status != Status::Failed => format!("{before}{part}{after}"),
            _ => String::new(),
        };
        let next = part(". Next: ", &self.next, "");
        let request_id = part(" (request_id ", &self.request_id, ")");
        format!("{}{next}{request_id}", self.detail)
    }
}

/// Settings and checks, in the order in which they are shown.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) checks: Vec<Check>,
}

impl Report {
    /// Whether no check failed.
    pub(crate) fn is_ok(&self) -> bool {
        self.failures() == 0
    }

    fn failures(&self) -> usize {
        let failed = |check: &&Check| check.status == Status::Failed;
        self.checks.iter().filter(failed).count()
    }

    pub(crate) fn to_json(&self) -> Value {
        let settings: Map<_, _> = self
            .settings
            .iter()
            .map(|(name, value)| (name.to_lowercase().replace(' ', "_"), json!(value)))
            .collect();
        let mut report = json!({
            "ok": self.is_ok(),
            "version": VERSION,
            "platform": platform(),
            "settings": settings,
            "checks": self.checks,
        });
        make_visible(&mut report);
        report
    }

    /// Prints the report for people.
    pub(crate) fn print(&self, printer: &mut Printer<impl Write>) -> io::Result<()> {
        printer.line(&format!("managed-sessions-mcp {VERSION} on {}", platform()))?;
        printer.line("")?;
        printer.spans(&[(BOLD, "Configuration")])?;
        for (name, value) in &self.settings {
            printer.wrapped(&[(FAINT, &format!("  {name:<16}"))], &one_line(value), 18)?;
        }
        printer.line("")?;
        printer.spans(&[(BOLD, "Checks")])?;
        for check in &self.checks {
            let (style, status) = match check.status {
                Status::Ok => (GOOD, "ok"),
                Status::Warning => (BUSY, "warning"),
                Status::Failed => (BAD, "FAILED"),
                Status::Skipped => (FAINT, "skipped"),
            };
            let (status, name) = (format!("  {status:<9}"), format!("{:<15}", check.name));
            let start = &[(style, status.as_str()), (PLAIN, name.as_str())];
            printer.wrapped(start, &one_line(&check.line()), 26)?;
        }
        printer.line("")?;
        let (style, verdict) = match self.failures() {
            0 => (GOOD, "All checks passed.".to_owned()),
            1 => (BAD, "1 check failed.".to_owned()),
            failed => (BAD, format!("{failed} checks failed.")),
        };
        printer.spans(&[(style, &verdict)])
    }
}

fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}
