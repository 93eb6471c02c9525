//! The API client against misbehaving servers.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows test functions, and not what they call"
)]

mod credentials;
mod faults;
mod profiles;
mod responses;
mod secrecy;
pub(crate) mod server;
mod tls;
mod wire;

use std::time::Duration;

use managed_sessions_mcp::{
    api::{ApiError, Client, Settings, credentials::Sources, retry::Policy},
    environment::Environment,
    model::SessionId,
};
use server::Server;

pub(crate) const KEY: &str = "sk-ant-test-0123456789-SECRET";

pub(crate) fn id() -> SessionId {
    SessionId::parse("sesn_1").unwrap()
}

/// The default settings, with shorter delays.
pub(crate) fn settings(server: &Server) -> Settings {
    Settings {
        base_url: Some(server.url().parse().unwrap()),
        credentials: Sources::from_api_key(KEY),
        timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(4),
        retry: Policy { base: Duration::from_millis(1), ..Policy::default() },
        ..Settings::default()
    }
}

pub(crate) fn client(server: &Server) -> Client {
    Client::new(settings(server))
}

/// The error of reading a session.
pub(crate) async fn read_error(client: &Client) -> ApiError {
    client.get_session(&id()).await.unwrap_err()
}

/// A client with credentials from these variables.
pub(crate) fn client_with(server: &Server, variables: &[(&str, &str)]) -> Client {
    let environment: Environment = variables.iter().copied().collect();
    Client::new(Settings {
        credentials: Sources::from_environment(&environment),
        ..settings(server)
    })
}
