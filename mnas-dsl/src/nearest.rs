//! The known word nearest to what was typed.

/// Longer words are not typing errors of ours, and comparing them would cost time.
const MAX_LENGTH: usize = 32;

/// The nearest of `known` to `word`, if it is near enough to have been meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(MAX_LENGTH + 1).collect();
    if word.len() > MAX_LENGTH {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.chars().collect::<Vec<_>>()), candidate))
        .filter(|&(distance, candidate)| distance <= candidate.len().max(word.len()).div_ceil(3))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (previous[j] + usize::from(x != y)).min(previous[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut previous, row);
    }
    previous.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let keys = ["kernel", "stride", "filters", "layers", "expand", "se", "skip"];
        assert_eq!(nearest("kernal", keys), Some("kernel"));
        assert_eq!(nearest("stirde", keys), Some("stride"));
        assert_eq!(nearest("filter", keys), Some("filters"));
        assert_eq!(nearest("zebra", keys), None);
        assert_eq!(nearest(&"k".repeat(1_000_000), keys), None);
    }
}
