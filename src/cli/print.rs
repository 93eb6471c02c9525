//! Stdout for people; MCP is the only other user of stdout.

use std::io::{self, Write};

/// Lines are wrapped at this width where possible.
pub const WIDTH: usize = 88;

/// Prints lines to stdout or another writer.
pub struct Printer<W> {
    out: W,
}

impl Printer<io::StdoutLock<'static>> {
    /// Prints to stdout.
    pub fn stdout() -> Self {
        Self::new(io::stdout().lock())
    }
}

impl<W: Write> Printer<W> {
    /// Prints to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Prints one line as it is.
    ///
    /// # Errors
    /// When it cannot be written. A closed pipe is ignored: the reader has seen enough.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        match writeln!(self.out, "{text}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }

    /// Prints `start` and `text`, wrapped after spaces and commas; the further lines are indented
    /// by this many columns.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn wrapped(&mut self, start: &str, text: &str, indent: usize) -> io::Result<()> {
        let mut line = start.to_owned();
        let mut has_words = false;
        for word in text.split_inclusive([' ', ',']) {
            let width = word.trim_end().chars().count();
            if has_words && width > 0 && line.chars().count() + width > WIDTH {
                self.line(line.trim_end())?;
                line = " ".repeat(indent);
            }
            line.push_str(word);
            has_words = true;
        }
        self.line(line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::print::{Printer, WIDTH};

    #[test]
    fn long_texts_are_wrapped_and_indented() {
        let mut bytes = Vec::new();
        let mut printer = Printer::new(&mut bytes);
        let text = "word ".repeat(20);
        printer.wrapped("  name  ", &text, 8).unwrap();
        printer.wrapped("  n     ", "", 8).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("  name  word") && lines[0].len() <= WIDTH);
        assert!(lines[1].starts_with("        word"));
        assert_eq!(lines[2], "  n");
    }
}
