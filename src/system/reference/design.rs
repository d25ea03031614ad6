//! What the reference store offers, and bringing it up.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::{NodeSpec, RuntimeKind},
    scenario::{ConsistencyKind, Dur, SystemSpec},
    system::{
        Deploy, Description, Design, Issue, Running, SettingKind, SettingSpec, System, SystemError,
        TopologySpec, backups, settings::issue,
    },
};

use super::{
    backup,
    defect::Defect,
    running::{ReferenceStack, Shape},
    wire::PORT,
};

/// The longest wait for the nodes to elect a primary and to follow it.
const READY_LIMIT: Duration = Duration::from_secs(10);

/// The reference store.
pub struct Reference;

const SETTINGS: &[SettingSpec] = &[
    SettingSpec {
        name: "detect",
        kind: SettingKind::Duration,
        default: "500ms",
        help: "silence of the primary after which a replica stands for election; chosen so that an outage is seen and short",
    },
    SettingSpec {
        name: "synchronous",
        kind: SettingKind::Flag,
        default: "false",
        help: "acknowledge an append only once a replica has it",
    },
    SettingSpec {
        name: "service-time",
        kind: SettingKind::Duration,
        default: "0ms",
        help: "how long a node works on one write, one after the other: what it can take in a second is then known",
    },
    SettingSpec {
        name: "defect",
        kind: SettingKind::OneOf(Defect::NAMES),
        default: "none",
        help: "a planted defect; drdrill must find it",
    },
    SettingSpec {
        name: "defect-amount",
        kind: SettingKind::Count,
        default: "1",
        help: "how much of the defect: elements, every nth element, or milliseconds",
    },
    SettingSpec {
        name: "clock-ahead",
        kind: SettingKind::Duration,
        default: "0ms",
        help: "by how much the nodes' clock is ahead of the machine's",
    },
    backup::SETTING,
];

#[async_trait]
impl System for Reference {
    fn describe(&self) -> Description {
        Description {
            name: "reference",
            summary: "drdrill's own small primary/replica store as child processes: the instrument's standard weight",
            topologies: vec![TopologySpec {
                name: "replicated",
                summary: "one primary and its replicas, elected by majority",
                routes: &["direct"],
                nodes: (3, 3, 5),
                runbooks: &[],
                planned_moves: true,
                etcd: false,
                controllers: false,
                scripts: true,
                shard_size: 0,
                consistency: &[ConsistencyKind::Registers],
                consumers: false,
            }],
            image: "",
            settings: SETTINGS.to_vec(),
            runtime: RuntimeKind::Process,
            disk: None,
        }
    }

    fn design(&self, spec: &SystemSpec, _: Option<&str>) -> Result<Design, Vec<Issue>> {
        let settings: BTreeMap<&'static str, String> = SETTINGS
            .iter()
            .map(|setting| {
                let given = spec.settings.get(setting.name).cloned();
                (
                    setting.name,
                    given.unwrap_or_else(|| setting.default.to_owned()),
                )
            })
            .collect();
        let member = |name: String, kind: MemberKind| Member {
            name: NodeName::new(&name),
            kind,
            address: String::new(),
            host: name,
            image: "drdrill reference-node".into(),
        };
        let data = 1..=spec.nodes.unwrap_or(3);
        let members = data.map(|number| member(format!("n{number}"), MemberKind::Data));
        let mut design = Design {
            topology: "replicated",
            route: "direct",
            members: members.collect(),
            settings,
            images: Vec::new(),
        };
        if backups::kept(&design) {
            let store = member(backups::NODE.into(), MemberKind::Store);
            design.members.push(store);
        } else if shape(&design).is_ok_and(|shape| shape.defect.of_restores()) {
            let help = "say `backup: log`, or choose another defect";
            return Err(vec![issue("defect", "no backups are kept", help)]);
        }
        Ok(design)
    }

    fn keeps_backups(&self, design: &Design) -> bool {
        backups::kept(design)
    }

    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError> {
        let shape = shape(design)?;
        let names: Vec<NodeName> = (design.members.iter())
            .map(|member| member.name.clone())
            .collect();
        let addresses = deploy.runtime.reserve(&names).await?;
        let stores = design.names(MemberKind::Store);
        let keeps = |name: &NodeName| stores.contains(name);
        let all: Vec<String> = (addresses.iter())
            .filter(|(name, _)| !keeps(name))
            .map(|(_, address)| address.to_string())
            .collect();
        for (name, address) in &addresses {
            let arguments = [
                "reference-node".to_owned(),
                format!("--address={address}"),
                format!("--nodes={}", all.join(",")),
                format!("--detect-ms={}", shape.detect.as_millis()),
                format!("--synchronous={}", shape.synchronous),
                format!("--service-ms={}", shape.service_time.as_millis()),
                format!("--defect={}", shape.defect),
                format!("--clock-ahead-ms={}", shape.clock_ahead.as_millis()),
                format!("--keeps={}", keeps(name)),
            ];
            let spec = NodeSpec {
                name: name.clone(),
                image: deploy.program.display().to_string(),
                entrypoint: arguments.to_vec(),
                command: Vec::new(),
                env: Vec::new(),
                files: Vec::new(),
                memory_mib: 0,
                sidecar: false,
                beside: None,
            };
            deploy.runtime.create(&spec).await?;
            deploy.runtime.start(name).await?;
        }
        let mut members = design.members.clone();
        for (member, (_, address)) in members.iter_mut().zip(&addresses) {
            member.address = format!("{address}:{PORT}");
        }
        let stack = ReferenceStack::connect(members, shape, deploy, READY_LIMIT).await?;
        Ok(Arc::new(stack))
    }
}

fn shape(design: &Design) -> Result<Shape, SystemError> {
    let get = |name: &str| {
        design
            .settings
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    };
    let refused = |error: String| SystemError::Refused(error);
    let time = |name: &str| -> Result<Duration, SystemError> {
        let parsed: Result<Dur, _> = get(name).parse();
        parsed.map(|dur| dur.0).map_err(|e| refused(e.to_string()))
    };
    let defect = format!("{}={}", get("defect"), get("defect-amount"))
        .parse()
        .map_err(refused)?;
    Ok(Shape {
        detect: time("detect")?,
        service_time: time("service-time")?,
        clock_ahead: time("clock-ahead")?,
        synchronous: get("synchronous") == "true",
        defect,
    })
}
