//! The recipes that drdrill carries, and for which references each may stand in.

use sha2::{Digest, Sha256};

/// What recipes build on where it can be had.
pub const DEBIAN: &str = "debian:trixie-slim";
/// What they build on otherwise; `scripts/setup.sh` makes it from Debian packages.
pub const BASE: &str = "drdrill.local/base:trixie";
/// The image of sidecars.
pub const SIDECAR: &str = "drdrill.local/sidecar:1";
/// The image that holds the library by which clocks go wrong.
pub const CLOCK: &str = "drdrill.local/clock:1";
/// What our own images' names start with: no registry has them.
pub(super) const OURS: &str = "drdrill.local/";

/// A way to build an image.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// Its name, also of its folder under `docker/`.
    pub name: &'static str,
    /// The reference that the built image gets.
    pub image: &'static str,
    /// References that it may stand in for; `v3.5.*` takes every tag that starts with `v3.5.`.
    pub stands_for: &'static [&'static str],
    /// Its Dockerfile.
    pub dockerfile: &'static str,
    /// What its argument `BASE` is.
    pub base: Base,
}

/// What a recipe builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// A Debian system.
    Debian,
    /// The image that this reference resolves to.
    Image(&'static str),
}

/// All recipes.
pub const RECIPES: &[Recipe] = &[
    Recipe {
        name: "sidecar",
        image: SIDECAR,
        stands_for: &[],
        dockerfile: include_str!("../../docker/sidecar/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "clock",
        image: CLOCK,
        stands_for: &[],
        dockerfile: include_str!("../../docker/clock/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "redis",
        image: "drdrill.local/redis:8",
        stands_for: &["redis:8", "redis:8.0"],
        dockerfile: include_str!("../../docker/redis/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "valkey",
        image: "drdrill.local/valkey:8",
        stands_for: &["valkey/valkey:8", "valkey/valkey:8.1"],
        dockerfile: include_str!("../../docker/valkey/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "postgres",
        image: "drdrill.local/postgres:17",
        stands_for: &["postgres:17"],
        dockerfile: include_str!("../../docker/postgres/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "mysql",
        image: "drdrill.local/mysql:9",
        stands_for: &["mysql:9", "mysql:9.7"],
        dockerfile: include_str!("../../docker/mysql/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "mariadb",
        image: "drdrill.local/mariadb:11",
        stands_for: &["mariadb:11", "mariadb:11.8"],
        dockerfile: include_str!("../../docker/mariadb/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "patroni",
        image: "drdrill.local/patroni:17",
        stands_for: &[],
        dockerfile: include_str!("../../docker/patroni/Dockerfile"),
        base: Base::Image("postgres:17"),
    },
    Recipe {
        name: "pgbackrest",
        image: "drdrill.local/pgbackrest:17",
        stands_for: &[],
        dockerfile: include_str!("../../docker/pgbackrest/Dockerfile"),
        base: Base::Image("postgres:17"),
    },
    Recipe {
        name: "barman",
        image: "drdrill.local/barman:17",
        stands_for: &[],
        dockerfile: include_str!("../../docker/barman/Dockerfile"),
        base: Base::Image("postgres:17"),
    },
    Recipe {
        name: "minio",
        image: "drdrill.local/minio:2026",
        stands_for: &["quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"],
        dockerfile: include_str!("../../docker/minio/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "mongodb",
        image: "drdrill.local/mongodb:6",
        // The only server that package sources hold is of version 6; reports name the version that the server tells.
        stands_for: &["mongo:8", "mongo:6", "mongo:6.0", "mongo:6.0.5"],
        dockerfile: include_str!("../../docker/mongodb/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "etcd",
        image: "drdrill.local/etcd:3.5",
        stands_for: &["quay.io/coreos/etcd:v3.5", "quay.io/coreos/etcd:v3.5.*"],
        dockerfile: include_str!("../../docker/etcd/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "haproxy",
        image: "drdrill.local/haproxy:3.0",
        stands_for: &["haproxy:3.0"],
        dockerfile: include_str!("../../docker/haproxy/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "keepalived",
        image: "drdrill.local/keepalived:1",
        stands_for: &[],
        dockerfile: include_str!("../../docker/keepalived/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "nginx",
        image: "drdrill.local/nginx:1.26",
        stands_for: &["nginx:1.26"],
        dockerfile: include_str!("../../docker/nginx/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "bind9",
        image: "drdrill.local/bind9:9.20",
        stands_for: &["internetsystemsconsortium/bind9:9.20"],
        dockerfile: include_str!("../../docker/bind9/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "toxiproxy",
        image: "drdrill.local/toxiproxy:2.5",
        stands_for: &["ghcr.io/shopify/toxiproxy:2.5.0"],
        dockerfile: include_str!("../../docker/toxiproxy/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "kafka",
        image: "drdrill.local/kafka:4.3",
        stands_for: &["apache/kafka:4.3.1"],
        dockerfile: include_str!("../../docker/kafka/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "opensearch",
        image: "drdrill.local/opensearch:3",
        stands_for: &[
            "opensearchproject/opensearch:3",
            "opensearchproject/opensearch:3.8.*",
        ],
        dockerfile: include_str!("../../docker/opensearch/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "prometheus",
        image: "drdrill.local/prometheus:2.53",
        stands_for: &[
            "prom/prometheus:v2.53.*",
            "quay.io/prometheus/prometheus:v2.53.*",
        ],
        dockerfile: include_str!("../../docker/prometheus/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "alertmanager",
        image: "drdrill.local/alertmanager:0.28",
        stands_for: &[
            "prom/alertmanager:v0.28.*",
            "quay.io/prometheus/alertmanager:v0.28.*",
        ],
        dockerfile: include_str!("../../docker/alertmanager/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "redis_exporter",
        image: "drdrill.local/redis_exporter:1.69",
        stands_for: &["oliver006/redis_exporter:v1.69.*"],
        dockerfile: include_str!("../../docker/redis_exporter/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "postgres_exporter",
        image: "drdrill.local/postgres_exporter:0.17",
        stands_for: &["quay.io/prometheuscommunity/postgres-exporter:v0.17.*"],
        dockerfile: include_str!("../../docker/postgres_exporter/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "mysqld_exporter",
        image: "drdrill.local/mysqld_exporter:0.17",
        stands_for: &[
            "prom/mysqld-exporter:v0.17.*",
            "quay.io/prometheus/mysqld-exporter:v0.17.*",
        ],
        dockerfile: include_str!("../../docker/mysqld_exporter/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "mongodb_exporter",
        image: "drdrill.local/mongodb_exporter:0.43",
        stands_for: &["percona/mongodb_exporter:0.43.*"],
        dockerfile: include_str!("../../docker/mongodb_exporter/Dockerfile"),
        base: Base::Debian,
    },
    Recipe {
        name: "jmx_exporter",
        image: "drdrill.local/jmx_exporter:1.0",
        stands_for: &[],
        dockerfile: include_str!("../../docker/jmx_exporter/Dockerfile"),
        base: Base::Debian,
    },
];

/// What the recipe of OpenSearch has beside it.
const OPENSEARCH: &[(&str, &str)] = &[
    (
        "jars.sha256",
        include_str!("../../docker/opensearch/jars.sha256"),
    ),
    (
        "log4j2.properties",
        include_str!("../../docker/opensearch/log4j2.properties"),
    ),
    (
        "open_files.c",
        include_str!("../../docker/opensearch/open_files.c"),
    ),
    (
        "opensearch.sh",
        include_str!("../../docker/opensearch/opensearch.sh"),
    ),
    (
        "plugin-descriptor.properties",
        include_str!("../../docker/opensearch/plugin-descriptor.properties"),
    ),
    (
        "plugin-security.policy",
        include_str!("../../docker/opensearch/plugin-security.policy"),
    ),
];

impl Recipe {
    /// The recipe's own digest: an image built by another version of it is outdated.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.dockerfile.as_bytes());
        for (_, text) in self.beside() {
            hash.update(text.as_bytes());
        }
        let digest = hash.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Files beside its Dockerfile.
    pub fn beside(&self) -> &'static [(&'static str, &'static str)] {
        match self.image {
            CLOCK => &[("clock.c", include_str!("../../docker/clock/clock.c"))],
            "drdrill.local/kafka:4.3" => &[(
                "jars.sha256",
                include_str!("../../docker/kafka/jars.sha256"),
            )],
            "drdrill.local/opensearch:3" => OPENSEARCH,
            _ => &[],
        }
    }

    /// Programs of the images that it stands in for which its own image does not hold: no package has them.
    pub fn lacks(&self) -> &'static [&'static str] {
        match self.name {
            "mongodb" => &["mongos"],
            _ => &[],
        }
    }

    fn fits(&self, reference: &str) -> bool {
        let listed = self
            .stands_for
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => reference.starts_with(start),
                None => reference == *pattern,
            });
        listed || reference == self.image
    }
}

/// The recipe that may stand in for a reference. Whoever names a digest wants those very bytes.
pub fn standing_in(reference: &str) -> Option<&'static Recipe> {
    let short = reference.strip_prefix("docker.io/").unwrap_or(reference);
    let short = short.strip_prefix("library/").unwrap_or(short);
    RECIPES.iter().find(|recipe| recipe.fits(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_stands_in_only_for_what_it_lists() {
        let cases = [
            ("redis:8", Some("redis")),
            ("docker.io/library/redis:8.0", Some("redis")),
            ("quay.io/coreos/etcd:v3.5.21", Some("etcd")),
            ("drdrill.local/patroni:17", Some("patroni")),
            ("redis:7", None),
            ("redis:8.2", None),
            ("redis", None),
            ("elsewhere.example/redis:8", None),
            ("quay.io/coreos/etcd:v3.50", None),
            ("ghcr.io/shopify/toxiproxy:2.5.0", Some("toxiproxy")),
            ("ghcr.io/shopify/toxiproxy:2.12.0", None),
            ("postgres:17@sha256:0011", None),
        ];
        for (reference, wanted) in cases {
            assert_eq!(
                standing_in(reference).map(|recipe| recipe.name),
                wanted,
                "{reference}"
            );
        }
    }

    #[test]
    fn every_recipe_takes_its_base_as_an_argument_and_is_labelled() {
        for recipe in RECIPES {
            assert!(recipe.dockerfile.contains("ARG BASE="), "{}", recipe.name);
            let label = format!("LABEL drdrill.recipe={}", recipe.name);
            assert!(recipe.dockerfile.contains(&label), "{}", recipe.name);
        }
    }
}
