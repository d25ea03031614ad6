//! Runs cleanup on a thread and executor of its own, where no cancelled or stalled task of the run reaches it.

use std::{future::Future, io};

use tokio::sync::oneshot;

/// Runs `work` to its end on a thread of its own and returns what it made. When the caller is
/// dropped the work goes on.
///
/// # Errors
/// When no thread or executor can be had, or the work panicked.
pub async fn apart<T, F>(work: impl FnOnce() -> F + Send + 'static) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let (done, wait) = oneshot::channel();
    std::thread::Builder::new()
        .name("cleanup".into())
        .spawn(move || {
            let executor = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let _ = done.send(executor.map(|executor| executor.block_on(work())));
        })?;
    wait.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, time::Duration};

    #[tokio::test]
    async fn work_goes_on_when_the_caller_is_dropped() {
        let (send, receive) = mpsc::channel();
        let work = apart(move || async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            send.send(7).unwrap();
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(1), work)
                .await
                .is_err()
        );
        let got = tokio::task::spawn_blocking(move || receive.recv_timeout(Duration::from_secs(5)));
        assert_eq!(got.await.unwrap(), Ok(7));
    }
}
