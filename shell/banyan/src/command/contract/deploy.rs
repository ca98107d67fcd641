//! `contract deploy`: make a contract.

use std::{fs, path::Path};

use banyan_ledger::rules;
use banyan_types::{AccountId, ContractId, Gas, Serial, limits::SOURCE_BYTES_MAX};
use banyan_wallet::{
    aci::{Interface, Type},
    client::contract::code_hash,
    tx::{
        self, Terms,
        contract::{Keeping, Run},
    },
};

use super::{
    compile::{compile, read_code},
    find,
    known::{interface, keep_compiled},
    params,
    run::{call_data, outcome, row, tried},
};
use crate::{
    cli::Deploy,
    command::send::sign_and_follow,
    failure::{Exit, Failure},
    report::Report,
    session::Session,
};

/// What is to be made.
struct Plan {
    code: Vec<u8>,
    source: Option<Vec<u8>>,
    interface: Interface,
}

/// Make a contract.
/// # Errors
/// The source does not compile, the arguments do not fit, a trial fails, or the transaction does not come to its level.
pub fn run(session: &Session, args: &Deploy) -> Result<Report, Failure> {
    let Plan { code, source, interface } = plan(session, args)?;
    let call_data = call_data(session, &interface, "init", &args.arguments)?;
    let client = session.client()?;
    let params = params(&client, &client.status()?)?;
    if let Some(got) = args.lifetime.filter(|got| *got > params.lifetime_max) {
        let next = format!("--lifetime {}; banyan contract extend adds more later", params.lifetime_max);
        return Err(Failure::new(
            Exit::Invalid,
            "lifetime_too_long",
            "that is longer than anything may live here",
            next,
        )
        .because(format!("{got} heights, at most {}", params.lifetime_max)));
    }
    let keeping = Keeping { lifetime: args.lifetime, source };
    let build = |from: AccountId, terms: &Terms| {
        let terms = Terms { params, ..terms.clone() };
        let with = |gas, keeping: &Keeping, terms: &Terms| {
            let run = Run { call_data: call_data.clone(), amount: args.run.amount, gas };
            Ok(tx::contract::create(from, &code, &run, keeping, terms)?)
        };
        let gas = if let Some(gas) = args.run.gas {
            Gas(gas)
        } else {
            // How it is kept changes nothing of its run, and the plain form is what every node tries.
            let (plain, _) = tried(&client, from, &terms, |gas, terms| with(gas, &Keeping::default(), terms))?;
            rules::run_gas(&plain).map_or(Gas(0), |(gas, _)| gas)
        };
        with(gas, &keeping, &terms)
    };
    let sent = sign_and_follow(session, &args.signing, build)?;
    let id = ContractId::derive(sent.tx.signer(), Serial::Nonce(sent.tx.nonce()));
    let init = interface.show_call(&call_data).unwrap_or_default();
    let rows = vec![row("contract", id.to_string()), row("call", init), row("code", code_hash(&code).to_string())];
    let mut report = outcome(session, &client, sent, rows, &interface, id, &Type::Tuple(vec![]))?;
    report.json["code_hash"] = code_hash(&code).to_string().into();
    if report.json["ended"] == "ok" {
        let kept = find(&client, id)?;
        report.json["expiry"] = kept.contract.expiry.0.into();
        report.text = format!("{}\nlives    up to height {}", report.text, kept.contract.expiry);
    }
    Ok(report)
}

fn plan(session: &Session, args: &Deploy) -> Result<Plan, Failure> {
    if args.file.extension().is_some_and(|extension| extension == "aes") {
        let compiled = compile(&args.file, &args.compiler)?;
        let interface = keep_compiled(session, &compiled.code, &compiled.version, &compiled.aci)?;
        let source = args.visible.then_some(compiled.source);
        check_source(source.as_deref())?;
        return Ok(Plan { code: compiled.code, source, interface });
    }
    if args.visible {
        let next = "banyan contract deploy FILE.aes --visible";
        return Err(Failure::new(
            Exit::Usage,
            "no_source",
            "only a source can be kept visible, and this is code",
            next,
        ));
    }
    let code = read_code(&read(&args.file)?)?;
    let (interface, _) = interface(session, &code, args.run.aci.as_deref())?;
    Ok(Plan { code, source: None, interface })
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| Failure::disk("read", file, &error))
}

fn check_source(source: Option<&[u8]>) -> Result<(), Failure> {
    let got = source.map_or(0, <[u8]>::len);
    if got <= SOURCE_BYTES_MAX {
        return Ok(());
    }
    let next = "deploy it without --visible; banyan contract verify-source CT FILE works all the same";
    Err(Failure::new(Exit::Invalid, "source_too_large", "the source is too long to be kept on a ledger", next)
        .because(format!("{got} bytes, at most {SOURCE_BYTES_MAX}")))
}
