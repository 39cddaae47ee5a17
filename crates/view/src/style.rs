//! Colours, used on a terminal only.

use std::io::IsTerminal as _;

/// Whether output carries colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text only: files, pipes, `NO_COLOR`.
    Plain,
    /// ANSI colours.
    Colour,
}

/// What a piece of text means; each meaning has one colour everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Headings.
    Title,
    /// Something came: nodes, pods that run.
    Good,
    /// Something went or waits.
    Warn,
    /// Something failed.
    Bad,
    /// Names and numbers to look at.
    Name,
    /// Side remarks.
    Dim,
}

impl Style {
    /// The style for standard output: colours on a terminal unless `NO_COLOR` is set to something.
    pub fn for_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if wanted && std::io::stdout().is_terminal() {
            Self::Colour
        } else {
            Self::Plain
        }
    }

    /// The style for standard error.
    pub fn for_stderr() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if wanted && std::io::stderr().is_terminal() {
            Self::Colour
        } else {
            Self::Plain
        }
    }

    /// `text` in the colour of its meaning.
    pub fn paint(self, paint: Paint, text: &str) -> String {
        if self == Self::Plain || text.is_empty() {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Title => "1",
            Paint::Good => "32",
            Paint::Warn => "33",
            Paint::Bad => "1;31",
            Paint::Name => "36",
            Paint::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
