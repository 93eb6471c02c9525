//! The standard streams, without a thread that waits for each where that can be done.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::{fs::FileTypeExt as _, net::UnixStream as Socket},
    },
};

use tokio::net::UnixStream;

/// Stdin and stdout, if both are sockets: so hosts on Node connect a server. rmcp only knows
/// pipes, and reads and writes everything else on threads, at the cost of a hand-over a message.
///
/// They become non-blocking for this process, which nothing but the protocol uses them in.
pub(super) fn sockets() -> Option<(UnixStream, UnixStream)> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    // Both are looked at before one is changed.
    let both = (socket(stdin.as_fd())?, socket(stdout.as_fd())?);
    Some((non_blocking(both.0).ok()?, non_blocking(both.1).ok()?))
}

/// The stream as a socket of this machine, if it is one.
fn socket(stream: BorrowedFd<'_>) -> Option<Socket> {
    let file = File::from(stream.try_clone_to_owned().ok()?);
    if !file.metadata().ok()?.file_type().is_socket() {
        return None;
    }
    let socket = Socket::from(OwnedFd::from(file));
    // Fails for sockets of any other kind.
    socket.local_addr().is_ok().then_some(socket)
}

fn non_blocking(socket: Socket) -> io::Result<UnixStream> {
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}
