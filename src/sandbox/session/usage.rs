//! What a session or a thread has used.

use serde_json::{Value, json};

/// Tokens and money used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sandbox) struct Usage {
    pub(in crate::sandbox) input: u64,
    pub(in crate::sandbox) output: u64,
    pub(in crate::sandbox) cache_read: u64,
    pub(in crate::sandbox) cache_5m: u64,
    pub(in crate::sandbox) cents: u64,
    pub(in crate::sandbox) web_searches: u64,
    /// Running time of ended turns.
    pub(in crate::sandbox) active_seconds: f64,
}

impl Usage {
    pub(in crate::sandbox) fn to_json(self, active_seconds: f64) -> Value {
        json!({
            "input_tokens": self.input,
            "output_tokens": self.output,
            "cache_read_input_tokens": self.cache_read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.cache_5m,
                "ephemeral_1h_input_tokens": 0,
            },
            "active_seconds": active_seconds,
            "list_cost": usd(self.cents),
            "server_tool_use": {"web_search_requests": self.web_searches, "web_fetch_requests": 0},
        })
    }
}

impl Usage {
    pub(in crate::sandbox) fn add(&mut self, more: Self) {
        self.input += more.input;
        self.output += more.output;
        self.cache_read += more.cache_read;
        self.cache_5m += more.cache_5m;
        self.cents += more.cents;
        self.web_searches += more.web_searches;
    }

    /// Without what was used before.
    pub(in crate::sandbox) fn since(self, before: Self) -> Self {
        Self {
            input: self.input.saturating_sub(before.input),
            output: self.output.saturating_sub(before.output),
            cache_read: self.cache_read.saturating_sub(before.cache_read),
            cache_5m: self.cache_5m.saturating_sub(before.cache_5m),
            cents: self.cents.saturating_sub(before.cents),
            web_searches: self.web_searches.saturating_sub(before.web_searches),
            active_seconds: self.active_seconds,
        }
    }
}

/// An amount of money as the API writes it: minor units in a string.
pub(super) fn usd(cents: u64) -> Value {
    json!({"amount": cents.to_string(), "currency": "USD"})
}
