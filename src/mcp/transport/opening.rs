//! Tolerates what some hosts send before they open a session.

use std::future::Future;

use rmcp::{
    RoleServer,
    model::{ClientRequest, GetMeta as _, JsonRpcMessage},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};

/// Drops notifications and responses until a session is open. rmcp ends the process on them, but
/// they are harmless: a host may, for example, cancel its first attempt and start again.
pub(crate) struct Opening<T> {
    transport: T,
    is_open: bool,
}

impl<T> Opening<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport,
            is_open: false,
        }
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Opening<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.transport.send(message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = self.transport.receive().await?;
            let request = match &message {
                JsonRpcMessage::Request(request) => Some(&request.request),
                _ => None,
            };
            self.is_open |= request.is_some_and(opens_session);
            if self.is_open || request.is_some() {
                return Some(message);
            }
            tracing::debug!("dropped a message that came before a session was open");
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.transport.close()
    }
}

/// In the newer protocol, any request that names its protocol version opens a session, except a
/// ping or a probe.
fn opens_session(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        other => other.get_meta().protocol_version().is_some(),
    }
}
