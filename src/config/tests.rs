//! What flags and variables come to.

use super::{Config, Environment, Toolset};
use crate::cli::Flags;

fn read(flags: &Flags, environment: &[(&str, &str)]) -> Config {
    Config::read(flags, &environment.iter().copied().collect::<Environment>()).unwrap()
}

#[test]
fn a_bad_variable_never_stops_the_start_and_is_named() {
    let check = |variable, value, expected: &str| {
        let config = read(&Flags::default(), &[(variable, value)]);
        assert_eq!(
            config.problem().unwrap_or("none"),
            expected,
            "{variable}={value}"
        );
    };
    check("MANAGED_SESSIONS_READ_ONLY", "true", "none");
    check("MANAGED_SESSIONS_READ_ONLY", "", "none");
    check(
        "MANAGED_SESSIONS_READ_ONLY",
        "${user_config.read_only}",
        "none",
    );
    check(
        "MANAGED_SESSIONS_READ_ONLY",
        "maybe",
        "the variable MANAGED_SESSIONS_READ_ONLY is \"maybe\"; give true or false",
    );
    check(
        "MANAGED_SESSIONS_TIMEOUT_SECONDS",
        "0",
        "the variable MANAGED_SESSIONS_TIMEOUT_SECONDS is \"0\"; give whole seconds from 1 to 600",
    );
    check(
        "ANTHROPIC_BASE_URL",
        "http://user:secret@example.com",
        "the variable ANTHROPIC_BASE_URL is plain http, which is only used to reach this \
         machine; use https",
    );
    check(
        "MANAGED_SESSIONS_TOOLSETS",
        "sessions,nonsense",
        "the variable MANAGED_SESSIONS_TOOLSETS is \"sessions,nonsense\"; give all, or some \
         of sessions, events, fleet, comma separated",
    );
}

#[test]
fn flags_win_over_the_environment() {
    let flags = Flags {
        toolsets: Some("sessions".into()),
        timeout_seconds: Some("7".into()),
        allow_agent: vec!["agent_a".into()],
        ..Flags::default()
    };
    let config = read(
        &flags,
        &[
            ("MANAGED_SESSIONS_TOOLSETS", "nonsense"),
            ("MANAGED_SESSIONS_TIMEOUT_SECONDS", "9"),
            ("MANAGED_SESSIONS_ALLOW_AGENTS", "agent_b, agent_c"),
            ("MANAGED_SESSIONS_IDLE_STATUSES", "paused,, parked "),
        ],
    );
    assert_eq!(config.problem(), None);
    assert_eq!(config.timeout.as_secs(), 7);
    assert_eq!(config.toolsets, [Toolset::Sessions].into());
    assert_eq!(config.allowed_agents, ["agent_a"]);
    assert_eq!(config.idle_statuses, ["paused", "parked"]);
}

#[test]
fn a_bad_flag_is_refused_with_the_valid_values() {
    let flags = Flags {
        toolsets: Some("x".into()),
        ..Flags::default()
    };
    let error = Config::read(&flags, &Environment::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--toolsets is \"x\"; give all, or some of sessions, events, fleet, comma separated"
    );
}
