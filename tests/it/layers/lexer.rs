//! Enough of Rust's lexical grammar to tell paths and string literals from comments.

use std::{iter::Peekable, str::Chars};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// An identifier, a keyword or a number.
    Word(String),
    /// The text of a string literal.
    Text(String),
    /// `::`
    PathSeparator,
    /// Any other single character.
    Mark(char),
}

/// A token and the line it begins on, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) line: usize,
    pub(crate) token: Token,
}

impl Located {
    pub(crate) fn is(&self, mark: char) -> bool {
        self.token == Token::Mark(mark)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match &self.token {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }
}

pub(crate) fn tokens(source: &str) -> Vec<Located> {
    let mut lexer = Lexer { rest: source.chars().peekable(), line: 1 };
    let mut tokens = Vec::new();
    loop {
        let Some(next) = lexer.rest.peek().copied() else {
            return tokens;
        };
        let line = lexer.line;
        if let Some(token) = lexer.token(next) {
            tokens.push(Located { line, token });
        }
    }
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
}

impl Lexer<'_> {
    fn bump(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    fn bump_if(&mut self, expected: char) -> bool {
        let matches = self.rest.peek() == Some(&expected);
        if matches {
            self.bump();
        }
        matches
    }

    fn bump_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(next) = self.rest.peek().copied().filter(|next| keep(*next)) {
            text.push(next);
            self.bump();
        }
        text
    }

    /// The token that begins with `first`; `None` for white space, comments, lifetimes and
    /// character literals.
    fn token(&mut self, first: char) -> Option<Token> {
        if first.is_alphanumeric() || first == '_' {
            let word = self.bump_while(|c| c.is_alphanumeric() || c == '_');
            return Some(self.after_word(word));
        }
        self.bump();
        match first {
            '"' => Some(Token::Text(self.escaped())),
            '\'' => self.quote(),
            '/' if self.bump_if('/') => {
                self.bump_while(|c| c != '\n');
                None
            }
            '/' if self.bump_if('*') => self.block_comment(),
            ':' if self.bump_if(':') => Some(Token::PathSeparator),
            space if space.is_whitespace() => None,
            mark => Some(Token::Mark(mark)),
        }
    }

    /// A word may be the prefix of a literal or of a raw identifier.
    fn after_word(&mut self, word: String) -> Token {
        match (word.as_str(), self.rest.peek()) {
            ("b" | "c", Some('"')) => {
                self.bump();
                Token::Text(self.escaped())
            }
            ("r" | "br" | "cr", Some('"' | '#')) => {
                let hashes = self.bump_while(|c| c == '#').len();
                if self.bump_if('"') {
                    Token::Text(self.raw(hashes))
                } else {
                    Token::Word(self.bump_while(|c| c.is_alphanumeric() || c == '_'))
                }
            }
            _ => Token::Word(word),
        }
    }

    fn escaped(&mut self) -> String {
        let mut text = String::new();
        while let Some(next) = self.bump().filter(|next| *next != '"') {
            match next {
                '\\' => match self.bump() {
                    Some('\n') => drop(self.bump_while(char::is_whitespace)),
                    Some('n' | 'r' | 't') => text.push(' '),
                    Some(other) => text.push(other),
                    None => {}
                },
                other => text.push(other),
            }
        }
        text
    }

    fn raw(&mut self, hashes: usize) -> String {
        let mut text = String::new();
        while let Some(next) = self.bump() {
            text.push(next);
            if next == '#' || next == '"' {
                let end = format!("\"{}", "#".repeat(hashes));
                if text.ends_with(&end) {
                    text.truncate(text.len() - end.len());
                    break;
                }
            }
        }
        text
    }

    /// A character literal or a lifetime: only the former has a quote after one character.
    fn quote(&mut self) -> Option<Token> {
        if self.bump()? == '\\' {
            self.bump();
            self.bump_while(|c| c != '\'');
            self.bump();
        } else if !self.bump_if('\'') {
            self.bump_while(|c| c.is_alphanumeric() || c == '_');
        }
        None
    }

    fn block_comment(&mut self) -> Option<Token> {
        let mut depth = 1;
        while depth > 0 {
            match self.bump()? {
                '*' if self.bump_if('/') => depth -= 1,
                '/' if self.bump_if('*') => depth += 1,
                _ => {}
            }
        }
        None
    }
}
