//! A Redis stack that somebody else set up: met as it is, held against what the file says of it, and left without our keys.

use std::time::Duration;

use redis::{ErrorKind, aio::MultiplexedConnection};

use crate::{
    id::{NodeName, RunId},
    record::{Member, MemberKind, Setting},
    scenario::{Attach, Dur, SystemSpec},
    system::{
        Deploy, Design, Issue, SystemError, proxied,
        reserve::reserve,
        roster::{Roster, Seat, sole},
        settings::{Values, issue},
        wait::until,
    },
};

use super::{
    deploy::{PORT, SENTINEL_PORT},
    design::{REPLICAS, SETTINGS},
    dump::names,
    link::{Login, command},
    ready,
    running::{Led, RedisStack, Ways, status},
    sentinel::{Fields, Watched},
    status::Status,
};

/// The longest wait for one answer: the servers may be busy with others.
const ASK_LIMIT: Duration = Duration::from_secs(2);
/// The longest time for removing keys.
const REMOVE_LIMIT: Duration = Duration::from_secs(60);
/// How long sentinels may take to agree about the primary, and how often they are asked.
const SETTLED: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(500);
/// How many keys are removed at a time.
const CHUNK: usize = 64;
/// The keys of all runs.
const EVERY_RUN: &str = "drdrill:*";

/// What a file may say of a running stack's settings, and under which name the servers have it.
const HELD: [(&str, &str); 6] = [
    ("down-after", "down-after-milliseconds"),
    ("failover-timeout", "failover-timeout"),
    ("quorum", "quorum"),
    ("parallel-syncs", "parallel-syncs"),
    ("min-replicas-to-write", "min-replicas-to-write"),
    ("min-replicas-max-lag", "min-replicas-max-lag"),
];

/// The stack as the file names it. Its settings are those that the file states, and no defaults: the servers have theirs.
pub fn design(
    spec: &SystemSpec,
    found: &Attach,
    watched: bool,
    asked: Option<&str>,
) -> Result<Design, Vec<Issue>> {
    let member = |name: &String, kind| Member {
        name: NodeName::new(name.clone()),
        kind,
        address: String::new(),
        host: name.clone(),
        image: String::new(),
    };
    let data = found.data.iter().map(|name| member(name, MemberKind::Data));
    let control = found
        .control
        .iter()
        .map(|name| member(name, MemberKind::Control));
    let own = if watched { "sentinel" } else { "direct" };
    let stated = SETTINGS.iter().filter_map(|setting| {
        let value = spec.settings.get(setting.name)?;
        Some((setting.name, value.clone()))
    });
    let design = Design {
        topology: if watched { "sentinel" } else { REPLICAS },
        route: own,
        members: data.chain(control).collect(),
        settings: stated.collect(),
        images: Vec::new(),
    };
    let mut issues = unheld(&design);
    let here = |key: &str, message: &str, help: &str| Issue {
        path: vec!["attach".into(), key.into()],
        message: message.into(),
        help: help.into(),
    };
    if !(2..=5).contains(&found.data.len()) {
        let help = "name the primary and its replicas, 2 to 5 together";
        issues.push(here("data", "a drill needs a primary and a replica", help));
    }
    match (watched, found.control.len()) {
        (true, 0) => {
            let help = "name them, or write `topology: replicas` where there are none";
            issues.push(here("control", "there are no sentinels", help));
        }
        (false, 1..) => {
            let help = "write `topology: sentinel`, or remove the key";
            issues.push(here("control", "without Sentinel nothing watches", help));
        }
        _ => {}
    }
    if let Some(route) = asked.filter(|route| *route != own) {
        issues.push(Issue {
            path: vec!["attach".into()],
            message: format!("clients cannot go by `{route}` to containers that run already"),
            help: format!("choose `route: {own}` below `clients`, or leave it out"),
        });
    }
    match issues.is_empty() {
        true => Ok(design),
        false => Err(issues),
    }
}

/// Settings that cannot be read back from servers.
fn unheld(design: &Design) -> Vec<Issue> {
    let unknown = |name: &&&str| HELD.iter().all(|(held, _)| *held != **name);
    let names = design.settings.keys();
    let told = |name: &&str| {
        let message = "it cannot be read back from servers that run already";
        issue(name, message, "remove it: the servers have their own")
    };
    names.filter(unknown).map(told).collect()
}

/// Meets the stack: who is who by what the servers say, replication proven flowing, settings as the file states them.
pub async fn attach(
    system: &'static str,
    design: &Design,
    deploy: Deploy,
) -> Result<RedisStack, SystemError> {
    let members = reserve(design, &deploy, |member| match member.kind {
        MemberKind::Control => SENTINEL_PORT,
        MemberKind::Data => PORT,
        MemberKind::Route | MemberKind::Store => proxied::PORT,
    })
    .await?;
    let roster = Roster::new(&members)?;
    deploy.emitter.note("asking the servers who they are");
    let data = Login::of(deploy.logins.data.as_deref());
    let control = Login::of(deploy.logins.control.as_deref());
    let mut met = Vec::new();
    for seat in roster.data().chain(roster.of(MemberKind::Control)) {
        let login = match seat.kind {
            MemberKind::Control => &control,
            _ => &data,
        };
        met.push(is_what_it_should_be(seat, login).await?);
    }
    let asked = roster.data().map(|seat| {
        let data = &data;
        async move { (seat, status(data, seat.address).await) }
    });
    let statuses = futures_util::future::join_all(asked).await;
    let says_primary = |(seat, status): &(&Seat, Option<Status>)| {
        let primary = status.as_ref().is_some_and(|status| status.primary);
        primary.then(|| seat.name.clone())
    };
    let primaries: Vec<NodeName> = statuses.iter().filter_map(says_primary).collect();
    let primary = sole(&primaries)?;
    let named = || async {
        let named = master(&roster, &primary, &control).await;
        named.map_err(|error| error.to_string())
    };
    // After a failover of late sentinels may still tell of different primaries.
    let master = until(SETTLED, AGAIN, named).await;
    let watched = Watched {
        master: master.map_err(SystemError::Refused)?,
        control,
        data,
    };
    let led = Led {
        primary,
        watched,
        attached: true,
    };
    let runtime = (deploy.runtime.clone(), led);
    let mut stack = RedisStack::new(system, members, roster, Ways::default(), runtime, design)?;
    // Held by this run alone, so any other run's keys are a dead one's.
    remove_data(&stack, EVERY_RUN).await?;
    let fit = match ready::prove(&mut stack).await {
        Ok(()) => differences(&stack.stack.effective, Values::of(design)),
        Err(error) => Err(error),
    };
    if let Err(error) = fit {
        // What proved replication is left to nobody; that the drill cannot be is said first.
        let _ = remove_data(&stack, EVERY_RUN).await;
        return Err(error);
    }
    stack.stack.ready.extend(met);
    Ok(stack)
}

/// That a server is a sentinel or holds data, as the file says; what it says of itself.
async fn is_what_it_should_be(seat: &Seat, login: &Login) -> Result<String, SystemError> {
    let name = &seat.name;
    let refused =
        |why: String| SystemError::Refused(format!("`{name}` at {}: {why}", seat.address));
    let info: Result<String, _> = login
        .ask(seat.address, &command(&["INFO", "server"]), ASK_LIMIT)
        .await;
    let key = match seat.kind {
        MemberKind::Control => "control-login",
        _ => "login",
    };
    let info = info.map_err(|error| {
        refused(match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) => {
                format!("it does not take the password that `{key}` names")
            }
            (_, Some("NOAUTH")) => format!(
                "it asks for a password: say where that is by `{key}: env:NAME` below `attach`"
            ),
            _ => format!(
                "it does not answer as Redis: {}",
                first_sentence(&error.to_string())
            ),
        })
    })?;
    let mode = info
        .lines()
        .find_map(|line| line.strip_prefix("redis_mode:"));
    let mode = mode.unwrap_or_default().trim();
    let wanted = match seat.kind {
        MemberKind::Control => "sentinel",
        _ => "standalone",
    };
    if mode != wanted {
        let why = format!(
            "the file names it as one that {}, and it runs as `{mode}`",
            match seat.kind {
                MemberKind::Control => "watches",
                _ => "holds data",
            }
        );
        return Err(refused(why));
    }
    Ok(format!(
        "{name}: found running at {}, {}, as `{mode}`",
        seat.address,
        super::effective::version(&info)
    ))
}

/// The first sentence: a server's answer may be a page.
fn first_sentence(text: &str) -> &str {
    text.split_inclusive(". ").next().unwrap_or(text).trim_end()
}

/// The name under which all sentinels know this primary; nothing where there are none.
async fn master(roster: &Roster, primary: &NodeName, login: &Login) -> Result<String, SystemError> {
    let address = roster.named(primary)?.address;
    let mut known: Option<(String, NodeName)> = None;
    for seat in roster.of(MemberKind::Control) {
        let refused = |why: String| SystemError::Refused(format!("`{}`: {why}", seat.name));
        let masters: Vec<Fields> = login
            .ask(seat.address, &command(&["SENTINEL", "MASTERS"]), ASK_LIMIT)
            .await
            .map_err(|error| refused(error.to_string()))?;
        let field = |fields: &Fields, name: &str| fields.get(name).cloned().unwrap_or_default();
        let watches = |fields: &&Fields| {
            let host = field(fields, "ip");
            let host = host == address.ip().to_string() || host == primary.as_str();
            host && field(fields, "port") == address.port().to_string()
        };
        let Some(own) = masters.iter().find(watches) else {
            let watched = masters
                .iter()
                .map(|one| format!("{} at {}", field(one, "name"), field(one, "ip")));
            let watched: Vec<String> = watched.collect();
            return Err(refused(format!(
                "it does not watch the primary `{primary}` at {address}, but {}",
                if watched.is_empty() {
                    "nothing".into()
                } else {
                    watched.join(", ")
                }
            )));
        };
        let name = field(own, "name");
        match &known {
            Some((other, at)) if *other != name => {
                return Err(refused(format!(
                    "it knows the primary as `{name}`, and {at} as `{other}`"
                )));
            }
            _ => known = Some((name, seat.name.clone())),
        }
    }
    Ok(known.map(|(name, _)| name).unwrap_or_default())
}

/// Holds what the file states against what was read back.
///
/// # Errors
/// Every difference at once.
fn differences(read: &[Setting], stated: Values<'_>) -> Result<(), SystemError> {
    let mut wrong = Vec::new();
    for (name, served) in HELD {
        let word = stated.word(name);
        if word.is_empty() {
            continue;
        }
        for setting in read.iter().filter(|setting| setting.name == served) {
            if !is_same(word, &setting.value) {
                wrong.push(format!(
                    "the file says `{name}: {word}`, and `{served}` is {} ({})",
                    setting.value, setting.source
                ));
            }
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(SystemError::Refused(wrong.join("; "))),
    }
}

/// Whether a stated value is the one read back, which has a space before its unit.
fn is_same(stated: &str, read: &str) -> bool {
    let duration = |text: &str| text.replace(' ', "").parse::<Dur>().ok();
    match (duration(stated), duration(read)) {
        (Some(stated), Some(read)) => stated == read,
        _ => stated == read,
    }
}

/// The keys that name a run of drdrill's.
fn ours(keys: Vec<String>) -> Vec<String> {
    let is = |key: &String| key.split(':').nth(1).and_then(RunId::parse).is_some();
    keys.into_iter().filter(is).collect()
}

/// Removes all keys of this pattern, which are drdrill's own, where the primary is.
pub async fn remove_data(stack: &RedisStack, pattern: &str) -> Result<(), SystemError> {
    let address = stack.led_to().await?;
    let removed = async {
        let mut connection = stack.directory.login().connect(address, ASK_LIMIT).await?;
        let keys = ours(names(&mut connection, pattern).await?);
        for some in keys.chunks(CHUNK) {
            unlink(&mut connection, some).await?;
        }
        names(&mut connection, pattern).await.map(ours)
    };
    let refused =
        |why: String| SystemError::Refused(format!("failed to remove the keys `{pattern}`: {why}"));
    match tokio::time::timeout(REMOVE_LIMIT, removed).await {
        Ok(Ok(left)) if left.is_empty() => Ok(()),
        Ok(Ok(left)) => Err(refused(format!("{} are still there", left.len()))),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused(format!("it took longer than {REMOVE_LIMIT:?}"))),
    }
}

async fn unlink(connection: &mut MultiplexedConnection, keys: &[String]) -> redis::RedisResult<()> {
    let words: Vec<&str> = ["UNLINK"]
        .into_iter()
        .chain(keys.iter().map(String::as_str))
        .collect();
    command(&words)
        .query_async::<u64>(connection)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn found(data: &[&str], control: &[&str]) -> Attach {
        let names = |all: &[&str]| all.iter().map(|&name| name.to_owned()).collect();
        Attach {
            data: names(data),
            control: names(control),
            ..Attach::default()
        }
    }

    #[test]
    fn members_are_named_as_their_containers_and_no_setting_is_assumed() {
        let stated = SystemSpec {
            settings: BTreeMap::from([("quorum".to_owned(), "2".to_owned())]),
            ..SystemSpec::default()
        };
        let both = found(&["redis-1", "redis-2"], &["sentinel-1"]);
        let planned = design(&stated, &both, true, None).expect("a design");
        let names: Vec<_> = planned
            .members
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["redis-1", "redis-2", "sentinel-1"]);
        assert_eq!(planned.settings.len(), 1);
        assert!(planned.images.is_empty());
        let paths = |spec: &SystemSpec, found: &Attach, watched, route| -> Vec<String> {
            let issues = design(spec, found, watched, route).expect_err("issues");
            issues.iter().map(|issue| issue.path.join(".")).collect()
        };
        let plain = SystemSpec::default();
        assert_eq!(
            paths(&plain, &found(&["a"], &[]), true, None),
            ["attach.data", "attach.control"]
        );
        assert_eq!(
            paths(&plain, &both, false, Some("haproxy")),
            ["attach.control", "attach"]
        );
        let kept = SystemSpec {
            settings: BTreeMap::from([("persistence".to_owned(), "aof".to_owned())]),
            ..SystemSpec::default()
        };
        assert_eq!(paths(&kept, &both, true, None), ["settings.persistence"]);
    }

    #[test]
    fn only_keys_that_name_a_run_are_ours() {
        let run = RunId::new("20261121t081500", 7);
        let own = format!("drdrill:{run}:3");
        let keys = vec![
            own.clone(),
            "drdrill:settings".into(),
            "drdrill:orders:7".into(),
        ];
        assert_eq!(ours(keys), [own]);
    }

    #[test]
    fn every_difference_from_the_file_is_told_at_once() {
        let setting = |name: &str, value: &str| Setting {
            name: name.into(),
            value: value.into(),
            source: "s1: SENTINEL MASTER".into(),
        };
        let read = [
            setting("down-after-milliseconds", "5000 ms"),
            setting("quorum", "2"),
            setting("failover-timeout", "60000 ms"),
        ];
        let stated = |pairs: &[(&'static str, &str)]| -> BTreeMap<&'static str, String> {
            pairs
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect()
        };
        let same = stated(&[
            ("down-after", "5s"),
            ("quorum", "2"),
            ("failover-timeout", "1m"),
        ]);
        assert_eq!(differences(&read, Values(&same)), Ok(()));
        let other = stated(&[("down-after", "1s"), ("quorum", "3")]);
        let told = differences(&read, Values(&other))
            .expect_err("differences")
            .to_string();
        assert!(
            told.contains("`down-after: 1s`, and `down-after-milliseconds` is 5000 ms"),
            "{told}"
        );
        assert!(told.contains("`quorum: 3`"), "{told}");
    }
}
