//! Meet the built program as a user does.

use crate::command::closing;
use crate::context::Context;
use crate::figure::Figure;
use crate::step::{Fault, Held};
use crate::tree::{Devnet, LEDGERS, PAYMENT_UNITS};
use crate::{kill, process, tools};

/// Rounds of the kill sweep that CI can afford; fifty is the promise.
const KILL_ROUNDS: u64 = 3;

/// A devnet comes up, takes a payment on each ledger, stops at Ctrl-C, and comes up with its state.
pub fn devnet(context: &Context) -> Held {
    let folder = tempfile::tempdir()?;
    let (mut devnet, took) = Devnet::start(context, folder.path())?;
    eprintln!("ready after {took:?}");
    devnet.funded(context.until)?;
    let mut payments = Vec::new();
    for ledger in LEDGERS {
        payments.push(devnet.pay(ledger, 0)?);
    }
    for payment in &payments {
        devnet.included(payment, context.until)?;
    }
    eprintln!("stopped after {:?}", devnet.stop()?);

    let (devnet, took) = Devnet::start(context, folder.path())?;
    eprintln!("ready again after {took:?}");
    for payment in &payments {
        if devnet.transaction(payment)?.is_none() {
            return Err(Fault::Failed(format!("unknown after a restart: {payment:?}")));
        }
        let proven = devnet.proven(payment.ledger)?;
        if proven != PAYMENT_UNITS {
            return Err(Fault::Failed(format!("{} proves {proven} units, paid were {PAYMENT_UNITS}", payment.ledger)));
        }
    }
    devnet.stop()?;
    Ok(Figure::PASSED)
}

/// Power cuts lose nothing that was acknowledged.
pub fn kill(context: &Context) -> Held {
    kill::rounds(context, 0..KILL_ROUNDS)
}

/// The demo tells its story to the end.
pub fn demo(context: &Context) -> Held {
    let mut last = String::new();
    let end = process::watch(context.command(context.built("release", "banyan")).arg("demo"), context.until, |line| {
        line.trim().clone_into(&mut last);
    })?;
    if end.success() && last == "ok" {
        return Ok(Figure::PASSED);
    }
    Err(Fault::Failed(format!("{end} after the line: {last}")))
}

/// The explorer works in a browser.
pub fn browser(context: &Context) -> Held {
    tools::ensure_chromium(context)?;
    against_devnet(context, "conformance/browser")
}

/// The JavaScript SDK works unmodified.
pub fn sdk(context: &Context) -> Held {
    tools::ensure_erlang(context)?;
    against_devnet(context, "conformance/sdk")
}

/// Run an npm package's tests against a devnet of their own.
fn against_devnet(context: &Context, folder: &str) -> Held {
    let folder = context.root.join(folder);
    tools::ensure_npm_packages(context, &folder)?;
    let data = tempfile::tempdir()?;
    let (mut devnet, _) = Devnet::start(context, data.path())?;
    devnet.funded(context.until)?;
    let mut test = context.command("npm");
    test.current_dir(&folder)
        .args(["test", "--silent"])
        .env("BANYAN_URL", devnet.url())
        .env("CHROMIUM", tools::CHROMIUM);
    let figure = closing(context, &mut test)?;
    devnet.stop()?;
    Ok(figure)
}
