//! An engine that goes away under a drill: for a moment, for good, without a word, and with another one in its place.

use std::{
    fs, io,
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::{
    drill_rig::{Done, Drill, sweep},
    drills::labelled,
    unexplained::{BEGUN, meddled_as, void},
};

/// Where this machine's engine listens.
const ENGINE: &str = "/var/run/docker.sock";

/// What drdrill takes for the engine's socket; it can be taken away, with all that goes through it.
struct Relay {
    socket: PathBuf,
    engine: Arc<Mutex<PathBuf>>,
    through: Arc<Mutex<Vec<UnixStream>>>,
}

impl Relay {
    fn at(socket: &Path) -> Self {
        let relay = Self {
            socket: socket.to_owned(),
            engine: Arc::new(Mutex::new(ENGINE.into())),
            through: Arc::default(),
        };
        relay.open();
        relay
    }

    fn open(&self) {
        let listener = UnixListener::bind(&self.socket).expect("a socket");
        let (engine, through) = (self.engine.clone(), self.through.clone());
        // Ends with the test: a listener whose socket was removed gets no connection any more.
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let to = engine.lock().expect("a lock").clone();
                let Ok(far) = UnixStream::connect(to) else {
                    continue;
                };
                let ends = [&near, &far].map(|end| end.try_clone().expect("a socket"));
                through.lock().expect("a lock").extend(ends);
                let back = [&far, &near].map(|end| end.try_clone().expect("a socket"));
                pass(near, far);
                let [far, near] = back;
                pass(far, near);
            }
        });
    }

    fn away_for(&self, time: Duration) {
        self.gone();
        thread::sleep(time);
        self.open();
    }

    /// Nobody listens there any more.
    fn gone(&self) {
        let _ = fs::remove_file(&self.socket);
        self.cut();
    }

    fn cut(&self) {
        for end in self.through.lock().expect("a lock").drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Another engine answers at the same address from now on.
    fn turn_to(&self, engine: &Path) {
        engine.clone_into(&mut self.engine.lock().expect("a lock"));
        self.away_for(Duration::ZERO);
    }
}

/// Passes on what comes from one end to the other.
fn pass(mut from: UnixStream, mut to: UnixStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn an_engine_that_was_away_for_half_a_second_voids_the_drill() {
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let socket = drill.folder.path().join("engine.sock");
    let relay = Relay::at(&socket);
    let child = drill.spawn_with_engine(&format!("unix://{}", socket.display()));
    let (done, took) = meddled_as(drill, child, BEGUN, |_, _| {
        relay.away_for(Duration::from_millis(500));
    });
    void(&done, took, "the engine was away and answers again");
}

/// A second engine on this machine, which ends with the test.
struct SecondEngine {
    folder: tempfile::TempDir,
    process: Child,
}

impl SecondEngine {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        // Without a network of its own it would remove the first engine's bridge.
        let process = Command::new("unshare")
            .args(["--net", "dockerd"])
            .args(["--host", &format!("unix://{}", at("socket"))])
            .args(["--data-root", &at("data"), "--exec-root", &at("exec")])
            .args(["--pidfile", &at("pid"), "--bridge", "none"])
            .args(["--iptables=false", "--ip6tables=false"])
            .stdout(fs::File::create(at("log")).expect("a file"))
            .stderr(fs::File::create(at("errors")).expect("a file"))
            .spawn()
            .expect("dockerd");
        let engine = Self { folder, process };
        let host = format!("unix://{}", engine.socket().display());
        let answers = || {
            let asked = Command::new("docker").args(["-H", &host, "info"]).output();
            asked.is_ok_and(|told| told.status.success())
        };
        let end = Instant::now() + Duration::from_secs(60);
        while !answers() {
            assert!(Instant::now() < end, "the second engine does not answer");
            thread::sleep(Duration::from_millis(200));
        }
        engine
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

impl Drop for SecondEngine {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "starts a second Docker engine: make test-long"]
fn another_engine_at_the_same_address_voids_the_drill() {
    let second = SecondEngine::start();
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let socket = drill.folder.path().join("engine.sock");
    let relay = Relay::at(&socket);
    let child = drill.spawn_with_engine(&format!("unix://{}", socket.display()));
    let (done, took) = meddled_as(drill, child, BEGUN, |_, _| relay.turn_to(&second.socket()));
    assert!(took < Duration::from_secs(30), "{took:?}\n{}", done.talk);
    // What the run made is in the first engine, where nobody could remove it.
    assert!(
        done.talk.contains("another engine answers at"),
        "{}",
        done.talk
    );
    assert_eq!(done.exit, 8, "{}", done.talk);
    swept(&socket, 8, "another engine answers at");
    relay.turn_to(Path::new(ENGINE));
    swept(&socket, 0, "things removed");
}

/// Sweeps what a drill with its engine at this socket left, and sees how that ended and what it says.
fn swept(socket: &Path, exit: i32, words: &str) {
    let (code, said) = sweep(&socket.with_file_name("state"));
    assert_eq!(code, exit, "{said}");
    assert!(said.contains(words), "{said}");
}

/// A drill whose engine is taken away in its first step by `take`, and is back for the sweep.
fn taken(take: impl FnOnce(&Relay)) -> (Done, Duration) {
    let drill = Drill::shipped("redis/sentinel-kill.yaml");
    let socket = drill.folder.path().join("engine.sock");
    let relay = Relay::at(&socket);
    let child = drill.spawn_with_engine(&format!("unix://{}", socket.display()));
    let ended = meddled_as(drill, child, BEGUN, |_, _| take(&relay));
    relay.turn_to(Path::new(ENGINE));
    let run = ended.0.run.file_name().expect("a name");
    let run = run.to_string_lossy().into_owned();
    assert_ne!(
        labelled(&run),
        "",
        "nothing could be removed without the engine"
    );
    swept(&socket, 0, &format!("swept run {run}"));
    assert_eq!(labelled(&run), "");
    ended
}

/// The drill ends soon, says that the engine did not answer, and is no verdict on the service.
fn away((done, took): &(Done, Duration), within: Duration) {
    let words = "the engine did not answer (";
    assert!(done.talk.contains(words), "{}", done.talk);
    assert_eq!(done.finding("unexplained"), "unknown", "{}", done.talk);
    assert_eq!(done.verdict(), "inconclusive", "{}", done.talk);
    assert!(*took < within, "{took:?}\n{}", done.talk);
}

#[test]
#[cfg_attr(not(docker_tests), ignore = "needs a Docker engine: make test")]
fn an_engine_that_is_gone_for_good_voids_the_drill() {
    let ended = taken(Relay::gone);
    away(&ended, Duration::from_secs(20));
}

#[test]
#[ignore = "minutes of drills on a real engine: make test-long"]
fn an_engine_that_takes_connections_and_says_nothing_voids_the_drill() {
    let folder = tempfile::tempdir().expect("a folder");
    let silent = folder.path().join("silent.sock");
    let _listener = UnixListener::bind(&silent).expect("a socket");
    let ended = taken(|relay| relay.turn_to(&silent));
    // Each removal is waited for until its deadline.
    away(&ended, Duration::from_secs(120));
}
