//! What a runbook looks at before it goes on.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;

use crate::{
    fault::FaultContext,
    record::{MemberKind, Role, View},
    scenario::{Check, Health, Verified},
};

use super::Stopped;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Looks for as long as a check says whether it is so at every look; what was seen.
pub(super) async fn holds(check: &Check, ground: &FaultContext) -> Result<String, Stopped> {
    let begun = ground.emitter.now();
    let mut looks = 0;
    loop {
        let views = views(ground).await;
        untrue(check, &views).map_or(Ok(()), |why| Err(Stopped::Untrue(why)))?;
        looks += 1;
        let looked = ground.emitter.now().since(begun);
        if looked >= check.lasting.0 {
            let roles = told(&views);
            return Ok(format!("so at {looks} looks in {}: {roles}", check.lasting));
        }
        sleep(LOOK).await;
    }
}

/// Why it is not so.
fn untrue(check: &Check, views: &[View]) -> Option<String> {
    let wanted = [
        (check.primary, Role::Primary),
        (check.replica, Role::Replica),
    ];
    wanted.into_iter().find_map(|(health, role)| {
        let of_role = views.iter().find(|view| view.role == role);
        let word = word(role);
        match (health?, of_role) {
            (Health::Up, None) => {
                Some(format!("no member says that it is {word}: {}", told(views)))
            }
            (Health::Down, Some(view)) => Some(format!("{} says that it is {word}", view.node)),
            (Health::Up, Some(_)) | (Health::Down, None) => None,
        }
    })
}

/// Waits until it is so; what was seen.
pub(super) async fn reached(wanted: Verified, ground: &FaultContext) -> String {
    loop {
        let seen = match wanted {
            Verified::OnePrimary => one_primary(&views(ground).await),
            Verified::Redundant => {
                let now = ground.system.redundancy().await;
                now.whole.then(|| now.evidence.join("; "))
            }
            Verified::Equal => {
                let now = ground.system.converged().await;
                now.whole.then(|| now.evidence.join("; "))
            }
        };
        if let Some(seen) = seen {
            return seen;
        }
        sleep(LOOK).await;
    }
}

fn one_primary(views: &[View]) -> Option<String> {
    let mut primaries = views.iter().filter(|view| view.role == Role::Primary);
    let one = primaries.next().filter(|_| primaries.next().is_none());
    one.map(|view| format!("{} alone is primary", view.node))
}

/// What every member that holds data says of itself.
async fn views(ground: &FaultContext) -> Vec<View> {
    let members = ground.members().iter();
    let data = members.filter(|member| member.kind == MemberKind::Data);
    join_all(data.map(|member| ground.system.view(&member.name))).await
}

fn told(views: &[View]) -> String {
    let each = views
        .iter()
        .map(|view| format!("{} {}", view.node, word(view.role)));
    each.collect::<Vec<_>>().join(", ")
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Primary => "primary",
        Role::Replica => "a replica",
        Role::Other => "neither primary nor replica",
        Role::Unreachable => "unreachable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::NodeName, scenario::Dur};

    fn seen(roles: &[Role]) -> Vec<View> {
        let named = roles.iter().enumerate();
        let view = |(index, role): (usize, &Role)| View {
            node: NodeName::new(format!("n{index}")),
            role: *role,
            term: None,
            position: None,
            lag: None,
            follows: None,
            eligible: None,
        };
        named.map(view).collect()
    }

    fn check(primary: Option<Health>, replica: Option<Health>) -> Check {
        Check {
            primary,
            replica,
            lasting: Dur(Duration::from_secs(1)),
        }
    }

    #[test]
    fn a_check_holds_only_where_all_of_it_is_so() {
        let [up, down] = [Some(Health::Up), Some(Health::Down)];
        let failed_over = check(down, up);
        let so = |roles: &[Role]| untrue(&failed_over, &seen(roles)).is_none();
        assert!(so(&[Role::Unreachable, Role::Replica]));
        assert!(!so(&[Role::Primary, Role::Replica]));
        assert!(!so(&[Role::Unreachable, Role::Unreachable]));
        assert!(!so(&[Role::Unreachable, Role::Other]));
        assert!(untrue(&check(up, None), &seen(&[Role::Replica])).is_some());
    }

    #[test]
    fn two_primaries_are_not_one() {
        assert!(one_primary(&seen(&[Role::Primary, Role::Replica])).is_some());
        assert!(one_primary(&seen(&[Role::Primary, Role::Primary])).is_none());
        assert!(one_primary(&seen(&[Role::Replica])).is_none());
    }
}
