//! What service was interrupted by once a fault was undone or a node had returned.

use crate::{
    history::{Access, Lane},
    time::{Bracket, Span},
};

use super::{
    Extent, Figure, LaneOutage, Undetected, Undone, UndoneFigures,
    cause::{Cause, causes},
    lane::sustain,
    rto::{lane_outage, worst},
    scan::{Scan, Scanned},
    stall::{Stall, longest, shortest_target, stalls},
};

/// The figures of each heal and return, in their order: those after which a lane had an outage that is put down to them, and
/// the others.
pub fn undone(scan: &Scan<'_>) -> (Vec<UndoneFigures>, Vec<UndoneFigures>) {
    let of = |lanes: &[Scanned<'_>], place: usize, at: Bracket| -> Vec<Seen> {
        lanes
            .iter()
            .flat_map(|scanned| {
                let events = 0..scan.record.disruptions.len();
                events
                    .flat_map(|index| causes(scan, scanned, index))
                    .filter(|(cause, _)| *cause == Cause::Undone(place))
                    .map(|(_, outage)| (scanned.lane.access, lane_outage(scanned, outage, at)))
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    let least = shortest_target(&scan.record.opened.scenario.targets);
    let lanes = scan.service.iter().chain(&scan.app);
    let of_lane = |scanned: &Scanned<'_>| least.map(|least| stalls(scanned, least));
    let stalled: Vec<(&Lane, Vec<Stall>)> = lanes
        .map(|scanned| (scanned.lane, of_lane(scanned).unwrap_or_default()))
        .collect();
    let found = scan.undone.iter().enumerate().map(|(place, (at, what))| {
        let service = of(&scan.service, place, *at);
        let app = of(&scan.app, place, *at);
        let undetected = stalled
            .iter()
            .filter_map(|it| undetected(it, *at))
            .collect();
        figures(*at, what.clone(), service, app, undetected)
    });
    found.partition(|figures| !figures.lanes.is_empty())
}

/// What a lane leaves open from a moment until W after it, where an outage beyond a target could have gone unseen.
fn undetected((lane, stalls): &(&Lane, Vec<Stall>), at: Bracket) -> Option<Undetected> {
    let extent = Extent::UpTo(longest(stalls, at, sustain(lane))?);
    let lane = lane.id;
    Some(Undetected { lane, extent })
}

/// An outage of a lane, and what the lane does.
type Seen = (Access, LaneOutage);

fn figures(
    at: Bracket,
    what: Undone,
    service: Vec<Seen>,
    app: Vec<Seen>,
    undetected: Vec<Undetected>,
) -> UndoneFigures {
    let of = |access: Access| {
        let own = service.iter().filter(|(other, _)| *other == access);
        seen(own.map(|(_, outage)| outage.rto))
    };
    UndoneFigures {
        what,
        at,
        rto: seen(service.iter().map(|(_, outage)| outage.rto)),
        rto_write: of(Access::Write),
        rto_read: of(Access::Read),
        rto_app: seen(app.iter().map(|(_, outage)| outage.rto)),
        outage: seen(service.iter().map(|(_, outage)| outage.length)),
        lanes: service
            .iter()
            .cloned()
            .chain(app)
            .map(|(_, outage)| outage)
            .collect(),
        undetected,
    }
}

/// The worst of them, if any lane saw one.
fn seen(spans: impl Iterator<Item = Span>) -> Option<Span> {
    worst(spans.map(Figure::Measured)).value().copied()
}
