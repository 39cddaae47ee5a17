//! The known name that somebody may have meant.

/// The nearest of the known names, if one is near: another spelling of the same letters, or at
/// most a third of the letters wrong.
pub(super) fn of<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let wanted = plain(text);
    let ranked = known
        .into_iter()
        .map(|name| (distance(&wanted, &plain(name)), name));
    let (distance, name) = ranked.min()?;
    (distance <= wanted.chars().count().max(3) / 3).then_some(name)
}

/// How many letters must be put in, taken out or changed, or neighbours swapped, to get from one
/// text to the other (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let change = usize::from(from[i - 1] != to[j - 1]);
            let mut least = (rows[i - 1][j] + 1)
                .min(row[j - 1] + 1)
                .min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}
