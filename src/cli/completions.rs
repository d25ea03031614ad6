//! `drdrill completions`: a completion script for a shell.

use clap::CommandFactory;

use super::{
    arguments::{Arguments, Shell},
    exit::Exit,
    output,
};

/// Prints the script.
pub fn completions(shell: Shell) -> Exit {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "drdrill", &mut script);
    output::result(&String::from_utf8_lossy(&script));
    Exit::Pass
}
