//! The server: what is asked for, from an archive that is read again when the register has changed.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Body,
    extract::{Path as Part, Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{
    archive::{Archive, trend, trends},
    evidence::Register,
    report::pages,
};

use super::files::file;

/// No script, nothing from elsewhere, no frame around it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Without a register, changes are looked for after this time.
const UNREGISTERED: Duration = Duration::from_secs(5);
/// How long answers may take after the page was stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// What is said of an address that nothing answers to.
const NO_NAME: &str = "No page, run or scenario has this name.";
/// Rendered pages that are kept.
const PAGES_MAX: usize = 256;

/// The page of one reports folder.
pub struct Page {
    shown: Arc<Mutex<Shown>>,
}

/// What is shown until the register changes.
struct Shown {
    archive: Arc<Archive>,
    stamp: Option<Stamp>,
    pages: HashMap<String, Arc<str>>,
}

/// The register's length and time of change.
type Stamp = (u64, Option<SystemTime>);

/// What requests are answered from.
#[derive(Clone)]
struct Answering {
    shown: Arc<Mutex<Shown>>,
    /// Whether only names of this machine are answered to.
    local: bool,
}

/// Takes an address to listen on.
///
/// # Errors
/// When it cannot be had.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

impl Page {
    /// A page of an archive that was just read.
    pub fn new(archive: Archive) -> Self {
        let stamp = stamp(&archive.path);
        let shown = Shown {
            archive: Arc::new(archive),
            stamp,
            pages: HashMap::new(),
        };
        Self {
            shown: Arc::new(Mutex::new(shown)),
        }
    }

    /// Answers requests until `stop` is there, and for a moment longer those that are under way: who asks for nothing,
    /// or reads nothing, holds nobody up.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let answering = Answering {
            shown: self.shown,
            local: listener.local_addr()?.ip().is_loopback(),
        };
        let router = Router::new()
            .route("/", get(overview))
            // A variant may hold slashes: `a-kill [clients.service.rate=10/s]`.
            .route("/scenario/{*name}", get(scenario))
            .route("/compare", get(compare))
            .route("/run/{run}/{file}", get(run_file))
            .fallback(nowhere)
            .layer(from_fn_with_state(answering.clone(), guarded))
            .with_state(answering);
        let (stopped, stopping) = tokio::sync::oneshot::channel::<()>();
        let stop = async move {
            stop.await;
            // Without a receiver the server has ended by itself.
            let _ = stopped.send(());
        };
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop);
        let patience = async move {
            // A sender that is gone without a word is no reason to stop.
            if stopping.await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        tokio::select! {
            served = serving => served,
            () = patience => Ok(()),
        }
    }
}

/// Answers only to names of this machine, or a page elsewhere could read reports under a name of its own,
/// and forbids what no page here needs.
async fn guarded(State(answering): State<Answering>, request: Request, next: Next) -> Response {
    if answering.local && !is_local(request.headers()) {
        return (
            StatusCode::MISDIRECTED_REQUEST,
            "this page is for this machine only",
        )
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_local(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let Some(host) = host else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address: Result<std::net::IpAddr, _> = name.parse();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl Answering {
    /// A page by its name, rendered at most once per state of the register.
    async fn page(
        self,
        name: String,
        absent: &str,
        render: fn(&Archive, &str) -> Option<String>,
    ) -> Response {
        let rendered = tokio::task::spawn_blocking(move || self.rendered(&name, render)).await;
        match rendered {
            Ok(Some(page)) => html(StatusCode::OK, page.to_string()),
            Ok(None) => missing(absent),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn rendered(
        &self,
        name: &str,
        render: fn(&Archive, &str) -> Option<String>,
    ) -> Option<Arc<str>> {
        let archive = self.archive();
        if let Some(page) = self.lock().pages.get(name) {
            return Some(page.clone());
        }
        let (_, argument) = name.split_once(' ').unwrap_or((name, ""));
        let page: Arc<str> = render(&archive, argument)?.into();
        let mut shown = self.lock();
        if shown.pages.len() >= PAGES_MAX {
            shown.pages.clear();
        }
        if Arc::ptr_eq(&shown.archive, &archive) {
            shown.pages.insert(name.to_owned(), page.clone());
        }
        Some(page)
    }

    /// The archive, read again where the register has changed. One that cannot be read stays as it was.
    fn archive(&self) -> Arc<Archive> {
        let shown = self.lock();
        let now = stamp(&shown.archive.path);
        if now == shown.stamp {
            return shown.archive.clone();
        }
        let (old, path) = (shown.archive.clone(), shown.archive.path.clone());
        drop(shown);
        let Ok(read) = Archive::read(&path) else {
            return old;
        };
        let read = Arc::new(read);
        let mut shown = self.lock();
        shown.archive = read.clone();
        shown.stamp = now;
        shown.pages.clear();
        read
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        // What a panicking request left is still a whole archive.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What changes with the register; without one, something that changes every few seconds.
fn stamp(reports: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(Register::of(reports).path()).ok();
    let known = found.map(|found| (found.len(), found.modified().ok()));
    known.or_else(|| {
        let seconds = crate::time::wall_now().as_second().unsigned_abs();
        Some((seconds / UNREGISTERED.as_secs(), None))
    })
}

async fn overview(State(answering): State<Answering>) -> Response {
    let render = |archive: &Archive, _: &str| Some(pages::overview(archive, &trends(archive)));
    answering.page("overview".into(), NO_NAME, render).await
}

async fn scenario(State(answering): State<Answering>, Part(name): Part<String>) -> Response {
    let render = |archive: &Archive, name: &str| {
        let known = archive.scenarios().contains(&name);
        known.then(|| pages::scenario(&trend(archive, name)))
    };
    answering
        .page(format!("scenario {name}"), NO_NAME, render)
        .await
}

async fn compare(
    State(answering): State<Answering>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let render = |archive: &Archive, runs: &str| {
        let (a, b) = runs.split_once(' ')?;
        Some(pages::compare(archive.run(a)?, archive.run(b)?))
    };
    let named = |key: &str| query.get(key).cloned().unwrap_or_default();
    let name = format!("compare {} {}", named("a"), named("b"));
    let absent = "Two runs are compared: choose A and B on the page of their scenario.";
    answering.page(name, absent, render).await
}

async fn run_file(
    State(answering): State<Answering>,
    Part((run, name)): Part<(String, String)>,
) -> Response {
    let found = tokio::task::spawn_blocking(move || {
        let archive = answering.archive();
        let run = archive.run(&run)?;
        let (bytes, kind) = file(&archive.path, run, &name)?;
        let page = kind.starts_with("text/html");
        Some(match page.then(|| String::from_utf8(bytes.clone())) {
            Some(Ok(html)) => (pages::with_way_back(&html, run).into_bytes(), kind),
            Some(Err(_)) | None => (bytes, kind),
        })
    });
    match found.await {
        Ok(Some((bytes, kind))) => {
            ([(header::CONTENT_TYPE, kind)], Body::from(bytes)).into_response()
        }
        _ => missing(NO_NAME),
    }
}

async fn nowhere() -> Response {
    missing(NO_NAME)
}

fn missing(why: &str) -> Response {
    html(
        StatusCode::NOT_FOUND,
        pages::message("There is nothing here.", why),
    )
}

fn html(status: StatusCode, page: String) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        page,
    )
        .into_response()
}
