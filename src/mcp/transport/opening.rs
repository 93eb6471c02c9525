//! Tolerates what some hosts send before they open a session.

use rmcp::{
    RoleServer,
    model::{ClientRequest, GetMeta as _, JsonRpcMessage},
    service::RxJsonRpcMessage,
};

/// Rejects notifications and responses until a session is open. rmcp ends the process on them,
/// but they are harmless: a host may, for example, cancel its first attempt and start again.
#[derive(Default)]
pub(crate) struct Opening {
    is_open: bool,
}

impl Opening {
    pub(crate) fn accepts(&mut self, message: &RxJsonRpcMessage<RoleServer>) -> bool {
        let JsonRpcMessage::Request(request) = message else {
            return self.is_open;
        };
        self.is_open |= opens_session(&request.request);
        true
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
