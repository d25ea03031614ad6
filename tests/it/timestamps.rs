//! Time stamps of the register by an authority that openssl is: what they cover, and what is told of those that show nothing.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use drdrill::time::wall_now;

use crate::{drill_rig::DRDRILL, evidence_rig::Reports};

/// An authority that stamps what it is sent, at a loopback address, for as long as the test lives.
struct Authority {
    folder: tempfile::TempDir,
    url: String,
}

const CONFIGURATION: &str = "[tsa]\ndefault_tsa = t\n[t]\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\n\
    digests = sha256\naccuracy = secs:1\ness_cert_id_alg = sha256\nserial = serial\n";

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        let usage = "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n";
        fs::write(at.join("usage"), usage).expect("a file");
        fs::write(at.join("tsa.cnf"), CONFIGURATION).expect("a file");
        for line in [
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=Root -days 2",
            "req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=TSA",
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 2 -extfile usage",
        ] {
            openssl(at, line);
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/tsr", listener.local_addr().expect("an address"));
        let own = at.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(&stream);
                let mut length = 0;
                let mut line = String::new();
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                    if name.eq_ignore_ascii_case("content-length") {
                        length = value.trim().parse().expect("a number");
                    }
                    line.clear();
                }
                let mut query = vec![0; length];
                reader.read_exact(&mut query).expect("a query");
                fs::write(own.join("q.tsq"), query).expect("a file");
                openssl(
                    &own,
                    "ts -reply -config tsa.cnf -queryfile q.tsq -signer tsa.pem -inkey tsa.key -out q.tsr",
                );
                let reply = fs::read(own.join("q.tsr")).expect("a reply");
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/timestamp-reply\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    reply.len()
                );
                (&stream).write_all(head.as_bytes()).expect("an answer");
                (&stream).write_all(&reply).expect("an answer");
            }
        });
        Self { folder, url }
    }

    fn certificates(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// Has the register stamped: the exit code and what was said.
    fn stamp(&self, reports: &Reports) -> (i32, String) {
        stamp(reports, &self.url, &self.certificates())
    }
}

fn openssl(folder: &Path, line: &str) {
    let output = Command::new("openssl")
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
}

fn stamp(reports: &Reports, url: &str, certificates: &str) -> (i32, String) {
    let output = Command::new(DRDRILL)
        .arg("timestamp")
        .arg(reports.path())
        .args(["--tsa", url, "--tsa-ca", certificates])
        .output()
        .expect("the binary starts");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.code().unwrap_or(-1), said)
}

/// The one file of time stamps.
fn only(reports: &Reports) -> PathBuf {
    let folder = fs::read_dir(reports.path().join("timestamps")).expect("a folder");
    let mut files: Vec<PathBuf> = folder.flatten().map(|entry| entry.path()).collect();
    assert_eq!(files.len(), 1);
    files.remove(0)
}

#[test]
fn a_stamped_register_shows_by_when_each_run_existed_and_a_later_run_is_not_covered() {
    let (reports, authority) = (Reports::signed(), Authority::new());
    let certificates = authority.certificates();
    let pinned = ["--tsa-ca", certificates.as_str()];
    let before = reports.verify(&pinned);
    assert_eq!(before.exit, 6);
    assert_eq!(before.problems.len(), 3, "{:?}", before.problems);
    assert!(before.problems[0].contains("no time stamp covers it"));

    let (exit, said) = authority.stamp(&reports);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains(&reports.head()), "{said}");
    let (exit, said) = authority.stamp(&reports);
    assert_eq!((exit, said.contains("stamped before")), (0, true), "{said}");

    let found = reports.verify(&pinned);
    assert_eq!((found.exit, &found.problems), (0, &vec![]));
    assert_eq!(found.json["time_stamps"], 1);
    for run in found.json["runs"].as_array().expect("runs") {
        let by: jiff::Timestamp = run["existed_by"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        assert!((wall_now() - by).get_seconds().abs() < 600, "{by}");
    }
    // Who pins no authority is told that nobody looked.
    let unpinned = reports.verify(&[]);
    assert_eq!(unpinned.exit, 0);
    assert!(
        unpinned.json["register"]["notices"]
            .to_string()
            .contains("not looked at: 1")
    );

    // The gate takes what is covered, and nothing else, where an authority is pinned.
    let gate = |reports: &Reports| {
        let key = reports.key.public().line();
        let mut command = Command::new(DRDRILL);
        command
            .arg("gate")
            .arg(reports.path())
            .args(["--key", &key]);
        let output = command.args(pinned).output().expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<&str> = said.split_whitespace().collect();
        (output.status.code().unwrap_or(-1), words.join(" "))
    };
    let (exit, said) = gate(&reports);
    assert_eq!(exit, 0, "{said}");
    reports.forge(4, |_| {});
    let (exit, said) = gate(&reports);
    assert_eq!(exit, 6, "{said}");
    assert!(said.contains("no time stamp covers it"), "{said}");
    let found = reports.verify(&pinned);
    assert_eq!(
        (found.exit, found.problems.len()),
        (6, 1),
        "{:?}",
        found.problems
    );
    assert!(found.problems[0].contains("no time stamp covers it"));
    assert_eq!(authority.stamp(&reports).0, 0);
    assert_eq!(reports.verify(&pinned).exit, 0);
}

#[test]
fn what_is_no_time_stamp_of_this_register_by_the_pinned_authority_is_named() {
    let (reports, authority, other) = (Reports::signed(), Authority::new(), Authority::new());
    let pinned = authority.certificates();
    let verify = || reports.verify(&["--tsa-ca", &pinned]);
    // An answer by another authority is not kept.
    let (exit, said) = stamp(&reports, &other.url, &pinned);
    assert_eq!(exit, 6, "{said}");
    assert!(!reports.path().join("timestamps").exists());
    assert_eq!(authority.stamp(&reports).0, 0);
    let file = only(&reports);
    let whole = fs::read(&file).expect("a time stamp");
    // What stands in its place is no time stamp only by its name.
    fs::write(&file, "x").expect("a change");
    let (exit, said) = authority.stamp(&reports);
    assert_eq!((exit, said.contains("stamped")), (6, false), "{said}");
    fs::write(&file, &whole).expect("as it was");

    let elsewhere = reports.verify(&["--tsa-ca", &other.certificates()]);
    assert_eq!(elsewhere.exit, 6);
    assert!(elsewhere.problems[0].contains("no time stamp of this head by that authority"));

    for place in (0..whole.len()).step_by(97) {
        let mut altered = whole.clone();
        altered[place] ^= 4;
        fs::write(&file, &altered).expect("a change");
        let found = verify();
        // The status in front of the token is signed by nobody, and shows nothing.
        assert!(
            found.exit == 6 || place < 16,
            "byte {place}: {:?}",
            found.problems
        );
    }
    fs::write(&file, &whole[..whole.len() / 2]).expect("a change");
    assert_eq!(verify().exit, 6);
    fs::write(&file, &whole).expect("as it was");
    assert_eq!(verify().exit, 0);

    // A time stamp of one head does not stamp another.
    let borrowed = file.with_file_name(format!("{}.tsr", "0a".repeat(32)));
    fs::rename(&file, &borrowed).expect("another name");
    let found = verify();
    assert_eq!(found.exit, 6);
    assert!(
        found.problems.iter().any(|it| it.contains("imprint")),
        "{:?}",
        found.problems
    );
    fs::rename(&borrowed, &file).expect("its name");

    // What is neither a time stamp nor a run does not hide there.
    let hidden = file.with_file_name("notes.txt");
    fs::write(&hidden, "x").expect("a file");
    let found = reports.verify(&[]);
    assert!(
        found.problems.iter().any(|it| it.contains("notes.txt")),
        "{:?}",
        found.problems
    );
    fs::remove_file(hidden).expect("gone");

    // Lines that were cut off after they had been stamped are missed, without a head noted elsewhere.
    let text = fs::read_to_string(reports.register()).expect("a register");
    let lines: Vec<&str> = text.lines().collect();
    fs::write(reports.register(), lines[..4].join("\n") + "\n").expect("a change");
    fs::remove_dir_all(&reports.runs[2]).expect("gone");
    let found = verify();
    assert_eq!(found.exit, 6);
    let cut = |it: &String| it.contains("does not hold the line that was stamped");
    assert!(found.problems.iter().any(cut), "{:?}", found.problems);
}

#[test]
fn a_run_whose_clock_says_that_it_began_after_it_was_stamped_is_named() {
    let (reports, authority) = (Reports::signed(), Authority::new());
    let ahead = wall_now() + Duration::from_secs(3600);
    reports.forge(4, |opened| opened.started = ahead.to_string());
    assert_eq!(authority.stamp(&reports).0, 0);
    let found = reports.verify(&["--tsa-ca", &authority.certificates()]);
    assert_eq!(found.exit, 6);
    let told = |it: &String| it.contains("a time stamp shows that it had ended by");
    assert!(found.problems.iter().any(told), "{:?}", found.problems);
}

#[test]
fn an_authority_that_does_not_answer_and_a_file_without_certificates_are_told_apart_from_wrong_evidence()
 {
    let (reports, authority) = (Reports::signed(), Authority::new());
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", closed.local_addr().expect("an address"));
    drop(closed);
    let (exit, said) = stamp(&reports, &url, &authority.certificates());
    assert_eq!(
        (exit, said.contains("did not stamp it")),
        (5, true),
        "{said}"
    );
    let key = authority.folder.path().join("ca.key").display().to_string();
    for none in ["/nowhere/ca.pem", &key] {
        let (exit, said) = stamp(&reports, &authority.url, none);
        assert_eq!(
            (exit, said.contains("no certificates")),
            (2, true),
            "{said}"
        );
        let output = Command::new(DRDRILL)
            .arg("verify")
            .arg(reports.path())
            .args(["--key", &reports.key.public().line(), "--tsa-ca", none])
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(2));
    }
}
