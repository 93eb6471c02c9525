//! The server over Streamable HTTP, with the sandbox behind it, for the official conformance suite,
//! which speaks nothing else. For checks only: the program itself serves the standard streams.
//!
//! Prints its URL on stderr and runs until it is stopped.

use std::{error::Error, sync::Arc};

use managed_sessions_mcp::{
    cli::{Flags, commands::server},
    config::Config,
    environment::Environment,
    sandbox::{Options, Sandbox},
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start("127.0.0.1:0".parse()?, Options::default()).await?;
    let config = Config::read(&Flags::default(), &Environment::default())?;
    let config = config.against_sandbox(&sandbox.base_url(), sandbox.api_key());
    let server = server(config);
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("URL  http://{}/mcp", listener.local_addr()?);
    let routes = axum::Router::new().nest_service("/mcp", service);
    axum::serve(listener, routes).await?;
    Ok(())
}
