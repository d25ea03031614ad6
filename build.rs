//! Sets `cfg(docker_tests)` when DRDRILL_DOCKER_TESTS=1, so that tests on a real engine show as ignored elsewhere.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(docker_tests)");
    println!("cargo::rerun-if-env-changed=DRDRILL_DOCKER_TESTS");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("DRDRILL_DOCKER_TESTS").is_ok_and(|value| value == "1") {
        println!("cargo::rustc-cfg=docker_tests");
    }
}
