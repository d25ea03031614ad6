//! What time it is for a broker: it dates a record that is sent to a partition of its own.

use std::time::Duration;

use crate::system::{SystemError, Told, roster::Seat, wait::until};

use super::{
    brokers::{Brokers, at},
    produce::dated,
    questions::create_topic,
};

/// A topic with a partition on each broker, without replicas. It is there once a broker was asked for its time.
const TOPIC: &str = "drdrill-clock";

/// Records are dated by the broker that appends them. They are never looked at again.
const SETTINGS: &[(&str, &str)] = &[("message.timestamp.type", "LogAppendTime")];

/// The longest wait for a broker's answer, and for a new topic to be known to it.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);

/// How often a broker is asked again that does not know the topic yet.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The time of day by which a broker dates what it appends, in whole milliseconds.
///
/// # Errors
/// When it does not answer within a second.
pub async fn time_of(brokers: &Brokers, seat: &Seat) -> Result<Told, SystemError> {
    let own = i32::from(seat.index);
    let ask = || {
        at(seat.address, ANSWER_LIMIT, async |wire| {
            dated(wire, (TOPIC, own), ANSWER_LIMIT).await
        })
    };
    let date = match ask().await {
        Ok(date) => Ok(date),
        Err(_) => {
            let ids: Vec<[i32; 1]> = brokers.seats().map(|seat| [Brokers::id(seat)]).collect();
            let places: Vec<&[i32]> = ids.iter().map(|id| &id[..]).collect();
            let made = create_topic(seat.address, TOPIC, &places, SETTINGS, ANSWER_LIMIT).await;
            made.map_err(SystemError::Refused)?;
            until(ANSWER_LIMIT, ASK_EVERY, ask).await
        }
    };
    let date = date.map_err(SystemError::Refused)?;
    Ok(Told::counted(date, 1_000_000))
}
