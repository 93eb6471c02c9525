//! What flags and environment mean, validated: the only reader of the environment.

mod log;
mod proxy;
#[cfg(test)]
mod tests;
mod values;

use std::{
    fmt,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

pub use log::Log;
pub use proxy::Proxy;
use url::Url;
use values::{
    agent, all_toolsets, auth_header, base_url, boolean, confirm_deletes, header_value,
    idle_status, list, max_rpm, none_of, timeout, toolsets,
};

use crate::{
    api,
    api::{AuthHeader, credentials::Sources},
    app::settings::{Pauses, Settings},
    cli::{AuthHeaderFlag, Flags},
    environment::Environment,
};

/// The API's limit of other operations than creation, for a whole organization.
const DEFAULT_MAX_RPM: NonZeroU32 = NonZeroU32::new(600).unwrap();

/// What the operator wants.
#[derive(Debug, Clone)]
pub struct Config {
    /// How operations work.
    pub app: Settings,
    /// Which tools are offered.
    pub mcp: crate::mcp::settings::Settings,
    /// What goes to stderr.
    pub log: Log,
    /// What the environment says about proxies.
    pub proxy: Proxy,
    problems: Vec<(&'static str, String)>,
}

impl Config {
    /// Reads flags and environment; flags win.
    ///
    /// # Errors
    /// The flags that cannot be understood, with what is valid.
    pub fn read(flags: &Flags, environment: &Environment) -> Result<Self, BadFlags> {
        let mut reader = Reader {
            environment,
            problems: Vec::new(),
            bad_flags: Vec::new(),
        };
        let timeout = reader.value(
            flag("--timeout-seconds", flags.timeout_seconds.as_deref()),
            "MANAGED_SESSIONS_TIMEOUT_SECONDS",
            timeout,
        );
        let max_rpm = reader.value(
            flag("--max-rpm", flags.max_rpm.as_deref()),
            "MANAGED_SESSIONS_MAX_RPM",
            max_rpm,
        );
        let toolsets = reader.value(
            flag("--toolsets", flags.toolsets.as_deref()),
            "MANAGED_SESSIONS_TOOLSETS",
            toolsets,
        );
        let base_url = reader.value(
            flag("--base-url", flags.base_url.as_deref()),
            "ANTHROPIC_BASE_URL",
            base_url,
        );
        let read_only = reader.value(None, "MANAGED_SESSIONS_READ_ONLY", boolean);
        let auth_header = reader.value(None, "MANAGED_SESSIONS_AUTH_HEADER", auth_header);
        let api_version = reader.value(
            flag("--api-version", flags.api_version.as_deref()),
            "MANAGED_SESSIONS_API_VERSION",
            header_value,
        );
        let workspace_id = reader.value(
            flag("--workspace-id", flags.workspace_id.as_deref()),
            "ANTHROPIC_WORKSPACE_ID",
            header_value,
        );
        let confirm_deletes = reader.value(
            flag("--confirm-deletes", flags.confirm_deletes.as_deref()),
            "MANAGED_SESSIONS_CONFIRM_DELETES",
            confirm_deletes,
        );
        let export_dir = reader.path(flags.export_dir.as_deref(), "MANAGED_SESSIONS_EXPORT_DIR");
        let audit_log = reader.path(flags.audit_log.as_deref(), "MANAGED_SESSIONS_AUDIT_LOG");
        let allowed_agents = reader.names(
            ("--allow-agent", &flags.allow_agent),
            "MANAGED_SESSIONS_ALLOW_AGENTS",
            agent,
        );
        let idle_statuses = reader.names(
            ("--idle-status", &flags.idle_status),
            "MANAGED_SESSIONS_IDLE_STATUSES",
            idle_status,
        );
        let log = Log::read(&mut reader, flags);
        if !reader.bad_flags.is_empty() {
            return Err(BadFlags(reader.bad_flags));
        }
        let defaults = api::Settings::default();
        let timeout = timeout.unwrap_or(defaults.timeout);
        Ok(Self {
            app: Settings {
                api: api::Settings {
                    base_url,
                    api_version: api_version.unwrap_or(defaults.api_version),
                    auth_header: flags
                        .auth_header
                        .map(AuthHeader::from)
                        .or(auth_header)
                        .unwrap_or_default(),
                    workspace_id,
                    credentials: Sources::from_environment(environment),
                    timeout,
                    ..defaults
                },
                timeout,
                max_rpm: max_rpm.unwrap_or(DEFAULT_MAX_RPM),
                allowed_agents,
                confirm_deletes: confirm_deletes.unwrap_or_default(),
                export_dir,
                audit_log,
                idle_statuses,
                pauses: Pauses::default(),
            },
            mcp: crate::mcp::settings::Settings {
                tool_groups: toolsets.unwrap_or_else(all_toolsets),
                read_only: flags.read_only || read_only.unwrap_or(false),
            },
            log,
            proxy: Proxy::read(environment),
            problems: reader.problems,
        })
    }

    /// The same configuration against a sandbox instead of the API.
    #[must_use]
    pub fn against_sandbox(mut self, base_url: &str, api_key: &str) -> Self {
        self.app.api.base_url = Url::parse(base_url).ok();
        self.app.api.credentials =
            Sources::from_environment(&Environment::from_iter([("ANTHROPIC_API_KEY", api_key)]));
        self.app.api.workspace_id = None;
        // Where the API is and who asks it is said here, so it does not matter what they say.
        self.problems
            .retain(|(variable, _)| !variable.starts_with("ANTHROPIC_"));
        self
    }

    /// What is wrong in the environment: every bad variable with what is valid.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let problems = self
            .problems
            .iter()
            .map(|(variable, cause)| format!("the variable {variable} {cause}"));
        let problems: Vec<String> = problems.collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}

/// Flags with values that cannot be understood, each with its cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFlags(Vec<(&'static str, String)>);

/// One a line.
impl fmt::Display for BadFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self
            .0
            .iter()
            .map(|(flag, cause)| format!("{flag} {cause}"))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for BadFlags {}

/// A flag's name with what was typed, if anything was.
type Typed<'a> = Option<(&'static str, &'a str)>;

fn flag<'a>(name: &'static str, typed: Option<&'a str>) -> Typed<'a> {
    typed.map(|text| (name, text))
}

/// Reads values from a flag or else a variable, and keeps what is bad.
pub(crate) struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<(&'static str, String)>,
    bad_flags: Vec<(&'static str, String)>,
}

impl Reader<'_> {
    fn value<T>(
        &mut self,
        typed: Typed<'_>,
        variable: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (name, read, bad) = if let Some((flag, text)) = typed {
            (flag, read(text), &mut self.bad_flags)
        } else {
            let text = self.environment.get(variable)?;
            (variable, read(text.trim()), &mut self.problems)
        };
        read.map_err(|cause| bad.push((name, cause))).ok()
    }

    /// Names, one a flag or several in a variable. `check` says what is valid for one that is
    /// not. No name at all is bad too: it must not come to mean every name.
    fn names(
        &mut self,
        (flag, typed): (&'static str, &[String]),
        variable: &'static str,
        check: fn(&str) -> Result<(), &'static str>,
    ) -> Vec<String> {
        let one = |text: &str| match check(text.trim()) {
            Ok(()) => Ok(text.trim().to_owned()),
            Err(valid) => Err(none_of(text, valid)),
        };
        let several = |text: &str| {
            let names = list(text);
            let bad = names.iter().find_map(|name| check(name).err());
            match bad.or_else(|| check("").err().filter(|_| names.is_empty())) {
                Some(valid) => Err(none_of(text, format_args!("{valid}, comma separated"))),
                None => Ok(names),
            }
        };
        if typed.is_empty() {
            return self.value(None, variable, several).unwrap_or_default();
        }
        typed
            .iter()
            .filter_map(|text| self.value(Some((flag, text)), variable, one))
            .collect()
    }

    /// A path, made absolute so that answers can name it; whether it can be used is found out
    /// when it is.
    fn path(&self, typed: Option<&Path>, variable: &str) -> Option<PathBuf> {
        let path = typed.or_else(|| self.environment.get(variable).map(Path::new))?;
        Some(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }
}

impl From<AuthHeaderFlag> for AuthHeader {
    fn from(flag: AuthHeaderFlag) -> Self {
        match flag {
            AuthHeaderFlag::Authorization => Self::Authorization,
            AuthHeaderFlag::XApiKey => Self::XApiKey,
        }
    }
}
