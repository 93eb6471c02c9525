//! The transport until the host opens its session.

use std::future::Future;

use rmcp::{
    RoleServer,
    model::{ClientRequest, GetMeta as _, JsonRpcMessage},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};

/// Drops what comes before the first request and is none. rmcp ends the process on it, but a host
/// that lets go of its first attempt (a cancellation, say) and begins again means no harm.
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
            if let JsonRpcMessage::Request(request) = &message {
                self.is_open |= opens(&request.request);
                return Some(message);
            }
            if self.is_open {
                return Some(message);
            }
            tracing::debug!("dropped a message that came before the session was opened");
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.transport.close()
    }
}

/// Whether a request opens a session: a ping does not, nor a probe, nor one that does not say
/// which protocol it speaks.
fn opens(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        other => other.get_meta().protocol_version().is_some(),
    }
}
