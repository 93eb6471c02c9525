//! Stdout for people; MCP is the only other user of stdout.

use std::io::{self, StdoutLock, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Effects, Style};
use terminal_size::{Width, terminal_size_of};

use crate::environment::Environment;

/// The width of a terminal that does not say how wide it is.
const DEFAULT_WIDTH: usize = 80;
/// Shorter lines cannot hold a table, and longer ones are hard to read.
const WIDTHS: (usize, usize) = (60, 100);

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const BOLD: Style = Style::new().effects(Effects::BOLD);
pub(crate) const FAINT: Style = Style::new().effects(Effects::DIMMED);
pub(crate) const HEADING: Style = coloured(AnsiColor::Blue).effects(Effects::BOLD);
pub(crate) const NAME: Style = coloured(AnsiColor::Yellow).effects(Effects::BOLD);
pub(crate) const GOOD: Style = coloured(AnsiColor::Green);
pub(crate) const BUSY: Style = coloured(AnsiColor::Yellow);
pub(crate) const BAD: Style = coloured(AnsiColor::Red);

const fn coloured(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

/// Parts of a line, each with its style.
pub(crate) type Spans<'a> = &'a [(Style, &'a str)];

/// Prints lines to stdout or another writer, which must understand ANSI styles or strip them.
pub struct Printer<W> {
    out: W,
    /// Columns of the terminal.
    width: usize,
}

impl Printer<AutoStream<StdoutLock<'static>>> {
    /// Prints to stdout: as wide as the terminal or `COLUMNS` says, in colours on a terminal unless
    /// `NO_COLOR` or `TERM` forbids it.
    pub fn stdout(environment: &Environment) -> Self {
        let stated = environment.get("COLUMNS").and_then(|text| text.parse().ok());
        let measured = || terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns.into());
        let width = stated.filter(|columns| *columns > 0).or_else(measured);
        let (least, most) = WIDTHS;
        let width = width.unwrap_or(DEFAULT_WIDTH).clamp(least, most);
        Self::new(AutoStream::auto(io::stdout().lock()), width)
    }
}

impl<W: Write> Printer<W> {
    /// Prints to `out`, which has this many columns.
    pub fn new(out: W, width: usize) -> Self {
        Self { out, width }
    }

    /// Columns of a line.
    pub(crate) fn width(&self) -> usize {
        self.width
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

    /// Prints one line in styles.
    pub(crate) fn spans(&mut self, spans: Spans<'_>) -> io::Result<()> {
        self.line(&rendered(spans))
    }

    /// Prints `start` and `text`, wrapped after spaces and commas where possible; the further lines
    /// are indented by this many columns.
    pub(crate) fn wrapped(
        &mut self,
        start: Spans<'_>,
        text: &str,
        indent: usize,
    ) -> io::Result<()> {
        let mut line = rendered(start);
        let mut used: usize = start.iter().map(|(_, text)| text.chars().count()).sum();
        // Whether a further line would have more room than this one.
        let mut can_break = used > indent;
        for word in text.split_inclusive([' ', ',']) {
            let mut rest = word;
            while used + rest.trim_end().chars().count() > self.width {
                if !can_break {
                    let room = self.width.saturating_sub(used).max(1);
                    let at = rest.char_indices().nth(room).map_or(rest.len(), |(at, _)| at);
                    let (head, tail) = rest.split_at(at);
                    line.push_str(head);
                    rest = tail;
                }
                self.line(line.trim_end())?;
                line = " ".repeat(indent);
                (used, can_break) = (indent, false);
            }
            line.push_str(rest);
            used += rest.chars().count();
            can_break |= !rest.is_empty();
        }
        self.line(line.trim_end())
    }
}

fn rendered(spans: Spans<'_>) -> String {
    let parts = spans.iter().map(|(style, text)| format!("{style}{text}{style:#}"));
    parts.collect()
}

#[cfg(test)]
mod tests {
    use crate::cli::print::{BAD, PLAIN, Printer};

    #[test]
    fn text_is_wrapped_at_the_width_of_the_terminal() {
        let check = |start: &str, text: &str, indent, expected: &[&str]| {
            let mut bytes = Vec::new();
            let mut printer = Printer::new(&mut bytes, 20);
            printer.wrapped(&[(PLAIN, start)], text, indent).unwrap();
            let shown = String::from_utf8(bytes).unwrap();
            assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
        };
        check("  name  ", "one two three four", 8, &["  name  one two", "        three four"]);
        check("  n     ", "", 8, &["  n"]);
        check(
            "> tool ",
            "{\"a\":1,\"b\":2,\"c\":3}",
            4,
            &["> tool {\"a\":1,\"b\":2,", "    \"c\":3}"],
        );
        // A word that fits nowhere is cut, in characters and not in bytes.
        check(
            "  ",
            &"ä".repeat(45),
            4,
            &[
                &format!("  {}", "ä".repeat(18)),
                &format!("    {}", "ä".repeat(16)),
                &format!("    {}", "ä".repeat(11)),
            ],
        );
        check("a start of twenty...", "x", 2, &["a start of twenty...", "  x"]);
    }

    #[test]
    fn styles_take_no_columns() {
        let mut bytes = Vec::new();
        let mut printer = Printer::new(&mut bytes, 20);
        printer.wrapped(&[(BAD, "code:")], " 15 characters.", 2).unwrap();
        let shown = String::from_utf8(bytes).unwrap();
        assert_eq!(shown, "\u{1b}[31mcode:\u{1b}[0m 15 characters.\n");
    }
}
