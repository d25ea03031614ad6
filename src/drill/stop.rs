//! How a person stops a drill: once to heal, remove and report; twice to heal and remove only.

use tokio_util::sync::CancellationToken;

/// Two wishes to stop, the second more pressing. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    first: CancellationToken,
    second: CancellationToken,
}

impl Stop {
    /// Wishes to stop; the second time more pressingly.
    pub fn wish(&self) {
        if self.first.is_cancelled() {
            self.second.cancel();
        }
        self.first.cancel();
    }

    /// Whether someone wishes to stop.
    pub fn wished(&self) -> bool {
        self.first.is_cancelled()
    }

    /// Runs work until it ends or someone wishes to stop; then `None`, and the work is dropped.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.first.run_until_cancelled(work).await
    }

    /// The same for work that only the second wish ends.
    pub async fn or_pressing<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.second.run_until_cancelled(work).await
    }
}
