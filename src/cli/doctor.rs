//! `doctor`: the effective configuration, and whether it works. Failures read as they do in tool
//! results.

mod paths;
mod report;

use std::time::{Duration, SystemTime};

use report::{Check, Report, Status};
use tokio::time::Instant;

use crate::{
    api::{ApiErrorKind, Client, Description, SessionQuery},
    app::{
        error::{About, Error, ErrorKind},
        op::Op,
    },
    config::Config,
    explain::explain,
    mcp::{offered::OfferedTools, settings::ToolGroup},
};

/// Clock skew from which on `doctor` warns: token lifetimes and ages depend on the clock.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(30);

/// The credential shown with `--sandbox`, whatever the environment says.
const SANDBOX_KEY: &str = "the sandbox's own key";

/// Checks the configuration, the disk and, with one read, the API.
pub(crate) async fn examine(config: &Config, sandbox: bool) -> Report {
    let client = Client::new(config.app.api.clone());
    let description = client.describe().await;
    let mut checks = vec![configuration(config), credential(&description, sandbox)];
    checks.extend(config.app.export_dir.as_deref().map(paths::export_folder));
    checks.extend(config.app.audit_log.as_deref().map(paths::audit_log));
    if config.problem().is_some() {
        // Tool calls stop here, too.
        let detail = "not asked: correct the configuration first";
        checks.push(Check::new("api", Status::Skipped, detail));
    } else {
        checks.extend(api(&client, description.credential.is_err()).await);
    }
    Report { settings: settings(config, &description, sandbox), checks }
}

/// The names and values of the settings.
fn settings(
    config: &Config,
    description: &Description,
    sandbox: bool,
) -> Vec<(&'static str, String)> {
    let Config { app, mcp, proxy, .. } = config;
    let names = |names: &[String], none: &str| match names {
        [] => none.to_owned(),
        names => names.join(", "),
    };
    let path = |path: &Option<std::path::PathBuf>| match path {
        Some(path) => path.display().to_string(),
        None => "none".to_owned(),
    };
    let base_url = match &description.base_url {
        Ok(url) if sandbox => format!("{url} (the embedded sandbox)"),
        Ok(url) => format!("{url} (from {})", description.base_url_from),
        Err(error) => format!("unusable: {error}"),
    };
    let credential = match &description.credential {
        _ if sandbox => SANDBOX_KEY.to_owned(),
        Ok(credential) => credential.clone(),
        Err(error) => error.to_string(),
    };
    let workspace = description.workspace_id.as_deref();
    let proxy = match (&proxy.through, &proxy.except) {
        (None, _) => "none in the environment".to_owned(),
        (Some((name, address)), None) => format!("{address} (from {name})"),
        (Some((name, address)), Some(hosts)) => {
            format!("{address} (from {name}), except for {hosts}")
        }
    };
    let groups = mcp.tool_groups.iter().copied().map(ToolGroup::name);
    let disabled: Vec<_> = app.disabled.iter().map(|op| op.name().to_owned()).collect();
    let disabled = names(&disabled, "none");
    let read_only = if mcp.read_only { "yes" } else { "no" };
    vec![
        ("base URL", base_url),
        ("API version", app.api.api_version.clone()),
        ("credential", credential),
        ("ignored", names(&description.ignored, "nothing")),
        ("sent in header", description.auth_header.to_owned()),
        ("workspace", workspace.unwrap_or("not set").to_owned()),
        ("proxy", proxy),
        ("toolsets", groups.collect::<Vec<_>>().join(", ")),
        ("read only", read_only.to_owned()),
        ("disabled tools", disabled),
        ("agents", names(&app.allowed_agents, "any")),
        ("idle statuses", names(&app.idle_statuses, "only idle")),
        ("confirm deletes", app.confirm_deletes.name().to_owned()),
        ("confirm approvals", app.confirm_approvals.name().to_owned()),
        ("bulk work", format!("{} writes and {} reads per minute", app.max_rpm, app.max_read_rpm)),
        ("call timeout", format!("{} s", app.timeout.as_secs())),
        (
            "export folder",
            match &app.export_dir {
                None if sandbox => "a temporary one of the sandbox".to_owned(),
                dir => path(dir),
            },
        ),
        ("audit log", path(&app.audit_log)),
    ]
}

fn configuration(config: &Config) -> Check {
    match config.problem() {
        Some(problem) => failed("configuration", &ErrorKind::InvalidConfiguration(problem).into()),
        None => Check::new("configuration", Status::Ok, "flags and environment are valid"),
    }
}

/// Warns of credentials that are ignored: an exported key that beats a login is a common mistake.
fn credential(description: &Description, sandbox: bool) -> Check {
    let name = "credential";
    match (&description.credential, description.ignored.as_slice()) {
        (Ok(_), _) if sandbox => Check::new(name, Status::Ok, format!("{SANDBOX_KEY} is used")),
        (Err(error), _) => failed(name, &Error::api(About::Credential, error.clone())),
        (Ok(used), []) => Check::new(name, Status::Ok, format!("{used} is used")),
        (Ok(used), ignored) => Check {
            next: Some("unset the source that should not be used".to_owned()),
            ..Check::new(
                name,
                Status::Warning,
                format!("{used} is used; ignored: {}", ignored.join(", ")),
            )
        },
    }
}

/// Reads one session, and compares the clocks.
async fn api(client: &Client, credential_failed: bool) -> Vec<Check> {
    let query = SessionQuery { limit: Some(1), include_archived: true, ..SessionQuery::default() };
    let started = Instant::now();
    let result = client.list_sessions(&query).await;
    let elapsed = started.elapsed();
    let response = match result {
        Ok(response) => response,
        // Reported already.
        Err(error)
            if matches!(
                error.kind(),
                ApiErrorKind::CredentialsMissing { .. } | ApiErrorKind::Credentials { .. }
            ) && credential_failed =>
        {
            let detail = "not asked: there is no usable credential";
            return vec![Check::new("api", Status::Skipped, detail)];
        }
        Err(error) => {
            let error = Error::api(About::SessionList, error);
            return vec![failed("api", &error).taking(elapsed)];
        }
    };
    let found =
        if response.body.data.is_empty() { "there are no sessions" } else { "there are sessions" };
    let milliseconds = elapsed.as_millis();
    let detail = format!("answered in {milliseconds} ms, connection included; {found}");
    let answered = Check {
        request_id: response.request_id,
        ..Check::new("api", Status::Ok, detail).taking(elapsed)
    };
    vec![answered, clock(response.date, SystemTime::now())]
}

/// Compares the service's clock with ours.
fn clock(theirs: Option<SystemTime>, ours: SystemTime) -> Check {
    let Some(theirs) = theirs else {
        return Check::new("clock", Status::Skipped, "the response has no date");
    };
    let (skew, side) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let seconds = skew.as_secs();
    // The date is in whole seconds, and the response took a moment to arrive.
    if seconds <= 2 {
        return Check::new("clock", Status::Ok, "agrees with the API's");
    }
    if skew < MAX_CLOCK_SKEW {
        let detail = format!("{seconds} s {side} the API's");
        return Check::new("clock", Status::Ok, detail);
    }
    let detail = format!("this machine's clock is {seconds} s {side} the API's");
    Check {
        next: Some("set the clock: logins and ages depend on it".to_owned()),
        ..Check::new("clock", Status::Warning, detail)
    }
}

/// A failure in the words of a tool result.
fn failed(name: &'static str, error: &Error) -> Check {
    let explanation = explain(error, Op::ListSessions, &OfferedTools::new(Op::ALL));
    let detail = explanation.line();
    Check {
        code: Some(explanation.code.to_string()),
        next: Some(explanation.next),
        request_id: explanation.request_id,
        ..Check::new(name, Status::Failed, detail)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use crate::cli::doctor::{Status, clock};

    #[test]
    fn clocks_are_compared_in_both_directions() {
        let ours = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let check = |offset: i64, status, words: &str| {
            let theirs = 1_000_000_u64.saturating_add_signed(offset);
            let theirs = SystemTime::UNIX_EPOCH + Duration::from_secs(theirs);
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
