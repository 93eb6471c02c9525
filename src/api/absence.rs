//! What a response means that says that something is not there.

/// What a response says is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// The object that was asked about.
    Object,
    /// The operation itself: no service of the API answers so where it has one.
    Operation,
    /// One of the two.
    Unclear,
}

/// The form of an error's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorBody {
    /// `{"type": "error", "error": {"type", "message"}}`, as the API writes it.
    Envelope,
    /// Other JSON, for instance `{"detail": "Not Found"}`.
    Json,
    /// Nothing.
    Empty,
    /// Text or HTML, as routers and gateways write it.
    #[default]
    Text,
}

/// Where a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `GET`, `POST` or `DELETE`.
    pub method: String,
    /// Host, port and path, without query.
    pub url: String,
    /// Whether the base URL ends in the `/v1` that every route begins with.
    pub repeats_v1: bool,
    /// What set the base URL: a flag, a variable, a profile with its name, or `default`.
    pub base_url_source: String,
}

/// What a response of this status and body says is missing, if it says so: an object by 404 or 410
/// in the API's own envelope, an operation by 405, 501, or by a 404 that no Sessions API wrote.
pub(crate) fn absence(status: u16, body: ErrorBody) -> Option<Absence> {
    match (status, body) {
        (405 | 501, _) | (404 | 410, ErrorBody::Text) => Some(Absence::Operation),
        (404 | 410, ErrorBody::Envelope) => Some(Absence::Object),
        (404 | 410, ErrorBody::Json | ErrorBody::Empty) => Some(Absence::Unclear),
        _ => None,
    }
}
