//! Who may ask: a page in a browser must not reach the sandbox of this machine, neither across
//! origins nor under a name of its own that it points here (DNS rebinding).
//!
//! At a loopback address only `localhost`, loopback addresses and the address itself are taken as
//! `Host`. At any other address the operator has made the sandbox reachable under names that it
//! cannot know, so that any `Host` is. An `Origin`, which browsers send, must be `localhost`, a
//! loopback address or the address itself in every case. Ports are not compared.

use std::net::{IpAddr, SocketAddr};

use axum::http::{
    HeaderMap, StatusCode, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};

use super::rejection::{Rejection, Result};

/// Refuses a request that is meant for another host, or comes from a page of another one.
pub(super) fn check(listen: SocketAddr, uri: &Uri, headers: &HeaderMap) -> Result<()> {
    let is_ours = |authority: &Authority| is_own_name(authority.host(), listen.ip());
    if listen.ip().to_canonical().is_loopback() {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let is_one = host.as_ref().is_some_and(is_ours) && hosts.next().is_none();
        // A request to a proxy names the host again, and that counts (RFC 9112, 3.2.2).
        if !is_one || !uri.authority().is_none_or(is_ours) {
            return Err(forbidden("Host is not an address of this sandbox."));
        }
    }
    let is_own_origin = |origin: &[u8]| {
        let origin = str::from_utf8(origin).unwrap_or_default();
        let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        rest.and_then(|rest| rest.parse().ok()).is_some_and(|authority| is_ours(&authority))
    };
    if headers.get_all(ORIGIN).iter().all(|origin| is_own_origin(origin.as_bytes())) {
        return Ok(());
    }
    Err(forbidden("Origin is not of this machine."))
}

/// Whether a host, with the brackets of an IPv6 address, is this machine's loopback or the address
/// listened at. Names below `localhost` are not: a resolver may send them elsewhere.
fn is_own_name(host: &str, listen: IpAddr) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match address.parse::<IpAddr>() {
        Ok(address) => {
            let address = address.to_canonical();
            address.is_loopback() || address == listen.to_canonical()
        }
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn forbidden(message: &str) -> Rejection {
    Rejection::new(StatusCode::FORBIDDEN, message)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};

    use super::check;

    #[test]
    fn only_requests_of_this_machine_are_taken_at_a_loopback_address() {
        let (local, v6, any, lan) =
            ("127.0.0.1:4010", "[::1]:4010", "0.0.0.0:4010", "10.0.0.7:4010");
        let none = "";
        for (listen, host, origin, is_taken) in [
            (local, "127.0.0.1:4010", none, true),
            (local, "localhost:4010", none, true),
            (local, "LOCALHOST", none, true),
            (local, "[::1]:4010", none, true),
            (local, "127.0.0.2", none, true),
            (v6, "[::1]:4010", none, true),
            (v6, "127.0.0.1:4010", none, true),
            (local, "evil.example:4010", none, false),
            (local, "x.localhost:4010", none, false),
            (local, "localhost.evil.example", none, false),
            (local, "127.0.0.1.evil.example", none, false),
            (local, "127.0.0.1@evil.example", none, false),
            (local, "10.0.0.7:4010", none, false),
            (local, "0.0.0.0:4010", none, false),
            (local, "", none, false),
            (local, "2130706433", none, false),
            (local, "local host", none, false),
            (any, "sandbox:4010", none, true),
            (lan, "build.example:4010", none, true),
            (local, "localhost:4010", "http://localhost:3000", true),
            (local, "localhost:4010", "https://127.0.0.1", true),
            (local, "localhost:4010", "http://[::1]:1", true),
            (lan, "10.0.0.7:4010", "http://10.0.0.7:4010", true),
            (local, "localhost:4010", "https://evil.example", false),
            (local, "localhost:4010", "http://localhost.evil.example", false),
            (local, "localhost:4010", "null", false),
            (local, "localhost:4010", "file://localhost", false),
            (local, "localhost:4010", "chrome-extension://localhost", false),
            (any, "evil.example:4010", "http://evil.example:4010", false),
            (lan, "10.0.0.7:4010", "http://10.0.0.8:4010", false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [("host", host), ("origin", origin)] {
                if name == "host" || value != none {
                    let name = HeaderName::from_static(name);
                    headers.append(name, HeaderValue::from_str(value).unwrap());
                }
            }
            let result =
                check(listen.parse().unwrap(), &Uri::from_static("/v1/sessions"), &headers);
            assert_eq!(result.is_ok(), is_taken, "{listen} {host} {origin}");
        }
    }

    #[test]
    fn nothing_hides_behind_a_second_host_or_origin() {
        let check = |uri: &'static str, headers: &[(&'static str, &'static str)]| {
            let mut all = HeaderMap::new();
            for &(name, value) in headers {
                all.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            check("127.0.0.1:4010".parse().unwrap(), &Uri::from_static(uri), &all).is_ok()
        };
        let host = ("host", "127.0.0.1:4010");
        assert!(check("/", &[host]));
        assert!(check("http://localhost:4010/", &[host]));
        assert!(!check("http://evil.example/", &[host]));
        assert!(!check("/", &[]), "no host at all");
        assert!(!check("/", &[host, ("host", "evil.example")]));
        let (own, foreign) = (("origin", "http://localhost"), ("origin", "http://evil.example"));
        assert!(check("/", &[host, own]));
        assert!(!check("/", &[host, own, foreign]));
    }
}
