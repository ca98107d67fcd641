//! `openapi`, `completions`, `version`: what needs no node.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::{
    cli::Cli,
    failure::{Exit, Failure},
    report::Report,
};

/// The document of the HTTP interface that this version serves.
/// # Errors
/// The document is broken: a bug.
pub fn openapi() -> Result<Report, Failure> {
    let broken = |error: serde_json::Error| {
        Failure::new(Exit::Ours, "document", "the document does not read", "report this").because(error.to_string())
    };
    let document = serde_json::to_value(banyan_api::document()).map_err(broken)?;
    let text = serde_json::to_string_pretty(&document).map_err(broken)?;
    Ok(Report::new(text, document))
}

/// The completions of a shell.
pub fn completions(shell: Shell) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "banyan", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Report::new(script.trim_end(), json!({ "shell": shell.to_string(), "script": script }))
}

/// The version of this program, and the protocol version of the blocks that it makes.
pub fn version() -> Report {
    let (version, protocol) = (env!("CARGO_PKG_VERSION"), banyan_types::header::PROTOCOL_VERSION);
    Report::new(format!("banyan {version}, protocol {protocol}"), json!({ "version": version, "protocol": protocol }))
}
