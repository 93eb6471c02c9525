//! Only regular files are written, whatever has the name that an operator gives: opening a named
//! pipe waits for its reader, and a folder or a device is a mistake.

use std::{
    fs::{File, FileType, OpenOptions},
    io,
    path::Path,
};

/// Opens a file to append to, readable by its owner only if it is new. Never waits: a pipe, a
/// socket or a block device is an error before it is opened. Character devices are taken
/// (`/dev/null`), and writing to one that is not ready fails instead of waiting.
pub(crate) fn open_append(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().append(true).create(true))
}

/// The same for a file that must exist.
pub(crate) fn open_existing(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().append(true))
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    match path.metadata() {
        Ok(metadata) => ensure_appendable(metadata.file_type())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    without_waiting(options);
    let file = options.open(path)?;
    // It may have been replaced since.
    ensure_appendable(file.metadata()?.file_type())?;
    Ok(file)
}

/// Makes opening a pipe fail or return at once, and new files private.
pub(crate) fn without_waiting(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // A terminal must not become this process' own either.
        let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = options;
}

fn ensure_appendable(file_type: FileType) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if file_type.is_char_device() {
            return Ok(());
        }
    }
    if file_type.is_file() { Ok(()) } else { Err(no_file("it", file_type)) }
}

/// Fails unless a file can be renamed to this path without replacing anything but a file.
pub(crate) fn ensure_replaceable(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(metadata) => Err(no_file(&name(path), metadata.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Fails unless the path is free or a folder, and no link to one.
pub(crate) fn ensure_folder_or_free(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(metadata) => {
            let cause = format!("{} is {}, not a folder", name(path), kind(metadata.file_type()));
            Err(io::Error::new(io::ErrorKind::NotADirectory, cause))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(crate) fn no_file(name: &str, file_type: FileType) -> io::Error {
    let cause = format!("{name} is {}, not a regular file", kind(file_type));
    io::Error::new(io::ErrorKind::InvalidInput, cause)
}

fn kind(file_type: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if file_type.is_fifo() {
            return "a named pipe";
        }
        if file_type.is_socket() {
            return "a socket";
        }
        if file_type.is_block_device() || file_type.is_char_device() {
            return "a device";
        }
    }
    if file_type.is_dir() {
        "a folder"
    } else if file_type.is_symlink() {
        "a symbolic link"
    } else if file_type.is_file() {
        "a file"
    } else {
        "something else"
    }
}
