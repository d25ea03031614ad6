//! Decoding faults of whole machines.

use std::time::Duration;

use crate::scenario::{ClockDrift, ClockJump, Dur, Percent, Problem, Reboot};

use super::{
    decode::{Decoder, Fields},
    fault::lasting,
    other::node,
    tree::Tree,
};

/// Less is a restart; the most is a patient person's.
const DOWN: (Dur, Dur) = (Dur(Duration::from_secs(1)), Dur(Duration::from_secs(3600)));

/// Decodes what stands under `reboot`.
pub fn reboot(d: &mut Decoder, tree: &Tree) -> Option<Reboot> {
    let mut f = d.fields(tree, "`reboot`")?;
    let node = node(d, &mut f);
    let down = f
        .need(
            "down",
            "say how long they are without power, such as `down: 20s`",
        )
        .and_then(|tree| {
            let down: Dur = d.scalar(tree, "a duration")?;
            d.within(tree, "a time without power", down, DOWN.0..=DOWN.1)
        });
    d.finish(f);
    Some(Reboot {
        node: node?,
        down: down?,
    })
}

/// Less could not be told from the time that an answer takes.
const JUMP: (Dur, Dur) = (
    Dur(Duration::from_millis(100)),
    Dur(Duration::from_secs(366 * 24 * 3600)),
);
/// Less takes too long to be seen; the most halves the clock's rate.
const DRIFT: (Percent, Percent) = (Percent(0.1), Percent(50.0));

/// Decodes what stands under `clock-jump`.
pub fn clock_jump(d: &mut Decoder, tree: &Tree) -> Option<ClockJump> {
    let mut f = d.fields(tree, "`clock-jump`")?;
    let node = node(d, &mut f);
    let jump = |d: &mut Decoder, f: &mut Fields<'_>, name| {
        let tree = f.get(name)?;
        let jump: Dur = d.scalar(tree, "a duration")?;
        d.within(tree, "a jump", jump, JUMP.0..=JUMP.1)
    };
    let given = f.get("ahead").is_some() != f.get("back").is_some();
    let (ahead, back) = (jump(d, &mut f, "ahead"), jump(d, &mut f, "back"));
    let length = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    one_way(d, tree, given, "write `ahead: 60s` or `back: 60s`")?;
    (ahead.is_some() || back.is_some()).then_some(())?;
    Some(ClockJump {
        node: node?,
        ahead,
        back,
        lasting: length.flatten(),
    })
}

/// Decodes what stands under `clock-drift`.
pub fn clock_drift(d: &mut Decoder, tree: &Tree) -> Option<ClockDrift> {
    let mut f = d.fields(tree, "`clock-drift`")?;
    let node = node(d, &mut f);
    let drift = |d: &mut Decoder, f: &mut Fields<'_>, name| {
        let tree = f.get(name)?;
        let drift: Percent = d.scalar(tree, "a percentage")?;
        d.within(tree, "a drift", drift, DRIFT.0..=DRIFT.1)
    };
    let given = f.get("faster").is_some() != f.get("slower").is_some();
    let (faster, slower) = (drift(d, &mut f, "faster"), drift(d, &mut f, "slower"));
    let length = f.get("for").map(|tree| lasting(d, tree));
    d.finish(f);
    one_way(d, tree, given, "write `faster: 1%` or `slower: 1%`")?;
    (faster.is_some() || slower.is_some()).then_some(())?;
    Some(ClockDrift {
        node: node?,
        faster,
        slower,
        lasting: length.flatten(),
    })
}

/// A clock goes wrong in one way.
fn one_way(d: &mut Decoder, tree: &Tree, given: bool, help: &'static str) -> Option<()> {
    if !given {
        let message = "the clock is to go wrong in one way";
        d.note(Problem::at(tree.place.clone(), message).help(help));
    }
    given.then_some(())
}
