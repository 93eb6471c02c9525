//! The MCP server: what it is made of, and how it is served.

use std::sync::Arc;

use rmcp::{ServiceExt as _, service::ServerInitializeError};
use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(unix)]
use super::transport::stdio;
use super::{catalog::Catalog, seal::ProcessSeal, settings::Settings, transport::lines::Lines};
use crate::app::{approval::Seal, run::App, settings};

/// The server; clones share everything.
#[derive(Clone)]
pub struct Server {
    pub(crate) app: Arc<App>,
    pub(crate) catalog: Arc<Catalog>,
}

impl Server {
    /// A server with these settings; nothing is read or connected yet. With a `problem` in the
    /// settings every call fails with it.
    pub fn new(app: settings::Settings, mcp: &Settings, problem: Option<String>) -> Self {
        let seal = ProcessSeal::new().map(|seal| Box::new(seal) as Box<dyn Seal>);
        let catalog = Catalog::new(mcp, &app);
        Self { app: Arc::new(App::new(app, problem, seal)), catalog: Arc::new(catalog) }
    }

    /// Serves MCP over the standard streams until the host closes them.
    ///
    /// # Errors
    /// When the streams fail, or the first message does not open a session.
    pub async fn serve_stdio(self) -> Result<(), ServeError> {
        #[cfg(unix)]
        if let Some((_kept, read, write)) = stdio::Sockets::of_process() {
            return self.serve_lines(read, write).await;
        }
        let (read, write) = rmcp::transport::io::stdio_pipes();
        self.serve_lines(read, write).await
    }

    /// Waits, for some seconds at most, until the calls that change something have ended: what was
    /// sent is noted with its end.
    pub async fn drain(&self) {
        self.app.drain().await;
    }

    /// Serves MCP over a bidirectional stream, such as an in-memory pipe.
    ///
    /// # Errors
    /// As [`Self::serve_stdio`].
    pub async fn serve_on(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
    ) -> Result<(), ServeError> {
        let (read, write) = tokio::io::split(stream);
        self.serve_lines(read, write).await
    }

    async fn serve_lines(
        self,
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Result<(), ServeError> {
        // Boxed, since rmcp's future is large.
        match Box::pin(self.serve(Lines::new(read, write))).await {
            Ok(running) => Ok(running.waiting().await.map(drop)?),
            // Some hosts open and close a server once before they use it.
            Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
            Err(error) => Err(Box::new(error).into()),
        }
    }
}

/// Why serving failed.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The first message did not open a session.
    #[error("the MCP session could not be opened: {0}")]
    Initialize(#[from] Box<ServerInitializeError>),
    /// The task that served the session failed.
    #[error("the MCP session ended abnormally: {0}")]
    Join(#[from] tokio::task::JoinError),
}
