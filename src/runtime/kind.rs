//! What the nodes of a stack are.

/// A kind of machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeKind {
    /// Containers.
    Docker,
    /// Processes on this machine.
    Process,
}

impl RuntimeKind {
    /// Its name, as journals have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Process => "process",
        }
    }
}
