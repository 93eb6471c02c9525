//! `doctor`: the configuration as it came out, and whether it works. Fails in the words that the
//! tools fail in, so that what is read here is what a host would be told.

mod paths;
mod report;

use std::time::{Duration, SystemTime};

pub use report::{Check, Report, Status};
use rmcp::model::CallToolResult;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    api::{ApiErrorKind, Client, Description, SessionQuery},
    config::{Config, Toolset},
    domain::step::LeftOut,
    explain::{Failure, META_KEY},
};

/// From here on a clock is worth a word: tokens have a lifetime, and ages are counted from now.
const SKEW_OF_NOTE: Duration = Duration::from_secs(30);

/// What the embedded sandbox is asked with, whatever the environment says.
const SANDBOX_KEY: &str = "the sandbox's own key";

/// Looks at the configuration, at the disk and, with one read, at the API.
pub async fn examine(config: &Config, sandbox: bool) -> Report {
    let client = Client::new(config.api.clone());
    let description = client.describe().await;
    let mut report = Report::new(settings(config, &description, sandbox));
    report.add(configuration(config));
    report.add(credential(&description, sandbox));
    for check in paths::checks(config) {
        report.add(check);
    }
    if config.problem().is_some() {
        // A tool call would not get further either.
        report.add(Check::skipped(
            "api",
            "not asked: correct the configuration first",
        ));
        return report;
    }
    ask(&client, &mut report).await;
    report
}

/// One setting a line, as a person would name it.
fn settings(
    config: &Config,
    description: &Description,
    sandbox: bool,
) -> Vec<(&'static str, String)> {
    let names = |names: &[String], none: &str| match names {
        [] => none.to_owned(),
        names => names.join(", "),
    };
    let toolsets = Toolset::ALL
        .into_iter()
        .filter(|(_, each)| config.toolsets.contains(each));
    let base_url = match (&description.base_url, sandbox) {
        (Ok(url), true) => format!("{url} (the embedded sandbox)"),
        (Ok(url), false) => format!("{url} (from {})", description.base_url_from),
        (Err(error), _) => format!("unusable: {error}"),
    };
    let proxy = match (&config.proxy.through, &config.proxy.except) {
        (None, _) => "none in the environment".to_owned(),
        (Some((name, place)), None) => format!("{place} (from {name})"),
        (Some((name, place)), Some(hosts)) => format!("{place} (from {name}), except for {hosts}"),
    };
    let mut settings = vec![
        ("base URL", base_url),
        ("API version", config.api.api_version.clone()),
        (
            "credential",
            match &description.credential {
                _ if sandbox => SANDBOX_KEY.to_owned(),
                Ok(winner) => winner.clone(),
                Err(error) => error.to_string(),
            },
        ),
        ("passed over", names(&description.ignored, "nothing")),
        ("sent in header", description.auth_header.to_owned()),
        (
            "workspace",
            description
                .workspace_id
                .clone()
                .unwrap_or_else(|| "not named".to_owned()),
        ),
        ("proxy", proxy),
        (
            "toolsets",
            toolsets
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        (
            "read only",
            if config.read_only { "yes" } else { "no" }.to_owned(),
        ),
        ("agents", names(&config.allowed_agents, "any")),
        (
            "idle statuses",
            names(&config.idle_statuses, "none but idle"),
        ),
        ("confirm deletes", config.confirm_deletes.name().to_owned()),
        ("bulk work", format!("{} requests a minute", config.max_rpm)),
        ("time of a call", format!("{} s", config.timeout.as_secs())),
    ];
    settings.extend(paths::settings(config));
    settings
}

fn configuration(config: &Config) -> Check {
    match config.problem() {
        Some(problem) => failed("configuration", Failure::invalid_configuration(&problem)),
        None => Check::ok("configuration", "flags and environment are understood"),
    }
}

/// An exported key that silently beats a login is the commonest trap.
fn credential(description: &Description, sandbox: bool) -> Check {
    match (&description.credential, description.ignored.as_slice()) {
        (Ok(_), _) if sandbox => Check::ok("credential", format!("{SANDBOX_KEY} is used")),
        (Err(error), _) => failed("credential", Failure::api("the credential", error)),
        (Ok(winner), []) => Check::ok("credential", format!("{winner} is used")),
        (Ok(winner), others) => Check::warning(
            "credential",
            format!("{winner} is used; passed over: {}", others.join(", ")),
            "unset the source that should not be used",
        ),
    }
}

/// One read, and what its answer says beside the session.
async fn ask(client: &Client, report: &mut Report) {
    let query = SessionQuery {
        limit: Some(1),
        include_archived: true,
        ..SessionQuery::default()
    };
    let started = Instant::now();
    let answer = client.list_sessions(&query).await;
    let took = started.elapsed();
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            // The credential has been told about already.
            let known = matches!(
                error.kind(),
                ApiErrorKind::CredentialsMissing { .. } | ApiErrorKind::Credentials { .. }
            );
            report.add(if known && report.has_failed("credential") {
                Check::skipped("api", "not asked: there is no credential to ask with")
            } else {
                failed("api", Failure::api("the list of sessions", &error)).taking(took)
            });
            return;
        }
    };
    let found = match answer.body.data.len() {
        0 => "there are no sessions",
        _ => "there are sessions",
    };
    let detail = format!(
        "answered in {} ms, connection included; {found}",
        took.as_millis()
    );
    report.add(
        Check::ok("api", detail)
            .taking(took)
            .with_request_id(answer.request_id),
    );
    report.add(clock(answer.date, SystemTime::now()));
}

/// The service's clock beside ours, as far as whole seconds tell.
fn clock(theirs: Option<SystemTime>, ours: SystemTime) -> Check {
    let Some(theirs) = theirs else {
        return Check::skipped("clock", "the answer has no date to compare with");
    };
    let (skew, side) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    // The date is cut to whole seconds, and the answer took a moment to arrive.
    match skew.as_secs() {
        0..=2 => Check::ok("clock", "agrees with the API's"),
        seconds if skew < SKEW_OF_NOTE => {
            Check::ok("clock", format!("{seconds} s {side} the API's"))
        }
        seconds => Check::warning(
            "clock",
            format!("this machine's clock is {seconds} s {side} the API's"),
            "set the clock: logins and ages are counted with it",
        ),
    }
}

/// A failure as the tools word it.
fn failed(name: &'static str, failure: Failure) -> Check {
    let CallToolResult { content, meta, .. } = failure.into_result(&LeftOut::default());
    let line: String = content
        .iter()
        .filter_map(|block| block.as_text())
        .map(|text| text.text.as_str())
        .collect();
    let parts = meta
        .and_then(|mut meta| meta.0.remove(META_KEY))
        .unwrap_or(Value::Null);
    Check::failed(name, line, &parts)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use crate::cli::doctor::{Status, clock};

    #[test]
    fn clocks_are_compared_in_both_directions() {
        let ours = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let check = |theirs: i64, status, words: &str| {
            let theirs = SystemTime::UNIX_EPOCH
                + Duration::from_secs(1_000_000_u64.saturating_add_signed(theirs));
            let found = clock(Some(theirs), ours);
            assert_eq!(found.status, status);
            assert!(found.detail.contains(words), "{}", found.detail);
        };
        check(0, Status::Ok, "agrees");
        check(-2, Status::Ok, "agrees");
        check(10, Status::Ok, "10 s behind");
        check(-29, Status::Ok, "29 s ahead of");
        check(-300, Status::Warning, "300 s ahead of");
        check(300, Status::Warning, "300 s behind");
        assert_eq!(clock(None, ours).status, Status::Skipped);
    }
}
