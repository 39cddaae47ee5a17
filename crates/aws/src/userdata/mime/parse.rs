//! From text to parts.

use super::{Header, MimeError, Part};

/// The parts of a document. What stands before the first and after the last is dropped.
pub(in crate::userdata) fn parse(text: &str) -> Result<Vec<Part>, MimeError> {
    let (headers, body) = headers(text.trim_start())?;
    let content_type = headers
        .iter()
        .find(|header| header.is("Content-Type"))
        .ok_or(MimeError::NoContentType)?;
    let (media, parameters) = content_type
        .value
        .split_once(';')
        .unwrap_or((&content_type.value, ""));
    let media = media.trim();
    if !media.to_ascii_lowercase().starts_with("multipart/") {
        return Err(MimeError::NotMultipart(media.to_owned()));
    }
    let boundary = parameter(parameters, "boundary").ok_or(MimeError::NoBoundary)?;
    split(body, &boundary)?
        .into_iter()
        .map(|part| {
            let (headers, body) = self::headers(part)?;
            let body = body.to_owned();
            Ok(Part { headers, body })
        })
        .collect()
}

/// The headers up to the empty line, and what follows it.
fn headers(text: &str) -> Result<(Vec<Header>, &str), MimeError> {
    let mut headers: Vec<Header> = Vec::new();
    let mut rest = text;
    loop {
        let (line, after) = rest.split_once('\n').ok_or(MimeError::HeadersUnended)?;
        rest = after;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Ok((headers, rest));
        }
        let broken = || MimeError::Header(line.to_owned());
        if line.starts_with([' ', '\t']) {
            let continued = headers.last_mut().ok_or_else(broken)?;
            continued.value.push('\n');
            continued.value.push_str(line.trim_end());
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(broken)?;
        let is_name = |byte: u8| byte.is_ascii_graphic();
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(broken());
        }
        headers.push(Header {
            name: name.to_owned(),
            value: value.trim().to_owned(),
        });
    }
}

/// The value of a parameter of a header; quotes around it are not part of it.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, next) = if let Some(quoted) = after.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        let name = name.trim_matches(|c: char| c == ';' || c.is_whitespace());
        if name.eq_ignore_ascii_case(wanted) {
            return (!value.is_empty()).then_some(value);
        }
        rest = next;
    }
}

/// What stands before the closing quote, and what stands behind it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// What stands between lines of the boundary. The line break before such a line belongs to it.
fn split<'a>(text: &'a str, boundary: &str) -> Result<Vec<&'a str>, MimeError> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut begin = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let after = at + line.len();
        if let Some(rest) = line.strip_prefix(&delimiter) {
            let is_last = rest.starts_with("--") && rest[2..].trim().is_empty();
            if is_last || rest.trim().is_empty() {
                if let Some(begin) = begin {
                    parts.push(without_line_break(&text[begin..at.max(begin)]));
                }
                if is_last {
                    return Ok(parts);
                }
                begin = Some(after);
            }
        }
        at = after;
    }
    Err(MimeError::Unended(boundary.to_owned()))
}

fn without_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
