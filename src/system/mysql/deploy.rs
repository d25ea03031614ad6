//! Brings a stack up: all nodes make their data and start in parallel; then they are made to follow or to join.

use std::time::Duration;

use futures_util::future::try_join_all;

use crate::{
    record::{Member, MemberKind},
    runtime::{NodeFile, NodeSpec},
    system::{
        Deploy, Design, SystemError, reserve::reserve, roster::Roster, route::Route,
        settings::Values, started::listening,
    },
};

use super::{
    asked::{CHECK, who},
    design::MySql,
    kind::Kind,
    ready,
    running::MySqlStack,
    shape::{Shape, member_number},
    sql::{self, Account},
    tools,
};

/// Memory of a node: 64 MiB of buffer pool, about 170 MiB of the server itself, and its sessions.
pub const MEMORY_MIB: u32 = 1024;

/// The script that starts a node.
const START: &str = include_str!("files/start.sh");

/// Its place in the node.
pub const START_PATH: &str = "/drdrill/start.sh";

/// The statements that a new data directory begins with.
const USERS_PATH: &str = "/drdrill/users.sql";

/// The longest wait for a node's first answer; it takes 3 s on an idle machine.
const LISTEN_LIMIT: Duration = Duration::from_secs(90);

/// The longest wait for one answer.
const ASK_LIMIT: Duration = Duration::from_secs(2);

/// Deploys the design and returns once replication is proven flowing.
pub async fn deploy(
    flavour: MySql,
    design: &Design,
    deploy: Deploy,
) -> Result<MySqlStack, SystemError> {
    let shape = Shape::of(flavour.kind_of(design), design)?;
    let members = reserve(design, &deploy, |_| sql::PORT).await?;
    let roster = Roster::new(&members)?;
    let first = (members.iter()).filter(|member| member.kind != MemberKind::Route);
    let starts = first.map(|member| {
        let image = deploy.images.get(&member.image).unwrap_or(&member.image);
        let spec = node(flavour, shape, &roster, member, image, &deploy);
        let runtime = &deploy.runtime;
        async move {
            let spec = spec?;
            runtime.create(&spec).await?;
            runtime.start(&spec.name).await?;
            Ok::<_, SystemError>(())
        }
    });
    try_join_all(starts).await?;
    let heard = roster.data().map(|seat| {
        listening(&*deploy.runtime, &seat.name, LISTEN_LIMIT, || async {
            sql::ask(seat.address, ASK_LIMIT, "SELECT 1")
                .await
                .map(drop)
        })
    });
    try_join_all(heard).await?;
    let route = Route::of(design, &roster, &deploy, CHECK, who).await?;
    if let Some(route) = &route {
        route.raise(&roster, &deploy, Values::of(design)).await?;
    }
    let mut stack = MySqlStack::new(flavour, design, members, roster, shape, deploy)?;
    stack.route = route;
    stack.begin().await?;
    ready::prove(&mut stack).await?;
    Ok(stack)
}

fn node(
    flavour: MySql,
    shape: Shape,
    roster: &Roster,
    member: &Member,
    image: &str,
    deploy: &Deploy,
) -> Result<NodeSpec, SystemError> {
    let seat = roster.named(&member.name)?;
    let mut env = vec![
        ("DRDRILL_FLAVOUR".to_owned(), flavour.name().to_owned()),
        ("DRDRILL_SERVER".to_owned(), member_number(seat).to_string()),
    ];
    if shape.kind == Kind::Galera {
        let first = roster.data().next() == Some(seat);
        let word = if first { "begin" } else { "join" };
        env.push(("DRDRILL_CLUSTER".into(), word.into()));
    }
    let mut spec = NodeSpec {
        name: member.name.clone(),
        image: image.to_owned(),
        entrypoint: vec!["sh".into(), START_PATH.into()],
        command: shape.arguments(roster, seat, deploy.runtime.run()),
        env,
        files: vec![
            NodeFile::text(START_PATH, 0o755, START),
            NodeFile::text(USERS_PATH, 0o644, &users(flavour)),
        ],
        memory_mib: MEMORY_MIB,
        sidecar: true,
        beside: None,
    };
    match member.kind {
        MemberKind::Store => tools::fit_store(&mut spec, roster, shape.kind),
        _ => tools::fit_server(&mut spec, roster, shape.kind),
    }
    Ok(spec)
}

/// The accounts and the database. They are made while nothing is logged, the same in every node, so that no node begins
/// with transactions of its own.
fn users(flavour: MySql) -> String {
    let (operator, client) = (Account::Operator.name(), Account::Client.name());
    let mut lines = vec![
        "CREATE DATABASE drdrill;".to_owned(),
        format!("CREATE USER '{operator}'@'%';"),
        format!("GRANT ALL ON *.* TO '{operator}'@'%' WITH GRANT OPTION;"),
        format!("CREATE USER '{client}'@'%';"),
        format!("GRANT SELECT, INSERT, UPDATE ON drdrill.* TO '{client}'@'%';"),
    ];
    match flavour {
        MySql::MySql => lines.push(format!(
            "GRANT SELECT ON performance_schema.replication_group_members TO '{client}'@'%';"
        )),
        // The script that makes its data directory starts without accounts.
        MySql::MariaDb => lines.insert(0, "FLUSH PRIVILEGES;".into()),
    }
    lines.join("\n") + "\n"
}
