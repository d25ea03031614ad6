//! Which routes there are: their words, images, members and settings.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    record::{Member, MemberKind},
    system::{
        Design, Issue, SettingKind, SettingSpec, SystemError,
        settings::{Values, issue},
    },
};

use super::{dns, haproxy, keepalived, nginx};

/// What leads clients to the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A floating address, moved by a Keepalived beside each node.
    Keepalived,
    /// A proxy on a machine of its own, which asks every node.
    HaProxy,
    /// A proxy whose configuration an operator changes.
    Nginx,
    /// A name, whose record an operator changes.
    Dns,
}

/// Settings of every route.
const COMMON: [SettingSpec; 3] = [
    SettingSpec {
        name: "check-interval",
        kind: SettingKind::Duration,
        default: "1s",
        help: "how often the route asks a node whether it is primary, whole seconds (Keepalived: `vrrp_script`, `interval`; HAProxy: `inter`); Keepalived's default",
    },
    SettingSpec {
        name: "check-fall",
        kind: SettingKind::Count,
        default: "2",
        help: "how many answers of `no` in a row make the route leave a node (`fall`); Keepalived's own default is 1, its examples show 2, HAProxy's default is 3",
    },
    SettingSpec {
        name: "check-rise",
        kind: SettingKind::Count,
        default: "1",
        help: "how many answers of `yes` in a row let it lead there (`rise`); Keepalived's default, HAProxy's is 2",
    },
];

impl Kind {
    /// All of them.
    const ALL: [Self; 4] = [Self::Keepalived, Self::HaProxy, Self::Nginx, Self::Dns];

    /// What this word stands for.
    pub fn of(route: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == route)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keepalived => keepalived::ROUTE,
            Self::HaProxy => haproxy::ROUTE,
            Self::Nginx => nginx::ROUTE,
            Self::Dns => dns::ROUTE,
        }
    }

    /// The image of its nodes.
    pub fn image(self) -> &'static str {
        match self {
            Self::Keepalived => keepalived::IMAGE,
            Self::HaProxy => haproxy::IMAGE,
            Self::Nginx => nginx::IMAGE,
            Self::Dns => dns::IMAGE,
        }
    }

    /// Whether this is the image of a route's nodes, which no script of a system's starts.
    pub fn is_image(reference: &str) -> bool {
        Self::ALL.iter().any(|kind| kind.image() == reference)
    }

    /// Its node, where it has one on a machine of its own.
    pub(super) fn node(self) -> Option<&'static str> {
        match self {
            Self::Keepalived => None,
            Self::HaProxy => Some(haproxy::NODE),
            Self::Nginx => Some(nginx::NODE),
            Self::Dns => Some(dns::NODE),
        }
    }

    /// The members that a design on it has besides those that hold data.
    fn members(self, data: &[Member]) -> Vec<Member> {
        let alone = |node| vec![Member::alone(node, MemberKind::Route, self.image())];
        self.node().map_or_else(|| keepalived::members(data), alone)
    }

    /// Its settings.
    pub fn settings(self) -> Vec<SettingSpec> {
        match self {
            Self::Keepalived => [&COMMON[..], &keepalived::SETTINGS].concat(),
            Self::HaProxy => COMMON.to_vec(),
            Self::Nginx => Vec::new(),
            Self::Dns => dns::SETTINGS.to_vec(),
        }
    }

    /// Every route's settings.
    pub fn all_settings() -> Vec<SettingSpec> {
        [&COMMON[..], &keepalived::SETTINGS, &dns::SETTINGS].concat()
    }

    /// How often it looks at the nodes, or its clients look at it.
    pub(super) fn period(self, values: Values<'_>) -> Result<Duration, SystemError> {
        match self {
            Self::Keepalived | Self::HaProxy => values.duration("check-interval"),
            Self::Nginx => Ok(Duration::ZERO),
            Self::Dns if values.word("resolver") == "forever" => Ok(Duration::ZERO),
            Self::Dns => values.duration("record-ttl"),
        }
    }

    /// Adds it to a design whose settings were filled with its own: its members and its image.
    pub fn join(self, design: &mut Design) {
        design.route = self.word();
        let more = self.members(&design.members);
        design.members.extend(more);
        design.images.push(self.image().into());
    }

    /// What is wrong with its settings, if anything is: name, words, help.
    fn problem(self, values: Values<'_>) -> Option<(&'static str, &'static str, &'static str)> {
        let advert = values.duration("advert-interval");
        if self == Self::Keepalived && advert.is_ok_and(|it| it < Duration::from_millis(10)) {
            let message = "VRRP counts hundredths of a second";
            return Some(("advert-interval", message, "give `10ms` or more"));
        }
        let seconds = values.duration("check-interval");
        if seconds.is_ok_and(|it| it.is_zero() || it.subsec_nanos() > 0) {
            let message = "Keepalived counts whole seconds";
            return Some(("check-interval", message, "for instance `1s`"));
        }
        let ttl = values.duration("record-ttl");
        if ttl.is_ok_and(|it| it.subsec_nanos() > 0) {
            return Some((
                "record-ttl",
                "DNS counts whole seconds",
                "for instance `30s`",
            ));
        }
        let zero = |name: &&'static str| values.count(name).is_ok_and(|count| count == 0);
        let zero = ["check-fall", "check-rise"].into_iter().find(zero);
        zero.map(|name| (name, "it is 0", "give at least 1"))
    }
}

/// What is wrong with the settings of routes that were given, in a design on this route of ours or on none of them.
pub fn issues(given: &BTreeMap<String, String>, kind: Option<Kind>, design: &Design) -> Vec<Issue> {
    let own = kind.map(Kind::settings).unwrap_or_default();
    let foreign = Kind::all_settings().into_iter().filter(|setting| {
        let has = own.iter().any(|one| one.name == setting.name);
        !has && given.contains_key(setting.name)
    });
    let words = Kind::ALL.map(Kind::word).join("`, `");
    let foreign = foreign.map(|setting| {
        let message = format!("it has no meaning on the route `{}`", design.route);
        let help = format!("remove it, or choose a `route` that has it (`{words}`)");
        issue(setting.name, message, help)
    });
    let problem = kind.and_then(|kind| kind.problem(Values::of(design)));
    let problem = problem.map(|(name, message, help)| issue(name, message, help));
    foreign.chain(problem).collect()
}
