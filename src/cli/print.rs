//! What commands for people print: the one way to stdout beside MCP.

use std::io::{self, Write};

/// Widest line that is printed, where it can be helped.
const WIDTH: usize = 96;

/// Prints lines to stdout, or to whatever takes bytes.
pub struct Printer<W> {
    out: W,
}

impl Printer<io::StdoutLock<'static>> {
    /// Prints to stdout.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout().lock())
    }
}

impl<W: Write> Printer<W> {
    /// Prints to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// A line as it is.
    ///
    /// # Errors
    /// When it cannot be written. A reader that has gone away is none: it has seen enough.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        match writeln!(self.out, "{text}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// `name`, filled up to `columns`, and `text` beside it in as many lines as it needs.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn entry(&mut self, name: &str, columns: usize, text: &str) -> io::Result<()> {
        let mut line = format!("  {name:<columns$}");
        let indent = columns + 2;
        let mut filled = false;
        for word in text.split_inclusive(' ') {
            let width = line.chars().count() + word.trim_end().chars().count();
            if filled && width > WIDTH {
                self.line(line.trim_end())?;
                line = " ".repeat(indent);
            }
            line.push_str(word);
            filled = true;
        }
        self.line(line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::print::Printer;

    #[test]
    fn long_texts_stay_beside_their_name() {
        let mut bytes = Vec::new();
        let mut printer = Printer::new(&mut bytes);
        printer.entry("name", 6, &"word ".repeat(20)).unwrap();
        printer.entry("n", 6, "").unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].starts_with("  name  word") && lines[0].len() <= 96);
        assert!(lines[1].starts_with("        word"));
        assert_eq!(lines[2], "  n");
    }
}
