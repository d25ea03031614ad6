//! Defects that a reference node can be told to have: the planted truths that drdrill must find.

use std::{fmt, str::FromStr, time::Duration};

/// One planted defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// None: the store is sound.
    None,
    /// On promotion, the new primary forgets this many of its newest elements.
    Lose(u64),
    /// On promotion, the new primary forgets one element and keeps those after it.
    Hole,
    /// Every element whose number is a multiple of this is applied twice.
    Twice(u64),
    /// Reads of a lane answer with what was there this long ago.
    Stale(Duration),
    /// A deposed primary takes writes for this long before it notices.
    TwoPrimaries(Duration),
    /// The winner of an election waits this long before it takes writes.
    SlowPromotion(Duration),
    /// On promotion, the new primary holds one element whose checksum is wrong.
    Corrupt,
    /// On promotion, the new primary holds one element that nobody wrote.
    Phantom,
    /// The element of this number is refused, in every lane, and yet applied.
    Resurrect(u64),
    /// The primary acknowledges this many elements and does not keep them: those from the hundredth on whose
    /// number is a multiple of ten.
    Drop(u64),
    /// A follower drops elements whose number is a multiple of this: it differs for good.
    Diverge(u64),
    /// The primary's clock steps ahead by this while clients write.
    ClockStep(Duration),
    /// A restore leaves out this many elements of before the point, and does not say so.
    Forget(u64),
    /// A restore brings back this many elements of more than a second after the point.
    Beyond(u64),
    /// A restore takes this much longer to apply the log.
    SlowRestore(Duration),
}

impl FromStr for Defect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, amount) = text.split_once('=').unwrap_or((text, "1"));
        let wrong = || format!("unknown defect `{text}`");
        let number: u64 = amount.parse().map_err(|_| wrong())?;
        let time = Duration::from_millis(number);
        Ok(match name {
            "none" => Self::None,
            "lose" => Self::Lose(number),
            "hole" => Self::Hole,
            "twice" => Self::Twice(number.max(1)),
            "stale" => Self::Stale(time),
            "two-primaries" => Self::TwoPrimaries(time),
            "slow-promotion" => Self::SlowPromotion(time),
            "corrupt" => Self::Corrupt,
            "phantom" => Self::Phantom,
            "resurrect" => Self::Resurrect(number),
            "drop" => Self::Drop(number),
            "diverge" => Self::Diverge(number.max(1)),
            "clock-step" => Self::ClockStep(time),
            "forget" => Self::Forget(number),
            "beyond" => Self::Beyond(number),
            "slow-restore" => Self::SlowRestore(time),
            _ => return Err(wrong()),
        })
    }
}

impl Defect {
    /// The names that `defect` takes in a scenario.
    pub const NAMES: &'static [&'static str] = &[
        "none",
        "lose",
        "hole",
        "twice",
        "stale",
        "two-primaries",
        "slow-promotion",
        "corrupt",
        "phantom",
        "resurrect",
        "drop",
        "diverge",
        "clock-step",
        "forget",
        "beyond",
        "slow-restore",
    ];

    /// Whether it is one of restores.
    pub fn of_restores(self) -> bool {
        matches!(
            self,
            Self::Forget(_) | Self::Beyond(_) | Self::SlowRestore(_)
        )
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Lose(n) => write!(f, "lose={n}"),
            Self::Hole => f.write_str("hole"),
            Self::Twice(n) => write!(f, "twice={n}"),
            Self::Stale(time) => write!(f, "stale={}", time.as_millis()),
            Self::TwoPrimaries(time) => write!(f, "two-primaries={}", time.as_millis()),
            Self::SlowPromotion(time) => write!(f, "slow-promotion={}", time.as_millis()),
            Self::Corrupt => f.write_str("corrupt"),
            Self::Phantom => f.write_str("phantom"),
            Self::Resurrect(n) => write!(f, "resurrect={n}"),
            Self::Drop(n) => write!(f, "drop={n}"),
            Self::Diverge(n) => write!(f, "diverge={n}"),
            Self::ClockStep(time) => write!(f, "clock-step={}", time.as_millis()),
            Self::Forget(n) => write!(f, "forget={n}"),
            Self::Beyond(n) => write!(f, "beyond={n}"),
            Self::SlowRestore(time) => write!(f, "slow-restore={}", time.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_printed() {
        for name in Defect::NAMES {
            let defect: Defect = format!("{name}=7").parse().expect("a known name");
            let again: Defect = defect.to_string().parse().expect("what was printed");
            assert_eq!(again, defect);
        }
        assert!("explode".parse::<Defect>().is_err());
    }
}
