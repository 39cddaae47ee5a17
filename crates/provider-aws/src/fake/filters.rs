//! Which things match the filters of a Describe call.

use aws::Tags;
use aws::ec2::Filter;

/// Whether a thing with these tags matches; `field` gives what a filter that is not about tags
/// looks at, none if the thing has no such field (which then does not match).
pub(super) fn matches<'a>(
    filters: &[Filter],
    tags: &Tags,
    field: impl Fn(&str) -> Option<&'a str>,
) -> bool {
    filters.iter().all(|filter| {
        let any = |text: &str| filter.values.iter().any(|value| like(value, text));
        if filter.name == "tag-key" {
            return tags.keys().any(|key| any(key));
        }
        match filter.name.strip_prefix("tag:") {
            Some(key) => tags.get(key).is_some_and(|value| any(value)),
            None => field(&filter.name).is_some_and(any),
        }
    })
}

/// Whether a text is like a pattern with `*` and `?`.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    // For each length of the text, whether the pattern so far covers it.
    let mut covers = vec![false; text.len() + 1];
    covers[0] = true;
    for symbol in pattern {
        let before = covers.clone();
        let mut reached = false;
        for at in 0..=text.len() {
            reached |= before[at];
            covers[at] = match symbol {
                b'*' => reached,
                b'?' => at > 0 && before[at - 1],
                byte => at > 0 && before[at - 1] && text[at - 1] == *byte,
            };
        }
    }
    covers[text.len()]
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn stars_stand_for_anything_and_question_marks_for_one() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("abc", "abcd", false),
            ("*-x86_64-*", "node-x86_64-1.30", true),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }
}
