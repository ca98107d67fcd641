//! `move`: walk coins from one ledger to another.

use std::time::Duration;

use banyan_types::Amount;
use banyan_wallet::{
    client::Client,
    journey::{Action, Checked, Draft, Manner, Plan, Progress as Reached, Quote, QuoteLeg, Stopped, Walk, path},
};
use serde_json::{Value, json};

use crate::{
    ask,
    cli::Move,
    command::follow::millis,
    failure::{Exit, Failure},
    report::{Report, table},
    session::Session,
};

/// Move, quote or resume.
/// # Errors
/// Whatever keeps the coins from arriving; they are under their owner's key all the same.
pub fn run(session: &Session, args: &Move) -> Result<Report, Failure> {
    let client = session.client()?;
    if let Some(id) = &args.resume {
        let plan = Plan::load(&session.moves()?, id)?;
        return walk(session, &client, &plan, args.timeout);
    }
    let (Some(amount), Some(from), Some(to)) = (args.amount, &args.from, &args.to) else {
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            "a move needs an amount and two ledgers",
            "banyan move 10 --from root --to bank",
        ));
    };
    let manner = if args.walk { Manner::Walked } else { Manner::Routed };
    let steps = path(&client.tree()?, &from.0.join("/"), &to.0.join("/"))?;
    let start = client.on(&steps.first().map_or_else(String::new, |step| step.on.clone())).status()?;
    let owner = session.owner(args.account.as_ref(), &start)?;
    let draft = Draft::new(&client, owner.account(), amount, &steps, manner)?;
    let quote = Quote::of(&client, &draft)?;
    if args.quote {
        return Ok(Report::new(text(&quote), of_quote(&quote)));
    }
    draft.legs().iter().filter_map(|leg| leg.review.as_ref()).for_each(|review| session.show(review));
    if !(session.globals.quiet && session.globals.yes) {
        eprintln!("{}", text(&quote));
    }
    ask::confirm("walk these legs?", session.globals.yes)?;
    let plan = draft.sign(&session.unlock(&owner)?)?;
    let file = plan.save(&session.moves()?)?;
    if !session.globals.quiet {
        eprintln!("plan     {}", file.display());
    }
    walk(session, &client, &plan, args.timeout)
}

fn walk(session: &Session, client: &Client, plan: &Plan, seconds: u64) -> Result<Report, Failure> {
    let mut reached: Vec<Reached> = Vec::new();
    let mut progress = session.progress();
    progress.say("under way");
    let mut tell = |step: &Reached| {
        if step.step.is_last() {
            progress.line(&line(plan, step));
        } else {
            progress.say(&heading(plan, step));
        }
        reached.push(step.clone());
    };
    let ended = Walk::new(client, plan, Duration::from_secs(seconds), &mut tell).run();
    drop(progress);
    ended.map_err(|stopped| explain(plan, stopped))?;
    let arrived = plan.legs.last().map_or(Amount::ZERO, |leg| leg.amount);
    let into = plan.legs.last().map_or("", |leg| leg.into.as_str());
    let text = format!("{}   {arrived} BNY arrived on {into}", plan.id());
    Ok(Report::new(
        text,
        json!({
            "id": plan.id(), "journey": plan.name().to_string(), "manner": plan.manner,
            "account": plan.account.to_string(), "arrived": arrived.base().to_string(), "ledger": into,
            "txs": plan.hashes().map(|hash| hash.to_string()).collect::<Vec<_>>(),
            "steps": reached.iter().map(|step| of_step(plan, step)).collect::<Vec<_>>(),
        }),
    ))
}

/// Why the walk ended, where the coins are, and the command that goes on from there.
fn explain(plan: &Plan, stopped: Stopped) -> Failure {
    let next = next_command(plan, &stopped);
    let failure = Failure::from(stopped);
    let told = failure.next.replace("--resume ID", &format!("--resume {}", plan.id()));
    failure.then(next.unwrap_or(told))
}

fn next_command(plan: &Plan, stopped: &Stopped) -> Option<String> {
    let (ledger, amount) = match stopped {
        Stopped::Skipped { ledger, amount, .. } | Stopped::Rests { ledger, amount, .. } => (ledger, *amount),
        _ => return None,
    };
    // What rests pays for going on.
    let fee = plan.legs.iter().find(|leg| leg.on == *ledger)?.fee;
    let rest = amount.minus(fee).and_then(|rest| rest.minus(fee)).filter(|rest| !rest.is_zero())?;
    Some(format!("banyan move {rest} --from {ledger} --to {}", plan.legs.last()?.into))
}

/// How far a leg is, in a few words.
fn heading(plan: &Plan, step: &Reached) -> String {
    let way = plan.legs.get(step.leg).map_or_else(String::new, |leg| format!("{} → {}", leg.on, leg.into));
    let (place, of, level) = (step.leg + 1, plan.legs.len(), step.step.level());
    format!("{place}/{of} {way}   {:<10} {level:<10} {:>6} ms", step.step.word(), step.after.as_millis())
}

/// One step of a leg as a line, with what was proven below it.
pub fn line(plan: &Plan, step: &Reached) -> String {
    let facts = step.checked.iter().flat_map(proven);
    facts.fold(heading(plan, step), |line, fact| format!("{line}\n    {fact}"))
}

/// What the wallet has checked itself, as lines.
pub fn proven(checked: &Checked) -> Vec<String> {
    let fact = |fact: &String| format!("proven on {} at height {}: {fact}", checked.ledger, checked.height);
    checked.facts.iter().map(fact).collect()
}

fn of_step(plan: &Plan, step: &Reached) -> Value {
    let leg = plan.legs.get(step.leg);
    json!({
        "leg": step.leg, "from": leg.map(|leg| &leg.on), "to": leg.map(|leg| &leg.into), "step": step.step.word(),
        "level": step.step.level(), "after_ms": millis(step.after),
        "proven": step.checked.as_ref().map(|checked| json!({
            "ledger": checked.ledger, "height": checked.height.0, "block": checked.block.to_string(), "facts": checked.facts,
        })),
    })
}

/// A duration for people: seconds, minutes or days.
fn about(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}

/// A quote as people read it.
pub fn text(quote: &Quote) -> String {
    let rows: Vec<_> = quote.legs.iter().map(row).collect();
    let (signed, legs) = (quote.legs.iter().filter(|leg| leg.is_signed).count(), quote.legs.len());
    let changes = quote.legs.iter().flat_map(|leg| leg.pending.iter().map(|change| (leg.child(), change)));
    let changes: Vec<_> = changes.map(|(child, change)| format!("\n{child} will change: {change}")).collect();
    let changes = changes.concat();
    format!(
        "{}{changes}\n{}: {legs} {}, {signed} signed   about {}, at worst {}   fees {} BNY   {} BNY arrive",
        table(&rows),
        quote.manner.as_str(),
        if legs == 1 { "leg" } else { "legs" },
        about(quote.expected_ms()),
        about(quote.worst_ms()),
        quote.fees(),
        quote.arrives
    )
}

fn row(leg: &QuoteLeg) -> Vec<String> {
    let covered = match (leg.minted, leg.is_covered()) {
        (Some(minted), Some(true)) => format!("holds {} BNY for {minted} BNY", leg.escrow),
        (Some(minted), _) => format!("holds only {} BNY for {minted} BNY", leg.escrow),
        (None, _) => format!("holds {} BNY", leg.escrow),
    };
    vec![
        format!("{} ─{}→ {}", leg.on, word(leg.action), leg.into),
        format!("{} BNY", leg.amount),
        format!("fee {} BNY", leg.fee),
        format!("about {}, at worst {}", about(leg.expected_ms), about(leg.worst_ms)),
        format!("{}: {}; its escrow {covered}", leg.child(), leg.regime),
        format!("{} BNY lost if it lies", leg.amount),
    ]
}

fn of_quote(quote: &Quote) -> Value {
    let leg = |leg: &QuoteLeg| {
        json!({
            "from": leg.on, "to": leg.into, "action": leg.action, "signed": leg.is_signed,
            "amount": leg.amount.base().to_string(), "fee": leg.fee.base().to_string(),
            "expected_ms": leg.expected_ms, "worst_ms": leg.worst_ms,
            "child": leg.child(), "regime": leg.regime, "escrow": leg.escrow.base().to_string(),
            "minted": leg.minted.map(|minted| minted.base().to_string()), "covered": leg.is_covered(),
            "pending": leg.pending, "at_risk": leg.amount.base().to_string(),
        })
    };
    json!({
        "manner": quote.manner, "legs": quote.legs.iter().map(leg).collect::<Vec<_>>(),
        "fees": quote.fees().base().to_string(), "expected_ms": quote.expected_ms(), "worst_ms": quote.worst_ms(),
        "arrives": quote.arrives.base().to_string(),
    })
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Commit => "commit",
        Action::Withdraw => "withdraw",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use banyan_types::Height;

    fn coins(text: &str) -> Amount {
        text.parse().unwrap()
    }

    /// A way over three ledgers; what was signed plays no part here.
    fn plan() -> Plan {
        let leg = |action: &str, on: &str, into: &str, fee: &str, digit: char| {
            json!({
                "action": action, "on": on, "network_id": on, "into": into, "amount": "10", "fee": fee,
                "associate": "ac_TgTKXQ17BFCetFVL1Z1X5FVUHg6jwvEt6iVZAVmbY5ETmAVMh", "leg": digit.to_string().repeat(64),
            })
        };
        let account = "ak_24h4GD5wdWmQ5sLFADdZYKjEREMujbTAup5THvthcnPikYozq3";
        let legs = [leg("withdraw", "relay", "bank", "0.1", 'a'), leg("withdraw", "bank", "root", "0.03", 'b')];
        serde_json::from_value(json!({ "format": 2, "manner": "routed", "account": account, "legs": legs })).unwrap()
    }

    #[test]
    fn who_stopped_is_told_where_the_coins_are_and_how_to_go_on() {
        let (ledger, amount) = ("bank".to_owned(), coins("9.97"));
        let why = "the associate is dead".to_owned();
        insta::assert_snapshot!(explain(&plan(), Stopped::Rests { leg: 1, ledger: ledger.clone(), amount, why }), @r"
        error: the move has stopped
          leg 1 could not leave bank, where 9.97 BNY rest: the associate is dead
          try: banyan move 9.91 --from bank --to root
        ");
        let (child, height, deadline) = ("relay".to_owned(), Height(30), Height(20));
        let skipped = Stopped::Skipped { leg: 1, child, height, deadline, ledger: ledger.clone(), amount };
        insta::assert_snapshot!(explain(&plan(), skipped), @r"
        error: the move has stopped
          leg 1 came to relay at parent height 30, after its deadline 20
          try: banyan move 9.91 --from bank --to root
        ");
        insta::assert_snapshot!(explain(&plan(), Stopped::Forgotten { leg: 1, ledger }), @r"
        error: the move has stopped
          leg 1 has left bank or rests there: the states of its time are no longer kept
          try: banyan account show says on which ledger the coins are; plan the move from there
        ");
        let late = Stopped::TimedOut { leg: 0, waiting: "summarised", seconds: 300 };
        insta::assert_snapshot!(explain(&plan(), late).to_json(), @r#"{"error":{"code":"timed_out","details":null,"message":"the move has stopped: leg 0 is not summarised after 300 s; it may still be","owner":"early","try":"banyan move --resume aaaaaaaaaaaaaaaa"}}"#);
    }

    #[test]
    fn a_quote_says_of_each_leg_what_it_costs_takes_and_risks() {
        let leg = |action, on: &str, into: &str, amount: &str, fee: &str, is_signed| QuoteLeg {
            action,
            on: on.into(),
            into: into.into(),
            is_signed,
            amount: coins(amount),
            fee: coins(fee),
            expected_ms: 9_000,
            worst_ms: 604_800_000,
            regime: "operators 2 of 3".into(),
            escrow: coins("100"),
            minted: Some(coins("100")),
            pending: vec![],
        };
        let mut legs = vec![
            leg(Action::Withdraw, "relay", "bank", "10", "0.00002", true),
            leg(Action::Commit, "bank", "shop", "9.99997", "0.00003", false),
        ];
        legs[1].minted = Some(coins("101"));
        legs[1].pending.push(r#"{"due":12}"#.into());
        let quote = Quote { manner: Manner::Routed, legs, arrives: coins("9.99997") };
        insta::assert_snapshot!(text(&quote), @r#"
        relay ─withdraw→ bank  10 BNY       fee 0.00002 BNY  about 9 s, at worst 7 days  relay: operators 2 of 3; its escrow holds 100 BNY for 100 BNY      10 BNY lost if it lies
        bank ─commit→ shop     9.99997 BNY  fee 0.00003 BNY  about 9 s, at worst 7 days  shop: operators 2 of 3; its escrow holds only 100 BNY for 101 BNY  9.99997 BNY lost if it lies
        shop will change: {"due":12}
        routed: 2 legs, 1 signed   about 18 s, at worst 14 days   fees 0.00005 BNY   9.99997 BNY arrive
        "#);
        let json = of_quote(&quote);
        assert_eq!(
            (&json["manner"], &json["legs"][1]["covered"], &json["legs"][1]["signed"]),
            (&"routed".into(), &false.into(), &false.into())
        );
    }

    #[test]
    fn a_duration_is_said_in_the_largest_unit_that_fits() {
        for (ms, said) in [
            (0, "0 s"),
            (1, "1 s"),
            (119_000, "119 s"),
            (120_000, "2 min"),
            (7_200_000, "2 h"),
            (172_800_000, "2 days"),
        ] {
            assert_eq!(about(ms), said);
        }
    }
}
