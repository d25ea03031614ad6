//! What a stack's members may use of the machine.

use crate::{
    record::{MemberKind, Setting, Stack},
    runtime::{Runtime, RuntimeError},
};

use super::Plan;

/// Gives each member that holds data the CPU time that the scenario says, once the stack stands: bringing it up may take
/// all there is. Returns the stack with what the runtime says of it beside the settings read back.
///
/// # Errors
/// When the runtime does not take the limit, or does not tell it.
pub async fn allot(
    plan: &Plan,
    runtime: &dyn Runtime,
    stack: &Stack,
) -> Result<Stack, RuntimeError> {
    let mut stack = stack.clone();
    let spec = plan.scenario.stack.get(plan.description.name);
    let Some(share) = spec.and_then(|spec| spec.cpu) else {
        return Ok(stack);
    };
    for member in &stack.members {
        if member.kind != MemberKind::Data {
            continue;
        }
        let cores = runtime.allot_cpu(&member.name, share.0 / 100.0).await?;
        stack.effective.push(Setting {
            name: "cpu".into(),
            value: format!("{:.0} % of a core", cores * 100.0),
            source: format!("{}: the engine's limit", member.name),
        });
    }
    Ok(stack)
}
