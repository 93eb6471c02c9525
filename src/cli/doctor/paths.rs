//! Checks that exports and the audit log can be written. Nothing is left behind.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use crate::{
    app::regular_file::open_existing,
    cli::doctor::report::{Check, Status},
};

pub(crate) fn export_folder(folder: &Path) -> Check {
    check(
        "export folder",
        folder,
        can_create_in(folder),
        "export_failed",
        "make the folder of --export-dir, writable and with space left: exports do not make it",
    )
}

pub(crate) fn audit_log(file: &Path) -> Check {
    check(
        "audit log",
        file,
        can_append(file),
        "audit_failed",
        "check --audit-log, the file's folder and its permissions",
    )
}

/// Reports an error as the tools do, with the code and the next step of their failure.
fn check(name: &'static str, path: &Path, result: io::Result<()>, code: &str, next: &str) -> Check {
    let path = path.display();
    let Err(error) = result else {
        return Check::new(name, Status::Ok, format!("{path} can be written"));
    };
    let detail = format!("{code}: {path} cannot be written: {error}. Next: {next}.");
    Check {
        code: Some(code.to_owned()),
        next: Some(next.to_owned()),
        ..Check::new(name, Status::Failed, detail)
    }
}

/// Does not create a missing folder: with a misspelt path, nobody would notice.
fn can_create_in(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

fn can_append(file: &Path) -> io::Result<()> {
    match open_existing(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = file.parent().filter(|folder| *folder != Path::new(""));
            can_create_in(folder.unwrap_or(Path::new(".")))
        }
        opened => opened.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::cli::doctor::paths::{ErrorKind, can_append, can_create_in, io};

    #[test]
    fn writing_is_tried_and_leaves_nothing_behind() {
        let kind = |result: io::Result<()>| result.map_err(|error| error.kind());
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let file = path("file");
        let missing = Err(ErrorKind::NotFound);
        assert_eq!(kind(can_create_in(folder.path())), Ok(()));
        assert_eq!(kind(can_create_in(&path("not/there/yet"))), missing);
        assert_eq!(kind(can_append(&file)), Ok(()));
        assert_eq!(kind(can_append(&path("not/there"))), missing);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::write(&file, "x").unwrap();
        assert_eq!(kind(can_append(&file)), Ok(()));
        // A pipe that nobody reads would be waited for.
        #[cfg(unix)]
        {
            let made = std::process::Command::new("mkfifo").arg(path("pipe")).status();
            assert!(made.unwrap().success());
            for name in ["pipe", "."] {
                assert_eq!(kind(can_append(&path(name))), Err(ErrorKind::InvalidInput), "{name}");
            }
        }
        #[cfg(unix)]
        assert_eq!(kind(can_create_in(&file)), Err(ErrorKind::NotADirectory));
        assert_eq!(fs::read_to_string(&file).unwrap(), "x");
    }
}
