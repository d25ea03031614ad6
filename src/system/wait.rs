//! Waiting for a condition with a deadline, and saying at the end what was still missing.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};

/// Asks again and again until the answer is `Ok`; gives back the last reason when `limit` passes.
///
/// # Errors
/// The reason of the last question that was answered; one that is still open then says so.
pub async fn until<T, F, A>(limit: Duration, every: Duration, mut ask: F) -> Result<T, String>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + limit;
    let mut last = "nothing has answered yet".to_owned();
    loop {
        match timeout_at(deadline, ask()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(reason)) => last = reason,
            Err(_) => return Err(format!("{last} (and the last question was not answered)")),
        }
        if Instant::now() + every >= deadline {
            return Err(last);
        }
        sleep(every).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_reason_is_given_back_when_the_deadline_passes() {
        let mut asked = 0;
        let ask = || {
            asked += 1;
            let reason = format!("asked {}", asked.min(2));
            async move { Err::<(), _>(reason) }
        };
        let (limit, every) = (Duration::from_millis(30), Duration::from_millis(5));
        assert_eq!(until(limit, every, ask).await, Err("asked 2".into()));
    }
}
