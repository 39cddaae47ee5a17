//! YAML that people like to read, from JSON. What is *not* here: reading it.

use std::fmt::Write as _;

use serde_json::Value;

/// Writes `key: value` at a depth of indentation.
pub fn entry(text: &mut String, indent: usize, key: &str, value: &Value) {
    let _ = write!(text, "{:indent$}{}:", "", scalar_text(key));
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            for (key, value) in map {
                entry(text, indent + 2, key, value);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            text.push('\n');
            for value in list {
                item(text, indent, value);
            }
        }
        scalar => {
            let _ = writeln!(text, " {}", inline(scalar));
        }
    }
}

/// Writes `- value` at a depth of indentation.
fn item(text: &mut String, indent: usize, value: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut fields = String::new();
            for (key, value) in map {
                entry(&mut fields, indent + 2, key, value);
            }
            let _ = write!(text, "{:indent$}- {}", "", fields.trim_start());
        }
        value => {
            let _ = writeln!(text, "{:indent$}- {}", "", inline(value));
        }
    }
}

/// A value on one line. JSON is YAML, so only plain texts are written differently.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar_text(text),
        other => other.to_string(),
    }
}

/// A text, without quotes where YAML reads it as the same text in any version.
fn scalar_text(text: &str) -> String {
    let words = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "~",
    ];
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./ ()".contains(c))
        && !text.ends_with(' ')
        && !words.contains(&text.to_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

/// Lines of prose, none wider than `width`, each behind `prefix`.
pub fn comment(text: &mut String, prefix: &str, width: usize, prose: &str) {
    let mut line = String::new();
    for word in prose.split_whitespace() {
        if !line.is_empty() && prefix.len() + line.len() + 1 + word.len() > width {
            let _ = writeln!(text, "{prefix}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(text, "{prefix}{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_yaml_would_read_otherwise_are_quoted() {
        assert_eq!(scalar_text("NodePool"), "NodePool");
        assert_eq!(scalar_text("No"), "\"No\"");
        assert_eq!(scalar_text("10%"), "\"10%\"");
        assert_eq!(scalar_text("a: b"), "\"a: b\"");
        assert_eq!(scalar_text(""), "\"\"");
    }

    #[test]
    fn nested_lists_and_maps_keep_their_shape() {
        let value = serde_json::json!({"a": [{"b": [1, 2], "c": {}}], "d": {"e": "x y"}});
        let mut text = String::new();
        for (key, value) in value.as_object().into_iter().flatten() {
            entry(&mut text, 0, key, value);
        }
        assert_eq!(text, "a:\n- b:\n  - 1\n  - 2\n  c: {}\nd:\n  e: x y\n");
    }

    #[test]
    fn prose_is_broken_between_words() {
        let mut text = String::new();
        comment(&mut text, "# ", 12, "one two three four");
        assert_eq!(text, "# one two\n# three four\n");
    }
}
