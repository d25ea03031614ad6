//! What was done: the beginning of a run's sentence.

use std::sync::LazyLock;

use crate::scenario::FAULTS;

/// English and Chinese; `{}` is a gap, `{0}` the first gap's text.
pub const DEEDS: &[(&str, &str)] = &[
    (
        "The primary was moved in the planned way (from the primary {})",
        "按计划切换主节点（原主节点 {0}）",
    ),
    (
        "The primary was moved back in the planned way (from the primary {})",
        "按计划回切主节点（原主节点 {0}）",
    ),
    (
        "{} stopped without leaving its group",
        "{0} 未退出消费者组即停止",
    ),
    ("{} left its group", "{0} 退出消费者组"),
];

/// The same of every fault: of the primary, of another node, of several. Longer sentences come first, as a gap takes any words.
pub static FAULT_DEEDS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let victims = [
        ("the primary {}", false, "主节点 {0}"),
        ("{}", false, "{0}"),
        ("{}", true, "{0}"),
    ];
    let of = |(english, several, chinese): (&'static str, bool, &'static str)| {
        FAULTS.iter().map(move |facts| {
            let said = capital(&facts.was_done(english, several));
            // Between a Chinese word and a node's name there is a blank, between two Chinese words none.
            let joined = chinese
                .starts_with('主')
                .then(|| facts.past_chinese.replace(" {victims}", "{victims}"));
            let past = joined.unwrap_or_else(|| facts.past_chinese.to_owned());
            (said, past.replace("{victims}", chinese))
        })
    };
    let mut deeds: Vec<(String, String)> = victims.into_iter().flat_map(of).collect();
    deeds.sort_by_key(|(english, _)| std::cmp::Reverse(english.len()));
    deeds.dedup();
    deeds
});

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
