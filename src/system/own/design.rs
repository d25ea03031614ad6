//! What a store that drdrill does not know offers: nodes that run already, and a program that acts on it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    id::NodeName,
    record::{Member, MemberKind},
    runtime::RuntimeKind,
    scenario::SystemSpec,
    system::{Deploy, Description, Design, Issue, Running, System, SystemError, TopologySpec},
};

use super::running;

/// A store of the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own;

#[async_trait]
impl System for Own {
    fn describe(&self) -> Description {
        Description {
            name: "own",
            summary: "a store that drdrill does not know: containers that run already, and a program of yours that acts on it",
            topologies: vec![TopologySpec {
                name: "any",
                summary: "what the program says: one primary or none, replicas, lists of elements",
                routes: &["program"],
                nodes: (1, 3, 15),
                runbooks: &[],
                planned_moves: false,
                etcd: false,
                controllers: false,
                scripts: false,
                shard_size: 0,
                consistency: &[],
                consumers: false,
            }],
            image: "",
            settings: Vec::new(),
            runtime: RuntimeKind::Docker,
            disk: None,
        }
    }

    fn attaches(&self, _topology: &str) -> bool {
        true
    }

    fn only_attaches(&self) -> bool {
        true
    }

    fn design(&self, spec: &SystemSpec, _: Option<&str>) -> Result<Design, Vec<Issue>> {
        let issue = |path: &[&str], message: &str, help: &str| Issue {
            path: path.iter().map(|&key| key.to_owned()).collect(),
            message: message.into(),
            help: help.into(),
        };
        let Some(found) = &spec.attach else {
            let help = "write `attach: { data: [...], client: [python3, client.py] }` below it";
            return Err(vec![issue(&[], "`own` is a store that runs already", help)]);
        };
        let mut issues = Vec::new();
        if found.client.is_empty() {
            let help = "name the program and its arguments, such as `client: [python3, client.py]`";
            issues.push(issue(
                &["attach"],
                "there is no program that acts on the store",
                help,
            ));
        }
        if found.data.is_empty() {
            let help = "name the containers of its nodes";
            issues.push(issue(
                &["attach", "data"],
                "a store has at least one node",
                help,
            ));
        }
        if !issues.is_empty() {
            return Err(issues);
        }
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
        Ok(Design {
            topology: "any",
            route: "program",
            members: data.chain(control).collect(),
            settings: std::collections::BTreeMap::new(),
            images: Vec::new(),
        })
    }

    async fn deploy(
        &self,
        design: &Design,
        deploy: Deploy,
    ) -> Result<Arc<dyn Running>, SystemError> {
        Ok(Arc::new(running::attach(design, deploy).await?))
    }
}
