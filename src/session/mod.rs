//! One drill from end to end: opened in the register, run on machines, judged, rendered, sealed.
//!
//! What the library cannot know by itself, such as where journals lie and which variables hold secrets, is a [`Host`].

mod counts;
mod host;
mod machines;
mod observe;
mod observed;
mod rendered;
mod run;
mod secrets;
mod sweep;

pub use host::{Host, JournalError};
pub use machines::MachinesError;
pub use observe::Observer;
pub use observed::{Observed, observe};
pub use rendered::rendered;
pub use run::{Ended, Session, SessionError};
pub use secrets::Secrets;
