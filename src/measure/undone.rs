//! What service was interrupted by once a fault was undone or a node had returned.

use crate::{
    history::Access,
    time::{Bracket, Span},
};

use super::{
    Figure, LaneOutage, Undone, UndoneFigures,
    cause::{Cause, causes},
    rto::{lane_outage, worst},
    scan::{Scan, Scanned},
};

/// The figures of each heal and return after which a lane had an outage that is put down to it, in their order.
pub fn undone(scan: &Scan<'_>) -> Vec<UndoneFigures> {
    let of = |lanes: &[Scanned<'_>], place: usize, at: Bracket| -> Vec<(Access, LaneOutage)> {
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
    let found = scan.undone.iter().enumerate().map(|(place, (at, what))| {
        let service = of(&scan.service, place, *at);
        let app = of(&scan.app, place, *at);
        figures(*at, what.clone(), &service, app)
    });
    found.filter(|figures| !figures.lanes.is_empty()).collect()
}

fn figures(
    at: Bracket,
    what: Undone,
    service: &[(Access, LaneOutage)],
    app: Vec<(Access, LaneOutage)>,
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
    }
}

/// The worst of them, if any lane saw one.
fn seen(spans: impl Iterator<Item = Span>) -> Option<Span> {
    worst(spans.map(Figure::Measured)).value().copied()
}
