//! `contract verify-source`: whether a source gives a contract's byte code.
//!
//! A ledger proves what code it keeps and, of a visible contract, the hash of its source. That the one comes from the other
//! is proven by compiling, and by nothing else.

use std::path::Path;

use banyan_fate::code::CodeObject;
use banyan_types::ContractId;
use banyan_wallet::aci::tame;
use serde_json::json;

use super::{
    compile::compile,
    find,
    known::{bad_code, keep_compiled},
    run::row,
};
use crate::{
    cli::CompilerArg,
    failure::Failure,
    report::{Report, table},
    session::Session,
};

/// Compile a source and compare.
/// # Errors
/// There is no compiler or no contract; the source does not compile. Other byte code is the answer "no".
pub fn run(session: &Session, id: ContractId, file: &Path, compiler: &CompilerArg) -> Result<Report, Failure> {
    let kept = find(&session.client()?, id)?;
    let made = compile(file, compiler)?;
    let read = |code: &[u8]| CodeObject::decode(code).map_err(|error| bad_code(&error));
    let (theirs, ours) = (read(&kept.code)?, read(&made.code)?);
    let same_code = theirs.byte_code == ours.byte_code && theirs.payable == ours.payable;
    let same_source = theirs.source_hash == ours.source_hash;
    let their_compiler = tame(&theirs.compiler);
    let name = file.display();
    let verdict = match (same_code, same_source) {
        (true, true) => format!("{name} is its source"),
        (true, false) => format!("{name} gives its byte code, and is not word for word the text it was made of"),
        (false, true) => format!("{name} is the text that the code names, and gives other byte code here"),
        (false, false) => format!("{name} is not its source"),
    };
    let proven = match (same_code, their_compiler == made.version) {
        (true, _) => "the contract does what this source says, as far as this compiler is right".to_owned(),
        (false, true) => "nothing: the same compiler gives other code".into(),
        (false, false) => format!("nothing: try compiler {their_compiler}, which made the code"),
    };
    if same_code && kept.code == made.code {
        keep_compiled(session, &kept.code, &made.version, &made.aci)?;
    }
    let same = |same: bool| if same { "the same" } else { "another" }.to_owned();
    let rows = [
        row("contract", id.to_string()),
        row("verdict", verdict.clone()),
        row("byte code", same(same_code)),
        row("source", format!("{}, by its hash", same(same_source))),
        row("compiler", format!("{} here, {their_compiler} then", made.version)),
        row("proven", format!("{proven}; the code on the ledger by a state proof at height {}", kept.height)),
    ];
    let json = json!({
        "contract": id.to_string(), "verified": same_code, "same_byte_code": same_code, "same_source_hash": same_source,
        "compiler": made.version, "contract_compiler": their_compiler, "code_hash": kept.contract.code_hash.to_string(),
        "height": kept.height.0, "verdict": verdict,
    });
    Ok(Report::new(table(&rows), json).or_no(!same_code))
}
