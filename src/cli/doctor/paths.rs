//! Whether the places that are to be written to can be written to. Nothing is left behind.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use crate::{cli::doctor::Check, config::Config};

/// The places this configuration names.
fn places(config: &Config) -> [(&'static str, Option<&Path>); 2] {
    [
        ("export folder", config.app.export_dir.as_deref()),
        ("audit log", config.app.audit_log.as_deref()),
    ]
}

pub(crate) fn settings(config: &Config) -> impl Iterator<Item = (&'static str, String)> {
    places(config).into_iter().map(|(name, place)| {
        (
            name,
            place.map_or_else(|| "none".to_owned(), |path| path.display().to_string()),
        )
    })
}

pub(crate) fn checks(config: &Config) -> impl Iterator<Item = Check> {
    places(config).into_iter().filter_map(|(name, place)| {
        let place = place?;
        let tried = match name {
            "audit log" => can_append(place),
            _ => can_fill(place),
        };
        Some(match tried {
            Ok(()) => Check::ok(name, format!("{} can be written", place.display())),
            Err(error) => unwritable(name, place, &error),
        })
    })
}

/// What a tool call would fail with.
fn unwritable(name: &'static str, place: &Path, error: &io::Error) -> Check {
    let (code, next) = match name {
        "audit log" => (
            "audit_failed",
            "check --audit-log, the file's folder and its permissions",
        ),
        _ => (
            "export_failed",
            "make the folder of --export-dir, writable and with space left: exports do not make it",
        ),
    };
    let line = format!(
        "{code}: {} cannot be written: {error}. Next: {next}.",
        place.display()
    );
    Check::failed(name, line, &serde_json::json!({"code": code, "next": next}))
}

/// Whether files can be made in this folder. One that is missing is not made: a misspelt path
/// would otherwise be filled in silence.
fn can_fill(folder: &Path) -> io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

/// Whether this file can be appended to, or made.
fn can_append(file: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().append(true).open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = file.parent().filter(|folder| *folder != Path::new(""));
            tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(drop)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::doctor::paths::{ErrorKind, can_append, can_fill, fs, io};

    #[test]
    fn writing_is_tried_and_leaves_nothing_behind() {
        let kind = |tried: io::Result<()>| tried.map_err(|error| error.kind());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let missing = Err(ErrorKind::NotFound);
        assert_eq!(kind(can_fill(folder.path())), Ok(()));
        assert_eq!(
            kind(can_fill(&folder.path().join("not/there/yet"))),
            missing
        );
        assert_eq!(kind(can_append(&file)), Ok(()));
        assert_eq!(kind(can_append(&folder.path().join("not/there"))), missing);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::write(&file, "x").unwrap();
        assert_eq!(kind(can_append(&file)), Ok(()));
        #[cfg(unix)]
        assert_eq!(kind(can_fill(&file)), Err(ErrorKind::NotADirectory));
        assert_eq!(fs::read_to_string(&file).unwrap(), "x");
    }
}
