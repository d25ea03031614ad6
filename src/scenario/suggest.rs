//! Near misses: which known word a reader most likely meant.

/// The roles by which a step chooses nodes, beside those of shards and regions.
pub const ROLES: &[&str] = &[
    "primary",
    "replica",
    "replicas",
    "old-primary",
    "controller",
    "coordinator",
    "all",
    "primaries",
];

/// The known word that is nearest to `word`, if one is near enough to be worth a question.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase().replace('_', "-");
    let far = (word.chars().count() / 3).max(1);
    let length = word.chars().count();
    known
        .iter()
        // The distance is at least the difference of the lengths; a huge word is not compared at all.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= far)
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The help under an unknown word: the word that was meant, or all that there are.
pub fn help(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there are none here".to_owned(),
        None => format!("known here: {}", list(known)),
    }
}

/// Words in backticks, separated by commas.
pub fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["redundancy-restored", "rto", "rpo"];
        assert_eq!(
            nearest("redundancy_restored", &known),
            Some("redundancy-restored")
        );
        assert_eq!(nearest("rot", &known), Some("rto"));
        assert_eq!(nearest("latency", &known), None);
    }
}
