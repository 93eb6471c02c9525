//! The standard streams, without a thread that waits for each where that can be done.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::{
            fs::{FileTypeExt as _, MetadataExt as _},
            net::UnixStream as Socket,
        },
    },
};

use tokio::net::UnixStream;

/// Stdin and stdout as sockets. So hosts on Node connect a server. rmcp only knows pipes, and
/// reads and writes everything else on threads, at the cost of a hand-over a message.
///
/// A socket is non-blocking for all who share it, so it is blocking again when this is dropped.
pub(crate) struct Sockets([Socket; 2]);

impl Sockets {
    /// Both streams, if both are sockets, and stderr, which blocks, is neither of them.
    pub(crate) fn of_process() -> Option<(Self, UnixStream, UnixStream)> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let logs = identity(io::stderr().as_fd());
        let is_free = |stream: BorrowedFd<'_>| logs.is_none() || identity(stream) != logs;
        if !is_free(stdin.as_fd()) || !is_free(stdout.as_fd()) {
            return None;
        }
        let (stdin, stdout) = (socket(stdin.as_fd())?, socket(stdout.as_fd())?);
        let streams = (stdin.try_clone().ok()?, stdout.try_clone().ok()?);
        // From here on they are given back, whatever comes.
        let kept = Self([stdin, stdout]);
        Some((
            kept,
            non_blocking(streams.0).ok()?,
            non_blocking(streams.1).ok()?,
        ))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        for socket in &self.0 {
            if let Err(error) = socket.set_nonblocking(false) {
                tracing::debug!(%error, "a stream stays non-blocking");
            }
        }
    }
}

/// What tells one open file from another.
fn identity(stream: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let file = File::from(stream.try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
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
