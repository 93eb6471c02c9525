//! Names what a malformed `initialize` lacks. rmcp reads it as an unknown request of the other
//! protocol era, and would ask for that era's metadata.

use rmcp::{
    RoleServer,
    model::{
        ClientRequest, ConstString as _, ErrorData, InitializeRequestParams,
        InitializeResultMethod, JsonRpcMessage, RequestId,
    },
    service::RxJsonRpcMessage,
};
use serde_json::Value;

/// The fields that `initialize` must have, with their forms.
const FIELDS: [(&str, &str); 3] = [
    ("protocolVersion", "a string such as \"2025-11-25\""),
    ("capabilities", "an object, which may be empty"),
    ("clientInfo", "an object with the strings name and version"),
];

/// The answer to an `initialize` request whose parameters cannot be read.
pub(crate) fn malformed_initialize(
    message: &RxJsonRpcMessage<RoleServer>,
) -> Option<(ErrorData, Option<RequestId>)> {
    let JsonRpcMessage::Request(request) = message else {
        return None;
    };
    let ClientRequest::CustomRequest(custom) = &request.request else {
        return None;
    };
    if custom.method != InitializeResultMethod::VALUE {
        return None;
    }
    let error = ErrorData::invalid_params(problem(custom.params.as_ref()), None);
    Some((error, Some(request.id.clone())))
}

fn problem(params: Option<&Value>) -> String {
    let is_right = |name: &str| {
        let value = params.and_then(|params| params.get(name));
        match name {
            "protocolVersion" => value.is_some_and(Value::is_string),
            "capabilities" => value.is_some_and(Value::is_object),
            _ => value.is_some_and(|info| {
                ["name", "version"]
                    .iter()
                    .all(|field| info.get(field).is_some_and(Value::is_string))
            }),
        }
    };
    let wrong = FIELDS.iter().filter(|(name, _)| !is_right(name));
    let wrong: Vec<String> =
        wrong.map(|(name, form)| format!("params.{name} must be {form}")).collect();
    if wrong.is_empty() {
        // All is there, and something inside has a wrong form.
        let read = params.cloned().map(serde_json::from_value::<InitializeRequestParams>);
        let cause = read.and_then(Result::err).map(|error| error.to_string());
        let cause = cause.unwrap_or_else(|| "its params have a wrong form".to_owned());
        return format!("initialize cannot be read: {cause}");
    }
    format!("initialize cannot be read: {}", wrong.join("; "))
}
