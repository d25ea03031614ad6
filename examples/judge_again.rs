//! Judges a run again from its folder, which it leaves as it is: `cargo run --example judge_again FOLDER`.

use std::{env, error::Error, path::PathBuf};

use drdrill::{evidence, score};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("name a run's folder, such as reports/SCENARIO/RUN")?;
    // Reading checks every file against the manifest.
    let loaded = evidence::load(&folder)?;
    for notice in &loaded.notices {
        eprintln!("notice: {notice}");
    }
    let judgement = score::judge(&loaded.record, &loaded.history);
    println!("{}", judgement.scorecard.sentence);
    for line in &judgement.scorecard.lines {
        println!("{:?}  {}", line.state, line.figure);
    }
    Ok(())
}
