//! MIME documents of several parts: what cloud-init and nodeadm read.
//!
//! What is *not* here: encodings of parts. Their headers and bodies are handed on as they are.

mod parse;

pub(super) use parse::parse;

/// What stands between parts, unless a part has a line that begins with it.
const BOUNDARY: &str = "//";

/// Why a text is not such a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MimeError {
    /// A line among headers is none.
    #[error("malformed MIME header line {0:?}")]
    Header(String),
    /// No empty line ends the headers.
    #[error("the MIME headers don't end with an empty line")]
    HeadersUnended,
    /// The document does not say what it is.
    #[error("the MIME document has no Content-Type")]
    NoContentType,
    /// The document is something else than several parts.
    #[error("the MIME document is {0:?} and not multipart")]
    NotMultipart(String),
    /// The document does not say what stands between its parts.
    #[error("the Content-Type of the MIME document has no boundary")]
    NoBoundary,
    /// The last part has no end.
    #[error("the MIME document has no line --{0}--")]
    Unended(String),
}

/// A part of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) headers: Vec<Header>,
    pub(super) body: String,
}

/// A header of a part or document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    /// Without the spaces around; lines that continue it are kept.
    pub(super) value: String,
}

impl Part {
    /// A part of one type.
    pub(super) fn new(content_type: &str, body: &str) -> Self {
        Self {
            headers: vec![Header {
                name: "Content-Type".to_owned(),
                value: content_type.to_owned(),
            }],
            body: body.to_owned(),
        }
    }
}

impl Header {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Whether a text wants to be read as a document.
pub(super) fn is_mime(text: &str) -> bool {
    let begin = text.trim_start().as_bytes();
    [&b"MIME-Version:"[..], b"Content-Type:"]
        .iter()
        .any(|header| {
            begin
                .get(..header.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(header))
        })
}

/// The document of these parts. It has no carriage returns, which scripts choke on.
pub(super) fn write(parts: &[Part]) -> String {
    let boundary = boundary(parts);
    let written = parts.iter().map(|part| {
        let headers = part.headers.iter();
        let headers: String = headers
            .flat_map(|header| [&header.name, ": ", &header.value, "\n"])
            .collect();
        format!("--{boundary}\n{headers}\n{}\n", part.body)
    });
    let parts: String = written.collect();
    let text = format!(
        "MIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\n\
         {parts}--{boundary}--\n"
    );
    text.replace('\r', "")
}

/// A boundary that no line of a body begins with.
fn boundary(parts: &[Part]) -> String {
    let is_taken = |boundary: &str| {
        let delimiter = format!("--{boundary}");
        parts
            .iter()
            .flat_map(|part| part.body.split(['\n', '\r']))
            .any(|line| line.starts_with(&delimiter))
    };
    let mut boundary = BOUNDARY.to_owned();
    while is_taken(&boundary) {
        boundary.push('=');
    }
    boundary
}
