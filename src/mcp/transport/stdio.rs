//! The standard streams as sockets.

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

/// Makes stdin and stdout non-blocking if they are sockets, as with hosts on Node. rmcp does this
/// for pipes only; anything else it reads and writes on threads, with a hand-over per message.
///
/// The flag is shared with other processes, so it is reset on drop.
pub(crate) struct Sockets([Socket; 2]);

impl Sockets {
    /// Both streams, if both are sockets and neither is also stderr, which must stay blocking.
    pub(crate) fn of_process() -> Option<(Self, UnixStream, UnixStream)> {
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let logs = identity(io::stderr().as_fd());
        let is_stderr = |stream: BorrowedFd<'_>| logs.is_some() && identity(stream) == logs;
        if is_stderr(stdin.as_fd()) || is_stderr(stdout.as_fd()) {
            return None;
        }
        let (stdin, stdout) = (socket(stdin.as_fd())?, socket(stdout.as_fd())?);
        let streams = (stdin.try_clone().ok()?, stdout.try_clone().ok()?);
        // Resets them, even if one of the following steps fails.
        let kept = Self([stdin, stdout]);
        Some((kept, non_blocking(streams.0).ok()?, non_blocking(streams.1).ok()?))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        for socket in &self.0 {
            if let Err(error) = socket.set_nonblocking(false) {
                tracing::debug!(%error, "a standard stream stays non-blocking");
            }
        }
    }
}

/// Device and inode.
fn identity(stream: BorrowedFd<'_>) -> Option<(u64, u64)> {
    let file = File::from(stream.try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

fn socket(stream: BorrowedFd<'_>) -> Option<Socket> {
    let file = File::from(stream.try_clone_to_owned().ok()?);
    if !file.metadata().ok()?.file_type().is_socket() {
        return None;
    }
    let socket = Socket::from(OwnedFd::from(file));
    // Fails for sockets of other families.
    socket.local_addr().is_ok().then_some(socket)
}

fn non_blocking(socket: Socket) -> io::Result<UnixStream> {
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}
