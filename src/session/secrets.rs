//! Secrets that a scenario names and does not hold: looked up by whoever may, and kept out of everything that is written.

use std::{fmt, sync::Arc};

use crate::drill::{Logins, Plan};

type Lookup = dyn Fn(&str) -> Result<String, String> + Send + Sync;

/// How secrets are looked up by where they are, such as `env:NAME`. None by default: the library reads no environment.
#[derive(Clone, Default)]
pub struct Secrets(Option<Arc<Lookup>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Looked up by this function, which says why where it cannot.
    pub fn by(lookup: impl Fn(&str) -> Result<String, String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(lookup)))
    }

    fn find(&self, place: &str) -> Result<String, String> {
        let none = || Err(format!("nothing here looks up `{place}`"));
        self.0.as_ref().map_or_else(none, |lookup| lookup(place))
    }

    /// What a plan's drill gets in with.
    ///
    /// # Errors
    /// Why a secret cannot be had.
    pub(super) fn logins(&self, plan: &Plan) -> Result<Logins, String> {
        let Some(attach) = plan.attach() else {
            return Ok(Logins::default());
        };
        let find =
            |place: &Option<String>| place.as_deref().map(|place| self.find(place)).transpose();
        Ok(Logins {
            data: find(&attach.login)?,
            control: find(&attach.control_login)?,
        })
    }
}
