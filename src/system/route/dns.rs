//! A name: clients look the primary up at a name server (BIND), and an operator changes the record.
//!
//! The clients of a drill share one resolver, as those of an application's process do: it asks again when the record's time
//! to live has passed, or never.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RData,
};

use crate::{
    id::NodeName,
    runtime::{NodeFile, NodeSpec, Runtime},
    system::{
        SettingKind, SettingSpec, SystemError,
        roster::{Roster, Seat},
        settings::Values,
        wait::until,
    },
};

use super::alone;

/// The route by which clients look the primary up.
pub const ROUTE: &str = "dns";

/// The image.
pub const IMAGE: &str = "internetsystemsconsortium/bind9:9.20";

/// The name server's node.
pub const NODE: &str = "dns1";

/// Where it is told what it serves.
pub const CONFIG_PATH: &str = "/drdrill/named.conf";

/// Where the zone is that a new server begins with.
const ZONE_PATH: &str = "/drdrill/zone";

/// What clients look up.
pub(super) const NAME: &str = "service.drdrill.test.";

/// Starts it with the zone that it has, or with that of the beginning: it keeps what it was told over a restart.
const START: &str = "mkdir -p /var/lib/drdrill; \
    [ -e /var/lib/drdrill/zone ] || cp /drdrill/zone /var/lib/drdrill/zone; \
    chown -R bind /var/lib/drdrill; exec named -g -u bind -c /drdrill/named.conf";

/// How long a command in its node may take.
const TELL_LIMIT: Duration = Duration::from_secs(10);

/// The longest wait for the server to answer, or to serve what it was told.
const SERVED_LIMIT: Duration = Duration::from_secs(20);

/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Longer than any drill.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// Settings that only this route has.
pub const SETTINGS: [SettingSpec; 2] = [
    SettingSpec {
        name: "record-ttl",
        kind: SettingKind::Duration,
        default: "30s",
        help: "how long clients may keep the record, whole seconds (its time to live); short, so that a drill is short (60s to 300s are usual)",
    },
    SettingSpec {
        name: "resolver",
        kind: SettingKind::OneOf(&["ttl", "forever"]),
        default: "ttl",
        help: "when clients look the name up again: ttl: once the record's time to live has passed; forever: never, as some runtimes do until they are restarted",
    },
];

/// The name server's node.
pub(super) fn specs(
    roster: &Roster,
    image: &str,
    values: Values<'_>,
) -> Result<Vec<NodeSpec>, SystemError> {
    let own = roster.named(&NodeName::new(NODE))?.address.ip();
    let none = || SystemError::Refused("there is no data node".into());
    let first = roster.data().next().ok_or_else(none)?.address.ip();
    let ttl = values.duration("record-ttl")?.as_secs();
    let zone = format!(
        "$TTL 60\n@ IN SOA dns1.drdrill.test. root.drdrill.test. 1 3600 600 86400 60\n@ IN NS dns1.drdrill.test.\n\
         dns1 IN A {own}\nservice {ttl} IN A {first}\n"
    );
    let files = vec![
        NodeFile::text(CONFIG_PATH, 0o644, include_str!("named.conf")),
        NodeFile::text(ZONE_PATH, 0o644, &zone),
    ];
    let entrypoint = ["sh", "-c", START].map(str::to_owned).to_vec();
    Ok(vec![alone(NODE, image, entrypoint, files)])
}

/// What looks the primary up.
#[derive(Clone)]
pub(super) struct Names {
    /// As clients do, who keep what they were told.
    kept: TokioResolver,
    /// Anew each time.
    fresh: TokioResolver,
    ttl: u64,
    port: u16,
}

impl Names {
    /// By the server at this address.
    ///
    /// # Errors
    /// When a setting cannot be read.
    pub fn of(server: IpAddr, values: Values<'_>, port: u16) -> Result<Self, SystemError> {
        let least = (values.word("resolver") == "forever").then_some(FOR_EVER);
        Ok(Self {
            kept: resolver(server, 32, least)?,
            fresh: resolver(server, 0, None)?,
            ttl: values.duration("record-ttl")?.as_secs(),
            port,
        })
    }

    /// Where clients connect that look the name up now, or remember it.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn kept(&self) -> Result<SocketAddr, String> {
        self.by(&self.kept).await
    }

    /// Where the record leads now.
    ///
    /// # Errors
    /// Why it is not known.
    pub async fn fresh(&self) -> Result<SocketAddr, String> {
        self.by(&self.fresh).await
    }

    /// Forgets what was told.
    pub fn forget(&self) {
        self.kept.clear_cache();
    }

    async fn by(&self, resolver: &TokioResolver) -> Result<SocketAddr, String> {
        let found = resolver.ipv4_lookup(NAME).await;
        let found = found.map_err(|error| error.to_string())?;
        let address = found
            .answers()
            .iter()
            .find_map(|record| match &record.data {
                RData::A(address) => Some(Ipv4Addr::from(*address)),
                _ => None,
            });
        let address = address.ok_or_else(|| format!("{NAME} has no address"))?;
        Ok(SocketAddr::new(IpAddr::V4(address), self.port))
    }

    /// Changes the record, as an operator does, and returns once it is served.
    ///
    /// # Errors
    /// What the server said, or that it does not serve it.
    pub async fn lead_to(&self, seat: &Seat, runtime: &dyn Runtime) -> Result<(), SystemError> {
        let (ttl, to) = (self.ttl, seat.address.ip());
        let orders = format!(
            "printf '%s\\n' 'server 127.0.0.1' 'zone drdrill.test' 'update delete {NAME} A' \
             'update add {NAME} {ttl} A {to}' send | nsupdate"
        );
        let told = runtime
            .exec(&NodeName::new(NODE), &["sh", "-c", &orders], TELL_LIMIT)
            .await?;
        if told.code != 0 {
            let words = format!("the record was not changed: {}", told.stderr.trim());
            return Err(SystemError::Refused(words));
        }
        self.leads(to).await
    }

    /// Waits until the record leads there.
    pub async fn leads(&self, to: IpAddr) -> Result<(), SystemError> {
        let served = until(SERVED_LIMIT, ASK_EVERY, || async {
            let at = self.fresh().await?.ip();
            if at == to {
                Ok(())
            } else {
                Err(format!("{NAME} leads to {at}"))
            }
        });
        served.await.map_err(SystemError::Refused)
    }
}

fn resolver(
    server: IpAddr,
    cache: u64,
    least: Option<Duration>,
) -> Result<TokioResolver, SystemError> {
    let servers = vec![NameServerConfig::udp_and_tcp(server)];
    let config = ResolverConfig::from_parts(None, Vec::new(), servers);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = cache;
    options.positive_min_ttl = least;
    // A refusal is not kept: the clients ask again.
    options.negative_max_ttl = Some(Duration::ZERO);
    let built = builder.build();
    built.map_err(|error| SystemError::Refused(format!("names cannot be looked up: {error}")))
}
