//! One object of a manifest and where it came from.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// Where an object stands, for messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// File as the user named it, `-` for standard input.
    pub file: Arc<str>,
    /// Number of the document in the file, from 1; 0 where there is only one.
    pub document: usize,
    /// Number of the object in a `List`, from 1; 0 where it stands alone.
    pub item: usize,
    /// First line of the document or of the mistake, from 1; 0 where it is not known.
    pub line: usize,
}

impl Origin {
    /// A file, with nothing more known.
    pub fn file(file: &str) -> Self {
        Self {
            file: file.into(),
            document: 0,
            item: 0,
            line: 0,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        match (self.document, self.item) {
            (0, 0) => Ok(()),
            (document, 0) => write!(f, " (document {document})"),
            (0, item) => write!(f, " (item {item})"),
            (document, item) => write!(f, " (document {document}, item {item})"),
        }
    }
}

/// Part of a text that many objects share.
#[derive(Clone, Debug)]
pub struct Slice {
    text: Arc<String>,
    start: usize,
    end: usize,
}

impl Slice {
    /// `part` must be a part of `text`.
    pub(crate) fn of(text: &Arc<String>, part: &str) -> Self {
        let start = part.as_ptr().addr() - text.as_ptr().addr();
        Self {
            text: text.clone(),
            start,
            end: start + part.len(),
        }
    }

    /// The part.
    pub fn as_str(&self) -> &str {
        &self.text[self.start..self.end]
    }
}

/// The text or tree of an object. JSON input is kept as text, since large snapshots are mostly pods
/// and those are decoded straight from their text.
#[derive(Clone, Debug)]
pub enum Body {
    /// The object's JSON text.
    Text(Slice),
    /// The object as a tree.
    Tree(Value),
}

/// One object.
#[derive(Clone, Debug)]
pub struct Object {
    /// Where it stands.
    pub origin: Origin,
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace`, empty where absent.
    pub namespace: String,
    /// `metadata.name`, empty where absent.
    pub name: String,
    /// The whole object.
    pub body: Body,
}

impl Object {
    /// The group of `apiVersion`, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// The object as JSON text.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.body {
            Body::Text(text) => Cow::Borrowed(text.as_str()),
            Body::Tree(tree) => Cow::Owned(tree.to_string()),
        }
    }

    /// The object as a tree.
    pub fn tree(&self) -> Cow<'_, Value> {
        match &self.body {
            // The text was read as JSON once already, so it reads again.
            Body::Text(text) => {
                Cow::Owned(serde_json::from_str(text.as_str()).unwrap_or(Value::Null))
            }
            Body::Tree(tree) => Cow::Borrowed(tree),
        }
    }

    /// `Kind namespace/name`, as messages call the object.
    pub fn title(&self) -> String {
        match self.namespace.as_str() {
            "" => format!("{} {}", self.kind, self.name),
            namespace => format!("{} {namespace}/{}", self.kind, self.name),
        }
    }
}
