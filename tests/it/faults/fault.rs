//! The faults: what goes wrong, how often, and which failures it may cause.

use std::{fmt, time::Duration};

use managed_sessions_mcp::sandbox::Effect;

use super::gateway::GatewayFault;

const FOREVER: u32 = u32::MAX;
/// The limit of a call that ends by itself: more than enough on a busy machine too.
const ENOUGH: Duration = Duration::from_secs(20);
/// The limit of a call that the fault keeps waiting.
const SHORT: Duration = Duration::from_millis(600);
/// Met at the first request only: elsewhere the code treats them like another fault, which is met
/// there.
const LIKE_ANOTHER: [&str; 6] = ["408", "502", "503", "529", "an array", "trickle"];

#[derive(Debug, Clone)]
pub(crate) struct Fault {
    name: &'static str,
    pub(crate) source: Source,
    /// How many requests meet it.
    pub(crate) times: u32,
    /// The codes of a failure that it may cause.
    codes: &'static [&'static str],
    /// Whether the call must end as if nothing had happened.
    pub(crate) is_harmless: bool,
    /// The limit of a whole call.
    pub(crate) timeout: Duration,
}

#[derive(Debug, Clone)]
pub(crate) enum Source {
    Sandbox(Effect),
    Gateway(GatewayFault),
}

impl Fault {
    /// Whether a failure with this code fits it. A call that keeps failing may also time out.
    pub(crate) fn may_cause(&self, code: &str) -> bool {
        self.codes.contains(&code) || code == "timed_out" && !self.is_harmless
    }

    /// How often the same write may be sent.
    pub(crate) fn most_tries(&self) -> usize {
        if self.times == 1 { 2 } else { 3 }
    }

    /// Whether a wrong answer cannot be told from a right one.
    pub(crate) fn lies(&self) -> bool {
        matches!(self.source, Source::Gateway(GatewayFault::OtherSession))
    }

    /// Whether the gateway cannot be used any more.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self.source, Source::Gateway(GatewayFault::Down))
    }

    pub(crate) fn is_like_another(&self) -> bool {
        LIKE_ANOTHER.contains(&self.name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let often = if self.times == 1 { "once" } else { "forever" };
        write!(f, "{} {often}", self.name)
    }
}

pub(crate) fn all() -> Vec<Fault> {
    let mut all = transient();
    all.extend(lasting());
    all.extend(slow());
    all.extend(clocks());
    all
}

fn status(status: u16) -> Effect {
    Effect::Status { status, retry_after: None, should_retry: None }
}

/// A retry helps if it happens once, and not if it goes on.
fn transient() -> Vec<Fault> {
    let table: [(&str, Effect, &[&str]); 9] = [
        ("reset", Effect::Reset, &["api_unreachable"]),
        ("reset after", Effect::ResetAfter, &["api_unreachable"]),
        ("truncated", Effect::Truncated, &["bad_response"]),
        ("408", status(408), &["timed_out"]),
        ("429", status(429), &["rate_limited"]),
        ("500", status(500), &["api_error"]),
        ("502", status(502), &["api_error"]),
        ("503", status(503), &["overloaded"]),
        ("529", status(529), &["overloaded"]),
    ];
    let faults = table.into_iter().flat_map(|(name, effect, codes)| {
        [1, FOREVER].map(|times| Fault {
            name,
            source: Source::Sandbox(effect.clone()),
            times,
            codes,
            is_harmless: times == 1,
            timeout: ENOUGH,
        })
    });
    faults.collect()
}

/// No retry helps.
fn lasting() -> Vec<Fault> {
    use Source::{Gateway, Sandbox};
    let redirect = Effect::Redirect { location: "https://elsewhere.example/v1".to_owned() };
    // The service seems to accept a write and does nothing, which a read then shows.
    let undone = &["bad_response", "not_applied", "busy_timeout"] as &[&str];
    let bad = &["bad_response"] as &[&str];
    let array = GatewayFault::Body("[1, 2]");
    let object = GatewayFault::Body(r#"{"error": null, "ok": true}"#);
    let table = [
        ("html", Sandbox(Effect::Html { status: 502 }), &["api_error"] as &[&str]),
        ("html with 200", Sandbox(Effect::Html { status: 200 }), undone),
        ("empty", Sandbox(Effect::Empty { status: 200 }), undone),
        ("redirect", Sandbox(redirect), bad),
        ("refused", Gateway(GatewayFault::Down), &["api_unreachable"]),
        ("an array", Gateway(array), bad),
        ("another object", Gateway(object), bad),
        ("another session", Gateway(GatewayFault::OtherSession), bad),
    ];
    let faults = table.map(|(name, source, codes)| Fault {
        name,
        source,
        times: FOREVER,
        codes,
        is_harmless: false,
        timeout: ENOUGH,
    });
    faults.into()
}

/// The call's own limit ends it.
fn slow() -> [Fault; 3] {
    let act = Effect::Slow { milliseconds: 60_000 };
    [
        ("slow to act", Source::Sandbox(act)),
        ("slow to answer", Source::Gateway(GatewayFault::NoAnswer)),
        ("trickle", Source::Gateway(GatewayFault::Trickle)),
    ]
    .map(|(name, source)| Fault {
        name,
        source,
        times: FOREVER,
        codes: &["timed_out"],
        is_harmless: false,
        timeout: SHORT,
    })
}

/// The clock of the service is a day ahead.
fn clocks() -> [Fault; 2] {
    [
        ("another clock", GatewayFault::ClockAhead, FOREVER),
        ("429 by another clock", GatewayFault::LimitByClockAhead, 1),
    ]
    .map(|(name, fault, times)| Fault {
        name,
        source: Source::Gateway(fault),
        times,
        codes: &[],
        is_harmless: true,
        timeout: ENOUGH,
    })
}
